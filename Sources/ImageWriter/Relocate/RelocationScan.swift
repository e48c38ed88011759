import LoaderCore

/// What one worker makes lists of relocations with.
final class RelocationScribe: @unchecked Sendable {
  private var writer: RelocationLists.Writer
  private var finder: Targets.Finder

  init(_ lists: RelocationLists, _ targets: Targets) {
    writer = RelocationLists.Writer(lists)
    finder = Targets.Finder(targets)
  }

  deinit { finder.deallocate() }

  /// Lists the relocations of a symbol with `count` bytes at `data`.
  ///
  /// - Returns: nil when one of them is of a rare sort.
  func list(
    _ s: SymbolID, _ reader: SymbolReader, data: UnsafeRawPointer?, count: Int
  ) -> (position: UInt32, count: Int)? {
    let relocations = reader.relocations(s)
    guard relocations.count > 0 else { return (0, 0) }
    guard relocations.count <= RelocationLists.listLimit, writer.begin(relocations.count) else { return nil }
    var end = 0
    for i in 0..<relocations.count {
      let r = relocations[i]
      let (offset, size) = (Int(r.offset), Int(r.size))
      guard offset >= 0, offset &+ size <= count else { return nil }
      if size == 0 { continue }
      // Fields in order do not overlap: each can be written again alone.
      guard offset >= end, let kind = kind(r), let addend = Int32(exactly: r.addend) else { return nil }
      end = offset &+ size
      if kind == ListedRelocation.Kind.weakAddrOff {
        // What stays is 0.
        guard let data, data.loadUnaligned(fromByteOffset: offset, as: UInt32.self) == 0 else { return nil }
      }
      let target = reader.target(r, in: relocations)
      guard !target.isNone, let number = finder.number(target) else { return nil }
      writer.append(
        ListedRelocation(
          offset: UInt32(truncatingIfNeeded: offset), target: number, kind: kind, addend: addend))
    }
    let n = writer.count
    return (n == 0 ? 0 : writer.end(), n)
  }

  @inline(__always)
  private func kind(_ r: Relocation) -> UInt32? {
    switch (r.type, r.size) {
    case (RelocType.call, 4), (RelocType.pcrel, 4), (RelocType.gotPCRel, 4):
      return r.isWeak ? nil : ListedRelocation.Kind.pcrel
    case (RelocType.addr, 8): return r.isWeak ? ListedRelocation.Kind.weakAddr : ListedRelocation.Kind.addr
    case (RelocType.addrOff, 4):
      return r.isWeak ? ListedRelocation.Kind.weakAddrOff : ListedRelocation.Kind.addrOff
    case (RelocType.methodOff, 4): return ListedRelocation.Kind.methodOff
    default: return nil
    }
  }
}

/// Relocation by list: the arithmetic of `Relocator` for the kinds of `ListedRelocation`.
struct ListRelocator: @unchecked Sendable {
  /// `Targets.words`
  let words: UnsafePointer<UInt64>
  /// Virtual addresses of the sections.
  let sectionBases: UnsafePointer<UInt64>
  /// Where runtime.unreachableMethod is.
  let unreachableMethod: UInt64

  /// Relocates a symbol whose bytes are at `field`, and whose address is `address`.
  ///
  /// - Returns: false when one of its relocations must be looked at as the object has it.
  @inline(__always)
  func apply(
    _ list: UnsafePointer<ListedRelocation>, count: Int, to field: UnsafeMutableRawPointer, address: UInt64
  ) -> Bool {
    typealias Kind = ListedRelocation.Kind
    for i in 0..<count {
      let r = list[i]
      let word = words[r.target]
      let (value, section) = (Int64(bitPattern: word & Addresses.addressMask), word >> 48)
      let site = field + Int(r.offset)
      // No section, or the mark of an odd target.
      if section &- 1 >= 0xfffe {
        guard word == 0, applyUnreached(r.kind, to: site, addend: r.addend) else { return false }
        continue
      }
      switch r.kind {
      case Kind.pcrel:
        let from = Int64(bitPattern: address &+ UInt64(r.offset) &+ 4)
        let result = value &+ Int64(r.addend) &- from
        guard result == Int64(Int32(truncatingIfNeeded: result)) else { return false }
        site.storeBytes(of: UInt32(truncatingIfNeeded: result).littleEndian, as: UInt32.self)
      case Kind.addr, Kind.weakAddr:
        let result = UInt64(bitPattern: value &+ Int64(r.addend))
        site.storeBytes(of: result.littleEndian, as: UInt64.self)
      default:
        let result = value &- Int64(bitPattern: sectionBases[Int(section)]) &+ Int64(r.addend)
        site.storeBytes(of: UInt32(truncatingIfNeeded: result).littleEndian, as: UInt32.self)
      }
    }
    return true
  }

  /// The target is no part of the program.
  private func applyUnreached(_ kind: UInt32, to site: UnsafeMutableRawPointer, addend: Int32) -> Bool {
    switch kind {
    case ListedRelocation.Kind.methodOff:
      site.storeBytes(of: UInt32.max, as: UInt32.self)
    case ListedRelocation.Kind.weakAddrOff: site.storeBytes(of: 0, as: UInt32.self)
    case ListedRelocation.Kind.weakAddr:
      let result = UInt64(bitPattern: Int64(bitPattern: unreachableMethod) &+ Int64(addend))
      site.storeBytes(of: result.littleEndian, as: UInt64.self)
    default: return false
    }
    return true
  }
}
