/// The search for matches of level 1: which earlier bytes each stretch of a block repeats.
///
/// The order of probes and of stores in the hash table is Go's (compress/flate/level1.go fastEncL1.encode), because
/// each of them shows in the stream. Go copies blocks into a history buffer which it shifts now and then
/// (deflatefast.go addBlock); since a match reaches back at most 32 KiB and the history always holds that much, the
/// buffer has no effect on what is found, and this matcher looks into the input itself.
struct Matcher: ~Copyable {
  private static let tableBits = 15
  /// Bytes at the end of a block where no search begins.
  private static let margin = 11
  /// An entry that is out of reach of every position.
  private static let never = Int32(-2 * Deflate.windowSize)
  /// Multiplier of the hash of 5 bytes, shifted so that the upper 3 bytes of the word drop out.
  private static let multiplier: UInt64 = 889_523_592_379 << 24

  /// Position, relative to `origin`, at which the hash value was stored last.
  private let table: UnsafeMutablePointer<Int32>
  /// Offset in the input that positions count from.
  private var origin = 0
  /// Distance from `origin` beyond which a block moves it, so that positions fit in 32 bits.
  private let reach: Int

  init(reach: Int = 1 << 30) {
    self.reach = reach
    table = .allocate(capacity: 1 << Self.tableBits)
    table.initialize(repeating: Self.never, count: 1 << Self.tableBits)
  }

  deinit {
    table.deallocate()
  }

  /// Forgets all history: the next block is the first of a stream.
  mutating func reset() {
    origin = 0
    table.update(repeating: Self.never, count: 1 << Self.tableBits)
  }

  @inline(__always)
  private static func hash(_ word: UInt64) -> Int {
    Int(truncatingIfNeeded: (word &* multiplier) &>> UInt64(truncatingIfNeeded: 64 &- tableBits))
  }

  /// Finds the sequences of `block`, which has at least 128 bytes, and leaves them in `tokens` with the counts of
  /// length and distance symbols. All blocks before it in `input` have been through `match`.
  mutating func match(_ block: Range<Int>, in input: UnsafeRawBufferPointer, to tokens: inout BlockTokens) {
    assert(block.count >= Deflate.smallBlock && block.upperBound <= input.count)
    guard let start = input.baseAddress else { return }
    if block.lowerBound &- origin > reach {
      rebase(to: block.lowerBound &- Deflate.windowSize)
    }
    tokens.removeAll()
    var sink = TokenSink(tokens)
    search(
      from: block.lowerBound &- origin, to: block.upperBound &- origin, start + origin, &sink)
    sink.finish(&tokens)
  }

  /// Moves the origin up. Entries that fall out of reach of the next position are dropped.
  private mutating func rebase(to newOrigin: Int) {
    let shift = Int32(truncatingIfNeeded: newOrigin &- origin)
    origin = newOrigin
    for i in 0..<(1 << Self.tableBits) {
      let moved = table[i] &- shift
      table[i] = moved < 0 ? Self.never : moved
    }
  }

  /// Whether the four bytes at `t` are the low ones of `word` and `t` is less than `window` behind `s`.
  /// One test without a branch between its halves, and no load from far behind.
  @inline(__always)
  private static func agrees(
    _ base: UnsafeRawPointer, _ word: UInt64, _ s: Int, _ t: Int, window: Int
  ) -> Bool {
    let near = s &- t < window
    let seen = base.loadUnaligned(fromByteOffset: near ? t : s, as: UInt32.self)
    return near && UInt32(littleEndian: seen) == UInt32(truncatingIfNeeded: word)
  }

  private func search(from first: Int, to end: Int, _ base: UnsafeRawPointer, _ sink: inout TokenSink) {
    let table = self.table
    let limit = end &- Self.margin
    var s = first
    var emitted = first
    var word = Self.load(base, s)
    while true {
      var next = s
      var t = 0
      // Look for four bytes seen before, at every second position or so, more sparsely the longer nothing is found.
      while true {
        let here = Self.hash(word)
        next = s &+ 2 &+ (s &- emitted) &>> 5
        if next > limit {
          sink.literals(base + emitted, end &- emitted)
          return
        }
        t = Int(table[here])
        let ahead = Self.load(base, next)
        let there = Self.hash(ahead)
        table[here] = Int32(truncatingIfNeeded: s)
        if Self.agrees(base, word, s, t, window: Deflate.windowSize) {
          table[there] = Int32(truncatingIfNeeded: next)
          break
        }
        s = next
        next &+= 1
        t = Int(table[there])
        table[there] = Int32(truncatingIfNeeded: s)
        if Self.agrees(base, ahead, s, t, window: Deflate.windowSize) {
          // Go stores the position after this one under this one's hash.
          table[there] = Int32(truncatingIfNeeded: next)
          break
        }
        word = ahead &>> 8
        s = next
      }

      while true {
        var length = 4 &+ Self.common(base, s &+ 4, t &+ 4, end)
        let back = Self.commonBackwards(base, s, t, emitted)
        s &-= back
        t &-= back
        length &+= back
        sink.match(base + emitted, s &- emitted, offset: s &- t &- 1, length)
        s &+= length
        emitted = s
        s = next >= s ? next &+ 1 : s
        if s >= limit {
          if s &+ length &+ 8 < end {
            table[Self.hash(Self.load(base, s))] = Int32(truncatingIfNeeded: s)
          }
          sink.literals(base + emitted, end &- emitted)
          return
        }
        let around = Self.load(base, s &- 2)
        table[Self.hash(around)] = Int32(truncatingIfNeeded: s &- 2)
        word = around &>> 16
        let here = Self.hash(word)
        t = Int(table[here])
        table[here] = Int32(truncatingIfNeeded: s)
        // Here, and only here, the farthest distance counts as near.
        if !Self.agrees(base, word, s, t, window: Deflate.windowSize &+ 1) { break }
      }
      word &>>= 8
      s &+= 1
    }
  }

