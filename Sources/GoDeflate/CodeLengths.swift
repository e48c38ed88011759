/// Lengths of the codes of an optimal prefix code whose lengths are bounded.
///
/// Go (compress/flate/huffman_code.go bitCounts) grows bounded lists of leaves and packages and, of two that weigh
/// the same, takes the package. Many optimal codes exist, so that choice matters. As long as the tree of Huffman's
/// own method with the same choice is no deeper than the bound, both give the same lengths: the k-th list agrees with
/// the order in which Huffman's method takes its nodes up to the first node of height k. So the cheap method runs
/// first, and the lists are built only when its tree is too deep.
package struct CodeLengths: ~Copyable {
  /// Most symbols of an alphabet.
  private static let capacity = 288
  /// Largest bound on a length.
  private static let maxBound = 15

  private let keys: UnsafeMutablePointer<UInt32>
  private let spare: UnsafeMutablePointer<UInt32>
  private let weights: UnsafeMutablePointer<UInt32>
  private let parents: UnsafeMutablePointer<UInt16>
  private let isPackage: UnsafeMutablePointer<UInt8>
  private let lists: UnsafeMutablePointer<UInt32>

  package init() {
    let nodes = 2 * Self.capacity
    keys = .allocate(capacity: Self.capacity)
    spare = .allocate(capacity: Self.capacity)
    weights = .allocate(capacity: nodes)
    parents = .allocate(capacity: nodes)
    isPackage = .allocate(capacity: nodes * Self.maxBound)
    lists = .allocate(capacity: 2 * nodes)
  }

  deinit {
    keys.deallocate()
    spare.deallocate()
    weights.deallocate()
    parents.deallocate()
    isPackage.deallocate()
    lists.deallocate()
  }

  /// Sets `lengths[0..<count]` from the frequencies, 0 where the frequency is 0.
  package func assign(
    _ frequencies: UnsafePointer<UInt16>, count: Int, maxLength: Int, to lengths: UnsafeMutablePointer<UInt8>
  ) {
    assert(count <= Self.capacity && maxLength <= Self.maxBound)
    var used = 0
    var union: UInt32 = 0
    for symbol in 0..<count {
      let frequency = UInt32(frequencies[symbol])
      keys[used] = frequency &<< 16 | UInt32(truncatingIfNeeded: symbol)
      used &+= frequency == 0 ? 0 : 1
      union |= frequency
      lengths[symbol] = 0
    }
    if used <= 2 {
      for i in 0..<used {
        lengths[Int(keys[i] & 0xffff)] = 1
      }
      return
    }
    sort(used, union)
    withUnsafeTemporaryAllocation(of: Int.self, capacity: Self.maxBound + 1) { leaves in
      leaves.initialize(repeating: 0)
      if !countByTree(used, maxLength, leaves) {
        countByLists(used, maxLength, leaves)
      }
      // The more frequent a symbol the shorter its code; of equals the later symbol is the more frequent one.
      var index = used
      for length in 1...maxLength {
        for _ in 0..<leaves[length] {
          index &-= 1
          lengths[Int(keys[index] & 0xffff)] = UInt8(truncatingIfNeeded: length)
        }
      }
      assert(index == 0)
    }
  }

  /// Sorts the keys by frequency, equals by symbol: the keys come in order of the symbols and each pass is stable.
  private func sort(_ used: Int, _ union: UInt32) {
    pass(from: keys, to: spare, used, shift: 16)
    if union >> 8 == 0 {
      keys.update(from: spare, count: used)
    } else {
      pass(from: spare, to: keys, used, shift: 24)
    }
  }

  private func pass(
    from: UnsafeMutablePointer<UInt32>, to: UnsafeMutablePointer<UInt32>, _ used: Int, shift: UInt32
  ) {
    withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 256) { place in
      place.initialize(repeating: 0)
      for i in 0..<used {
        place[Int((from[i] &>> shift) & 0xff)] &+= 1
      }
      var sum: UInt16 = 0
      for i in 0..<256 {
        let these = place[i]
        place[i] = sum
        sum &+= these
      }
      for i in 0..<used {
        let slot = Int((from[i] &>> shift) & 0xff)
        to[Int(place[slot])] = from[i]
        place[slot] &+= 1
      }
    }
  }

  /// Huffman's method on two queues. Gives false, with `leaves` untouched, if the tree is deeper than the bound.
  ///
  /// Nodes are the leaves, one that outweighs all and ends their queue, and the packages. Which queue gives the next
  /// node is as good as random, so it is computed rather than branched upon.
  private func countByTree(_ used: Int, _ maxLength: Int, _ leaves: UnsafeMutableBufferPointer<Int>) -> Bool {
    let nodes = 2 &* used
    for i in 0..<used {
      weights[i] = keys[i] &>> 16
    }
    (weights + used).update(repeating: .max, count: used)
    var leaf = 0
    var package = used &+ 1
    for node in (used &+ 1)..<nodes {
      var weight: UInt32 = 0
      for _ in 0..<2 {
        let leafWeight = weights[leaf]
        let packageWeight = weights[package]
        let step = leafWeight < packageWeight ? 1 : 0
        weight &+= min(leafWeight, packageWeight)
        parents[package &+ (leaf &- package) &* step] = UInt16(truncatingIfNeeded: node)
        leaf &+= step
        package &+= 1 &- step
      }
      weights[node] = weight
    }
    // From the root down every weight gives way to the node's depth. The first leaf is the deepest.
    weights[nodes &- 1] = 0
    for node in stride(from: nodes &- 2, to: used, by: -1) {
      weights[node] = weights[Int(parents[node])] &+ 1
    }
    if weights[Int(parents[0])] >= UInt32(maxLength) { return false }
    for i in 0..<used {
      leaves[Int(weights[Int(parents[i])]) &+ 1] &+= 1
    }
    return true
  }

  /// Lists of leaves and packages, one per length, each merged from the leaves and from pairs of the list before.
  private func countByLists(_ used: Int, _ maxLength: Int, _ leaves: UnsafeMutableBufferPointer<Int>) {
    let bound = min(maxLength, used &- 1)
    let room = 2 &* Self.capacity
    let wanted = 2 &* used &- 2
    var previousCount = 0
    for level in 0..<bound {
      let list = lists + (level & 1) &* room
      let previous = lists + (~level & 1) &* room
      let flags = isPackage + level &* room
      let packages = previousCount / 2
      let length = min(wanted, used &+ packages)
      var leaf = 0
      var package = 0
      for i in 0..<length {
        let pair = package < packages ? previous[2 &* package] &+ previous[2 &* package &+ 1] : .max
        let single = leaf < used ? keys[leaf] &>> 16 : .max
        let takeLeaf = single < pair
        list[i] = takeLeaf ? single : pair
        flags[i] = takeLeaf ? 0 : 1
        leaf &+= takeLeaf ? 1 : 0
        package &+= takeLeaf ? 0 : 1
      }
      previousCount = length
    }
    // Walking back, list `level` says how many leaves are at least `bound - level` bits deep.
    var taken = wanted
    var shallower = 0
    for level in stride(from: bound &- 1, through: 0, by: -1) {
      let flags = isPackage + level &* room
      var packages = 0
      for i in 0..<taken {
        packages &+= Int(flags[i])
      }
      let here = taken &- packages
      if level < bound &- 1 {
        leaves[bound &- 1 &- level] = shallower &- here
      }
      shallower = here
      taken = 2 &* packages
    }
    leaves[bound] = shallower
  }
}
