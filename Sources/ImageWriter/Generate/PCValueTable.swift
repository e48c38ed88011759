import LoaderCore

/// One of a function's pc-value tables (pcsp, pcline …) as the spans it stands for.
///
/// The table is a row of pairs, a zigzag varint that changes the value and a varint that moves the pc on,
/// ended by a value change of 0 (cmd/internal/obj/pcln.go, PCIter). Values start at -1, pcs at the
/// function's start.
///
///     var spans = PCValueTable(reader.data(pcsp))
///     while let span = spans.next() { … }
///     if spans.isMalformed { … }
package struct PCValueTable: Sequence, IteratorProtocol {
  package struct Span: Equatable, Sendable {
    /// Offsets from the function's start: [start, end).
    package var start: UInt32
    package var end: UInt32
    package var value: Int32

    package init(start: UInt32, end: UInt32, value: Int32) {
      self.start = start
      self.end = end
      self.value = value
    }
  }

  private let data: ByteView
  /// Bytes per unit of pc: the smallest instruction, 1 on amd64.
  private let quantum: UInt32
  private var at = 0
  private var pc: UInt32 = 0
  private var value: Int32 = -1
  private var isFirst = true
  private var isDone = false
  /// A number in the table did not end, or is larger than 64 bits; the real linker stops at that
  /// ("bad Value varint in pciterNext"). Known when `next` has given nil.
  package private(set) var isMalformed = false

  package init(_ data: ByteView, quantum: UInt32 = 1) {
    self.data = data
    self.quantum = quantum
  }

  /// The next span, nil behind the last one. A table that ends without its closing 0 just ends.
  @inline(__always)
  package mutating func next() -> Span? {
    guard !isDone, at < data.count else { return nil }
    guard let change = varint() else { return malformed() }
    if change == 0, !isFirst {
      isDone = true
      return nil
    }
    isFirst = false
    let delta = Int64(bitPattern: change >> 1) ^ -Int64(change & 1)
    value &+= Int32(truncatingIfNeeded: delta)
    guard let step = varint() else { return malformed() }
    let start = pc
    pc = start &+ UInt32(truncatingIfNeeded: step) &* quantum
    return Span(start: start, end: pc, value: value)
  }

  private mutating func malformed() -> Span? {
    isDone = true
    isMalformed = true
    return nil
  }

  /// encoding/binary.Uvarint: nil when the bytes end first or the number needs more than 64 bits.
  @inline(__always)
  private mutating func varint() -> UInt64? {
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while at < data.count {
      let b = data.u8(at)
      at &+= 1
      if shift == 63, b > 1 { return nil }
      result |= UInt64(b & 0x7f) << shift
      if b < 0x80 { return result }
      shift &+= 7
    }
    return nil
  }
}
