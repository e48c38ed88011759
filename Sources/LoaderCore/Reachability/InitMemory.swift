/// The order of a program's initialisers from one link to the next (`InitOrder`).
///
/// It hangs on the names and sizes of the tasks that a root leads to, and on the tasks that these lead to: on their
/// definitions alone. As long as none of those is touched, it is what it was.
package final class InitMemory: @unchecked Sendable {
  private struct List {
    var root: SymbolID
    /// All that the root leads to.
    var order: [SymbolID]
    /// Those that have something to run.
    var tasks: [SymbolID]

    /// The list after an exchange of objects; nil when it may be another one.
    func following(_ change: IndexChange) -> List? {
      guard !change.isReshaped, !change.namesMoved, !order.contains(where: change.isTouched),
        let root = change.number(root), let order = Self.numbers(order, change),
        let tasks = Self.numbers(tasks, change)
      else { return nil }
      // Who refers to one by its place may find another there.
      let moved = Set(change.moved)
      guard moved.isEmpty || !self.order.contains(where: { moved.contains($0.raw) }) else { return nil }
      return List(root: root, order: order, tasks: tasks)
    }

    private static func numbers(_ old: [SymbolID], _ change: IndexChange) -> [SymbolID]? {
      if change.keepsNumbers, old.allSatisfy({ change.number($0) != nil }) { return old }
      let new = old.compactMap { change.number($0) }
      return new.count == old.count ? new : nil
    }
  }

  private var lists: [List] = []

  package init() {}

  func note(root: SymbolID, order: [SymbolID], tasks: [SymbolID]) {
    lists.removeAll { $0.root == root }
    lists.append(List(root: root, order: order, tasks: tasks))
  }

  /// What runs before a root, and the root itself, in order; nil when that is not known.
  package func tasks(of root: SymbolID) -> [SymbolID]? { lists.first { $0.root == root }?.tasks }

  /// Follows an exchange of objects.
  package func follow(_ change: IndexChange) { lists = lists.compactMap { $0.following(change) } }
}
