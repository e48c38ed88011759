import GoDeflate
import Testing

@Suite struct CodeLengthsTests {
  private func lengths(_ frequencies: [UInt16], _ bound: Int) -> [UInt8] {
    var lengths = [UInt8](repeating: 0xff, count: frequencies.count)
    let scratch = CodeLengths()
    frequencies.withUnsafeBufferPointer { frequencies in
      lengths.withUnsafeMutableBufferPointer { lengths in
        guard let from = frequencies.baseAddress, let to = lengths.baseAddress else { return }
        scratch.assign(from, count: frequencies.count, maxLength: bound, to: to)
      }
    }
    return lengths
  }

  /// Length-limited codes from the definition: `bound` lists, each the leaves and the pairs of the list before in
  /// order of weight, pairs first where weights are equal; a symbol's length is the number of lists in which it is
  /// among the first 2n - 2 items, pairs opened.
  private func reference(_ frequencies: [UInt16], _ bound: Int) -> [UInt8] {
    struct Item {
      var weight: Int
      var symbols: [Int]
    }
    var result = [UInt8](repeating: 0, count: frequencies.count)
    let used = frequencies.indices.filter { frequencies[$0] > 0 }
    let leaves = used.map { Item(weight: Int(frequencies[$0]), symbols: [$0]) }
      .sorted { ($0.weight, $0.symbols[0]) < ($1.weight, $1.symbols[0]) }
    if leaves.count <= 2 {
      for symbol in used { result[symbol] = 1 }
      return result
    }
    var list = leaves
    for _ in 1..<bound {
      var merged: [Item] = []
      var leaf = leaves[...]
      var pairs = stride(from: 0, to: list.count - 1, by: 2).map {
        Item(weight: list[$0].weight + list[$0 + 1].weight, symbols: list[$0].symbols + list[$0 + 1].symbols)
      }[...]
      while !leaf.isEmpty || !pairs.isEmpty {
        if let pair = pairs.first, leaf.first.map({ pair.weight <= $0.weight }) ?? true {
          merged.append(pairs.removeFirst())
        } else {
          merged.append(leaf.removeFirst())
        }
      }
      list = merged
    }
    for item in list.prefix(2 * leaves.count - 2) {
      for symbol in item.symbols { result[symbol] += 1 }
    }
    return result
  }

  @Test func fewSymbolsTakeOneBit() {
    #expect(lengths([0, 0, 0], 15) == [0, 0, 0])
    #expect(lengths([0, 9, 0], 15) == [0, 1, 0])
    #expect(lengths([65535, 0, 1], 15) == [1, 0, 1])
  }

  @Test func fibonacciFrequenciesMeetTheBound() {
    var frequencies: [UInt16] = [1, 1]
    while frequencies.count < 24 {
      frequencies.append(frequencies[frequencies.count - 1] + frequencies[frequencies.count - 2])
    }
    for bound in [5, 7, 10, 15] {
      let lengths = lengths(frequencies, bound)
      #expect(lengths == reference(frequencies, bound))
      #expect(lengths.max() == UInt8(bound))
    }
  }

  @Test func randomFrequenciesAgreeWithTheDefinition() {
    var generator = InputGenerator(seed: 42)
    for round in 0..<1500 {
      let isSmall = round % 3 == 0
      let count = isSmall ? 19 : 2 + generator.below(285)
      let bound = isSmall ? 7 : 15
      let spread = generator.below(16)
      let frequencies = (0..<count).map { _ in
        UInt16(truncatingIfNeeded: generator.next() >> 48)
          >> UInt16(min(15, generator.below(spread + 1) + generator.below(8)))
      }
      let lengths = lengths(frequencies, bound)
      #expect(lengths == reference(frequencies, bound), "round \(round)")
    }
  }

  @Test func equalWeightsPreferPairs() {
    // Three leaves of 1 and one of 2: the pair of the first two goes before the leaf of 2.
    #expect(lengths([1, 1, 1, 2], 15) == reference([1, 1, 1, 2], 15))
    #expect(lengths([1, 1, 2, 2, 4], 15) == reference([1, 1, 2, 2, 4], 15))
  }
}
