import ImageWriter
import LoaderCore
import TestSupport
import Testing

/// Orders that are kept between links must be the orders that sorting everything gives.
@Suite struct OrderMemoryTests {
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func typesStayInTheOrderOfTheirStrings(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    // Strings of the types, by symbol; many are equal.
    var strings: [UInt32: String] = [:]
    var order = SortedStrings()
    for step in 0..<60 {
      // Symbols get other numbers, some go, and new ones come.
      let shift = UInt32.random(in: 0...3, using: &random)
      let gone = Set(strings.keys.filter { _ in Int.random(in: 0..<6, using: &random) == 0 })
      order = order.mapped { s, name in
        gone.contains(s.raw) ? nil : (SymbolID(s.raw + shift), name)
      }
      strings = Dictionary(
        uniqueKeysWithValues: strings.filter { !gone.contains($0.key) }.map { ($0.key + shift, $0.value) })
      var fresh: [UInt32] = []
      for _ in 0..<Int.random(in: 0...6, using: &random) {
        let s = (strings.keys.max() ?? 0) + UInt32.random(in: 1...3, using: &random)
        strings[s] = String("abcdefgh".prefix(Int.random(in: 1...8, using: &random)))
        fresh.append(s)
      }
      order = merged(order, fresh, strings)
      let texts = order.symbols.map { strings[$0.raw] ?? "?" }
      let place = "seed \(seed), step \(step)"
      #expect(Set(order.symbols.map(\.raw)) == Set(strings.keys), "\(place)")
      #expect(texts == texts.sorted(), "\(place)")
      #expect(order.repeatsLast == texts.indices.map { $0 > 0 && texts[$0] == texts[$0 - 1] }, "\(place)")
    }
  }

  private func merged(_ order: SortedStrings, _ fresh: [UInt32], _ strings: [UInt32: String]) -> SortedStrings
  {
    let arena = Arena()
    func text(_ s: UInt32) -> ByteView { arena.intern(strings[s] ?? "") }
    var list = fresh.map { SortedStrings.Fresh(text: text($0), symbol: SymbolID($0), name: .none) }
    list.sort { $0.text < $1.text }
    return withExtendedLifetime(arena) { order.merged(with: list) { text($0.raw) } }
  }

  @Test func equalNumbersGiveGosOrderAgain() {
    var random = SeededGenerator(seed: 4)
    let keys = (0..<500).map { _ in UInt64.random(in: 0..<40, using: &random) }
    let order = TypeOrder(keys)
    #expect(order.positions.map { keys[Int($0)] } == keys.sorted())
    #expect(Set(order.positions).count == keys.count)
    #expect(TypeOrder(keys).positions == order.positions)
  }

  @Test func aSecondLinkFindsTheSameOrderWithWhatTheFirstLeft() throws {
    let program = try SmallProgram()
    var live = try program.live()
    _ = DynamicSections(program.index, &live, options: .init())
    let memory = LinkMemory()
    func order(_ memory: LinkMemory) -> [OrderedData] {
      let groups = SymbolGroups(program.index, live, memory: memory)
      let strings = TypeStrings(program.index, live, memory: memory)
      return DataOrder(groups, program.index, strings, memory: memory).byKind
    }
    let first = order(memory)
    let second = order(memory)
    #expect(first.contains { !$0.symbols.isEmpty })
    #expect(second.map(\.symbols) == first.map(\.symbols))
    #expect(second.map(\.alignments) == first.map(\.alignments))
    #expect(second.map(\.sizes) == first.map(\.sizes))
    #expect(memory.byteCount > 0)
  }
}
