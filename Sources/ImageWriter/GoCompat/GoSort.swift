import LoaderCore

/// Go's sort, with the order it leaves equal elements in.
///
/// `sort.Slice`, `sort.Sort` and `slices.SortFunc` are one algorithm (sort/zsortfunc.go,
/// slices/zsortanyfunc.go: the same comparisons and the same exchanges, unchanged from Go 1.19 to 1.27): a
/// pattern-defeating quicksort, which is not stable. Where the real linker sorts with ties, the order of
/// the tied elements in the image is whatever this algorithm leaves, so every step of it is part of the
/// format. Types of equal string and compilation units of equal address are such ties.
package enum GoSort {
  /// Sorts `data`.
  ///
  /// - Parameters:
  ///   - isShared: whether several threads may do it; the outcome is the same.
  ///   - less: a strict weak order. It is asked about the same pairs as Go's, by one thread in the same order.
  package static func sort<T>(
    _ data: UnsafeMutableBufferPointer<T>, isShared: Bool = false, by less: (T, T) -> Bool
  ) {
    guard let base = data.baseAddress else { return }
    withoutActuallyEscaping(less) { less in
      PatternDefeatingSort(data: base, isShared: isShared, less: less)
        .sort(0, data.count, limit: bitLength(data.count))
    }
  }

  package static func sort<T>(_ data: inout [T], by less: (T, T) -> Bool) {
    data.withUnsafeMutableBufferPointer { sort($0, by: less) }
  }

  /// The number of bits needed to write `n` (math/bits.Len).
  package static func bitLength(_ n: Int) -> Int { Int.bitWidth - n.leadingZeroBitCount }
}

/// One sort under way. Ranges are half open, `a` the first index and `b` the one behind the last; they
/// stay within the buffer whatever the order answers.
private struct PatternDefeatingSort<T> {
  let data: UnsafeMutablePointer<T>
  /// Whether several threads may sort.
  let isShared: Bool
  let less: (T, T) -> Bool

  enum Hint { case unknown, increasing, decreasing }

  /// Up to this length a range is sorted by insertion.
  static var maxInsertion: Int { 12 }
  /// From this length on the pivot is a median of medians.
  static var shortestNinther: Int { 50 }
  /// From this length on both parts of a range may be sorted side by side.
  static var shortestShared: Int { 2048 }
  /// From this length on neighbours found out of order are moved home when there are few.
  static var shortestShifting: Int { 50 }

  init(data: UnsafeMutablePointer<T>, isShared: Bool, less: @escaping (T, T) -> Bool) {
    self.data = data
    self.isShared = isShared
    self.less = less
  }

  @inline(__always)
  func isLess(_ i: Int, _ j: Int) -> Bool { less(data[i], data[j]) }

  @inline(__always)
  func swap(_ i: Int, _ j: Int) {
    guard i != j else { return }
    let x = (data + i).move()
    (data + i).moveInitialize(from: data + j, count: 1)
    (data + j).initialize(to: x)
  }

  /// - Parameters:
  ///   - allowed: how many badly balanced partitions are allowed before the heap takes over.
  ///   - isBalanced: whether the range comes from one that was divided well.
  ///   - isPartitioned: whether there was nothing to exchange in that.
  func sort(
    _ first: Int, _ last: Int, limit allowed: Int, _ isBalanced: Bool = true, _ isPartitioned: Bool = true
  ) {
    var a = first
    var b = last
    var limit = allowed
    var wasBalanced = isBalanced
    var wasPartitioned = isPartitioned
    while true {
      let length = b - a
      if length <= Self.maxInsertion { return insertionSort(a, b) }
      if limit == 0 { return heapSort(a, b) }
      if !wasBalanced {
        breakPatterns(a, b)
        limit -= 1
      }
      var (pivot, hint) = choosePivot(a, b)
      if hint == .decreasing {
        reverse(a, b)
        pivot = b - 1 - (pivot - a)
        hint = .increasing
      }
      if wasBalanced, wasPartitioned, hint == .increasing, finishIfNearlySorted(a, b) { return }
      // The element before the range is a pivot of before: not less than ours means equal to it.
      if a > 0, !isLess(a - 1, pivot) {
        a = partitionEqual(a, b, pivot)
        continue
      }
      let middle: Int
      (middle, wasPartitioned) = partition(a, b, pivot)
      let left = middle - a
      let right = b - middle
      if isShared, min(left, right) >= Self.shortestShared {
        let (smaller, larger) = left < right ? (a..<middle, middle + 1..<b) : (middle + 1..<b, a..<middle)
        let (left, isBalanced) = (limit, min(left, right) >= length / 8)
        // Neither looks at the other, but at the pivot between them, which stays.
        Chunks.beside {
          sort(smaller.lowerBound, smaller.upperBound, limit: left)
        } _: {
          sort(larger.lowerBound, larger.upperBound, limit: left, isBalanced, wasPartitioned)
        }
        return
      }
      if left < right {
        wasBalanced = left >= length / 8
        sort(a, middle, limit: limit)
        a = middle + 1
      } else {
        wasBalanced = right >= length / 8
        sort(middle + 1, b, limit: limit)
        b = middle
      }
    }
  }

