/// The flood in the real linker's own order, by one worker: for the texts of -dumpdep and -v=2, for the output modes whose
/// rules differ by symbol, and to find the first fault of a bad input.
struct OrderedFlood: ~Copyable {
  private typealias Tag = EdgeGraph.Tag

  private let index: SymbolIndex
  private let options: Deadcode.Options
  private let map: EdgeGraph.Nodes
  private let marks: FloodMarks
  private var work: WorkList
  private let scan: EdgeScan
  private var markers: MarkerPass
  private(set) var initialisers: [SymbolID] = []
  /// What -dumpdep and -v=2 print.
  private(set) var dumped: [UInt8] = []

  init(_ index: SymbolIndex, _ graph: EdgeGraph, _ marks: FloodMarks, _ options: Deadcode.Options) {
    self.index = index
    self.options = options
    self.marks = marks
    map = graph.map
    work = WorkList(smallestFirst: options.dumpDependencies || options.trace)
    scan = EdgeScan(index, graph.map, options)
    markers = MarkerPass(index, graph, marks, options)
  }

  mutating func run(from roots: [SymbolID]) throws(LinkFailure) {
    for s in roots { mark(map.node(s), LiveSet.reachable, from: 0) }
    try flood()
    if options.dynamicLinkingGo { markers.noteReflection() }
    repeat {
      var called: [(node: Int, parent: Int)] = []
      markers.markCalledMethods { called.append(($0, $1)) }
      if called.isEmpty { return }
      for c in called { push(c.node, from: c.parent) }
      try flood()
    } while true
  }

  private mutating func flood() throws(LinkFailure) {
    while !work.isEmpty { try visit(work.pop().index) }
  }

  private mutating func visit(_ node: Int) throws(LinkFailure) {
    let s = map.symbol(node)
    let header = try scan.scan(s)
    let flags = SymbolClass(rawValue: UInt8(truncatingIfNeeded: header))
    if flags.contains(.reflectMethod) { markers.noteReflection() }
    if header & EdgeGraph.Header.isInitialiser != 0 { initialisers.append(s) }
    if flags.contains(.goType), options.dynamicLinkingGo { _ = marks.set(node, LiveSet.usedInIface) }
    let isConverted = try markers.prepare(node, header, scan.list.base, scan.list.count)
    for k in 0..<scan.list.count {
      let t = Int(scan.list[k] & Tag.mask)
      switch scan.list[k] >> Tag.shift {
      case Tag.plain: mark(t, LiveSet.reachable, from: node)
      case Tag.type:
        mark(t, isConverted ? LiveSet.reachable | LiveSet.usedInIface : LiveSet.reachable, from: node)
      case Tag.useIface: convert(t, from: node)
      default:
        var again: [Int] = []
        try markers.follow(scan.list.base + k, of: node, isConverted) { n, _ in again.append(n) }
        if options.trace { dumped += markers.takeTrace() }
        for n in again { push(n, from: node) }
      }
    }
    if options.trace, isConverted { dumped += markers.methodTrace(node, scan.list.base, scan.list.count) }
  }

  // MARK: marking

  private mutating func mark(_ node: Int, _ bits: UInt8, from parent: Int) {
    if marks.set(node, bits) & bits != bits { push(node, from: parent) }
  }

  private mutating func convert(_ node: Int, from parent: Int) {
    let old = marks.set(node, LiveSet.usedInIface)
    if old & LiveSet.usedInIface == 0, old & LiveSet.reachable != 0 { push(node, from: parent) }
  }

  private mutating func push(_ node: Int, from parent: Int) {
    work.push(SymbolID(node))
    if options.dumpDependencies { dump(map.symbol(node), from: map.symbol(parent)) }
  }

  // MARK: -dumpdep

  private mutating func dump(_ s: SymbolID, from parent: SymbolID) {
    let name = index.reader.name(s)
    guard !name.isEmpty else { return }
    if parent.isNone {
      dumped.append(0x5f)
    } else {
      dumped.append(contentsOf: index.reader.name(parent).buffer)
      appendFlags(parent)
    }
    dumped.append(contentsOf: " -> ".utf8)
    dumped.append(contentsOf: name.buffer)
    appendFlags(s)
    dumped.append(0x0a)
  }

  private mutating func appendFlags(_ s: SymbolID) {
    let converted = marks[map.node(s)] & LiveSet.usedInIface != 0
    let reflects = index.reader.flags(s).contains(.reflectMethod)
    guard converted || reflects else { return }
    dumped.append(0x20)
    if converted { dumped.append(contentsOf: "<UsedInIface>".utf8) }
    if reflects { dumped.append(contentsOf: "<ReflectMethod>".utf8) }
  }
}
