internal import CPrefetch

/// The typed view of one object's bytes: plain numbers, no references, made to be read through a pointer
/// in inner loops. Local indices run over package symbols, short hashed, hashed and non-package
/// definitions, then non-package references (goobj.Reader).
package struct ObjectView: @unchecked Sendable {
  package let bytes: ByteView
  /// Set to 1 by whoever finds the object contradicting itself; several threads may set it, all to 1.
  package let fault: UnsafeMutablePointer<UInt32>
  package let flags: UInt32
  /// Numbers of symbols per block.
  package let packageDefs: Int
  package let hashed64Defs: Int
  package let hashedDefs: Int
  package let nonPackageDefs: Int
  package let nonPackageRefs: Int
  /// Definitions in all.
  package let definitions: Int
  /// Definitions and references.
  package let symbolCount: Int
  package let symbolStart: Int
  package let relocIndexStart: Int
  package let auxIndexStart: Int
  package let dataIndexStart: Int
  package let relocStart: Int
  package let auxStart: Int
  package let dataStart: Int
  package let relocCount: UInt32
  package let auxCount: UInt32
  package let dataSize: UInt32
  package let hash64Start: Int
  package let hashStart: Int

  /// Checks the header's block offsets; nil when they are not ordered or leave the object.
  init?(bytes: ByteView, fault: UnsafeMutablePointer<UInt32>) {
    typealias Block = ObjectFormat.Block
    func offset(_ b: Block) -> Int { Int(bytes.u32(20 + 4 * b.rawValue)) }
    func size(_ b: Block) -> Int {
      Int(bytes.u32(24 + 4 * b.rawValue)) - Int(bytes.u32(20 + 4 * b.rawValue))
    }
    var previous = ObjectFormat.headerSize
    for i in 0..<Block.count {
      let o = Int(bytes.u32(20 + 4 * i))
      guard o >= previous, o <= bytes.count else { return nil }
      previous = o
    }
    self.bytes = bytes
    self.fault = fault
    flags = bytes.u32(16)
    packageDefs = size(.symbolDef) / ObjectFormat.symbolSize
    hashed64Defs = size(.hashed64Def) / ObjectFormat.symbolSize
    hashedDefs = size(.hashedDef) / ObjectFormat.symbolSize
    nonPackageDefs = size(.nonPackageDef) / ObjectFormat.symbolSize
    nonPackageRefs = size(.nonPackageRef) / ObjectFormat.symbolSize
    definitions = packageDefs + hashed64Defs + hashedDefs + nonPackageDefs
    symbolCount = definitions + nonPackageRefs
    symbolStart = offset(.symbolDef)
    relocIndexStart = offset(.relocIndex)
    auxIndexStart = offset(.auxIndex)
    dataIndexStart = offset(.dataIndex)
    relocStart = offset(.reloc)
    auxStart = offset(.aux)
    dataStart = offset(.data)
    relocCount = UInt32(size(.reloc) / ObjectFormat.relocSize)
    auxCount = UInt32(size(.aux) / ObjectFormat.auxSize)
    dataSize = UInt32(size(.data))
    hash64Start = offset(.hash64)
    hashStart = offset(.hash)
    // The symbol blocks must follow one another without gaps: local indices run across them.
    let records = [Block.symbolDef, .hashed64Def, .hashedDef, .nonPackageDef, .nonPackageRef]
    for b in records where size(b) % ObjectFormat.symbolSize != 0 { return nil }
    for b in [Block.relocIndex, .auxIndex, .dataIndex] where size(b) < 4 * (definitions + 1) { return nil }
    guard size(.hash64) >= 8 * hashed64Defs, size(.hash) >= 16 * hashedDefs else { return nil }
  }

  @inline(__always) package var isFromAssembly: Bool { flags & ObjectFormat.ObjectFlags.fromAssembly != 0 }
  @inline(__always) package var isUnlinkable: Bool { flags & ObjectFormat.ObjectFlags.unlinkable != 0 }
  @inline(__always) package var isStd: Bool { flags & ObjectFormat.ObjectFlags.std != 0 }
  @inline(__always) package var isShared: Bool { flags & ObjectFormat.ObjectFlags.shared != 0 }

  func block(_ b: ObjectFormat.Block) -> Int { Int(bytes.u32(20 + 4 * b.rawValue)) }
  func blockSize(_ b: ObjectFormat.Block) -> Int {
    Int(bytes.u32(24 + 4 * b.rawValue)) - Int(bytes.u32(20 + 4 * b.rawValue))
  }

  /// Whether all blocks begin where another object's do, and both have as many bytes.
  func hasLayout(of other: ObjectView) -> Bool {
    let offsets = 4 * ObjectFormat.Block.count
    return bytes.count == other.bytes.count && bytes.slice(20, offsets) == other.bytes.slice(20, offsets)
  }

  /// Notes a contradiction; the link that sees it fails, naming this object.
  @inline(never) package func noteFault() { fault.pointee = 1 }

  /// Notes something that the real linker takes and linkd does not: it gets the link.
  @inline(never) package func noteStrangeness() {
    if fault.pointee == 0 { fault.pointee = 2 }
  }

  /// A (length, offset) string reference at `at`.
  @inline(__always)
  package func stringRef(at: Int) -> ByteView {
    let n = Int(bytes.u32(at))
    let o = Int(bytes.u32(at &+ 4))
    guard n > 0 else { return .empty }
    guard bytes.fits(o, n) else {
      noteFault()
      return .empty
    }
    return bytes.slice(o, n)
  }

  // MARK: symbol records; `i` is a local index below `symbolCount`

  @inline(__always) package func record(_ i: UInt32) -> Int {
    symbolStart &+ Int(i) &* ObjectFormat.symbolSize
  }
  @inline(__always) package func name(_ i: UInt32) -> ByteView { stringRef(at: record(i)) }
  @inline(__always) package func abi(_ i: UInt32) -> UInt16 { bytes.u16(record(i) &+ 8) }
  /// The object file's symbol kind (cmd/internal/objabi/symkind.go).
  @inline(__always) package func kind(_ i: UInt32) -> UInt8 { bytes.u8(record(i) &+ 10) }
  @inline(__always) package func symbolFlags(_ i: UInt32) -> SymbolFlags {
    SymbolFlags(rawValue: bytes.u16(record(i) &+ 11))
  }
  /// Bytes the symbol occupies in the image; its data may be shorter.
  @inline(__always) package func size(_ i: UInt32) -> UInt32 { bytes.u32(record(i) &+ 13) }
  /// Alignment in bytes, 0 when the object does not say.
  @inline(__always) package func alignment(_ i: UInt32) -> UInt32 { bytes.u32(record(i) &+ 17) }

  @inline(__always) package func isHashed(_ i: UInt32) -> Bool {
    Int(i) >= packageDefs && Int(i) < packageDefs &+ hashed64Defs &+ hashedDefs
  }

  /// The 8-byte content hash of the `k`-th short hashed definition.
  @inline(__always) func hash64(_ k: Int) -> UInt64 { bytes.u64(hash64Start &+ 8 &* k) }
  /// The 16-byte content hash of the `k`-th hashed definition.
  @inline(__always) func hash(_ k: Int) -> ByteView { bytes.slice(hashStart &+ 16 &* k, 16) }

  /// All short hashes, 8 bytes each, and all long ones, 16 bytes each; empty when the object is cut off there.
  var shortHashes: ByteView { bytes.slice(hash64Start, 8 * hashed64Defs) }
  var longHashes: ByteView { bytes.slice(hashStart, 16 * hashedDefs) }

  // MARK: contents

  @inline(__always)
  package func range(_ indexStart: Int, _ i: UInt32, limit: UInt32) -> (start: UInt32, count: UInt32) {
    guard Int(i) < definitions else { return (0, 0) }
    let at = indexStart &+ 4 &* Int(i)
    let a = bytes.u32(at)
    let b = bytes.u32(at &+ 4)
    guard a <= b, b <= limit else {
      noteFault()
      return (0, 0)
    }
    return (a, b &- a)
  }

  @inline(__always) package func data(_ i: UInt32) -> ByteView {
    let r = range(dataIndexStart, i, limit: dataSize)
    return bytes.slice(dataStart &+ Int(r.start), Int(r.count))
  }

  @inline(__always) package func dataCount(_ i: UInt32) -> Int {
    Int(range(dataIndexStart, i, limit: dataSize).count)
  }

  /// Has the entries brought near that say where a definition's relocations and auxiliary symbols are.
  @inline(__always) func prefetchIndices(_ i: UInt32) {
    guard let base = bytes.base, Int(i) < definitions else { return }
    cprefetch(base + (relocIndexStart &+ 4 &* Int(i)))
    cprefetch(base + (auxIndexStart &+ 4 &* Int(i)))
  }

  /// Has the first relocations and auxiliary symbols of a definition brought near.
  @inline(__always) func prefetchRecords(_ i: UInt32) {
    let (relocations, count) = relocRecords(i)
    if let relocations {
      cprefetch(relocations)
      if count > 64 / ObjectFormat.relocSize { cprefetch(relocations + 64) }
    }
    if let auxiliaries = auxRecords(i).0 { cprefetch(auxiliaries) }
  }

  /// The relocation records of a definition: first record and number.
  @inline(__always) package func relocRecords(_ i: UInt32) -> (UnsafeRawPointer?, Int) {
    let r = range(relocIndexStart, i, limit: relocCount)
    guard r.count > 0, let base = bytes.base else { return (nil, 0) }
    return (base + (relocStart &+ Int(r.start) &* ObjectFormat.relocSize), Int(r.count))
  }

  @inline(__always) package func auxCount(_ i: UInt32) -> Int {
    Int(range(auxIndexStart, i, limit: auxCount).count)
  }

  /// The auxiliary symbols of a definition: first record and number.
  @inline(__always) package func auxRecords(_ i: UInt32) -> (UnsafeRawPointer?, Int) {
    let r = range(auxIndexStart, i, limit: auxCount)
    guard r.count > 0, let base = bytes.base else { return (nil, 0) }
    return (base + (auxStart &+ Int(r.start) &* ObjectFormat.auxSize), Int(r.count))
  }

  // MARK: references

  /// The place among an object's symbols of one that it refers to by itself, by contents or by name.
  @inline(__always) func localIndex(_ ref: SymbolRef) -> Int? {
    let local = Int(ref.index)
    switch ref.package_ {
    case ObjectFormat.PackageIndex.own: return local
    case ObjectFormat.PackageIndex.none: return local &+ packageDefs &+ hashed64Defs &+ hashedDefs
    case ObjectFormat.PackageIndex.hashed64: return local &+ packageDefs
    case ObjectFormat.PackageIndex.hashed: return local &+ packageDefs &+ hashed64Defs
    default: return nil
    }
  }

  package var refFlagCount: Int { blockSize(.refFlags) / ObjectFormat.refFlagsSize }
  /// The `k`-th entry of the reference flags: which symbol, and its flags.
  func refFlags(_ k: Int) -> (ref: SymbolRef, flags: SymbolFlags) {
    let at = block(.refFlags) + k * ObjectFormat.refFlagsSize
    return (
      SymbolRef(package_: bytes.u32(at), index: bytes.u32(at + 4)),
      SymbolFlags(rawValue: bytes.u16(at + 8))
    )
  }

  // MARK: source files

  package var fileCount: Int { blockSize(.file) / ObjectFormat.stringRefSize }
  /// The `k`-th file name of the compilation unit; empty when there is none.
  package func fileName(_ k: Int) -> ByteView {
    guard k >= 0, k < fileCount else {
      noteFault()
      return .empty
    }
    return stringRef(at: block(.file) + k * ObjectFormat.stringRefSize)
  }
}
