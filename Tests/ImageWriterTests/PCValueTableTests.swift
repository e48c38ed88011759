import ImageWriter
import LoaderCore
import Testing

private func spans(_ bytes: [UInt8], quantum: UInt32 = 1) -> (spans: [PCValueTable.Span], isMalformed: Bool) {
  bytes.withUnsafeBytes { raw in
    var table = PCValueTable(ByteView(raw.baseAddress, raw.count), quantum: quantum)
    var all: [PCValueTable.Span] = []
    while let s = table.next() { all.append(s) }
    return (all, table.isMalformed)
  }
}

@Suite struct PCValueTableTests {
  @Test func readsDeltas() {
    // A frame of 32 bytes: 0 up to pc 11, 32 up to 300, 0 up to 301.
    let (all, malformed) = spans([0x02, 11, 0x40, 0xa1, 0x02, 0x3f, 1, 0])
    #expect(
      all == [
        .init(start: 0, end: 11, value: 0), .init(start: 11, end: 300, value: 32),
        .init(start: 300, end: 301, value: 0),
      ])
    #expect(!malformed)
  }

  @Test func aFirstChangeOfZeroIsNotTheEnd() {
    #expect(spans([0, 5, 2, 1, 0, 9, 9]).spans.map(\.value) == [-1, 0])
  }

  @Test func scalesPCs() {
    #expect(spans([2, 3, 0], quantum: 4).spans == [.init(start: 0, end: 12, value: 0)])
  }

  @Test func endsWithItsBytes() {
    let (none, malformed) = spans([])
    #expect(none.isEmpty && !malformed)
    #expect(spans([2, 5]).spans.count == 1)
    #expect(!spans([2, 5]).isMalformed)
  }

  @Test(arguments: [
    [0x80], [0x02], [0x02, 0x80], [0x02, 5, 0xff, 0xff],
    Array(repeating: 0xff, count: 9) + [0x02, 1], Array(repeating: 0x80, count: 11) + [1, 1],
  ])
  func noticesBrokenNumbers(_ bytes: [UInt8]) {
    let (all, malformed) = spans(bytes)
    #expect(malformed)
    #expect(all.count <= 1)
  }

  @Test func wrapsAsGoDoes() {
    // The largest number of ten bytes, twice; pcs and values are 32 bits.
    let max: [UInt8] = Array(repeating: 0xff, count: 9) + [0x01]
    let (all, malformed) = spans(max + max + [2, 3, 0])
    #expect(!malformed)
    #expect(all == [.init(start: 0, end: .max, value: -1), .init(start: .max, end: 2, value: 0)])
  }
}
