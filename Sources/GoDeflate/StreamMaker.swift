import Hashing

/// Makes a stream from the one before it, block by block: copies what is the same, and compresses the rest.
/// (`DeflateStream` tells what is the same.)
struct StreamMaker: ~Copyable {
  private let input: UnsafeRawBufferPointer
  private let last: DeflateStream?
  private let made: DeflateStream
  /// Whether the matcher's state is the one that the last stream had at this block.
  private var isInStep: Bool
  /// The block before which the stepper's table was the one that belongs there: a copied block leaves it behind.
  private var tableBlock = 0
  /// Whether the stepper's coder is the one of this block.
  private var hasCoder = true
  /// Whether nothing more is to be copied.
  private var hasGivenUp = false
  private var sum = Adler32()

  /// From an empty table so many blocks before, the search finds into its stride, more often from more.
  private static let likelyDistances = [2, 6, 16]

  static func run(
    _ input: UnsafeRawBufferPointer, after last: DeflateStream?, _ stepper: inout BlockStepper
  ) -> DeflateStream {
    let blocks = (input.count + Deflate.blockSize - 1) / Deflate.blockSize
    // Debugging information comes down to a third or less.
    // A step wants room for a whole block, and sinks grow by half.
    let capacity = last.map { $0.count + $0.count / 128 } ?? (input.count / 3)
    let made = DeflateStream(
      capacity: capacity + Deflate.blockSize + 4 * BlockCoder.headroom, blocks: blocks)
    var maker = StreamMaker(input, last, made)
    // Deflate with a window of 32 KiB; level 0 of 3; no dictionary.
    made.sink.append(0x78)
    made.sink.append(0x01)
    stepper.begin()
    for k in 0..<blocks { maker.add(k, &stepper) }
    maker.finish(&stepper)
    return made
  }

  private init(_ input: UnsafeRawBufferPointer, _ last: DeflateStream?, _ made: DeflateStream) {
    self.input = input
    self.last = last
    self.made = made
    isInStep = last?.blocks.isEmpty == false
  }

  private func range(_ k: Int) -> Range<Int> {
    let start = k &* Deflate.blockSize
    return start..<min(start &+ Deflate.blockSize, input.count)
  }

  private mutating func add(_ k: Int, _ stepper: inout BlockStepper) {
    let range = range(k)
    let bytes = UnsafeRawBufferPointer(rebasing: input[range])
    let hash = SecretHash(bytes)
    let old = last.flatMap { k < $0.blocks.count ? $0.blocks[k] : nil }
    let isLast = range.upperBound == input.count
    let isLike =
      old.map { $0.hash == hash && $0.count == UInt32(range.count) && $0.isLast == isLast } ?? false

    let position = stepper.position(in: made.sink)
    let state = hasCoder ? stepper.coderState : last?.coderStates[k] ?? CoderState()
    made.coderStates.append(state)
    if let last, let old, isInStep, isLike, !hasCoder || state == last.coderStates[k],
      !old.isStored || (position ^ old.start) & 7 == 0
    {
      sum.append(old.sum, count: range.count)
      made.blocks.append(
        .init(
          hash: hash, sum: old.sum, trail: old.trail, count: UInt32(range.count), isLast: isLast,
          isStored: old.isStored, start: position))
      last.withUnsafeBytes { stepper.copy(last.bits(of: k), of: $0, into: &made.sink) }
      if let table = last.table(of: k) { made.keep(.init(block: k, state: table.state, age: table.age + 1)) }
      made.copiedBlocks += 1
      hasCoder = false
    } else {
      if tableBlock < k { catchUp(with: k, &stepper) }
      if !hasCoder { stepper.restore(state) }
      hasCoder = true
      // Before the block is searched: its bytes are in the cache.
      var own = Adler32()
      own.add(bytes)
      sum.append(own, count: range.count)
      stepper.step(range, of: input, into: &made.sink)
      tableBlock = k + 1
      let trail = stepper.trail(of: range.count)
      made.blocks.append(
        .init(
          hash: hash, sum: own, trail: trail, count: UInt32(range.count), isLast: isLast,
          isStored: stepper.hasStored, start: position))
      isInStep = isLike && !hasGivenUp && old?.trail == trail
    }
  }

  /// Gives the stepper the table that belongs before block `k`, which copied blocks have left behind.
  ///
  /// As copied blocks have, it has the table that the last stream had there.
  private mutating func catchUp(with k: Int, _ stepper: inout BlockStepper) {
    let start = range(k).lowerBound
    if let known = last?.table(of: k) {
      stepper.restore(known.state, before: start, of: input)
      made.keep(.init(block: k, state: known.state, age: 0))
      return
    }
    let left = k &- tableBlock
    var isFound = false
    for distance in Self.likelyDistances where !isFound && left >= 2 * distance {
      isFound = findTable(of: k, from: k &- distance, &stepper)
    }
    if !isFound {
      for i in tableBlock..<k { stepper.search(range(i), of: input) }
      // Bytes that do not let the search find into its stride would cost that each time.
      hasGivenUp = left > 32
    }
    // To note a table takes a fifth of the time of searching a block.
    if left > 1 { made.keep(.init(block: k, state: stepper.matcherState(before: start), age: 0)) }
  }

  /// Has the stepper search the blocks from `first` up to `k` for the table that belongs before `k`.
  private func findTable(of k: Int, from first: Int, _ stepper: inout BlockStepper) -> Bool {
    let trails = made.blocks[first..<k].map(\.trail)
    return stepper.findTable(after: first &* Deflate.blockSize, trails, of: input)
  }

  private mutating func finish(_ stepper: inout BlockStepper) {
    // The last block has closed the code.
    if !hasCoder { stepper.restore(CoderState()) }
    made.end = stepper.position(in: made.sink)
    stepper.finish(into: &made.sink)
    Swift.withUnsafeBytes(of: sum.value.bigEndian) { made.sink.append($0) }
  }
}
