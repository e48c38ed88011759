/// Reading type descriptors out of symbol data (cmd/link/internal/ld/decodesym.go; layouts of
/// internal/abi/type.go and compiletype.go for 8-byte pointers in Go 1.27).
package struct TypeDecoder {
  package let reader: SymbolReader
  package init(_ reader: SymbolReader) { self.reader = reader }

  package enum Kind {
    @inline(__always) package static var array: UInt8 { 17 }
    @inline(__always) package static var chan: UInt8 { 18 }
    @inline(__always) package static var function: UInt8 { 19 }
    @inline(__always) package static var interface: UInt8 { 20 }
    @inline(__always) package static var map: UInt8 { 21 }
    @inline(__always) package static var pointer: UInt8 { 22 }
    @inline(__always) package static var slice: UInt8 { 23 }
    @inline(__always) package static var string: UInt8 { 24 }
    @inline(__always) package static var structure: UInt8 { 25 }
    @inline(__always) package static var unsafePointer: UInt8 { 26 }
  }

  package enum TFlag {
    @inline(__always) package static var uncommon: UInt8 { 1 << 0 }
    @inline(__always) package static var extraStar: UInt8 { 1 << 1 }
    @inline(__always) package static var named: UInt8 { 1 << 2 }
    @inline(__always) package static var gcMaskOnDemand: UInt8 { 1 << 4 }
  }

  /// Bytes of the common header, of a struct field, of the uncommon part, of a method.
  @inline(__always) package static var commonSize: Int { 48 }
  @inline(__always) package static var structFieldSize: Int { 24 }
  @inline(__always) package static var uncommonSize: Int { 16 }
  @inline(__always) package static var methodSize: Int { 16 }

  /// Bytes of a descriptor of that kind before its uncommon part (abi.RTypeSize).
  package static func descriptorSize(_ kind: UInt8) -> Int {
    switch kind {
    case Kind.array: commonSize + 24
    case Kind.chan: commonSize + 16
    case Kind.function: commonSize + 8
    case Kind.interface: commonSize + 32
    case Kind.map: commonSize + 88
    case Kind.pointer, Kind.slice: commonSize + 8
    case Kind.structure: commonSize + 32
    default: commonSize
    }
  }

  // MARK: the common header

  /// Bytes of a value of the type.
  package func size(_ d: ByteView) -> Int64 { Int64(bitPattern: d.u64(0)) }
  /// Bytes of a value's prefix that can hold pointers.
  package func pointerBytes(_ d: ByteView) -> Int64 { Int64(bitPattern: d.u64(8)) }
  @inline(__always) package func tflag(_ d: ByteView) -> UInt8 { d.u8(20) }
  @inline(__always) package func kind(_ d: ByteView) -> UInt8 { d.u8(23) }
  package func hasUncommon(_ d: ByteView) -> Bool { tflag(d) & TFlag.uncommon != 0 }

  /// The target of the first relocation at `offset`, none when there is none.
  package func target(_ s: SymbolID, at offset: Int) -> SymbolID {
    let relocs = reader.relocations(s)
    guard let i = relocs.first(at: offset) else { return .none }
    return reader.target(relocs[i], in: relocs)
  }

  package func target(_ relocs: Relocations, at offset: Int) -> SymbolID {
    guard let i = relocs.first(at: offset) else { return .none }
    return reader.target(relocs[i], in: relocs)
  }

  /// The text of the name that the field at `offset` refers to: flag byte, varint length, bytes.
  package func name(_ relocs: Relocations, at offset: Int) -> ByteView {
    let s = target(relocs, at: offset)
    return s.isNone ? .empty : Self.nameText(reader.data(s))
  }

  package static func nameText(_ data: ByteView) -> ByteView {
    var length = 0
    var shift = 0
    var at = 1
    while at < data.count, shift < 35 {
      let b = Int(data.u8(at))
      at += 1
      length |= (b & 0x7f) << shift
      if b & 0x80 == 0 { return data.slice(at, length) }
      shift += 7
    }
    return .empty
  }

  /// The type's string, without the star that shares it with the pointer type (decodetypeStr).
  package func string(_ s: SymbolID) -> ByteView {
    let text = name(reader.relocations(s), at: 40)
    guard tflag(reader.data(s)) & TFlag.extraStar != 0 else { return text }
    return text.slice(1, text.count - 1)
  }

  /// The symbol in which the type's string lies.
  package func stringSymbol(_ s: SymbolID) -> SymbolID { target(s, at: 40) }

  /// The type word of an itab.
  package func itabType(_ s: SymbolID) -> SymbolID { target(s, at: 8) }

  // MARK: methods

  /// Where the methods of a concrete type lie: the offset of the first and their number; nil without an
  /// uncommon part.
  package func methods(_ d: ByteView) -> (offset: Int, count: Int)? {
    guard hasUncommon(d) else { return nil }
    let uncommon = Self.descriptorSize(kind(d))
    return (uncommon + Int(d.u32(uncommon + 8)), Int(d.u16(uncommon + 4)))
  }
}
