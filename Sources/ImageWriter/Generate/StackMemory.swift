import LoaderCore

/// The functions that were found to fit the stack (`StackCheck`), and all that they call: as long as none of these is
/// touched, only nosplit functions that are not among them need a look.
package final class StackMemory: @unchecked Sendable {
  /// By symbol, 1 for those that were visited.
  private var visited = Table<UInt8>(capacity: 1)
  private var options = StackCheck.Options()

  package init() {}

  func fits(_ s: SymbolID, _ options: StackCheck.Options) -> Bool {
    s.index < visited.count && visited[s.index] != 0 && options == self.options
  }

  /// Adds what a check without an overflow has visited.
  ///
  /// - Parameter heights: by symbol, negative for those that were not.
  func note(heights: borrowing Table<Int16>, _ options: StackCheck.Options) {
    guard !options.debugNosplit else { return }
    if options != self.options { visited.removeAll() }
    self.options = options
    visited.grow(to: heights.count, with: 0)
    for i in 0..<heights.count where heights[i] >= 0 { visited[i] = 1 }
  }

  /// Follows an exchange of objects, after which there are `count` symbols; nil forgets everything.
  func follow(_ change: IndexChange?, count: Int) {
    guard let change, visited.count > 0 else { return visited.removeAll() }
    var isTouched = false
    change.forEachTouched { if $0.index < visited.count, visited[$0.index] != 0 { isTouched = true } }
    if isTouched { return visited.removeAll() }
    if let ranges = change.ranges {
      LinkMemory.renumber(&visited, change, in: ranges, count)
    } else {
      visited = LinkMemory.moved(visited, change, count)
    }
  }

  /// Bytes of memory.
  var byteCount: Int { visited.count }
}
