import GoDeflate
import Hashing
import Testing

/// A stream made from another must be the stream made from nothing.
@Suite struct DeflateStreamTests {
  private static func bytes(_ stream: DeflateStream) -> [UInt8] { stream.withUnsafeBytes { [UInt8]($0) } }

  private static func stream(
    _ input: [UInt8], after last: DeflateStream?, _ compressor: ZlibCompressor
  ) -> DeflateStream {
    input.withUnsafeBytes { compressor.stream(of: $0, after: last) }
  }

  /// Changes `input` in one of the ways in which an edit changes debugging information.
  private static func mutate(_ input: inout [UInt8], _ generator: inout InputGenerator) {
    let at = input.isEmpty ? 0 : generator.below(input.count)
    switch generator.below(8) {
    case 0: input.insert(contentsOf: InputGenerator.bytes(.text, count: 30, seed: generator.next()), at: at)
    case 1: input.removeSubrange(at..<min(at + generator.below(40), input.count))
    case 2:
      // Fields that refer to what has moved.
      for i in stride(from: at, to: min(at + 200_000, input.count), by: 50) { input[i] &+= 31 }
    case 3: input += InputGenerator.bytes(.records, count: generator.below(70_000), seed: generator.next())
    case 4: input.removeLast(min(input.count, generator.below(70_000)))
    case 5:
      let kind = InputGenerator.Kind.allCases[generator.below(InputGenerator.Kind.allCases.count)]
      let part = InputGenerator.bytes(kind, count: generator.below(150_000), seed: generator.next())
      for (i, byte) in part.enumerated() where at + i < input.count { input[at + i] = byte }
    case 6: break
    default: if at < input.count { input[at] &+= 1 }
    }
  }

  @Test(arguments: InputGenerator.Kind.allCases)
  func mutationsGiveTheStreamMadeFromNothing(kind: InputGenerator.Kind) throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = InputGenerator(seed: seed)
    let compressor = ZlibCompressor()
    var input = InputGenerator.bytes(
      kind, count: 300_000 + generator.below(2_500_000), seed: generator.next())
    var last: DeflateStream?
    for step in 0..<24 {
      let made = Self.stream(input, after: last, compressor)
      let same = Self.bytes(made) == compress(input)
      #expect(same, "\(kind), seed \(seed), step \(step): another stream")
      guard same else { return }
      if step.isMultiple(of: 8) { #expect(try Inflate.zlib(Self.bytes(made)) == input) }
      last = made
      for _ in 0...generator.below(2) { Self.mutate(&input, &generator) }
    }
  }

  @Test func anotherReachDoesNotShow() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = InputGenerator(seed: seed)
    for kind in [InputGenerator.Kind.mixed, .blocks, .text] {
      var input = InputGenerator.bytes(kind, count: 1_800_000, seed: generator.next())
      var last: DeflateStream?
      for _ in 0..<6 {
        let made = Self.stream(input, after: last, ZlibCompressor(reach: 100_000))
        #expect(Self.bytes(made) == compress(input), "\(kind), seed \(seed)")
        last = made
        Self.mutate(&input, &generator)
      }
    }
  }

  @Test func equalInputIsCopied() {
    let compressor = ZlibCompressor()
    for kind in InputGenerator.Kind.allCases {
      let input = InputGenerator.bytes(kind, count: 1_000_000, seed: 9)
      let first = Self.stream(input, after: nil, compressor)
      #expect(first.copiedBlocks == 0)
      let second = Self.stream(input, after: first, compressor)
      #expect(Self.bytes(second) == Self.bytes(first))
      #expect(second.copiedBlocks == second.blockCount && second.blockCount == 16, "\(kind)")
    }
  }

  @Test func aByteCostsFewBlocks() {
    let compressor = ZlibCompressor()
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = InputGenerator(seed: seed)
    var input = InputGenerator.bytes(.text, count: 65535 * 40, seed: 3)
    var last = Self.stream(input, after: nil, compressor)
    for _ in 0..<5 {
      input[generator.below(input.count)] ^= 0x55
      let made = Self.stream(input, after: last, compressor)
      #expect(Self.bytes(made) == compress(input), "seed \(seed)")
      // It and the next one, in which the search finds into its stride; and until both streams begin a code with the
      // same block.
      #expect(made.copiedBlocks >= 24, "seed \(seed): \(made.copiedBlocks) of 40 blocks")
      last = made
    }
  }

  /// What the search had at a block is of use again as long as nothing before it changed, and only then.
  @Test func editsAtOnePlaceFollowEachOther() {
    let compressor = ZlibCompressor()
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = InputGenerator(seed: seed)
    for kind in [InputGenerator.Kind.text, .mixed, .records] {
      var input = InputGenerator.bytes(kind, count: 65535 * 60, seed: generator.next())
      var last: DeflateStream?
      for step in 0..<12 {
        let made = Self.stream(input, after: last, compressor)
        #expect(Self.bytes(made) == compress(input), "\(kind), seed \(seed), step \(step)")
        // Some blocks apart, twice each; now and then something before them.
        for place in [7, 19, 31, 40, 52] { input[65535 * place + generator.below(65535)] &+= 1 }
        if step % 4 == 3 { input[generator.below(65535 * 30)] ^= 0x55 }
        last = made
      }
    }
  }

  @Test func streamsOfLittleAreFollowed() {
    let compressor = ZlibCompressor()
    var last: DeflateStream?
    for count in [0, 1, 0, 32, 33, 33, 127, 128, 65535, 65536, 65535, 0, 131_070, 131_071, 131_070] {
      let input = InputGenerator.bytes(.text, count: count, seed: 1)
      let made = Self.stream(input, after: last, compressor)
      #expect(Self.bytes(made) == compress(input), "\(count)")
      last = made
    }
  }

  @Test func sumsOfPartsMakeTheSum() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = InputGenerator(seed: seed)
    for _ in 0..<50 {
      let input = InputGenerator.bytes(.random, count: generator.below(300_000), seed: generator.next())
      let cut = generator.below(input.count + 1)
      var whole = Adler32()
      var parts = Adler32()
      var rest = Adler32()
      input.withUnsafeBytes {
        whole.add($0)
        parts.add(UnsafeRawBufferPointer(rebasing: $0[..<cut]))
        rest.add(UnsafeRawBufferPointer(rebasing: $0[cut...]))
      }
      parts.append(rest, count: input.count - cut)
      #expect(parts.value == whole.value, "seed \(seed)")
    }
  }

  @Test func hashesTellBytesApart() {
    var input = InputGenerator.bytes(.text, count: 65535, seed: 4)
    let hash = input.withUnsafeBytes { SecretHash($0) }
    #expect(input.withUnsafeBytes { SecretHash($0) } == hash)
    for at in [0, 7, 1023, 1024, 4095, 32768, 65527, 65528, 65534] {
      input[at] ^= 1
      #expect(input.withUnsafeBytes { SecretHash($0) } != hash, "\(at)")
      input[at] ^= 1
    }
    input.swapAt(100, 1124)
    #expect(input.withUnsafeBytes { SecretHash($0) } != hash || input[100] == input[1124])
  }
}
