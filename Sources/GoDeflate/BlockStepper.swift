/// A deflate stream, block by block.
///
/// The state between two steps is explicit and of two kinds that do not see each other:
/// - the matcher's: its hash table, and the 32 KiB of input before the block;
/// - the coder's: the code of an open block and its header's size, and the bits that do not fill a byte.
///
/// A block's tokens follow from the first and its bytes alone; its bits follow from the tokens and the second. Only a
/// stored block looks at the position within a byte. So a block whose bytes and states are known from an earlier
/// stream may take over that stream's tokens, or its bits shifted to the new position.
///
/// Sendable, as it alone owns its memory and has no copies.
struct BlockStepper: ~Copyable, @unchecked Sendable {
  private var matcher: Matcher
  private var tokens = BlockTokens()
  private var coder = BlockCoder()
  private var bits: UInt64 = 0
  private var bitCount = 0

  /// - Parameter reach: see `Matcher`.
  init(reach: Int) {
    matcher = Matcher(reach: reach)
  }

  /// Starts a stream.
  mutating func begin() {
    matcher.reset()
    coder.reset()
    bits = 0
    bitCount = 0
  }

  // MARK: for streams made from others

  /// Bits of the stream so far.
  func position(in sink: borrowing ByteSink) -> Int { sink.count &* 8 &+ bitCount }

  /// Whether the last step stored its block.
  var hasStored: Bool { coder.hasStored }

  var coderState: CoderState { coder.state }

  /// Gives the coder a state that some coder had.
  mutating func restore(_ state: borrowing CoderState) { coder.restore(state) }

  /// The matcher's state before the block that comes next, to begin with another time.
  func matcherState(before block: Int) -> Matcher.State { matcher.state(before: block) }

  /// - Parameters:
  ///   - state: what the matcher had before a block.
  ///   - input: the same, up to that block, as it was then.
  mutating func restore(_ state: Matcher.State, before block: Int, of input: UnsafeRawBufferPointer) {
    matcher.restore(state, before: block, of: input)
  }

  /// Searches a full block for the sake of the table.
  mutating func search(_ block: Range<Int>, of input: UnsafeRawBufferPointer) {
    matcher.match(block, in: input, to: &tokens)
  }

  /// Searches some full blocks, from an empty table on. If that led, in one of them, where it led before, the stepper has
  /// the table of the end of these blocks, else the one that it had.
  ///
  /// - Parameters:
  ///   - start: of the first block.
  ///   - trails: of the blocks, as they were.
  mutating func findTable(
    after start: Int, _ trails: [SearchTrail], of input: UnsafeRawBufferPointer
  ) -> Bool {
    matcher.exchangeTables()
    matcher.reset(before: start)
    var isRight = false
    for (k, trail) in trails.enumerated() {
      let block = start &+ k &* Deflate.blockSize
      search(block..<(block &+ Deflate.blockSize), of: input)
      isRight = isRight || self.trail(of: Deflate.blockSize) == trail
    }
    if !isRight { matcher.exchangeTables() }
    return isRight
  }

  /// Where the last block searched led the search. Nothing of a block too short to be searched, which is a stream's last.
  ///
  /// - Parameter count: bytes of the block.
  func trail(of count: Int) -> SearchTrail { SearchTrail(tokens, count: count) }

  /// Appends bits of another stream.
  mutating func copy(_ bits: Range<Int>, of stream: UnsafeRawBufferPointer, into sink: inout ByteSink) {
    var writer = open(&sink, bits.count &>> 3 &+ 1)
    writer.append(bits, of: stream)
    close(writer, &sink)
  }

  /// Writes one block. Blocks come in order without gaps; all but the last are `Deflate.blockSize` long, and the one
  /// that ends at the end of `input` is the last. (compress/flate/deflate.go deflateFast)
  mutating func step(_ block: Range<Int>, of input: UnsafeRawBufferPointer, into sink: inout ByteSink) {
    let bytes = UnsafeRawBufferPointer(rebasing: input[block])
    let isLast = block.upperBound == input.count
    coder.hasStored = false
    var writer = open(&sink, bytes.count)
    if bytes.count < Deflate.smallBlock {
      if bytes.count <= Deflate.tinyBlock {
        coder.store(bytes, to: &writer)
      } else {
        coder.encodeLiterals(bytes, isLast: isLast, to: &writer)
      }
    } else {
      matcher.match(block, in: input, to: &tokens)
      if tokens.sequenceCount == 0 {
        coder.store(bytes, to: &writer)
      } else if tokens.tokenCount > bytes.count &- bytes.count >> 4 {
        coder.encodeLiterals(bytes, isLast: isLast, to: &writer)
      } else {
        coder.encode(tokens, bytes, isLast: isLast, to: &writer)
      }
    }
    close(writer, &sink)
  }

  /// Ends the stream at a byte boundary.
  mutating func finish(into sink: inout ByteSink) {
    var writer = open(&sink, 0)
    coder.finish(&writer)
    close(writer, &sink)
  }

  private func open(_ sink: inout ByteSink, _ count: Int) -> BitWriter {
    BitWriter(bits: bits, count: bitCount, out: sink.reserve(count + BlockCoder.headroom))
  }

  private mutating func close(_ writer: BitWriter, _ sink: inout ByteSink) {
    bits = writer.bits
    bitCount = writer.count
    sink.commit(upTo: writer.out)
  }
}
