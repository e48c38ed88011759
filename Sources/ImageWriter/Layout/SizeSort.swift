import LoaderCore

/// Sorts symbols by size where ties keep their order: a radix sort, as most sizes are small and there are
/// hundreds of thousands of them.
enum SizeSort {
  /// The symbols by `key`, then rank.
  ///
  /// - Returns: nil when the symbols do not come in rank order, or a key has more than 32 bits.
  static func sorted(_ symbols: [SymbolID], key: (SymbolID) -> UInt64) -> SizeOrder? {
    let n = symbols.count
    guard n > 64 else { return nil }
    var from = [UInt64](repeating: 0, count: n)
    var all: UInt64 = 0
    var last: UInt32 = 0
    for i in 0..<n {
      let s = symbols[i]
      let k = key(s)
      guard s.raw >= last, k < SizeOrder.largeKey else { return nil }
      last = s.raw
      all |= k
      from[i] = k << 32 | UInt64(s.raw)
    }
    var to = [UInt64](repeating: 0, count: n)
    for digit in 0..<3 where all >> UInt64(11 * digit) != 0 {
      pass(&from, &to, shift: UInt64(32 + 11 * digit))
      swap(&from, &to)
    }
    return SizeOrder(packed: from)
  }

  private static func pass(_ from: inout [UInt64], _ to: inout [UInt64], shift: UInt64) {
    var starts = [Int](repeating: 0, count: 2049)
    for w in from { starts[Int(w >> shift & 2047) + 1] += 1 }
    for d in 1...2048 { starts[d] += starts[d - 1] }
    for w in from {
      let d = Int(w >> shift & 2047)
      to[starts[d]] = w
      starts[d] += 1
    }
  }
}
