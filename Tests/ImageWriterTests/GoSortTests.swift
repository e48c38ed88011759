import ImageWriter
import Testing

private struct Item: Equatable {
  var key: UInt32
  let id: UInt32
}

private struct SplitMix {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

private let hashSeed: UInt64 = 0xcbf2_9ce4_8422_2325

private func mix(_ hash: UInt64, _ items: [Item]) -> UInt64 {
  items.reduce(hash) { ($0 ^ UInt64($1.id)) &* 0x100_0000_01b3 }
}

/// `n` items with keys below `k`; the patterns are those of scripts/vectors/sort.
private func input(pattern: Int, keys k: Int, count n: Int) -> [Item] {
  var random = SplitMix(state: UInt64(pattern) << 48 | UInt64(k) << 24 | UInt64(n))
  var items = (0..<n).map { i in
    let key =
      switch pattern {
      case 0: Int(random.next() % UInt64(k))
      case 2: (n - i) * k / n
      case 3: i % k
      case 4: min(i, n - i) * k / n
      default: i * k / n
      }
    return Item(key: UInt32(key), id: UInt32(i))
  }
  if n > 0, pattern >= 5 {
    for _ in 0..<(2 * (pattern - 4)) {
      // Go evaluates the index first.
      let at = Int(random.next() % UInt64(n))
      items[at].key = UInt32(random.next() % UInt64(k))
    }
  }
  return items
}

/// McIlroy's adversary: decides the order while it is asked, so as to make a quicksort quadratic.
private final class Adversary {
  var value: [Int]
  let undecided: Int
  var next = 0
  var pivot = 0
  var comparisons = 0

  init(_ n: Int) {
    value = Array(repeating: n, count: n)
    undecided = n
  }

  func less(_ x: Int, _ y: Int) -> Bool {
    comparisons += 1
    if value[x] == undecided, value[y] == undecided {
      if y == pivot { value[y] = next } else { value[x] = next }
      next += 1
    }
    if value[x] == undecided {
      pivot = x
    } else if value[y] == undecided {
      pivot = y
    }
    return value[x] < value[y]
  }
}

@Suite struct GoSortTests {
  static let lengths = [
    Array(stride(from: 0, through: 70, by: 1)), Array(stride(from: 71, through: 1000, by: 37)),
    Array(stride(from: 1000, through: 5000, by: 487)),
  ]

  @Test(arguments: GoSortVectors.sorts)
  func equalElementsEndWhereGoLeavesThem(_ v: SortVector) {
    for (lengths, want) in zip(Self.lengths, v.hashes) {
      var hash = hashSeed
      for n in lengths {
        var items = input(pattern: v.pattern, keys: v.keys, count: n)
        GoSort.sort(&items) { $0.key < $1.key }
        hash = mix(hash, items)
      }
      #expect(hash == want, "lengths \(lengths[0])...")
    }
  }

  /// Parts that are sorted side by side end as if one had been sorted after the other.
  @Test(arguments: GoSortVectors.sorts)
  func severalThreadsLeaveThemThereToo(_ v: SortVector) {
    for n in [4_100, 9_000, 40_000] {
      var alone = input(pattern: v.pattern, keys: v.keys, count: n)
      var shared = alone
      GoSort.sort(&alone) { $0.key < $1.key }
      shared.withUnsafeMutableBufferPointer { items in
        GoSort.sort(items, isShared: true) { $0.key < $1.key }
      }
      #expect(mix(hashSeed, shared) == mix(hashSeed, alone), "\(n) elements")
    }
  }

  /// The adversary answers by what it was asked before: equal ends mean equal questions, and only it
  /// gets as far as the heap.
  @Test(arguments: GoSortVectors.adversaries)
  func asksWhatGoAsks(_ v: AdversaryVector) {
    let adversary = Adversary(v.count)
    var items = (0..<v.count).map { Item(key: 0, id: UInt32($0)) }
    GoSort.sort(&items) { adversary.less(Int($0.id), Int($1.id)) }
    #expect(adversary.comparisons == v.comparisons)
    #expect(mix(hashSeed, items) == v.hash)
  }

  /// Whatever the order answers, the elements stay the same ones.
  @Test func keepsTheElementsOfAnImpossibleOrder() {
    var random = SplitMix(state: 7)
    for n in [13, 100, 2000] {
      var items = (0..<n).map { "\($0)" }
      GoSort.sort(&items) { _, _ in random.next() & 1 == 0 }
      #expect(Set(items).count == n)
      GoSort.sort(&items) { _, _ in true }
      #expect(Set(items).count == n)
    }
  }

  @Test(arguments: GoSortVectors.shuffles)
  func shufflesAsGo(_ v: ShuffleVector) {
    // A slice that does not start at 0, as when the first function keeps its place.
    var items = [Item(key: 9, id: 9)] + (0..<v.count).map { Item(key: 0, id: UInt32($0)) }
    var random = GoRand(seed: v.seed)
    random.shuffle(&items[1...])
    #expect(items[0].key == 9)
    #expect(mix(hashSeed, Array(items[1...])) == v.hash)
  }

  @Test(arguments: GoSortVectors.draws)
  func drawsAsGo(_ v: DrawVector) {
    var random = GoRand(seed: v.seed)
    #expect(random.int63(below: (1 << 62) + 1) == v.large)
    #expect(random.int63(below: 1000) == v.small)
    #expect(random.uint64() == v.word)
  }
}
