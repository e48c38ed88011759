import LoaderCore

/// The paths of a nosplit call graph that use too much stack (cmd/link/internal/ld/stackcheck.go findRoots,
/// report).
package struct StackReport {
  private var graph: [UInt32: [StackCheck.Edge]]
  /// "name<version>" of a function.
  private let name: (UInt32) -> String
  /// Functions that may be visited, over all paths, before the real linker is asked instead: the number of
  /// paths can be exponential.
  private var budget = 100_000

  private struct Link {
    let edge: StackCheck.Edge
    /// Paths share their first lines, which are printed once.
    var isPrinted = false
  }

  private var chain: [Link] = []
  private var text = ""

  package init(graph: [UInt32: [StackCheck.Edge]], name: @escaping (UInt32) -> String) {
    self.graph = graph
    self.name = name
  }

  private mutating func spend(depth: Int) throws(LinkFailure) {
    budget -= 1
    guard budget > 0, depth < StackCheck.maxDepth else {
      throw .unsupported(reason: "a nosplit call graph too large to report")
    }
  }

  // MARK: roots

  /// The functions nobody calls, and of each cycle that nobody calls into one; highest first.
  ///
  /// The real linker starts from the functions in random order, which shows only where such cycles share
  /// functions: there its answer differs from run to run. Here the order is that of the symbols.
  package mutating func roots(heights: [UInt32: Int]) throws(LinkFailure) -> [UInt32] {
    var nodes = Set(graph.keys)
    for k in graph.keys.sorted() where nodes.contains(k) {
      for e in graph[k] ?? [] {
        let lowest = try removeBelow(e.target, origin: k, &nodes, depth: 0)
        if let lowest { nodes.insert(lowest) }
      }
    }
    return nodes.sorted {
      let (a, b) = (heights[$0] ?? 0, heights[$1] ?? 0)
      return a == b ? $0 < $1 : a > b
    }
  }

  /// Removes `s` and what it calls; the first function of the cycle when that leads back to `origin`.
  private mutating func removeBelow(
    _ s: UInt32, origin: UInt32, _ nodes: inout Set<UInt32>, depth: Int
  ) throws(LinkFailure) -> UInt32? {
    guard nodes.remove(s) != nil else { return nil }
    if s == origin { return s }
    try spend(depth: depth)
    var lowest: UInt32?
    for e in graph[s] ?? [] {
      guard let l = try removeBelow(e.target, origin: origin, &nodes, depth: depth + 1) else { continue }
      lowest = min(l, lowest ?? s)
    }
    return lowest
  }

  // MARK: paths

  /// The paths from `root` that grow the stack by more than `limit` bytes, or for ever.
  package mutating func paths(from root: UInt32, limit: Int) throws(LinkFailure) -> String {
    text = ""
    chain = [Link(edge: StackCheck.Edge(growth: 0, target: root))]
    try follow(root, room: limit)
    return text
  }

  private mutating func follow(_ s: UInt32, room: Int) throws(LinkFailure) {
    try spend(depth: chain.count)
    // While a function is on the path it has no entry: that is how a cycle is seen. A function seen that
    // way is left without calls until the path has gone back beyond it.
    let known = graph.removeValue(forKey: s)
    let isCycle = known == nil && s != StackCheck.leaf
    let edges = known ?? []
    for e in edges {
      chain.append(Link(edge: e))
      try follow(e.target, room: room - e.growth)
      chain.removeLast()
    }
    graph[s] = edges
    if edges.isEmpty, room < 0 || isCycle { printChain(room: room, isCycle: isCycle) }
  }

  private mutating func printChain(room: Int, isCycle: Bool) {
    var indent = ""
    for i in chain.indices where !chain[i].isPrinted {
      chain[i].isPrinted = true
      let e = chain[i].edge
      if i == 0 {
        text += name(e.target) + "\n"
        continue
      }
      indent = String(repeating: "    ", count: i)
      text += "\(indent)grows \(e.growth) bytes"
      if e.target != StackCheck.leaf { text += ", calls \(name(e.target))" }
      text += "\n"
    }
    text += isCycle ? "\(indent)infinite cycle\n" : "\(indent)\(-room) bytes over limit\n"
  }
}
