internal import Synchronization

/// What each symbol needs, resolved once: the lists that the flood of deadcode follows. Lists are made when
/// the flood first comes to a symbol, and kept for the next link of the program.
///
/// A symbol is a *node* here, a number that stays while others come and go: when an object is exchanged,
/// symbols are renumbered (`IndexPatch`), nodes are not, and only the lists of what the object touched are
/// dropped.
package final class EdgeGraph: @unchecked Sendable {
  /// An edge is a tag over a node, over the number of a fact, or over that of a relocation of the symbol.
  enum Tag {
    /// Needs the node.
    static let plain: UInt32 = 0
    /// Needs the type descriptor; one that reaches an interface hands that on to it.
    static let type: UInt32 = 1
    /// R_USEIFACE of a type.
    static let useIface: UInt32 = 2
    /// R_USEIFACE of an itab: of its type.
    static let useIfaceOfItab: UInt32 = 3
    /// Over a `MarkerFacts` number: one of the three below, looked into.
    static let fact: UInt32 = 4
    /// Over relocation numbers: R_USEIFACEMETHOD, R_USENAMEDMETHOD, the first of three R_METHODOFF.
    static let useIfaceMethod: UInt32 = 5
    static let useNamedMethod: UInt32 = 6
    static let methodOff: UInt32 = 7

    static let shift: UInt32 = 29
    static let mask: UInt32 = 1 << 29 - 1
  }

  /// What a list says of its symbol, besides the `SymbolClass` in the lowest byte.
  enum Header {
    /// Has edges from `useIfaceOfItab` on, which only the pass as a whole can follow.
    static let hasMarkers: UInt32 = 1 << 8
    /// A package initialiser that may call functions which fill maps.
    static let isInitialiser: UInt32 = 1 << 9
  }

  /// Where a node's list is in `lists`, plus 1; 0 when it has none yet.
  private var starts: Table<UInt32>
  let lists: EdgeLists
  let facts: MarkerFacts
  /// Where the tables are that an earlier life of the daemon left.
  private var block: SnapshotBlock?
  /// By symbol and by node; both empty while a node is its symbol's number.
  private var nodes = Table<UInt32>(capacity: 1)
  private var symbols = Table<UInt32>(capacity: 1)
  /// Symbols of the sealed index; the linker's own come after them.
  private(set) var symbolCount: Int
  private(set) var nodeCount: Int
  private var isIdentity = true
  /// Bytes of lists when they were new.
  private var fullSize = 0
  /// How the last flood ended.
  var memory: FloodMemory?
  /// Where the last flood began.
  package internal(set) var floodStart = FloodStart.first
  /// Why an exchange of objects since then makes the next one begin anew.
  var resetReason: FloodStart?
  /// Nodes that lost their lists to an exchange of objects since the last flood, and where those are.
  private(set) var stale: [(node: Int, start: UInt32)] = []
  /// Other nodes that an exchange touched.
  private var touchedUnlisted: [Int] = []

  package init(symbolCount: Int) {
    self.symbolCount = symbolCount
    nodeCount = symbolCount
    starts = Table(repeating: 0, count: symbolCount)
    lists = EdgeLists()
    facts = MarkerFacts()
  }

  // MARK: from one life of the daemon to the next

  /// Whether no exchange of objects waits to be flooded.
  var isSettled: Bool { stale.isEmpty && touchedUnlisted.isEmpty && facts.stale.isEmpty }

  func write(to writer: SnapshotWriter) {
    writer.numbers(symbolCount, nodeCount, isIdentity ? 1 : 0, fullSize)
    writer.table(starts)
    writer.table(nodes)
    writer.table(symbols)
    lists.write(to: writer)
    facts.write(to: writer)
    writer.numbers(memory == nil ? 0 : 1)
    memory?.write(to: writer)
  }

  init(_ reader: inout SnapshotReader) {
    block = reader.block
    let n = reader.numbers(4)
    (symbolCount, nodeCount, isIdentity, fullSize) = (n[0], n[1], n[2] != 0, n[3])
    starts = reader.table()
    nodes = reader.table()
    symbols = reader.table()
    lists = EdgeLists(&reader)
    facts = MarkerFacts(&reader)
    if reader.numbers(1)[0] != 0 { memory = FloodMemory(&reader) }
    if starts.count < nodeCount || (!isIdentity && (nodes.count < symbolCount || symbols.count < nodeCount)) {
      reader.fail()
    }
  }

  /// Bytes of memory.
  package var byteCount: Int {
    4 * (starts.count + nodes.count + symbols.count) + lists.byteCount + facts.byteCount
      + (memory?.byteCount ?? 0)
  }

  // MARK: nodes

  struct Nodes: @unchecked Sendable {
    fileprivate let nodes: UnsafeMutablePointer<UInt32>?
    fileprivate let symbols: UnsafeMutablePointer<UInt32>?
    fileprivate let symbolCount: Int
    fileprivate let nodeCount: Int

    @inline(__always)
    func node(_ s: SymbolID) -> Int {
      guard let nodes else { return s.index }
      return s.index < symbolCount ? Int(nodes[s.index]) : s.index &- symbolCount &+ nodeCount
    }

    @inline(__always)
    func symbol(_ node: Int) -> SymbolID {
      guard let symbols else { return SymbolID(node) }
      return node < nodeCount ? SymbolID(symbols[node]) : SymbolID(node &- nodeCount &+ symbolCount)
    }

    var isIdentity: Bool { nodes == nil }
  }

  var map: Nodes {
    Nodes(
      nodes: isIdentity ? nil : nodes.base, symbols: isIdentity ? nil : symbols.base,
      symbolCount: symbolCount,
      nodeCount: nodeCount)
  }

  // MARK: lists

  /// Where the lists of nodes are, for workers that read and add side by side: a list is published after it is
  /// written.
  struct Starts: @unchecked Sendable {
    fileprivate let base: UnsafeMutablePointer<Atomic<UInt32>>
    let count: Int

    /// The position of a node's list plus 1; 0 when it has none.
    @inline(__always)
    func start(_ node: Int) -> UInt32 { node < count ? base[node].load(ordering: .acquiring) : 0 }

    @inline(__always)
    func set(_ node: Int, _ position: UInt32) { base[node].store(position &+ 1, ordering: .releasing) }
  }

  /// An `Atomic<UInt32>` is its value in memory.
  var listStarts: Starts {
    Starts(
      base: UnsafeMutableRawPointer(starts.base).assumingMemoryBound(to: Atomic<UInt32>.self),
      count: starts.count)
  }

  func drop(_ node: Int) {
    if node < starts.count { starts[node] = 0 }
  }

  /// Says that a flood is over: what the lists take now is their size without leavings.
  func noteSize() {
    if fullSize == 0 { fullSize = lists.byteCount }
    facts.noteSize()
    stale = []
    touchedUnlisted = []
  }

  /// Whether the last flood has read no contents that changed since.
  package var answersAreKept: Bool { memory != nil && facts.stale.isEmpty && stale.isEmpty }

  /// All nodes that exchanges touched since the last flood.
  var touched: [Int] { stale.map(\.node) + touchedUnlisted }

  private func reset(_ count: Int, _ reason: FloodStart) {
    resetReason = reason
    isIdentity = true
    symbolCount = count
    nodeCount = count
    starts = Table(repeating: 0, count: count)
    lists.removeAll()
    facts.removeAll()
    nodes.removeAll()
    symbols.removeAll()
    fullSize = 0
    memory = nil
    stale = []
    touchedUnlisted = []
  }

  // MARK: exchange of objects

  /// Follows a patch of the index, which has `count` symbols now.
  func follow(_ patch: IndexChange, count: Int, _ reader: SymbolReader) {
    if patch.namesMoved { return reset(count, .namesMoved) }
    if nodeCount > 2 * count + 4096 || lists.byteCount > 2 * fullSize + 4 << 20 || facts.isFull {
      return reset(count, .grown)
    }
    let old = map
    if let contents = patch.contents { return follow(contents, reader) }
    let touched = Bitmap(count: nodeCount)
    patch.forEachTouched { leaveList(old.node($0), touched) }
    facts.drop(lists: touched, touched)
    let unlike = nodes(of: patch.unlike)
    let moved = nodes(of: patch.moved)
    if !patch.unlike.isEmpty, leads(to: unlike) || facts.leads(to: unlike) { return reset(count, .sorts) }
    if !patch.moved.isEmpty, facts.leads(to: moved) { return reset(count, .places) }
    if let ranges = patch.ranges {
      renumber(patch, in: ranges, reader)
    } else {
      renumber(patch, old, count, reader)
    }
    if !patch.moved.isEmpty, patch.importers.contains(where: { leads($0, to: moved, reader) }) {
      reset(count, .places)
    }
  }

  private func nodes(of symbols: [UInt32]) -> Bitmap {
    let nodes = Bitmap(count: nodeCount)
    let map = map
    for s in symbols { nodes[map.node(SymbolID(s))] = true }
    return nodes
  }

  /// Follows a patch that only gave some symbols other data: lists say what they said, unless that is read for them.
  private func follow(_ contents: [SymbolID], _ reader: SymbolReader) {
    let touched = Bitmap(count: nodeCount)
    let lists = Bitmap(count: nodeCount)
    for s in contents {
      let node = map.node(s)
      guard node < nodeCount else { continue }
      touched[node] = true
      if !reader.symbolClass(s).isDisjoint(with: [.goType, .itab]) { leaveList(node, lists) }
    }
    facts.drop(lists: lists, touched)
  }

  private func leaveList(_ node: Int, _ touched: borrowing Bitmap) {
    guard node < nodeCount else { return }
    touched[node] = true
    if starts[node] != 0 {
      stale.append((node, starts[node]))
      starts[node] = 0
    } else {
      touchedUnlisted.append(node)
    }
  }

  /// Whether some list has one of these nodes.
  private func leads(to some: borrowing Bitmap) -> Bool {
    let found = Atomic(false)
    let members = BitmapView(some)
    let parts = 8
    Chunks.each(parts) { k in
      if leads(nodeCount * k / parts..<nodeCount * (k + 1) / parts, to: members) {
        found.store(true, ordering: .relaxed)
      }
    }
    return found.load(ordering: .relaxed)
  }

  private func leads(_ range: Range<Int>, to some: BitmapView) -> Bool {
    for node in range where leads(node, to: some) { return true }
    return false
  }

  @inline(__always)
  private func leads(_ node: Int, to some: BitmapView) -> Bool {
    guard starts[node] != 0 else { return false }
    let list = lists.list(at: starts[node] &- 1)
    for k in 0..<Int(list[0]) {
      let e = list[k &+ EdgeLists.headerWords]
      if e >> Tag.shift <= Tag.useIfaceOfItab, some.has(e & Tag.mask) { return true }
    }
    return false
  }

  /// Whether the list of something that an object defines has one of these nodes.
  private func leads(_ object: Int, to some: borrowing Bitmap, _ reader: SymbolReader) -> Bool {
    let (members, map) = (BitmapView(some), map)
    let o = reader.objects[object]
    for i in 0..<o.view.definitions where leads(map.node(SymbolID(o.symbols[i])), to: members) { return true }
    return false
  }

  /// The nodes among `some` to which lists of reachable nodes lead by plain edges. Most have many that do: the search ends
  /// with the last one's first.
  func targets(among some: borrowing Bitmap, marks: FloodMarks) -> [Int] {
    let found = Mutex([Int]())
    let members = BitmapView(some)
    let seen = Table<UInt8>(repeating: 0, count: nodeCount)
    let isFound = FloodMarks(seen)
    let left = Atomic(some.population)
    let parts = 64
    Chunks.each(parts) { k in
      for node in nodeCount * k / parts..<nodeCount * (k + 1) / parts
      where starts[node] != 0 && marks[node] & LiveSet.reachable != 0 {
        if left.load(ordering: .relaxed) == 0 { return }
        let list = lists.list(at: starts[node] &- 1)
        for e in UnsafeBufferPointer(start: list + EdgeLists.headerWords, count: Int(list[0]))
        where e >> Tag.shift == Tag.plain && members.has(e) && isFound.set(Int(e), 1) == 0 {
          left.subtract(1, ordering: .relaxed)
          found.withLock { $0.append(Int(e)) }
        }
      }
    }
    withExtendedLifetime(seen) {}
    return found.withLock { $0 }
  }

  private func renumber(_ patch: IndexChange, _ old: Nodes, _ count: Int, _ reader: SymbolReader) {
    let moved = Table<UInt32>(repeating: 0, count: count)
    let back = Table<UInt32>(repeating: 0, count: nodeCount)
    // No two symbols became one: that is a name that moved.
    let (to, from) = (moved.base, back.base)
    Chunks.run(patch.oldCount, grain: 1 << 16) { range in
      for c in range {
        guard let n = patch.number(SymbolID(c)) else { continue }
        let node = old.node(SymbolID(c))
        to[n.index] = UInt32(truncatingIfNeeded: node)
        from[node] = n.raw
      }
    }
    nodes = moved
    symbols = back
    symbolCount = count
    isIdentity = false
    addNodes(for: 1..<count, reader)
  }

  /// Renumbers when all symbols but those of a few runs of numbers keep theirs.
  private func renumber(_ patch: IndexChange, in ranges: [Range<Int>], _ reader: SymbolReader) {
    guard !ranges.isEmpty else { return }
    if isIdentity {
      nodes.reserve(symbolCount)
      symbols.reserve(nodeCount + nodeCount / 64)
      for n in 0..<UInt32(symbolCount) { nodes.append(n) }
      for n in 0..<UInt32(nodeCount) { symbols.append(n) }
      isIdentity = false
    }
    var moved: [(symbol: SymbolID, node: UInt32)] = []
    for c in ranges.joined() {
      let node = nodes[c]
      nodes[c] = 0
      symbols[Int(node)] = 0
      if node != 0, let n = patch.number(SymbolID(c)) { moved.append((n, node)) }
    }
    for (symbol, node) in moved {
      nodes[symbol.index] = node
      symbols[Int(node)] = symbol.raw
    }
    for range in ranges { addNodes(for: range, reader) }
  }

  /// Gives nodes to the symbols among some numbers that have none.
  private func addNodes(for numbers: Range<Int>, _ reader: SymbolReader) {
    symbols.makeRoom(for: numbers.count)
    for n in numbers where nodes[n] == 0 && reader.symbols[n] != NumberRoom.nobody {
      nodes[n] = UInt32(truncatingIfNeeded: nodeCount)
      nodeCount += 1
      symbols.append(UInt32(truncatingIfNeeded: n))
    }
    starts.grow(to: nodeCount, with: 0)
  }
}
