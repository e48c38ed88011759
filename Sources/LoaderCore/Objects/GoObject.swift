internal import Synchronization

/// One parsed Go object: the mapped bytes, where its blocks lie, and what every link needs of it.
///
/// Immutable after `parse`, shared by all programs of a daemon. Offsets and counts of the blocks are
/// checked here once; what single symbols say (their names, relocations, data) is checked on access by
/// `ObjectView`, which reports a lie through `fault`.
package final class GoObject: @unchecked Sendable {
  package struct Import: Sendable {
    /// Cleaned, as the linker looks it up.
    package let path: String
    package let fingerprint: UInt64
  }

  package let file: MappedFile
  /// The object's bytes inside the archive, from its magic to its end.
  package let view: ObjectView
  package let fingerprint: UInt64
  package let imports: [Import]
  /// Referenced packages, as their escaped path prefix; index 0 is not used.
  package let packages: [String]
  /// A hash of every symbol's name, by local index (hashed symbols have none); see `NameHash`.
  package let nameHashes: UnsafeMutablePointer<UInt32>
  /// One byte a definition, by local index; see `SymbolTraits`.
  package let traits: UnsafeMutablePointer<UInt8>
  /// One byte a definition, by local index; see `SymbolClass`.
  package let classes: UnsafeMutablePointer<UInt8>
  /// What passes ask of single symbols, by local index.
  let notes: ObjectNotes
  /// No other object of this process has the same number, and none has 0.
  let serial: UInt64
  /// What was found of it and the version before it.
  let versions = VersionMemo()
  private let ownContentTags = ContentTagsMemo()
  /// Where it may differ from another version.
  let differences: Differences?
  private static let serials = Atomic<UInt64>(0)
  /// The definitions of functions, by local index, rising.
  package var functions: [UInt32] { notes.functions }
  private let faultCell: UnsafeMutablePointer<UInt32>
  /// Who has the tables, when they are not this object's own.
  let owner: ObjectTables.Owner?
  /// The first of those that a link reads like this one, when it is another.
  private let model: GoObject?
  /// `serial` of the object that this one was found to be laid out like when it was parsed (`ObjectView.isLaidOut`); 0 for
  /// none.
  let laidOutLike: UInt64

  /// What is known of an object before it is parsed.
  struct Known {
    /// `nameHashes` from an earlier parse of the same bytes.
    var hashes: ByteView?
    /// All that an earlier parse of them computed.
    var tables: ObjectTables?
    var model: Model?
  }

  /// Where what passes read of an object may be other bytes than in another version of it, which has as many.
  struct Differences {
    /// Of the other version.
    let serial: UInt64
    /// Of the object's bytes, rising.
    let ranges: [Range<Int>]

    /// - Parameter model: the other version, and where the files of both may differ.
    init?(of bytes: ByteView, in file: MappedFile, from model: Model?) {
      guard let model, let ranges = model.differences, let base = file.bytes.base, let start = bytes.base
      else {
        return nil
      }
      let object = (start - base)..<(start - base + bytes.count)
      serial = model.object.serial
      self.ranges = ranges.filter { $0.overlaps(object) }.map {
        let range = $0.clamped(to: object)
        return range.lowerBound - object.lowerBound..<range.upperBound - object.lowerBound
      }
    }
  }

  /// An object that another one may be like.
  struct Model {
    let object: GoObject
    /// Whether a link reads both alike (`ArchiveSum`).
    let isLinkedAlike: Bool
    /// `ArchiveSum.differences`
    var differences: [Range<Int>]?

    fileprivate func isLaidOut(like view: ObjectView) -> Bool {
      !isLinkedAlike && view.isLaidOut(like: object.view)
    }
  }

  private init(
    file: MappedFile, view: ObjectView, fingerprint: UInt64, imports: [Import], packages: [String],
    known: Known, faultCell: UnsafeMutablePointer<UInt32>
  ) {
    let isLaidOut = known.model?.isLaidOut(like: view) ?? false
    laidOutLike = isLaidOut ? known.model?.object.serial ?? 0 : 0
    // The other's tables, if they are the same.
    let isModel = isLaidOut || known.model?.isLinkedAlike ?? false
    let tables = (isModel ? known.model.map { ObjectTables(of: $0.object) } : known.tables).flatMap {
      $0.symbolCount == view.symbolCount ? $0 : nil
    }
    if let tables {
      (nameHashes, traits, classes) = (tables.nameHashes, tables.traits, tables.classes)
      notes = tables.notes
    } else {
      nameHashes = Self.nameHashes(view, known.hashes)
      traits = .allocate(capacity: max(view.symbolCount, 1))
      classes = .allocate(capacity: max(view.symbolCount, 1))
      for i in 0..<view.symbolCount {
        let k = UInt32(i)
        let flags = view.symbolFlags(k)
        traits[i] = SymbolTraits(flags: flags, alignment: view.alignment(k)).rawValue
        classes[i] = SymbolClass(flags: flags, kind: view.kind(k)).rawValue
      }
      notes = ObjectNotes(view, traits, classes)
    }
    owner = tables?.owner
    model = known.model.flatMap { $0.isLinkedAlike ? $0.object.model ?? $0.object : nil }
    differences = Differences(of: view.bytes, in: file, from: known.model)
    self.file = file
    self.view = view
    self.fingerprint = fingerprint
    self.imports = imports
    self.packages = packages
    self.faultCell = faultCell
    serial = Self.serials.add(1, ordering: .relaxed).newValue
  }

  deinit {
    if owner == nil {
      nameHashes.deallocate()
      traits.deallocate()
      classes.deallocate()
    }
    faultCell.deallocate()
  }

  /// Of its contents, from the second time on that they are asked for. What links read alike has them in common.
  var contentTags: ContentTags? { (model ?? self).ownContentTags.tags(view) }

  /// Bytes of memory of its own, besides the mapped ones.
  package var privateBytes: Int { view.symbolCount * 4 + ownContentTags.byteCount + 512 }

  /// Whether it is known of both that a link reads them alike.
  package func isKnownToBeLinked(like other: GoObject) -> Bool { (model ?? self) === (other.model ?? other) }

  /// Whether some access found the object to contradict itself.
  package var isCorrupt: Bool { faultCell.pointee != 0 }

  /// What becomes of a link with an object that is corrupt.
  var failure: LinkFailure {
    faultCell.pointee == 2
      ? .unsupported(reason: "\(file.path) refers to what is no definition of a package")
      : .corrupt(file: file.path, detail: "object contradicts itself")
  }

  /// Reads the object whose bytes are `bytes` of `file` (from the object's own magic on).
  ///
  /// - Throws: `LinkFailure.corrupt` when the header or a block does not fit.
  static func parse(
    _ bytes: ByteView, of file: MappedFile, name: String, known: Known = Known()
  ) throws(LinkFailure) -> GoObject {
    func corrupt(_ detail: String) -> LinkFailure { .corrupt(file: name, detail: detail) }
    guard bytes.hasPrefix(ObjectFormat.magic) else {
      if bytes.hasPrefix("\0go114ld") {
        throw .fatal("found object file \(file.path) in old format")
      }
      throw corrupt("wrong magic, not a Go object file")
    }
    guard bytes.count >= ObjectFormat.headerSize, bytes.count <= Int(Int32.max) else {
      throw corrupt("truncated object header")
    }
    let faultCell = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
    faultCell.initialize(to: 0)
    guard let view = ObjectView(bytes: bytes, fault: faultCell) else {
      faultCell.deallocate()
      throw corrupt("block offsets out of range")
    }
    let imports = readImports(view)
    let packages = readPackages(view)
    if faultCell.pointee != 0 {
      faultCell.deallocate()
      throw corrupt("string outside of the object")
    }
    return GoObject(
      file: file, view: view, fingerprint: bytes.u64(8), imports: imports, packages: packages,
      known: known, faultCell: faultCell)
  }

  private static func nameHashes(_ view: ObjectView, _ known: ByteView?) -> UnsafeMutablePointer<UInt32> {
    let hashes = UnsafeMutablePointer<UInt32>.allocate(capacity: max(view.symbolCount, 1))
    if let known, known.count == 4 * view.symbolCount {
      for i in 0..<view.symbolCount { hashes[i] = known.u32(4 * i) }
    } else {
      for i in 0..<view.symbolCount {
        hashes[i] = view.isHashed(UInt32(i)) ? 0 : NameHash.of(view.name(UInt32(i)))
      }
    }
    return hashes
  }

  /// Symbols of the object at `bytes`, as its header tells; 0 when that makes no sense.
  static func symbolCount(_ bytes: ByteView) -> Int {
    let first = ObjectFormat.Block.symbolDef.rawValue
    let last = ObjectFormat.Block.nonPackageRef.rawValue
    let size = Int(bytes.u32(20 + 4 * (last + 1))) - Int(bytes.u32(20 + 4 * first))
    return max(0, size / ObjectFormat.symbolSize)
  }

  private static func readImports(_ view: ObjectView) -> [Import] {
    let n = view.blockSize(.autolib) / ObjectFormat.importedPackageSize
    return (0..<n).map { i in
      let at = view.block(.autolib) + i * ObjectFormat.importedPackageSize
      return Import(
        path: PackagePath.clean(view.stringRef(at: at).string),
        fingerprint: view.bytes.u64(at + ObjectFormat.stringRefSize))
    }
  }

  private static func readPackages(_ view: ObjectView) -> [String] {
    let n = view.blockSize(.packageIndex) / ObjectFormat.stringRefSize
    return (0..<n).map { view.stringRef(at: view.block(.packageIndex) + $0 * 8).string }
  }
}

