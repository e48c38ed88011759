internal import Dispatch
internal import Synchronization

/// Goes on from the last flood of a program, when all that changed are lists that grew, or that lost symbols which
/// need nothing themselves.
///
/// The live set is the least one that has the roots and, with each symbol, what its list says. If no list lost an
/// edge, all that was in it still is, and what the longer lists add is found by visiting those symbols again. A
/// symbol without a list of its own that lost an edge is in it exactly if some other member's list has it.
struct FloodReuse: ~Copyable {
  private typealias Tag = EdgeGraph.Tag

  private let index: SymbolIndex
  private let graph: EdgeGraph
  private let map: EdgeGraph.Nodes
  private let marks: FloodMarks
  private let memory: FloodMemory
  private let options: Deadcode.Options
  private let scan: EdgeScan
  private var writer: EdgeLists.Writer
  /// Nodes to be visited again.
  private(set) var todo: [UInt32] = []
  /// Nodes to which a list does not lead any more.
  private var lost: [Int] = []

  init(
    _ index: SymbolIndex, _ graph: EdgeGraph, _ marks: FloodMarks, _ options: Deadcode.Options,
    _ memory: FloodMemory
  ) {
    self.index = index
    self.graph = graph
    self.marks = marks
    self.memory = memory
    self.options = options
    map = graph.map
    scan = EdgeScan(index, graph.map, options)
    writer = EdgeLists.Writer(graph.lists)
  }

  /// Whether the flood can go on from the last one (`FloodStart.wentOn`), but for `hasSameSpecials`. If so, marks are set as
  /// they were then.
  mutating func prepare(_ seeds: FloodSeeds, _ markers: inout MarkerPass) -> FloodStart {
    guard seeds == memory.seeds, index.count - graph.symbolCount == memory.externalMarks.count
    else { return .roots }
    do throws(LinkFailure) {
      guard markers.itabsAreTheSame(memory.state, graph.touched) else { return .itabs }
      guard try markers.refreshFacts() else { return .methods }
      restoreMarks()
      for (node, start) in Self.keepSame(stale(), index, graph, options) {
        if let obstacle = try compare(node, start, &markers) { return obstacle }
      }
      for node in lost where !isLeaf(node) { return .lostNeed }
    } catch {
      return .unreadable
    }
    markers.resume(memory)
    return .wentOn
  }

  private func restoreMarks() {
    // What is marked from the start is among them: the seeds are the same.
    marks.copy(memory.marks)
    for (k, m) in memory.externalMarks.enumerated() { _ = marks.set(graph.nodeCount + k, m) }
  }

  /// Whether the linker's own symbols need what they needed. It may be asked beside `prepare`.
  static func hasSameSpecials(
    _ memory: FloodMemory, _ index: SymbolIndex, _ graph: EdgeGraph, _ options: Deadcode.Options
  ) throws(LinkFailure) -> Bool {
    let scan = EdgeScan(index, graph.map, options)
    for s in memory.specials {
      let node = s.node >> 32 == 0 ? Int(s.node) : Int(s.node & 0xffff_ffff) + graph.nodeCount
      if try special(node, index, graph, scan) != s { return false }
    }
    return true
  }

  /// The edges of a node that has no list; nil when they cannot be compared.
  static func special(
    _ node: Int, _ index: SymbolIndex, _ graph: EdgeGraph, _ scan: EdgeScan
  ) throws(LinkFailure) -> FloodMemory.Special? {
    let s = graph.map.symbol(node)
    guard s.index < index.count, index.reader.isExternal(s) else { return nil }
    let header = try scan.scan(s)
    guard header & EdgeGraph.Header.hasMarkers == 0 else { return nil }
    let edges = scan.list.buffer.map { e in
      UInt64(e >> Tag.shift) << 40 | graph.lasting(Int(e & Tag.mask))
    }
    let name = node < graph.nodeCount ? "" : index.reader.name(s).string
    return FloodMemory.Special(node: graph.lasting(node), name: name, header: header, edges: edges)
  }

  // MARK: lists that changed

  /// Compares the old list of a live node with its new one, which is another and kept; the node is visited again.
  ///
  /// - Returns: what keeps the flood from going on; nil when nothing does.
  private mutating func compare(
    _ node: Int, _ start: UInt32, _ markers: inout MarkerPass
  ) throws(LinkFailure) -> FloodStart? {
    let s = map.symbol(node)
    let old = graph.lists.list(at: start &- 1)
    if s.isNone { return lose(node, old) }
    guard !index.reader.isExternal(s) else { return .ownSymbols }
    let header = try scan.scan(s)
    guard old[1] == header else { return .sorts }
    try markers.lookUp(node, header, scan.list.base, scan.list.count)
    guard let position = writer.add(header, scan.list) else { return .grown }
    graph.listStarts.set(node, position)
    todo.append(UInt32(truncatingIfNeeded: node))
    let before = markers.meanings(old + EdgeLists.headerWords, Int(old[0]))
    let now = Set(markers.meanings(scan.list.base, scan.list.count))
    for e in before where !now.contains(e) {
      guard e >> 40 == UInt64(Tag.plain) else { return .lostUse }
      lost.append(Int(e & 0xffff_ffff))
    }
    return nil
  }

