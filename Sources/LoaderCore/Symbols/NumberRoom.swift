internal import Synchronization

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

  /// The numbers of the names that an object is the first to refer to and nobody defines, with the room behind them.
  func undefinedNumbers(of object: Int) -> Range<Int> {
    Int(undefinedStarts[object])..<Int(undefinedStarts[object + 1])
  }

  /// Numbers the undefined names of all objects, in load order, and leaves room behind each object's.
  ///
  /// - Parameter number: appends what an object is the first to refer to.
  func numberUndefined<E: Error>(_ number: (_ object: Int) throws(E) -> Void) throws(E) {
    firstExternal = SymbolID(symbols.count)
    undefinedStarts = [0, 0]
    for o in 2..<loaded.count {
      let first = symbols.count
      undefinedStarts.append(UInt32(truncatingIfNeeded: first))
      try number(o)
      for _ in 0..<NumberRoom.behind(symbols.count - first) {
        symbols.append(NumberRoom.nobody)
        classes.append(0)
      }
    }
    undefinedStarts.append(UInt32(truncatingIfNeeded: symbols.count))
    alignments.grow(to: symbols.count, with: 0)
  }

  /// How many symbols there are, the none symbol included.
  package var symbolCount: Int { count - freeCount }

  /// How many names there are that nobody defines, and symbols of the linker's own.
  var externalCount: Int { (firstExternal.index..<count).count { hasSymbol(at: $0) } }

  func hasSymbol(at number: Int) -> Bool { symbols[number] != NumberRoom.nobody }

  /// Counts the numbers that nobody has.
  func countFree() {
    let symbols = symbols.base
    let free = Atomic(0)
    Chunks.run(count, grain: 1 << 16) { range in
      free.add(range.count { symbols[$0] == NumberRoom.nobody }, ordering: .relaxed)
    }
    freeCount = max(0, free.load(ordering: .relaxed) - 1)
  }
}
