internal import Synchronization

/// Which symbols a program needs: a flood along relocations from the entry point, with methods kept only
/// where something may call them (cmd/link/internal/ld/deadcode.go).
///
/// The result is a monotone fixpoint and does not depend on the order of visits, so several workers flood side by
/// side (`FloodWorker`), and what needs a look at the whole is done between their rounds (`MarkerPass`). Only the
/// texts of -dumpdep and -v=2 depend on the order; for them there is `OrderedFlood`. A method of a type that reaches an
/// interface is kept when some reached code calls an interface method of that name and type, asks reflection for
/// that name, or asks for unknown names.
package final class Deadcode {
  package struct Options: Sendable, Equatable {
    package enum Output: Sendable, Equatable { case executable, plugin(path: String), sharedLibrary }
    package var output = Output.executable
    /// The -E symbol, or the platform's.
    package var entry = "_rt0_amd64_linux"
    package var linkShared = false
    /// Type descriptors may cross a module boundary at run time.
    package var dynamicLinkingGo = false
    package var canUsePlugins = false
    package var pruneWeakMap = true
    package var dumpDependencies = false
    /// -v=2
    package var trace = false
    /// Exported symbols that are roots besides.
    package var dynamicExports: [SymbolID] = []
    /// Workers that flood side by side; nil for as many as are worth it.
    package var workers: Int?
    package init() {}

    /// Whether lists can be kept for other links: none of the options changes what they hold.
    fileprivate var keepsLists: Bool {
      !linkShared && !canUsePlugins && !dynamicLinkingGo && !dumpDependencies && !trace
    }
  }

  private let index: SymbolIndex
  private let options: Options
  private let graph: EdgeGraph
  private let map: EdgeGraph.Nodes
  /// `LiveSet` marks, by node.
  private var nodeMarks: Table<UInt8>
  private let marks: FloodMarks
  /// Marks that are there from the start.
  private let seedMarks: [(node: Int, bits: UInt8)]

  /// The live set of a program.
  ///
  /// - Parameter graph: lists that an earlier link of the program left, and that this one adds to.
  /// - Throws: `LinkFailure.corrupt` where an object's markers contradict its types.
  package static func run(
    _ index: SymbolIndex, graph: EdgeGraph? = nil, initOrder: InitOrder, options: Options
  ) throws(LinkFailure) -> LiveSet {
    let kept = options.keepsLists ? graph : nil
    if kept == nil { graph?.floodStart = .inOrder }
    let pass = Deadcode(index, kept ?? EdgeGraph(symbolCount: index.count), options)
    guard options.keepsLists else { return try pass.floodInOrder(initOrder) }
    do throws(LinkFailure) {
      return try pass.floodTogether(initOrder)
    } catch {
      // Which of several faults workers meet first is chance; what is said of them must not be.
      return try Deadcode(index, EdgeGraph(symbolCount: index.count), options).floodInOrder(initOrder)
    }
  }

  private init(_ index: SymbolIndex, _ graph: EdgeGraph, _ options: Options) {
    self.index = index
    self.options = options
    self.graph = graph
    map = graph.map
    nodeMarks = Table(repeating: 0, count: index.count - graph.symbolCount + graph.nodeCount)
    marks = FloodMarks(nodeMarks)
    // What became the linker's own before this pass is not what its object says.
    for s in index.journal.owned { graph.drop(map.node(s)) }
    seedMarks = Self.seeds(index, map)
    markSeeds()
  }

  /// Marks that objects and linker gave symbols, in order.
  private static func seeds(_ index: SymbolIndex, _ map: EdgeGraph.Nodes) -> [(node: Int, bits: UInt8)] {
    let found = Mutex<[(Int, [(node: Int, bits: UInt8)])]>([])
    let shared = SharedIndex(index: index, map: map)
    Chunks.run(min(index.attributes.count, index.count), grain: 1 << 16) { part in
      var seeds: [(node: Int, bits: UInt8)] = []
      for i in part where shared.index.attributes[i] != [] {
        let a = shared.index.attributes[i]
        let bits: UInt8 =
          (a.contains(.usedInIface) ? LiveSet.usedInIface : 0)
          | (a.contains(.bornReachable) ? LiveSet.reachable : 0)
        if bits != 0 { seeds.append((shared.map.node(SymbolID(i)), bits)) }
      }
      let mine = seeds
      if !mine.isEmpty { found.withLock { $0.append((part.lowerBound, mine)) } }
    }
    return found.withLock { $0 }.sorted { $0.0 < $1.0 }.flatMap(\.1)
  }

  /// What workers only read.
  private struct SharedIndex: @unchecked Sendable {
    let index: SymbolIndex
    let map: EdgeGraph.Nodes
  }

  private func markSeeds() {
    for s in seedMarks { _ = marks.set(s.node, s.bits) }
  }

  // MARK: floods

  /// Floods with several workers, from where the last flood ended if that is possible.
  private func floodTogether(_ initOrder: InitOrder) throws(LinkFailure) -> LiveSet {
    let seeds = FloodSeeds(
      roots: Roots.of(index, initOrder, options).map { graph.lasting(map.node($0)) },
      marked: seedMarks.map { UInt64($0.bits) << 33 | graph.lasting($0.node) },
      owned: index.journal.owned.map { graph.lasting(map.node($0)) }.sorted())
    let initialisers: [SymbolID]
    if let found = try goOn(seeds) {
      initialisers = found
    } else {
      initialisers = try floodAnew(seeds)
    }
    return try finish(initialisers.sorted { $0.raw < $1.raw }, [])
  }

  /// - Returns: the package initialisers; nil when the last flood does not help. Marks may be set then, but the
  ///   memory is gone.
  private func goOn(_ seeds: FloodSeeds) throws(LinkFailure) -> [SymbolID]? {
    let reset = graph.resetReason
    graph.resetReason = nil
    guard let memory = graph.memory else {
      graph.floodStart = reset ?? .first
      return nil
    }
    graph.memory = nil
    var reuse = FloodReuse(index, graph, marks, options, memory)
    var markers = MarkerPass(index, graph, marks, options)
    var hasSameSpecials = false
    var start = FloodStart.roots
    Chunks.beside {
      hasSameSpecials = (try? FloodReuse.hasSameSpecials(memory, index, graph, options)) ?? false
    } _: {
      start = reuse.prepare(seeds, &markers)
    }
    graph.floodStart = start == .wentOn && !hasSameSpecials ? .ownSymbols : start
    guard graph.floodStart == .wentOn else {
      marks.clearAll(nodeMarks.count)
      markSeeds()
      return nil
    }
    return try flood(from: reuse.todo, seeds, &markers, after: memory) { state throws(LinkFailure) in
      try reuse.dropLost(state)
    }
  }

  private func floodAnew(_ seeds: FloodSeeds) throws(LinkFailure) -> [SymbolID] {
    var markers = MarkerPass(index, graph, marks, options)
    var todo: [UInt32] = []
    for s in seeds.roots {
      let n = Int(s & 0xffff_ffff) + (s >> 32 == 0 ? 0 : graph.nodeCount)
      if marks.set(n, LiveSet.reachable) & LiveSet.reachable == 0 { todo.append(UInt32(n)) }
    }
    return try flood(from: todo, seeds, &markers, after: nil) { _ in }
  }

  /// Visits nodes and what they lead to, in rounds, and remembers how it ended.
  private func flood(
    from start: [UInt32], _ seeds: FloodSeeds, _ markers: inout MarkerPass, after memory: FloodMemory?,
    _ atEnd: (MarkerPass.State) throws(LinkFailure) -> Void
  ) throws(LinkFailure) -> [SymbolID] {
    let team = FloodTeam(size: start.count < 1 << 12 && memory != nil ? 1 : workerCount)
    let workers = (0..<team.size).map { _ in FloodWorker(index, graph, marks, options, team) }
    var todo = start
    while !todo.isEmpty {
      for n in todo { workers[0].push(n) }
      todo = []
      team.start()
      Chunks.each(workers.count) { workers[$0].run() }
      for w in workers {
        if let failure = w.failure { throw failure }
        if w.reflectSeen { markers.noteReflection() }
        for n in w.marked.buffer { try markers.follow(Int(n)) { n, _ in todo.append(UInt32(n)) } }
        w.forgetMarked()
      }
      markers.markCalledMethods { n, _ in todo.append(UInt32(n)) }
    }
    try atEnd(markers.state)
    var initialisers = Set(memory?.initialisers ?? [])
    for w in workers { initialisers.formUnion(w.initialisers.buffer) }
    try remember(seeds, workers, initialisers, markers.state, after: memory)
    return initialisers.filter { marks[Int($0)] & LiveSet.reachable != 0 }.map { map.symbol(Int($0)) }
  }

  /// Keeps what the next flood of the program can go on from.
  private func remember(
    _ seeds: FloodSeeds, _ workers: [FloodWorker], _ initialisers: Set<UInt32>,
    _ state: MarkerPass.State, after last: FloodMemory?
  ) throws(LinkFailure) {
    var specials: [FloodMemory.Special] = []
    if let last { specials = last.specials }
    var known = Set(specials.map(\.node))
    let scan = EdgeScan(index, map, options)
    for w in workers {
      for n in w.specials.buffer where known.insert(graph.lasting(Int(n))).inserted {
        guard let s = try FloodReuse.special(Int(n), index, graph, scan) else { return }
        specials.append(s)
      }
    }
    let kept = Table<UInt8>(uninitialized: graph.nodeCount)
    kept.base.update(from: nodeMarks.base, count: graph.nodeCount)
    graph.memory = FloodMemory(
      marks: kept, externalMarks: (graph.nodeCount..<nodeMarks.count).map { nodeMarks[$0] }, seeds: seeds,
      specials: specials, initialisers: Array(initialisers), state: state)
  }

  /// Workers for a program of that size: a small one is done before a second worker wakes.
  private var workerCount: Int { options.workers ?? (index.count > 1 << 17 ? 2 : 1) }

  private func floodInOrder(_ initOrder: InitOrder) throws(LinkFailure) -> LiveSet {
    var flood = OrderedFlood(index, graph, marks, options)
    let start = options.trace ? DeadcodeTrace.roots(Roots.names(options)) : []
    try flood.run(from: Roots.of(index, initOrder, options))
    return try finish(flood.initialisers, start + flood.dumped)
  }

  private func finish(
    _ initialisers: [SymbolID], _ dumped: [UInt8]
  ) throws(LinkFailure) -> LiveSet {
    let redirected = options.pruneWeakMap ? try redirectDeadMapInits(initialisers) : []
    let dumped = dumped + redirected
    try index.checkObjects()
    graph.noteSize()
    if map.isIdentity {
      var live = Table<UInt8>()
      swap(&live, &nodeMarks)
      return LiveSet(marks: live, dump: dumped)
    }
    let live = Table<UInt8>(uninitialized: index.count)
    let (out, marks, map) = (live.base, nodeMarks.base, map)
    Chunks.run(index.count, grain: 1 << 16) { part in
      for i in part { out[i] = marks[map.node(SymbolID(i))] }
    }
    return LiveSet(marks: live, dump: dumped)
  }

  // MARK: map initialisers

  /// A package initialiser calls the function that fills a map through a weak relocation; where nothing
  /// else keeps that function, the call goes to one that does nothing (mapinitcleanup).
  ///
  /// - Returns: what -v=2 prints of it.
  private func redirectDeadMapInits(_ initialisers: [SymbolID]) throws(LinkFailure) -> [UInt8] {
    var traced: [UInt8] = []
    let reader = index.reader
    let noop = index.lookup("runtime.mapinitnoop", version: 1)
    for s in initialisers {
      let relocs = reader.relocations(s)
      for i in 0..<relocs.count {
        let r = relocs[i]
        guard r.isWeak, RelocType.isDirectCall(r.type) else { continue }
        let t = reader.target(r, in: relocs)
        guard !t.isNone, marks[map.node(t)] & LiveSet.reachable == 0 else { continue }
        guard !noop.isNone else {
          throw .unsupported(reason: "no runtime.mapinitnoop")
        }
        _ = marks.set(map.node(noop), LiveSet.reachable)
        if options.trace {
          // `s` may have become the linker's own just now, which the reader does not know of.
          let now = index.reader
          traced += DeadcodeTrace.redirected(now.name(s), from: now.name(t), to: now.name(noop))
        }
        index.setRelocationTarget(s, i, noop)
      }
    }
    return traced
  }

  static func corrupt(_ s: SymbolID, _ detail: String, _ index: SymbolIndex) -> LinkFailure {
    .corrupt(file: index.packagePath(s), detail: "\(index.reader.name(s).string): \(detail)")
  }
}