  func insertionSort(_ a: Int, _ b: Int) {
    guard b - a > 1 else { return }
    for i in (a + 1)..<b {
      var j = i
      while j > a, isLess(j, j - 1) {
        swap(j, j - 1)
        j -= 1
      }
    }
  }

  // MARK: heap sort

  func siftDown(_ start: Int, _ end: Int, first: Int) {
    var root = start
    while true {
      var child = 2 * root + 1
      guard child < end else { return }
      if child + 1 < end, isLess(first + child, first + child + 1) { child += 1 }
      guard isLess(first + root, first + child) else { return }
      swap(first + root, first + child)
      root = child
    }
  }

  func heapSort(_ a: Int, _ b: Int) {
    let count = b - a
    for i in stride(from: (count - 1) / 2, through: 0, by: -1) { siftDown(i, count, first: a) }
    for i in stride(from: count - 1, through: 0, by: -1) {
      swap(a, a + i)
      siftDown(0, i, first: a)
    }
  }

  // MARK: partitions

  /// Smaller elements to the left of the pivot, the others to its right; gives where the pivot is then,
  /// and whether nothing had to move.
  func partition(_ a: Int, _ b: Int, _ pivot: Int) -> (Int, Bool) {
    swap(a, pivot)
    var i = a + 1
    var j = b - 1
    var moved = false
    while true {
      while i <= j, isLess(i, a) { i += 1 }
      while i <= j, !isLess(j, a) { j -= 1 }
      if i > j { break }
      swap(i, j)
      moved = true
      i += 1
      j -= 1
    }
    swap(j, a)
    return (j, !moved)
  }

  /// For a range without elements smaller than the pivot: gathers its equals at the front and gives the
  /// first index behind them.
  func partitionEqual(_ a: Int, _ b: Int, _ pivot: Int) -> Int {
    swap(a, pivot)
    var i = a + 1
    var j = b - 1
    while true {
      while i <= j, !isLess(a, i) { i += 1 }
      while i <= j, isLess(a, j) { j -= 1 }
      if i > j { return i }
      swap(i, j)
      i += 1
      j -= 1
    }
  }

  // MARK: patterns

  /// Moves up to five misplaced neighbours home; whether the range is sorted then.
  func finishIfNearlySorted(_ a: Int, _ b: Int) -> Bool {
    var i = a + 1
    for _ in 0..<5 {
      while i < b, !isLess(i, i - 1) { i += 1 }
      if i == b { return true }
      if b - a < Self.shortestShifting { return false }
      swap(i, i - 1)
      if i - a >= 2 {
        // Down to the start of the data, not of the range.
        var j = i - 1
        while j >= 1, isLess(j, j - 1) {
          swap(j, j - 1)
          j -= 1
        }
      }
      if b - i >= 2 {
        var j = i + 1
        while j < b, isLess(j, j - 1) {
          swap(j, j - 1)
          j += 1
        }
      }
    }
    return false
  }

  /// Exchanges three elements of the middle with others: xorshift numbers, seeded with the length.
  func breakPatterns(_ a: Int, _ b: Int) {
    let length = b - a
    guard length >= 8 else { return }
    var random = UInt64(length)
    let mask = UInt64(1) << UInt64(GoSort.bitLength(length)) - 1
    let middle = a + length / 4 * 2
    for i in (middle - 1)...(middle + 1) {
      random ^= random << 13
      random ^= random >> 7
      random ^= random << 17
      var other = Int(random & mask)
      if other >= length { other -= length }
      swap(i, a + other)
    }
  }

  func choosePivot(_ a: Int, _ b: Int) -> (Int, Hint) {
    let length = b - a
    var swaps = 0
    var i = a + length / 4
    var j = a + length / 4 * 2
    var k = a + length / 4 * 3
    if length >= 8 {
      if length >= Self.shortestNinther {
        i = median(i - 1, i, i + 1, &swaps)
        j = median(j - 1, j, j + 1, &swaps)
        k = median(k - 1, k, k + 1, &swaps)
      }
      j = median(i, j, k, &swaps)
    }
    switch swaps {
    case 0: return (j, .increasing)
    case 12: return (j, .decreasing)
    default: return (j, .unknown)
    }
  }

  /// Which of three indices holds the median; counts the comparisons that found a pair out of order.
  func median(_ x: Int, _ y: Int, _ z: Int, _ swaps: inout Int) -> Int {
    var (a, b, c) = (x, y, z)
    if isLess(b, a) {
      swaps += 1
      (a, b) = (b, a)
    }
    if isLess(c, b) {
      swaps += 1
      (b, c) = (c, b)
    }
    if isLess(b, a) {
      swaps += 1
      (a, b) = (b, a)
    }
    return b
  }

  func reverse(_ a: Int, _ b: Int) {
    var i = a
    var j = b - 1
    while i < j {
      swap(i, j)
      i += 1
      j -= 1
    }
  }
}