/// What adds up over all definitions of a symbol, winning or not, packed into a byte: alignment and three
/// flags.
package struct SymbolTraits {
  package let rawValue: UInt8
  @inline(__always) package init(rawValue: UInt8) { self.rawValue = rawValue }

  init(flags: SymbolFlags, alignment: UInt32) {
    var v: UInt8 = alignment == 0 ? 0 : UInt8(truncatingIfNeeded: min(alignment.trailingZeroBitCount, 30) + 1)
    if flags.contains(.local) { v |= 0x20 }
    if flags.contains(.usedInIface) { v |= 0x40 }
    if flags.contains(.wasmExport) { v |= 0x80 }
    rawValue = v
  }

  /// log2 of the alignment plus 1; 0 when the definition does not say.
  @inline(__always) package var alignment: UInt8 { rawValue & 0x1f }
  @inline(__always) package var hasFlags: Bool { rawValue & 0xe0 != 0 }
  package var isLocal: Bool { rawValue & 0x20 != 0 }
  package var isUsedInIface: Bool { rawValue & 0x40 != 0 }
  package var isWasmExport: Bool { rawValue & 0x80 != 0 }
}

/// What the passes that visit every symbol ask of one, in a byte: reading it from the record costs three
/// dependent cache misses.
package struct SymbolClass: OptionSet, BitwiseCopyable, Sendable {
  package let rawValue: UInt8
  @inline(__always) package init(rawValue: UInt8) { self.rawValue = rawValue }
  @inline(__always) package static var text: SymbolClass { SymbolClass(rawValue: 1) }
  @inline(__always) package static var dupOK: SymbolClass { SymbolClass(rawValue: 2) }
  @inline(__always) package static var goType: SymbolClass { SymbolClass(rawValue: 4) }
  @inline(__always) package static var itab: SymbolClass { SymbolClass(rawValue: 8) }
  @inline(__always) package static var reflectMethod: SymbolClass { SymbolClass(rawValue: 16) }
  @inline(__always) package static var packageInit: SymbolClass { SymbolClass(rawValue: 32) }
  @inline(__always) package static var noSplit: SymbolClass { SymbolClass(rawValue: 64) }

  init(flags: SymbolFlags, kind: UInt8) {
    var v: SymbolClass = SymbolKind.fromObjectByte(kind).isText ? .text : []
    if flags.contains(.dupOK) { v.insert(.dupOK) }
    if flags.contains(.goType) { v.insert(.goType) }
    if flags.contains(.itab) { v.insert(.itab) }
    if flags.contains(.reflectMethod) { v.insert(.reflectMethod) }
    if flags.contains(.packageInit) { v.insert(.packageInit) }
    if flags.contains(.noSplit) { v.insert(.noSplit) }
    self = v
  }
}

/// The hash by which names are looked up: fast on the 10 to 100 bytes of a symbol name, never stored on
/// disk, and without a meaning of its own.
package enum NameHash {
  @inline(__always)
  package static func of(_ name: ByteView) -> UInt32 {
    guard let base = name.base else { return 0x9e37_79b9 }
    var h: UInt64 = 0x9e37_79b9_7f4a_7c15 ^ UInt64(truncatingIfNeeded: name.count)
    var i = 0
    let n = name.count
    while i &+ 8 <= n {
      h = mix(h ^ base.loadUnaligned(fromByteOffset: i, as: UInt64.self))
      i &+= 8
    }
    if i < n {
      var tail: UInt64 = 0
      var shift: UInt64 = 0
      while i < n {
        tail |= UInt64(base.load(fromByteOffset: i, as: UInt8.self)) << shift
        shift &+= 8
        i &+= 1
      }
      h = mix(h ^ tail)
    }
    return UInt32(truncatingIfNeeded: h ^ (h >> 32))
  }

  @inline(__always)
  private static func mix(_ x: UInt64) -> UInt64 {
    let p = x.multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
    return p.high ^ p.low
  }
}
