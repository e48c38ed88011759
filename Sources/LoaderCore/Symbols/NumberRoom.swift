/// Numbers that no symbol has: some are left free behind those of each object, so that an edit which adds a few
/// symbols moves those of no other object (`IndexPatch.numbersInPlace`). Only the order of numbers counts in a link.
enum NumberRoom {
  /// What stands in a table of symbols at such a number.
  static let nobody = ObjectSymbol(object: 0, local: 0)

  /// How many numbers are left free behind `count` symbols.
  static func behind(_ count: Int) -> Int { 8 + count / 32 }
}

extension SymbolIndex {
  /// The numbers of an object's package definitions, with the room behind them.
  func packageNumbers(of object: Int) -> Range<Int> {
    Int(packageStarts[object])..<Int(packageStarts[object + 1])
  }

  /// The numbers of what an object is the first to have of other definitions, with the room behind them.
  func othersNumbers(of object: Int) -> Range<Int> {
    Int(othersStarts[object])..<Int(othersStarts[object + 1])
  }

  /// How many symbols there are, the none symbol included.
  package var symbolCount: Int { count - freeCount }

  func hasSymbol(at number: Int) -> Bool { symbols[number] != NumberRoom.nobody }

  /// Counts the numbers that nobody has.
  func countFree() { freeCount = max(0, symbols.buffer.count { $0 == NumberRoom.nobody } - 1) }
}
