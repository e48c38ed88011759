import ImageWriter
import Testing

@Suite struct OutputImageTests {
  private static let count = 3 << 20

  private func image() throws -> OutputImage {
    let image = try OutputImage(count: Self.count, spare: 0)
    let window = try #require(image.window(0, Self.count))
    for at in 0..<Self.count { window[at] = UInt8(truncatingIfNeeded: at &* 31 >> 3) }
    return image
  }

  private func bytes(_ image: OutputImage) throws -> [UInt8] {
    Array(try #require(image.bytes(0, image.count)))
  }

  private func patch(_ image: OutputImage, at offset: Int, _ byte: UInt8) throws {
    image.beginPatch()
    try #require(image.window(offset, 5)).copyBytes(from: [byte, byte, byte, byte, byte])
    image.endPatch()
  }

  /// Each image of a row of small edits is made in the memory of the one before the last.
  @Test func copiesWhatDiffersFromTheMemorysOwnImage() throws {
    var older = try image()
    var newer = try older.copy(into: nil)
    try patch(newer, at: 100, 1)
    for step in 2..<8 {
      let expected = try bytes(newer)
      let (address, last) = (older.base, newer.contents)
      let next = try newer.copy(into: older)
      #expect(next.base == address)
      #expect(try bytes(next) == expected, "step \(step)")
      #expect(next.ranges(since: last).isEmpty)
      try patch(next, at: step * 400_000, UInt8(step))
      #expect(next.ranges(since: last) == [step * 400_000..<step * 400_000 + 5])
      (older, newer) = (newer, next)
    }
  }

  /// What is in the memory is an image that nothing is known of, or of another size.
  @Test func copiesAllIntoOtherMemory() throws {
    let first = try image()
    let newer = try first.copy(into: nil)
    try patch(newer, at: 1 << 20, 9)
    let stranger = try OutputImage(count: Self.count, spare: 0)
    #expect(try bytes(newer.copy(into: stranger)) == bytes(newer))
    first.poison(with: 0xee)
    #expect(try bytes(newer.copy(into: first)) == bytes(newer))
    let shorter = try OutputImage(count: Self.count - 7, spare: 7)
    #expect(try bytes(newer.copy(into: shorter)) == bytes(newer))
  }
}