  /// Live nodes that lost their lists.
  private func stale() -> [(node: Int, start: UInt32)] {
    graph.stale.filter { $0.node < memory.marks.count && memory.marks[$0.node] & LiveSet.reachable != 0 }
  }

  /// Nodes that are worth a turn on another core.
  private static let grain = 64

  /// Gives nodes their old lists back where these still say all there is to say, on all cores: so it is with most.
  ///
  /// - Returns: the others, in their order.
  private static func keepSame(
    _ stale: [(node: Int, start: UInt32)], _ index: SymbolIndex, _ graph: EdgeGraph,
    _ options: Deadcode.Options
  ) -> [(node: Int, start: UInt32)] {
    let left = Mutex([Int]())
    Chunks.run(stale.count, grain: grain) { range in
      let scan = EdgeScan(index, graph.map, options)
      var others: [Int] = []
      for k in range {
        let (node, start) = stale[k]
        let s = graph.map.symbol(node)
        let old = graph.lists.list(at: start &- 1)
        if !s.isNone, !index.reader.isExternal(s), (try? scan.scan(s)) == old[1], isSame(old, scan) {
          graph.listStarts.set(node, start &- 1)
        } else {
          others.append(k)
        }
      }
      let mine = others
      left.withLock { $0 += mine }
    }
    return left.withLock { $0.sorted().map { stale[$0] } }
  }

  /// Whether the list that was just made is the old one, number for number. (Markers are facts in the old one.)
  private static func isSame(_ old: UnsafeMutablePointer<UInt32>, _ scan: EdgeScan) -> Bool {
    guard old[1] & EdgeGraph.Header.hasMarkers == 0, Int(old[0]) == scan.list.count else { return false }
    return compareBytes(old + EdgeLists.headerWords, scan.list.base, 4 * scan.list.count) == 0
  }

  /// Takes a node for lost that went, and all that it needed.
  private mutating func lose(_ node: Int, _ old: UnsafeMutablePointer<UInt32>) -> FloodStart? {
    lost.append(node)
    guard old[1] & ~0xff == 0 else { return .gone }
    for k in 0..<Int(old[0]) {
      let e = old[k + EdgeLists.headerWords]
      guard e >> Tag.shift == Tag.plain else { return .gone }
      lost.append(Int(e & Tag.mask))
    }
    return nil
  }

  private static func isEmpty(_ list: UnsafeMutablePointer<UInt32>) -> Bool {
    list[0] == 0 && list[1] & ~0xff == 0
  }

  /// Whether a node went, or is data that needs nothing and is no root: nothing but lists leads to it.
  private func isLeaf(_ node: Int) -> Bool {
    guard node < graph.nodeCount else { return false }
    let s = map.symbol(node)
    if s.isNone { return true }
    guard index.reader.symbolClass(s).isDisjoint(with: [.text, .goType, .itab]) else { return false }
    let start = graph.listStarts.start(node)
    let n = UInt64(node)
    return start != 0 && Self.isEmpty(graph.lists.list(at: start &- 1)) && !memory.seeds.roots.contains(n)
      && memory.seeds.marked.allSatisfy { $0 & 0xffff_ffff != n }
  }

  /// After the flood: takes those out that no member leads to any more.
  ///
  /// - Throws: when a method's relocations lead to data, and lists do not tell all.
  func dropLost(_ state: MarkerPass.State) throws(LinkFailure) {
    // Nothing leads to what is no more.
    for n in lost where map.symbol(n).isNone { marks.clear(n) }
    let lost = lost.filter { !map.symbol($0).isNone }
    guard !lost.isEmpty else { return }
    if state.hasOddMethods { throw .unsupported(reason: "a method that is neither code nor a type") }
    let isLost = Bitmap(count: graph.nodeCount)
    for n in lost { isLost[n] = true }
    let found = graph.targets(among: isLost, marks: marks)
    for s in memory.specials {
      for e in s.edges where e >> 40 == UInt64(Tag.plain) && e & 1 << 32 == 0 {
        isLost[Int(e & 0xffff_ffff)] = false
      }
    }
    for n in found { isLost[n] = false }
    for n in lost where isLost[n] { marks.clear(n) }
  }
}
