/// Relocation types of Go 1.27 (cmd/internal/objabi/reloctype.go, numbers from its stringer table). The top
/// bit of the 16-bit field marks a weak relocation: it does not keep its target alive.
package enum RelocType {
  @inline(__always) package static var weakBit: UInt16 { 0x8000 }
  @inline(__always) package static var addr: UInt16 { 1 }
  @inline(__always) package static var addrOff: UInt16 { 5 }
  @inline(__always) package static var size: UInt16 { 6 }
  @inline(__always) package static var call: UInt16 { 7 }
  @inline(__always) package static var callInd: UInt16 { 10 }
  @inline(__always) package static var const_: UInt16 { 13 }
  @inline(__always) package static var pcrel: UInt16 { 14 }
  @inline(__always) package static var tlsLE: UInt16 { 15 }
  @inline(__always) package static var tlsIE: UInt16 { 16 }
  @inline(__always) package static var gotOff: UInt16 { 17 }
  @inline(__always) package static var useField: UInt16 { 21 }
  @inline(__always) package static var useType: UInt16 { 22 }
  @inline(__always) package static var useIface: UInt16 { 23 }
  @inline(__always) package static var useIfaceMethod: UInt16 { 24 }
  @inline(__always) package static var useNamedMethod: UInt16 { 25 }
  @inline(__always) package static var methodOff: UInt16 { 26 }
  @inline(__always) package static var keep: UInt16 { 27 }
  @inline(__always) package static var gotPCRel: UInt16 { 29 }
  @inline(__always) package static var dwarfSecRef: UInt16 { 31 }
  @inline(__always) package static var addrCUOff: UInt16 { 98 }
  @inline(__always) package static var initOrder: UInt16 { 102 }
  @inline(__always) package static var dwtxtAddrU1: UInt16 { 103 }
  @inline(__always) package static var dwtxtAddrU4: UInt16 { 106 }

  /// R_CALL and its kin on other machines; on amd64 only R_CALL (objabi.RelocType.IsDirectCall).
  @inline(__always) package static func isDirectCall(_ t: UInt16) -> Bool { t == call }
}

/// One relocation of a symbol.
package struct Relocation: Sendable {
  /// Offset of the field in the symbol.
  package let offset: Int32
  /// Bytes of the field; 0 for markers.
  package let size: UInt8
  package let typeAndWeak: UInt16
  package let addend: Int64
  package let ref: SymbolRef

  @inline(__always)
  package init(offset: Int32, size: UInt8, typeAndWeak: UInt16, addend: Int64, ref: SymbolRef) {
    self.offset = offset
    self.size = size
    self.typeAndWeak = typeAndWeak
    self.addend = addend
    self.ref = ref
  }

  @inline(__always) package var type: UInt16 { typeAndWeak & ~RelocType.weakBit }
  @inline(__always) package var isWeak: Bool { typeAndWeak & RelocType.weakBit != 0 }

  @inline(__always)
  package init(at p: UnsafeRawPointer) {
    offset = Int32(littleEndian: p.loadUnaligned(as: Int32.self))
    size = p.load(fromByteOffset: 4, as: UInt8.self)
    typeAndWeak = UInt16(littleEndian: p.loadUnaligned(fromByteOffset: 5, as: UInt16.self))
    addend = Int64(littleEndian: p.loadUnaligned(fromByteOffset: 7, as: Int64.self))
    ref = SymbolRef(
      package_: UInt32(littleEndian: p.loadUnaligned(fromByteOffset: 15, as: UInt32.self)),
      index: UInt32(littleEndian: p.loadUnaligned(fromByteOffset: 19, as: UInt32.self)))
  }

  /// Writes a relocation record in the object file's form.
  static func store(
    at p: UnsafeMutableRawPointer, offset: Int32, size: UInt8, type: UInt16, addend: Int64, ref: SymbolRef
  ) {
    p.storeBytes(of: offset.littleEndian, as: Int32.self)
    p.storeBytes(of: size, toByteOffset: 4, as: UInt8.self)
    p.storeBytes(of: type.littleEndian, toByteOffset: 5, as: UInt16.self)
    p.storeBytes(of: addend.littleEndian, toByteOffset: 7, as: Int64.self)
    p.storeBytes(of: ref.package_.littleEndian, toByteOffset: 15, as: UInt32.self)
    p.storeBytes(of: ref.index.littleEndian, toByteOffset: 19, as: UInt32.self)
  }
}

/// The relocations of one symbol, in object file order, with what is needed to resolve their targets.
package struct Relocations {
  package let base: UnsafeRawPointer?
  package let count: Int
  /// The object the records were written in; their references are relative to it.
  package let object: UnsafePointer<LoadedObject>

  @inline(__always)
  package subscript(_ i: Int) -> Relocation {
    guard i >= 0, i < count, let base else { return .none }
    return Relocation(at: base + i &* ObjectFormat.relocSize)
  }

  /// The type of the `i`-th, without reading the rest; 0 when there is none.
  @inline(__always)
  package func type(_ i: Int) -> UInt16 {
    guard i >= 0, i < count, let base else { return 0 }
    let at = base + (i &* ObjectFormat.relocSize &+ 5)
    return UInt16(littleEndian: at.loadUnaligned(as: UInt16.self)) & ~RelocType.weakBit
  }

  /// The index of the first relocation at `offset`, of whatever type (ld/decodesym.go, decodeReloc).
  @inline(__always)
  package func first(at offset: Int) -> Int? {
    guard let base else { return nil }
    var p = base
    for i in 0..<count {
      if Int(Int32(littleEndian: p.loadUnaligned(as: Int32.self))) == offset { return i }
      p += ObjectFormat.relocSize
    }
    return nil
  }
}

extension Relocation {
  /// A relocation that does nothing and points nowhere.
  @inline(__always)
  package static var none: Relocation {
    Relocation(offset: 0, size: 0, typeAndWeak: 0, addend: 0, ref: SymbolRef(package_: 0, index: 0))
  }
}

/// Finds relocations at rising offsets in one sweep, as `Relocations.first(at:)` would one by one: compilers write
/// them in order.
package struct RelocationCursor {
  private let relocations: Relocations
  private var next = 0
  private var last = Int.min

  package init(_ relocations: Relocations) { self.relocations = relocations }

  @inline(__always)
  private func offset(_ i: Int) -> Int {
    guard let base = relocations.base else { return .max }
    let at = base + i &* ObjectFormat.relocSize
    return Int(Int32(littleEndian: at.loadUnaligned(as: Int32.self)))
  }

  /// The index of the first relocation at `wanted`.
  @inline(__always)
  package mutating func first(at wanted: Int) -> Int? {
    while next < relocations.count {
      let o = offset(next)
      // Out of order, or asked out of order: look at all.
      if o < last || wanted <= last { return relocations.first(at: wanted) }
      if o >= wanted { break }
      last = o
      next &+= 1
    }
    guard next < relocations.count else { return last < wanted ? nil : relocations.first(at: wanted) }
    return offset(next) == wanted ? next : nil
  }
}
