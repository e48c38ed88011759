import LoaderCore

/// The relocated fields of a type descriptor, read by offset, mostly in ascending order.
struct DescriptorFields {
  private let reader: SymbolReader
  private let relocs: Relocations
  /// The relocations before it have smaller offsets, in ascending order.
  private var cursor = 0
  private var isSorted = true

  init(_ reader: SymbolReader, _ descriptor: SymbolID) {
    self.reader = reader
    relocs = reader.relocations(descriptor)
  }

  /// The number of relocations.
  var count: Int { relocs.count }

  /// The target of the first relocation at `offset` (decodeReloc); none when there is none.
  @inline(__always)
  mutating func target(at offset: Int) -> SymbolID {
    let wanted = Int32(truncatingIfNeeded: offset)
    if isSorted, cursor == 0 || relocs[cursor - 1].offset < wanted {
      while cursor < relocs.count {
        let r = relocs[cursor]
        if r.offset == wanted { return reader.target(r, in: relocs) }
        if r.offset > wanted { break }
        cursor += 1
        if cursor < relocs.count, relocs[cursor].offset < r.offset {
          isSorted = false
          break
        }
      }
    }
    guard let i = relocs.first(at: offset) else { return .none }
    return reader.target(relocs[i], in: relocs)
  }

  /// The text of the name that the field at `offset` refers to.
  mutating func name(at offset: Int) -> ByteView {
    let s = target(at: offset)
    return s.isNone ? .empty : TypeDecoder.nameText(reader.data(s))
  }
}

extension TypeDecoder {
  /// Where the lists behind the descriptor's own part start: behind the uncommon part, if any.
  private static func listStart(_ d: ByteView, _ kind: UInt8) -> Int {
    let hasUncommon = d.u8(20) & TFlag.uncommon != 0
    return descriptorSize(kind) + (hasUncommon ? uncommonSize : 0)
  }

  // MARK: functions (internal/abi FuncType)

  /// Offset of the list of parameters, then results.
  static func parameters(_ d: ByteView) -> Int { listStart(d, Kind.function) }
  static func parameterCount(_ d: ByteView) -> Int { Int(d.u16(commonSize)) }
  static func resultCount(_ d: ByteView) -> Int { Int(d.u16(commonSize + 2) & 0x7fff) }
  static func isVariadic(_ d: ByteView) -> Bool { d.u16(commonSize + 2) & 0x8000 != 0 }

  // MARK: structures (internal/abi StructType)

  /// Offset of the list of fields: name, type, offset.
  static func structFields(_ d: ByteView) -> Int { listStart(d, Kind.structure) }
  /// Clamped, so that a hostile count stays a number that can be calculated with.
  static func structFieldCount(_ d: ByteView) -> Int {
    Int(truncatingIfNeeded: min(d.u64(commonSize + 16), 1 << 30))
  }

  /// The number of elements of an array.
  static func arrayLength(_ d: ByteView) -> UInt64 { d.u64(commonSize + 16) }
}