/// Where a flood starts (deadcode.go init).
private enum Roots {
  static func of(_ index: SymbolIndex, _ initOrder: InitOrder, _ options: Deadcode.Options) -> [SymbolID] {
    let reader = index.reader
    var found: [SymbolID] = []
    if case .sharedLibrary = options.output {
      for i in 1..<index.firstExternal.index where index.hasSymbol(at: i) {
        let s = SymbolID(i)
        // A function that the compiler dropped has no size, and maybe no metadata.
        if !(reader.kind(s).isText && reader.size(s) == 0) { found.append(s) }
      }
      return (found + [initOrder.mainTasks]).filter { !$0.isNone }
    }
    if case .plugin = options.output {
      let exports = index.lookup("go:plugin.exports")
      if !exports.isNone {
        let relocs = reader.relocations(exports)
        for i in 0..<relocs.count { found.append(reader.target(relocs[i], in: relocs)) }
      }
    }
    for name in names(options) {
      found.append(index.lookup(name, version: 0))
      found.append(index.lookup(name, version: 1))
    }
    found += options.dynamicExports
    found += index.wasmExports
    found.append(initOrder.mainTasks)
    return found.filter { !$0.isNone }
  }

  /// The names among them.
  static func names(_ options: Deadcode.Options) -> [String] {
    var names: [String] = []
    if options.linkShared, case .executable = options.output {
      names = ["main.main", "main..inittask"]
    } else {
      names = [options.entry]
    }
    names.append("runtime.unreachableMethod")
    if case .plugin(let path) = options.output {
      let prefix = PackagePath.prefix(path)
      names += ["\(prefix)..inittask", "\(prefix).main", "go:plugin.tabs"]
    }
    return names
  }
}
