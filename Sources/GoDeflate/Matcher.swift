/// The search for matches of level 1: which earlier bytes each stretch of a block repeats.
///
/// The order of probes and of stores in the hash table is Go's (compress/flate/level1.go fastEncL1.encode), because
/// each of them shows in the stream. Go copies blocks into a history buffer which it shifts now and then
/// (deflatefast.go addBlock); since a match reaches back at most 32 KiB and the history always holds that much, the
/// buffer has no effect on what is found, and this matcher looks into the input itself.
///
/// An entry of the table holds a position and, above it, the four bytes there. So one subtraction tells whether the
/// bytes agree and the position is near, and no bytes are fetched for a probe that fails.
struct Matcher: ~Copyable {
  private static let tableBits = 15
  /// Bytes at the end of a block where no search begins.
  private static let margin = 11
  /// Position of the first byte of a stream: an empty entry, which is 0, is out of reach of it.
  private static let firstPosition = 2 * Deflate.windowSize
  /// Multiplier of the hash of 5 bytes, shifted so that the upper 3 bytes of the word drop out.
  private static let multiplier: UInt64 = 889_523_592_379 << 24

  private static let window = UInt64(Deflate.windowSize)

  private var table: UnsafeMutablePointer<UInt64>
  /// Offset in the input of position 0.
  private var origin = 0
  /// Another table with an origin of its own.
  private var spareTable: UnsafeMutablePointer<UInt64>
  private var spareOrigin = 0
  /// Position beyond which a block moves the origin, so that positions fit in 32 bits.
  private let reach: Int

  /// - Parameter reach: at most 2^31.
  init(reach: Int) {
    self.reach = reach
    table = .allocate(capacity: 1 << Self.tableBits)
    table.initialize(repeating: 0, count: 1 << Self.tableBits)
    spareTable = .allocate(capacity: 1 << Self.tableBits)
  }

  deinit {
    table.deallocate()
    spareTable.deallocate()
  }

  /// Forgets all history: the next block, at that offset in the input, is searched as the first of a stream is.
  mutating func reset(before block: Int = 0) {
    origin = block &- Self.firstPosition
    table.update(repeating: 0, count: 1 << Self.tableBits)
  }

  /// Goes on with the other table, which was set aside when this was last called; the first time, with one of any content.
  mutating func exchangeTables() {
    (table, spareTable) = (spareTable, table)
    (origin, spareOrigin) = (spareOrigin, origin)
  }

  /// What a matcher has before some block of a stream, as far as that block can reach: for each entry of the table how far
  /// before the block its position is, 0 for none.
  final class State: Sendable {
    fileprivate let distances: [UInt16]

    fileprivate init(_ distances: [UInt16]) { self.distances = distances }

    /// Bytes of memory.
    static let byteCount = MemoryLayout<UInt16>.stride << tableBits
  }

  /// The state before a block.
  func state(before block: Int) -> State {
    let next = UInt64(truncatingIfNeeded: block &- origin)
    let table = self.table
    let count = 1 << Self.tableBits
    return State(
      [UInt16](unsafeUninitializedCapacity: count) { distances, filled in
        for i in 0..<count {
          // An empty entry is out of reach, as is one that is far.
          let distance = next &- table[i] & 0xffff_ffff
          distances[i] = distance <= Self.window ? UInt16(truncatingIfNeeded: distance) : 0
        }
        filled = count
      })
  }

