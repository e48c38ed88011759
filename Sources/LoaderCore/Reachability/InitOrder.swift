/// The order in which package initialisers run (cmd/link/internal/ld/inittask.go).
///
/// From a root's inittask along R_INITORDER to the packages it imports; a package is ready when all its
/// imports are scheduled, and of the ready ones the first by symbol name comes next. Tasks of 8 bytes or
/// less have nothing to run: they take part in the ordering only.
package struct InitOrder {
  package let mainTasks: SymbolID

  /// Makes `go:main.inittasks` and `go:runtime.inittasks`, and points runtime.runtime_inittasks at the latter.
  package static func schedule(_ index: SymbolIndex) throws(LinkFailure) -> InitOrder {
    let main = try taskList(index, root: "main..inittask", name: "go:main.inittasks")
    let header = index.lookup("runtime.runtime_inittasks")
    if !header.isNone {
      let tasks = try taskList(index, root: "runtime..inittask", name: "go:runtime.inittasks")
      let count = tasks.isNone ? 0 : UInt64(index.reader.size(tasks) / 8)
      index.truncate(header)
      index.setKind(header, .noptrData)
      index.addAddress(header, of: tasks)
      index.addUInt(header, count)
      index.addUInt(header, count)
    }
    return InitOrder(mainTasks: main)
  }

  private static func taskList(_ index: SymbolIndex, root: String, name: String) throws(LinkFailure)
    -> SymbolID
  {
    let start = index.lookup(root)
    guard !start.isNone else { return .none }
    var graph = Graph(reader: index.reader)
    graph.explore(from: start)
    let list = index.createStatic(name)
    index.setKind(list, .noptrData)
    for s in graph.order() where index.reader.size(s) > 8 { index.addAddress(list, of: s) }
    if let (s, n) = graph.unscheduled {
      throw .exit(
        message: "inittask for \(index.reader.name(s).string) is not schedulable \(n)")
    }
    return list
  }

  private struct Graph {
    let reader: SymbolReader
    /// Imports not yet scheduled, by inittask.
    private var waiting: [SymbolID: Int] = [:]
    private var importers: [SymbolID: [SymbolID]] = [:]
    private var ready: [SymbolID] = []

    init(reader: SymbolReader) { self.reader = reader }

    var unscheduled: (SymbolID, Int)? {
      waiting.first { $0.value != 0 }.map { ($0.key, $0.value) }
    }

    mutating func explore(from root: SymbolID) {
      waiting[root] = 0
      var queue = [root]
      while let x = queue.popLast() {
        let relocs = reader.relocations(x)
        var imports = 0
        for i in 0..<relocs.count where relocs[i].type == RelocType.initOrder {
          imports += 1
          let s = reader.target(relocs[i], in: relocs)
          importers[s, default: []].append(x)
          if waiting.updateValue(waiting[s] ?? 0, forKey: s) == nil { queue.append(s) }
        }
        waiting[x] = imports
        if imports == 0 { ready.append(x) }
      }
    }

    /// Names are unique here, so the order does not depend on how the ready set is kept.
    mutating func order() -> [SymbolID] {
      var result: [SymbolID] = []
      while let k = ready.indices.min(by: { reader.name(ready[$0]) < reader.name(ready[$1]) }) {
        let s = ready.remove(at: k)
        result.append(s)
        for x in importers[s] ?? [] {
          waiting[x, default: 0] -= 1
          if waiting[x] == 0 { ready.append(x) }
        }
      }
      return result
    }
  }
}
