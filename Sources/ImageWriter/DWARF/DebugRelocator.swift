import LoaderCore

/// Copies DWARF symbols of objects into their sections and fills in what their relocations ask for
/// (cmd/link/internal/ld/data.go relocsym, as far as DWARF uses it).
package struct DebugRelocator: @unchecked Sendable {
  private let reader: SymbolReader
  private let places: UnsafePointer<UInt32>
  private let placeCount: Int
  /// As `Addresses.packed`.
  private let words: UnsafePointer<UInt64>
  private let wordCount: Int
  /// Start addresses by section.
  private let sectionStarts: [UInt64]
  /// Set to the symbol whose relocations could not be applied; any one of several.
  private let failure: UnsafeMutablePointer<UInt32>

  init(
    _ reader: SymbolReader, _ places: borrowing DebugPlaces, _ addresses: borrowing Addresses,
    sectionStarts: [UInt64], failure: UnsafeMutablePointer<UInt32>
  ) {
    self.reader = reader
    self.places = UnsafePointer(places.base)
    placeCount = places.count
    words = addresses.packed
    wordCount = addresses.count
    self.sectionStarts = sectionStarts
    self.failure = failure
  }

  @inline(__always)
  func address(_ s: SymbolID) -> UInt64 {
    s.index < wordCount ? words[s.index] & Addresses.addressMask : 0
  }

  /// The distance from the start of the symbol's section (R_ADDROFF); nil when it has none.
  @inline(__always)
  func offsetInSection(_ s: SymbolID) -> UInt64? {
    guard s.index < wordCount else { return nil }
    let section = Int(words[s.index] >> 48)
    guard section != 0, section < sectionStarts.count else { return nil }
    return words[s.index] & Addresses.addressMask &- sectionStarts[section]
  }

  @inline(never) func fail(_ s: SymbolID) { failure.pointee = s.raw }

  /// Copies `s` to `out`, which has room for its size, and relocates the copy.
  @inline(__always)
  func copy(_ s: SymbolID, to out: UnsafeMutableRawPointer) -> Int {
    var nobody = NoWatch()
    return copy(s, to: out, &nobody)
  }

  /// Copies `s` to `out`, which has room for its size, and relocates the copy.
  ///
  /// - Parameter watch: is told of the relocations.
  @inline(__always)
  func copy<W: RelocationWatch>(_ s: SymbolID, to out: UnsafeMutableRawPointer, _ watch: inout W) -> Int {
    let data = reader.data(s)
    let size = Int(reader.size(s))
    // DWARF has no zeroed parts: the lengths that the units state count both.
    guard data.count == size else {
      fail(s)
      return size
    }
    if let from = data.base { out.copyMemory(from: from, byteCount: size) }
    let relocs = reader.relocations(s)
    for i in 0..<relocs.count {
      let r = relocs[i]
      let at = Int(r.offset)
      guard at >= 0, at &+ Int(r.size) <= size else {
        fail(s)
        continue
      }
      if r.size == 0 { continue }
      // Nearly all are of these two kinds.
      if r.type == RelocType.dwarfSecRef, r.size == 4 {
        let target = reader.target(r, in: relocs)
        let place = place(target)
        if place == 0 { fail(s) }
        watch.noteOffset(at: at, of: target)
        let value = Int64(place &- 1) &+ r.addend
        out.storeBytes(
          of: UInt32(truncatingIfNeeded: value).littleEndian, toByteOffset: at, as: UInt32.self)
      } else if r.type &- RelocType.dwtxtAddrU1 <= 3 {
        let place = place(reader.target(r, in: relocs))
        let width = Int(r.type &- RelocType.dwtxtAddrU1) &+ 1
        if place == 0 || Int(r.size) != width { fail(s) }
        Self.storeFixedULEB(place &- 1, width: min(width, Int(r.size)), to: out + at)
      } else {
        watch.noteOther(r, of: reader.target(r, in: relocs))
        apply(r, relocs, to: out + at, of: s)
      }
    }
    return size
  }

  @inline(__always)
  private func place(_ s: SymbolID) -> UInt32 { s.index < placeCount ? places[s.index] : 0 }

  @inline(never)
  private func apply(
    _ r: Relocation, _ relocs: Relocations, to field: UnsafeMutableRawPointer, of s: SymbolID
  ) {
    let target = reader.target(r, in: relocs)
    switch r.type {
    case RelocType.addr where !r.isWeak:
      let value = address(target)
      guard value != 0 else { return fail(s) }
      store(value &+ UInt64(bitPattern: r.addend), r.size, to: field, of: s)
    case RelocType.addrOff where !r.isWeak:
      guard let value = offsetInSection(target) else { return fail(s) }
      store(value &+ UInt64(bitPattern: r.addend), r.size, to: field, of: s)
    default: fail(s)
    }
  }

  private func store(_ value: UInt64, _ size: UInt8, to field: UnsafeMutableRawPointer, of s: SymbolID) {
    switch size {
    case 8: field.storeBytes(of: value.littleEndian, as: UInt64.self)
    case 4 where value <= UInt64(Int32.max):
      field.storeBytes(of: UInt32(truncatingIfNeeded: value).littleEndian, as: UInt32.self)
    default: fail(s)
    }
  }

  /// A ULEB128 of exactly `width` bytes, the high ones redundant if need be (writeUleb128FixedLength).
  @inline(__always)
  package static func storeFixedULEB(_ value: UInt32, width: Int, to field: UnsafeMutableRawPointer) {
    for i in 0..<width {
      let low = UInt8(truncatingIfNeeded: value >> UInt32(7 * i)) & 0x7f
      field.storeBytes(of: i < width - 1 ? low | 0x80 : low, toByteOffset: i, as: UInt8.self)
    }
  }
}