  /// Makes this the matcher that had the state before a block of bytes that were the same up to there.
  mutating func restore(_ state: State, before block: Int, of input: UnsafeRawBufferPointer) {
    reset(before: block)
    guard let start = input.baseAddress else { return }
    let table = self.table
    state.distances.withUnsafeBufferPointer { distances in
      for i in 0..<distances.count where distances[i] != 0 {
        let at = block &- Int(distances[i])
        let word = UInt64(UInt32(littleEndian: start.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
        table[i] = Self.entry(word, at &- origin)
      }
    }
  }

  /// Finds the sequences of `block`, which has at least 128 bytes, and leaves them in `tokens` with the counts of
  /// length and distance symbols. All blocks before it in `input` have been through `match`.
  mutating func match(_ block: Range<Int>, in input: UnsafeRawBufferPointer, to tokens: inout BlockTokens) {
    assert(block.count >= Deflate.smallBlock && block.upperBound <= input.count)
    guard let start = input.baseAddress else { return }
    if block.lowerBound &- origin > reach {
      rebase(to: block.lowerBound &- Self.firstPosition)
    }
    tokens.removeAll()
    var sink = TokenSink(tokens, readable: start + input.count)
    search(from: block.lowerBound &- origin, to: block.upperBound &- origin, start + origin, &sink)
    sink.finish(&tokens)
  }

  /// Moves the origin up. Entries that fall below it are out of reach of every position to come.
  private mutating func rebase(to newOrigin: Int) {
    let shift = UInt64(truncatingIfNeeded: newOrigin &- origin)
    origin = newOrigin
    for i in 0..<(1 << Self.tableBits) {
      let entry = table[i]
      table[i] = entry & 0xffff_ffff < shift ? 0 : entry &- shift
    }
  }

  /// Where the search is. All positions count from `origin`.
  private struct Cursor {
    /// The position looked at.
    var s: Int
    /// The end of the last match: bytes from here to the next one are literals.
    var emitted: Int
    /// The position looked at after `s` if nothing is found there.
    var next: Int
    /// The bytes at `s`, at least five of them.
    var word: UInt64
    /// How far before `s` the same four bytes were seen.
    var distance: UInt64 = 0
  }

  /// - Parameters:
  ///   - start: position of the block's first byte.
  ///   - end: position behind its last byte.
  ///   - base: address of position 0, which need not be one that may be read.
  private func search(from start: Int, to end: Int, _ base: UnsafeRawPointer, _ sink: inout TokenSink) {
    let limit = end &- Self.margin
    let lowest = max(0, 0 &- origin)
    var at = Cursor(s: start, emitted: start, next: start, word: load(base, start))
    search: while find(&at, base, limit) {
      repeat {
        let back = Int(truncatingIfNeeded: at.distance)
        let matchEnd = at.s &+ 4 &+ common(base, at.s &+ 4, back, end)
        let matchStart = at.s &- commonBefore(base, at.s, back, at.emitted, lowest)
        sink.match(
          base + at.emitted, matchStart &- at.emitted, offset: back &- 1, matchEnd &- matchStart,
          back: at.s &- matchStart)
        at.emitted = matchEnd
        // A sparse search may have looked beyond the end of the match; positions only go up.
        at.s = at.next >= matchEnd ? at.next &+ 1 : matchEnd
        // Go would store one more position here, under a condition that a match of four bytes or more never meets.
        if at.s >= limit { break search }
      } while probeBehindMatch(&at, base)
      at.word &>>= 8
      at.s &+= 1
    }
    sink.literals(base + at.emitted, end &- at.emitted)
  }

  /// Looks for four bytes seen before, at every second position or so, more sparsely the longer nothing is found.
  /// Gives false at the end of the block.
  @inline(__always)
  private func find(_ at: inout Cursor, _ base: UnsafeRawPointer, _ limit: Int) -> Bool {
    let table = self.table
    while true {
      let here = Self.hash(at.word)
      at.next = at.s &+ 2 &+ (at.s &- at.emitted) &>> 5
      if at.next > limit { return false }
      let ahead = load(base, at.next)
      let there = Self.hash(ahead)
      let first = Self.entry(at.word, at.s)
      at.distance = first &- table[here]
      table[here] = first
      if at.distance < Self.window {
        table[there] = Self.entry(ahead, at.next)
        return true
      }
      at.s = at.next
      at.next &+= 1
      at.word = ahead &>> 8
      let second = Self.entry(ahead, at.s)
      at.distance = second &- table[there]
      table[there] = second
      if at.distance < Self.window {
        // Go stores the position after this one under this one's hash.
        table[there] = Self.entry(at.word, at.next)
        return true
      }
      at.s = at.next
    }
  }

  /// Looks whether another match begins right where the last one ended.
  @inline(__always)
  private func probeBehindMatch(_ at: inout Cursor, _ base: UnsafeRawPointer) -> Bool {
    let around = load(base, at.s &- 2)
    at.word = around &>> 16
    let here = Self.hash(at.word)
    table[Self.hash(around)] = Self.entry(around, at.s &- 2)
    let entry = Self.entry(at.word, at.s)
    at.distance = entry &- table[here]
    table[here] = entry
    // Here, and only here, the farthest distance counts as near.
    return at.distance <= Self.window
  }

  @inline(__always)
  private static func hash(_ word: UInt64) -> Int {
    Int(truncatingIfNeeded: (word &* multiplier) &>> UInt64(truncatingIfNeeded: 64 &- tableBits))
  }

  @inline(__always)
  private static func entry(_ word: UInt64, _ position: Int) -> UInt64 {
    word &<< 32 | UInt64(truncatingIfNeeded: position)
  }
}

@inline(__always)
private func load(_ base: UnsafeRawPointer, _ at: Int) -> UInt64 {
  UInt64(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
}

/// Bytes from `s` on, up to `end`, that equal those `back` before them.
@inline(__always)
private func common(_ base: UnsafeRawPointer, _ s: Int, _ back: Int, _ end: Int) -> Int {
  var at = s
  while at &+ 16 <= end {
    let low = load(base, at) ^ load(base, at &- back)
    let high = load(base, at &+ 8) ^ load(base, at &+ 8 &- back)
    if low | high != 0 {
      let difference = low != 0 ? low : high
      return at &- s &+ (low != 0 ? 0 : 8) &+ difference.trailingZeroBitCount &>> 3
    }
    at &+= 16
  }
  while at < end,
    base.load(fromByteOffset: at, as: UInt8.self) == base.load(fromByteOffset: at &- back, as: UInt8.self)
  {
    at &+= 1
  }
  return at &- s
}

/// Bytes before `s`, down to `floor`, that equal those `back` before them, down to `lowest`, the first there are.
@inline(__always)
private func commonBefore(_ base: UnsafeRawPointer, _ s: Int, _ back: Int, _ floor: Int, _ lowest: Int) -> Int
{
  let above = s &- back &- lowest
  let most = min(s &- floor, above)
  if above >= 8 {
    let difference = load(base, s &- 8) ^ load(base, s &- 8 &- back)
    // Rather than the leading zeros, for which the first amd64 level has only a slow instruction.
    let same = difference.byteSwapped.trailingZeroBitCount &>> 3
    if same < 8 || most <= 8 { return min(same, most) }
  }
  var n = 0
  while n < most,
    base.load(fromByteOffset: s &- n &- 1, as: UInt8.self)
      == base.load(fromByteOffset: s &- back &- n &- 1, as: UInt8.self)
  {
    n &+= 1
  }
  return n
}
