/// The pseudo-random numbers of Go's math/rand (version 1) for a given seed: an additive lagged Fibonacci
/// generator over 607 words (math/rand/rng.go). -randlayout orders functions by it.
package struct GoRand {
  private static let length = 607
  private static let distance = 273

  private var state: [UInt64]
  private var tap = 0
  private var feed: Int

  /// `rand.New(rand.NewSource(seed))`.
  package init(seed: Int64) {
    let modulus: Int64 = (1 << 31) - 1
    var x = seed % modulus
    if x < 0 { x += modulus }
    if x == 0 { x = 89_482_311 }
    func next() -> UInt64 {
      x = x * 48271 % modulus
      return UInt64(x)
    }
    for _ in 0..<20 { _ = next() }
    state = []
    state.reserveCapacity(Self.length)
    for cooked in GoRandTable.cooked {
      // One after the other: each call advances the generator.
      let high = next() << 40
      let middle = next() << 20
      let low = next()
      state.append(high ^ middle ^ low ^ cooked)
    }
    feed = Self.length - Self.distance
  }

  /// `Rand.Uint64`.
  package mutating func uint64() -> UInt64 {
    tap = tap == 0 ? Self.length - 1 : tap - 1
    feed = feed == 0 ? Self.length - 1 : feed - 1
    let x = state[feed] &+ state[tap]
    state[feed] = x
    return x
  }

  /// `Rand.Uint32`.
  package mutating func uint32() -> UInt32 { UInt32(truncatingIfNeeded: uint64() >> 31) }

  /// `Rand.Int63n`: below `n`, which is positive.
  package mutating func int63(below n: Int64) -> Int64 {
    guard n > 0 else { return 0 }
    func next() -> Int64 { Int64(uint64() & ~(1 << 63)) }
    if n & (n - 1) == 0 { return next() & (n - 1) }
    let largest = Int64.max - Int64((UInt64(1) << 63) % UInt64(n))
    var v = next()
    while v > largest { v = next() }
    return v % n
  }

  /// The unexported int31n that Shuffle draws with, which is not `Rand.Int31n`: the high half of a
  /// product, the biased low halves drawn again.
  package mutating func uint32(below n: UInt32) -> UInt32 {
    guard n > 0 else { return 0 }
    var product = UInt64(uint32()) * UInt64(n)
    if UInt32(truncatingIfNeeded: product) < n {
      let threshold = (0 &- n) % n
      while UInt32(truncatingIfNeeded: product) < threshold {
        product = UInt64(uint32()) * UInt64(n)
      }
    }
    return UInt32(product >> 32)
  }

  /// `Rand.Shuffle` of `data`.
  package mutating func shuffle<T>(_ data: inout ArraySlice<T>) {
    var i = data.count - 1
    while i > 0 {
      let j =
        i > Int(Int32.max) - 1
        ? Int(int63(below: Int64(i) + 1)) : Int(uint32(below: UInt32(i + 1)))
      data.swapAt(data.startIndex + i, data.startIndex + j)
      i -= 1
    }
  }
}
