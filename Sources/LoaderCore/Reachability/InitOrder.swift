/// The order in which package initialisers run (cmd/link/internal/ld/inittask.go).
///
/// From a root's inittask along R_INITORDER to the packages it imports; a package is ready when all its
/// imports are scheduled, and of the ready ones the first by symbol name comes next. Tasks of 8 bytes or
/// less have nothing to run: they take part in the ordering only.
package struct InitOrder {
  package let mainTasks: SymbolID

  private static let (mainRoot, runtimeRoot) = ("main..inittask", "runtime..inittask")

  /// Finds the orders that `memory` does not know, for `schedule`, which does what this leaves. The index is only read.
  package static func foresee(_ index: SymbolIndex, memory: InitMemory) {
    for root in [mainRoot, runtimeRoot] {
      let start = index.lookup(root)
      guard !start.isNone, memory.tasks(of: start) == nil else { continue }
      _ = try? tasks(index, memory, from: start)
    }
  }

  /// Makes `go:main.inittasks` and `go:runtime.inittasks`, and points runtime.runtime_inittasks at the latter.
  ///
  /// - Parameter memory: knows the order of the last link, and learns this one's.
  package static func schedule(_ index: SymbolIndex, memory: InitMemory? = nil) throws(LinkFailure)
    -> InitOrder
  {
    let main = try taskList(index, memory, root: mainRoot, name: "go:main.inittasks")
    let header = index.lookup("runtime.runtime_inittasks")
    if !header.isNone {
      let tasks = try taskList(index, memory, root: runtimeRoot, name: "go:runtime.inittasks")
      let count = tasks.isNone ? 0 : UInt64(index.reader.size(tasks) / 8)
      index.truncate(header)
      index.setKind(header, .noptrData)
      index.addAddress(header, of: tasks)
      index.addUInt(header, count)
      index.addUInt(header, count)
    }
    return InitOrder(mainTasks: main)
  }

  private static func taskList(
    _ index: SymbolIndex, _ memory: InitMemory?, root: String, name: String
  ) throws(LinkFailure) -> SymbolID {
    let start = index.lookup(root)
    guard !start.isNone else { return .none }
    let known = memory?.tasks(of: start)
    let tasks = if let known { known } else { try tasks(index, memory, from: start) }
    let list = index.createStatic(name)
    index.setKind(list, .noptrData)
    for s in tasks { index.addAddress(list, of: s) }
    return list
  }

  /// What runs before a root, and the root itself, in order.
  private static func tasks(
    _ index: SymbolIndex, _ memory: InitMemory?, from start: SymbolID
  ) throws(LinkFailure) -> [SymbolID] {
    let (order, unscheduled) = Graph(start, index.reader).order()
    if let (s, n) = unscheduled {
      throw .exit(
        message: "inittask for \(index.reader.name(s).string) is not schedulable \(n)")
    }
    let tasks = order.filter { index.reader.size($0) > 8 }
    memory?.note(root: start, order: order, tasks: tasks)
    return tasks
  }

  /// The inittasks that a root leads to, by numbers in the order of their names.
  private struct Graph {
    private let tasks: [SymbolID]
    /// Imports of each.
    private var imports: [Int]
    /// The importers of task `k` are `importers[starts[k]..<starts[k + 1]]`, in the order in which they were met.
    private var starts: [Int]
    private var importers: [Int]

    init(_ root: SymbolID, _ reader: SymbolReader) {
      // First by numbers in the order of meeting.
      var met: [SymbolID: Int] = [root: 0]
      var tasks = [root]
      var edges: [(importer: Int, imported: Int)] = []
      var queue = [0]
      while let x = queue.popLast() {
        let relocs = reader.relocations(tasks[x])
        for i in 0..<relocs.count where relocs.type(i) == RelocType.initOrder {
          let s = reader.target(relocs[i], in: relocs)
          let k = met[s] ?? tasks.count
          if k == tasks.count {
            met[s] = k
            tasks.append(s)
            queue.append(k)
          }
          edges.append((x, k))
        }
      }
      // Names are unique here.
      let byName = tasks.indices.sorted { reader.name(tasks[$0]) < reader.name(tasks[$1]) }
      var ranks = [Int](repeating: 0, count: tasks.count)
      for (rank, k) in byName.enumerated() { ranks[k] = rank }
      self.tasks = byName.map { tasks[$0] }
      imports = [Int](repeating: 0, count: tasks.count)
      starts = [Int](repeating: 0, count: tasks.count + 1)
      for e in edges {
        imports[ranks[e.importer]] += 1
        starts[ranks[e.imported] + 1] += 1
      }
      for k in tasks.indices { starts[k + 1] += starts[k] }
      var next = starts
      importers = [Int](repeating: 0, count: edges.count)
      for e in edges {
        let k = ranks[e.imported]
        importers[next[k]] = ranks[e.importer]
        next[k] += 1
      }
    }

    /// The tasks in the order in which they run, and one that waits for itself with the number of its imports that are
    /// left, if there is any.
    func order() -> (tasks: [SymbolID], unscheduled: (SymbolID, Int)?) {
      var waiting = imports
      var ready = ReadyTasks(count: tasks.count)
      for k in tasks.indices where waiting[k] == 0 { ready.insert(k) }
      var result: [SymbolID] = []
      while let k = ready.removeFirst() {
        result.append(tasks[k])
        for i in starts[k]..<starts[k + 1] {
          waiting[importers[i]] -= 1
          if waiting[importers[i]] == 0 { ready.insert(importers[i]) }
        }
      }
      let stuck = waiting.indices.first { waiting[$0] != 0 }
      return (result, stuck.map { (tasks[$0], waiting[$0]) })
    }
  }

  /// Small numbers, of which the smallest is wanted: a bit each.
  private struct ReadyTasks {
    private var words: [UInt64]
    /// No word before this one has a bit.
    private var first = 0

    init(count: Int) { words = [UInt64](repeating: 0, count: count / 64 + 1) }

    mutating func insert(_ k: Int) {
      words[k / 64] |= 1 << UInt64(k % 64)
      first = min(first, k / 64)
    }

    mutating func removeFirst() -> Int? {
      while first < words.count {
        if words[first] != 0 {
          let bit = words[first].trailingZeroBitCount
          words[first] &= words[first] - 1
          return 64 * first + bit
        }
        first += 1
      }
      return nil
    }
  }
}
