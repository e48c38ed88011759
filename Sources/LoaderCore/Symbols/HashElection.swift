internal import CPrefetch

/// Content-addressed definitions by content: equal hashes are one symbol, and the largest definition is its
/// content, because equal hashes may differ in trailing zeros (loader.go addSym).
///
/// Works on *slots*, numbers of definitions over all objects in load order. Keys lie in the table itself:
/// most definitions are repeats, and looking into the objects for each would cost a cache miss.
struct HashElection: ~Copyable {
  private struct Entry: BitwiseCopyable {
    var low: UInt64 = 0
    var high: UInt64 = 0
    /// First slot with this content plus 1; 0 is free.
    var first: UInt32 = 0
    /// Bytes of the largest definition so far.
    var size: UInt32 = 0
  }

  private var entries: Table<Entry>
  private var mask: Int
  private var count = 0

  init(expected: Int) {
    var n = 1024
    while n < expected * 2 { n *= 2 }
    entries = Table(repeating: Entry(), count: n)
    mask = n - 1
  }

  @inline(__always)
  private static func start(_ low: UInt64, _ high: UInt64) -> Int {
    Int(truncatingIfNeeded: ((low ^ high) &* 0x9e37_79b9_7f4a_7c15) >> 20)
  }

  /// Enters the definition at `slot`.
  ///
  /// - Returns: the first slot with this content, and whether this definition is now the largest.
  @inline(__always)
  mutating func add(low: UInt64, high: UInt64, slot: UInt32, size: UInt32) -> (first: UInt32, wins: Bool) {
    var i = Self.start(low, high) & mask
    let base = entries.base
    while base[i].first != 0 {
      if base[i].low == low, base[i].high == high {
        let wins = size > base[i].size
        if wins { base[i].size = size }
        return (base[i].first &- 1, wins)
      }
      i = (i &+ 1) & mask
    }
    base[i] = Entry(low: low, high: high, first: slot &+ 1, size: size)
    count &+= 1
    if count &* 3 > entries.count &* 2 { grow() }
    return (slot, true)
  }

  /// Has the place brought near where a content is looked for that is to be added soon.
  @inline(__always)
  func prefetch(low: UInt64, high: UInt64) { cprefetch(entries.base + (Self.start(low, high) & mask)) }

  /// The first slot with this content, if there is one.
  @inline(__always)
  func find(low: UInt64, high: UInt64) -> UInt32? {
    var i = Self.start(low, high) & mask
    while entries[i].first != 0 {
      if entries[i].low == low, entries[i].high == high { return entries[i].first &- 1 }
      i = (i &+ 1) & mask
    }
    return nil
  }

  private mutating func grow() {
    let n = entries.count * 2
    let grown = Table<Entry>(repeating: Entry(), count: n)
    mask = n - 1
    for e in entries.buffer where e.first != 0 {
      var i = Self.start(e.low, e.high) & mask
      while grown[i].first != 0 { i = (i &+ 1) & mask }
      grown[i] = e
    }
    entries = grown
  }
}
