import LoaderCore

/// How high the functions are that were found to fit the stack (`StackCheck`), and all that they call.
///
/// What is kept is never too low: a function that was exchanged is looked at again, and if it is not higher than it was, no
/// more need be known of those that call it. If it is, all are looked at anew.
package final class StackMemory: @unchecked Sendable {
  /// By symbol, height plus 1; 0 for those that were not visited.
  private(set) var heights = Table<UInt16>(capacity: 1)
  /// Functions to be looked at again, and what their callers took them for.
  private(set) var stale: [(symbol: SymbolID, height: Int)] = []
  private var options = StackCheck.Options()

  package init() {}

  /// Whether heights are known that a check with these options can start from.
  func serves(_ options: StackCheck.Options) -> Bool {
    heights.count > 0 && options == self.options && !options.debugNosplit
  }

  /// Keeps the heights of a check without an overflow.
  func take(_ heights: consuming Table<UInt16>, _ options: StackCheck.Options) {
    stale = []
    guard !options.debugNosplit else { return self.heights.removeAll() }
    self.heights = heights
    self.options = options
  }

  /// The heights, with room for `count` symbols, for a check that gives them back by `take`.
  func lend(count: Int) -> Table<UInt16> {
    var lent = Table<UInt16>(capacity: 1)
    swap(&lent, &heights)
    lent.grow(to: count, with: 0)
    return lent
  }

  /// Follows an exchange of objects, after which there are `count` symbols; nil forgets everything.
  func follow(_ change: IndexChange?, count: Int) {
    guard let change, !change.namesMoved, heights.count > 0 else {
      stale = []
      return heights.removeAll()
    }
    stale = stale.compactMap { s in change.number(s.symbol).map { ($0, s.height) } }
    var touched: [(symbol: SymbolID, height: Int)] = []
    change.forEachTouched { s in
      guard s.index < heights.count, heights[s.index] != 0, let n = change.number(s) else { return }
      touched.append((n, Int(heights[s.index]) - 1))
    }
    stale += touched
    if let ranges = change.ranges {
      LinkMemory.renumber(&heights, change, in: ranges, count)
    } else {
      heights = LinkMemory.moved(heights, change, count)
    }
  }

  /// Bytes of memory.
  var byteCount: Int { heights.byteCount }
}