  @inline(__always)
  private static func load(_ base: UnsafeRawPointer, _ at: Int) -> UInt64 {
    UInt64(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
  }

  /// Bytes from `s` on, up to `end`, that equal those from `t` on.
  @inline(__always)
  private static func common(_ base: UnsafeRawPointer, _ s: Int, _ t: Int, _ end: Int) -> Int {
    var at = s
    let back = s &- t
    while at &+ 8 <= end {
      let difference = load(base, at) ^ load(base, at &- back)
      if difference != 0 {
        return at &- s &+ difference.trailingZeroBitCount &>> 3
      }
      at &+= 8
    }
    while at < end,
      base.load(fromByteOffset: at, as: UInt8.self) == base.load(fromByteOffset: at &- back, as: UInt8.self)
    {
      at &+= 1
    }
    return at &- s
  }

  /// Bytes before `s`, down to `floor`, that equal those before `t`, which reach down to 0.
  @inline(__always)
  private static func commonBackwards(_ base: UnsafeRawPointer, _ s: Int, _ t: Int, _ floor: Int) -> Int {
    let most = min(s &- floor, t)
    var n = 0
    while n < most,
      base.load(fromByteOffset: s &- n &- 1, as: UInt8.self)
        == base.load(fromByteOffset: t &- n &- 1, as: UInt8.self)
    {
      n &+= 1
    }
    return n
  }
}

/// Where the search puts what it finds; the pointers of a `BlockTokens`, held in registers.
struct TokenSink {
  private var sequence: UnsafeMutablePointer<Sequence>
  private var literal: UnsafeMutableRawPointer
  private let lengths: UnsafeMutablePointer<UInt16>
  private let offsets: UnsafeMutablePointer<UInt16>
  private let lengthSymbol: UnsafePointer<UInt8>
  private let offsetSymbol: UnsafePointer<UInt8>

  init(_ tokens: borrowing BlockTokens) {
    sequence = tokens.sequences
    literal = tokens.literals
    lengths = tokens.literalFrequencies + Deflate.endOfBlock + 1
    offsets = tokens.offsetFrequencies
    lengthSymbol = SymbolTables.shared.lengthSymbol
    offsetSymbol = SymbolTables.shared.offsetSymbol
  }

  func finish(_ tokens: inout BlockTokens) {
    tokens.sequenceCount = sequence - tokens.sequences
    tokens.literalCount = literal - tokens.literals
  }

  /// Copies a run of literals; may write, and within the block read, up to 15 bytes more.
  @inline(__always)
  mutating func literals(_ from: UnsafeRawPointer, _ count: Int) {
    literal.copyMemory(from: from, byteCount: count)
    literal += count
  }

  /// Adds a run of literals and a match of `length` bytes, in pieces if it is longer than a match may be.
  @inline(__always)
  mutating func match(_ from: UnsafeRawPointer, _ run: Int, offset: Int, _ length: Int) {
    literals(from, run)
    let near = offset < 256 ? offset : 256 &+ offset &>> 7
    let symbol = Int(offsetSymbol[near])
    var left = length
    var run = run
    while left > Deflate.longestMatch {
      // The rest has to be a match of its own.
      let piece = left > Deflate.longestMatch + 3 ? Deflate.longestMatch : Deflate.longestMatch - 3
      add(run, offset, symbol, piece)
      run = 0
      left &-= piece
    }
    add(run, offset, symbol, left)
  }

  @inline(__always)
  private mutating func add(_ run: Int, _ offset: Int, _ symbol: Int, _ length: Int) {
    let short = length &- Deflate.shortestMatch
    sequence.pointee = Sequence(literals: run, offset: offset, symbol: symbol, length: short)
    sequence += 1
    lengths[Int(lengthSymbol[short])] &+= 1
    offsets[symbol] &+= 1
  }
}
