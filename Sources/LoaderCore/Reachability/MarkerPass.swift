/// What the marker relocations of visited symbols ask for: which types reach an interface, and which methods of
/// those something may call.
struct MarkerPass: ~Copyable {
  private typealias Tag = EdgeGraph.Tag
  /// Takes a node that is to be visited (again), and the one that asks for it.
  typealias Visit = (_ node: Int, _ parent: Int) -> Void

  private let index: SymbolIndex
  private let reader: SymbolReader
  private let decoder: TypeDecoder
  private let options: Deadcode.Options
  private let graph: EdgeGraph
  private let facts: MarkerFacts
  private let map: EdgeGraph.Nodes
  private let marks: FloodMarks
  private(set) var state = State()
  /// What -v=2 prints of it, and the ranks that it tells; nil without.
  private var traced: [UInt8] = []
  private let ranks: SymbolRanks?

  /// What was found so far.
  final class State {
    /// Methods that reached code calls through interfaces, by `MarkerFacts.key`.
    fileprivate var calledMethods = Bitmap(count: 4096)
    /// Names called on generic interfaces or through constant MethodByName, by `MarkerFacts.nameID`.
    fileprivate var calledNames = Bitmap(count: 4096)
    /// Facts about the methods of types that reach an interface, as long as nothing calls them.
    fileprivate var waiting = Table<UInt32>(capacity: 1024)
    /// Whether methods may be found by names that are not known before the program runs.
    fileprivate var reflectSeen = false
    /// Whether the relocations of a called method led to something that is neither code nor a type.
    fileprivate(set) var hasOddMethods = false
    /// Nodes of the itabs that code converts to, and of their types.
    fileprivate var itabTypes: [UInt32: UInt32] = [:]

    init() {}

    func write(to writer: SnapshotWriter) {
      writer.numbers(reflectSeen ? 1 : 0, hasOddMethods ? 1 : 0)
      writer.array(Array(calledMethods.wordBuffer))
      writer.array(Array(calledNames.wordBuffer))
      writer.table(waiting)
      writer.array(itabTypes.flatMap { [$0.key, $0.value] })
    }

    init(_ reader: inout SnapshotReader) {
      let flags = reader.numbers(2)
      (reflectSeen, hasOddMethods) = (flags[0] != 0, flags[1] != 0)
      calledMethods = Bitmap(words: reader.table())
      calledNames = Bitmap(words: reader.table())
      waiting = reader.table()
      let pairs: [UInt32] = reader.array()
      for k in stride(from: 0, to: pairs.count - 1, by: 2) { itabTypes[pairs[k]] = pairs[k + 1] }
    }

    var byteCount: Int { waiting.count * 4 + itabTypes.count * 16 }
  }

  init(_ index: SymbolIndex, _ graph: EdgeGraph, _ marks: FloodMarks, _ options: Deadcode.Options) {
    self.index = index
    self.options = options
    ranks = options.trace ? SymbolRanks(index) : nil
    self.graph = graph
    self.marks = marks
    reader = index.reader
    decoder = TypeDecoder(index.reader)
    facts = graph.facts
    map = graph.map
  }

  func noteReflection() { state.reflectSeen = true }

  // MARK: one flood after another

  /// Goes on from what the last flood found.
  mutating func resume(_ memory: FloodMemory) {
    state = memory.state
    var left = 0
    for i in 0..<state.waiting.count where !facts[Int(state.waiting[i])].isGone {
      state.waiting[left] = state.waiting[i]
      left += 1
    }
    state.waiting.truncate(to: left)
  }

  /// Whether the touched ones among the itabs that code converted to have the types they had.
  func itabsAreTheSame(_ last: State, _ touched: [Int]) -> Bool {
    touched.allSatisfy { node in
      guard let type = last.itabTypes[UInt32(truncatingIfNeeded: node)] else { return true }
      let itab = map.symbol(node)
      return itab.isNone || map.node(decoder.itabType(itab)) == Int(type)
    }
  }

  /// Looks facts up again that were read from touched contents; whether all say what they said.
  func refreshFacts() throws(LinkFailure) -> Bool {
    for i in facts.stale where !facts[Int(i)].isGone {
      let old = facts[Int(i)]
      if !old.isResolved { try resolve(Int(i)) }
      let new = facts[Int(i)]
      guard new.isResolved, new.name == old.name, new.key == old.key, new.methodType == old.methodType else {
        return false
      }
    }
    return true
  }

  /// Looks a list's markers up, without following them.
  func lookUp(
    _ node: Int, _ header: UInt32, _ edges: UnsafeMutablePointer<UInt32>, _ count: Int
  ) throws(LinkFailure) {
    guard header & EdgeGraph.Header.hasMarkers != 0 else { return }
    _ = try prepare(node, header, edges, count)
    for k in 0..<count {
      switch edges[k] >> Tag.shift {
      case Tag.useIfaceMethod, Tag.useNamedMethod:
        makeFact(edges + k, of: node)
        try resolve(Int(edges[k] & Tag.mask))
      default: break
      }
    }
  }

  /// What a list says, apart from the numbers of relocations: an edge's tag over its node, or what a fact says.
  func meanings(_ edges: UnsafeMutablePointer<UInt32>, _ count: Int) -> [UInt64] {
    var all: [UInt64] = []
    for k in 0..<count {
      let t = edges[k] & Tag.mask
      switch edges[k] >> Tag.shift {
      case Tag.plain, Tag.type, Tag.useIface, Tag.useIfaceOfItab:
        all.append(UInt64(edges[k] >> Tag.shift) << 40 | UInt64(t))
      case Tag.fact:
        let f = facts[Int(t)]
        let kind = UInt64(f.kind.rawValue) << 33
        all.append(UInt64(Tag.fact) << 40 | kind | UInt64(f.kind == .useNamedMethod ? f.name : f.key))
        if f.kind == .method { all.append(UInt64(Tag.methodOff) << 40 | UInt64(f.methodType)) }
      // Methods of a type that reaches no interface.
      default: break
      }
    }
    return all
  }

  // MARK: a symbol's markers

  /// Follows the markers of a visited node.
  ///
  /// - Throws: `LinkFailure.corrupt` where they contradict the types they name.
  mutating func follow(_ node: Int, _ visit: Visit) throws(LinkFailure) {
    let start = graph.listStarts.start(node)
    if start != 0 {
      let list = graph.lists.list(at: start &- 1)
      try follow(node, list[1], list + EdgeLists.headerWords, Int(list[0]), visit)
    } else {
      // The linker's own have no list.
      let scan = EdgeScan(index, map, options)
      let header = try scan.scan(map.symbol(node))
      try follow(node, header, scan.list.base, scan.list.count, visit)
      facts.leave(scan.list.base, scan.list.count)
    }
  }

  private mutating func follow(
    _ node: Int, _ header: UInt32, _ edges: UnsafeMutablePointer<UInt32>, _ count: Int, _ visit: Visit
  ) throws(LinkFailure) {
    let isConverted = try prepare(node, header, edges, count)
    for k in 0..<count where edges[k] >> Tag.shift >= Tag.useIfaceOfItab {
      try follow(edges + k, of: node, isConverted, visit)
    }
  }

  /// Makes facts of the node's methods when it is a type that reaches an interface.
  ///
  /// - Returns: whether it is one.
  func prepare(
    _ node: Int, _ header: UInt32, _ edges: UnsafeMutablePointer<UInt32>, _ count: Int
  ) throws(LinkFailure) -> Bool {
    let isType = SymbolClass(rawValue: UInt8(truncatingIfNeeded: header)).contains(.goType)
    guard isType, marks[node] & LiveSet.usedInIface != 0 else { return false }
    try findMethods(node, edges, count)
    return true
  }

  /// Follows one marker; the edge becomes that of a fact.
  mutating func follow(
    _ edge: UnsafeMutablePointer<UInt32>, of node: Int, _ isConverted: Bool, _ visit: Visit
  ) throws(LinkFailure) {
    let t = edge.pointee & Tag.mask
    switch edge.pointee >> Tag.shift {
    case Tag.useIfaceOfItab: return try convertTypeOfItab(Int(t), in: node, visit)
    // Methods of a type that reaches no interface.
    case Tag.methodOff: return
    case Tag.useIfaceMethod, Tag.useNamedMethod: makeFact(edge, of: node)
    default: break
    }
    try apply(Int(edge.pointee & Tag.mask), isConverted, from: node, visit)
  }

  /// Makes the edge of a marker that of a fact.
  private func makeFact(_ edge: UnsafeMutablePointer<UInt32>, of node: Int) {
    let kind: MarkerFacts.Fact.Kind =
      edge.pointee >> Tag.shift == Tag.useIfaceMethod ? .useIfaceMethod : .useNamedMethod
    edge.pointee = Tag.fact << Tag.shift | add(kind, node, edge.pointee & Tag.mask)
  }

  private func add(_ kind: MarkerFacts.Fact.Kind, _ owner: Int, _ relocation: UInt32, ordinal: UInt32 = 0)
    -> UInt32
  {
    facts.append(
      MarkerFacts.Fact(
        kind: kind, isResolved: false, owner: UInt32(truncatingIfNeeded: owner), relocation: relocation,
        ordinal: ordinal))
  }

  /// Says that a type reaches an interface; if it was visited before that was known, it is visited again.
  private func convert(_ node: Int, from parent: Int, _ visit: Visit) {
    let old = marks.set(node, LiveSet.usedInIface)
    if old & LiveSet.usedInIface == 0, old & LiveSet.reachable != 0 { visit(node, parent) }
  }

  private func convertTypeOfItab(
    _ itab: Int, in node: Int, _ visit: Visit
  ) throws(LinkFailure) {
    let type = decoder.itabType(map.symbol(itab))
    if !reader.symbolClass(type).contains(.goType), !options.linkShared {
      throw Deadcode.corrupt(
        map.symbol(node), "R_USEIFACE references \(reader.name(type).string) which is not a type or itab",
        index)
    }
    if type.isNone { return }
    state.itabTypes[UInt32(truncatingIfNeeded: itab)] = UInt32(truncatingIfNeeded: map.node(type))
    convert(map.node(type), from: node, visit)
  }

  private mutating func apply(
    _ fact: Int, _ isConverted: Bool, from node: Int, _ visit: Visit
  ) throws(LinkFailure) {
    if !facts[fact].isResolved { try resolve(fact) }
    let f = facts[fact]
    switch f.kind {
    case .useIfaceMethod:
      guard f.isResolved else { return }
      Self.insert(f.key, &state.calledMethods, facts.keyCount)
      if options.trace {
        traced += DeadcodeTrace.called(facts.text(f.name), rank(map.symbol(Int(f.signature))))
      }
    case .useNamedMethod:
      Self.insert(f.name, &state.calledNames, facts.nameCount)
      if options.trace { traced += DeadcodeTrace.called(facts.text(f.name)) }
    case .method:
      guard isConverted else { return }
      if f.methodType != 0 { convert(Int(f.methodType), from: node, visit) }
      state.waiting.append(UInt32(truncatingIfNeeded: fact))
    }
  }

  private static func insert(_ number: UInt32, _ set: inout Bitmap, _ count: Int) {
    set.grow(to: count + count / 4)
    set[Int(number)] = true
  }

  // MARK: -v=2

  mutating func takeTrace() -> [UInt8] {
    defer { traced = [] }
    return traced
  }

  /// What is said of a type's methods, at the end of its visit.
  func methodTrace(_ node: Int, _ edges: UnsafeMutablePointer<UInt32>, _ count: Int) -> [UInt8] {
    let type = map.symbol(node)
    var lines: [UInt8] = []
    for k in 0..<count where edges[k] >> Tag.shift == Tag.fact {
      let f = facts[Int(edges[k] & Tag.mask)]
      guard f.kind == .method else { continue }
      lines += DeadcodeTrace.waiting(
        facts.text(f.name), rank(map.symbol(Int(f.signature))), of: rank(type), reader.name(type))
    }
    return lines
  }

  private func rank(_ s: SymbolID) -> Int { ranks?.rank(s) ?? 0 }

  // MARK: looking up

  /// Makes facts of a type's method relocations.
  private func findMethods(
    _ node: Int, _ edges: UnsafeMutablePointer<UInt32>, _ count: Int
  ) throws(LinkFailure) {
    var n: UInt32 = 0
    for k in 0..<count where edges[k] >> Tag.shift == Tag.methodOff {
      edges[k] = Tag.fact << Tag.shift | add(.method, node, edges[k] & Tag.mask, ordinal: n)
      n += 1
    }
    guard n > 0 else { return }
    let type = map.symbol(node)
    guard let found = decoder.methods(reader.data(type)) else { throw corrupt(node, "no methods") }
    guard found.count == Int(n) else {
      throw corrupt(node, "\(n) method relocations for \(found.count) methods")
    }
    var cursor = RelocationCursor(reader.relocations(type))
    for k in 0..<count where edges[k] >> Tag.shift == Tag.fact {
      let fact = Int(edges[k] & Tag.mask)
      if facts[fact].kind == .method { resolveMethod(fact, found.offset) { cursor.first(at: $0) } }
    }
  }

  private func resolve(_ fact: Int) throws(LinkFailure) {
    let f = facts[fact]
    let owner = map.symbol(Int(f.owner))
    let relocs = reader.relocations(owner)
    let r = relocs[Int(f.relocation)]
    switch f.kind {
    case .useIfaceMethod: try resolveCall(fact, r, reader.target(r, in: relocs))
    case .useNamedMethod:
      // The name is the target's content; the target itself is not needed.
      let target = reader.target(r, in: relocs)
      facts[fact].content = UInt32(truncatingIfNeeded: map.node(target))
      facts[fact].name = facts.nameID(reader.data(target))
      facts[fact].isResolved = true
    case .method:
      guard let found = decoder.methods(reader.data(owner)) else { throw corrupt(Int(f.owner), "no methods") }
      resolveMethod(fact, found.offset) { relocs.first(at: $0) }
    }
  }

  private func resolveCall(_ fact: Int, _ r: Relocation, _ target: SymbolID) throws(LinkFailure) {
    let kind = reader.kind(target)
    if options.linkShared, kind == .dynImport || kind == .undefined { return }
    guard decoder.kind(reader.data(target)) == TypeDecoder.Kind.interface else {
      throw corrupt(
        Int(facts[fact].owner), "symbol \"\(reader.name(target).string)\" is not an interface")
    }
    let inner = reader.relocations(target)
    let name = decoder.target(inner, at: Int(truncatingIfNeeded: r.addend))
    let type = decoder.target(inner, at: Int(truncatingIfNeeded: r.addend &+ 4))
    facts[fact].content = UInt32(truncatingIfNeeded: map.node(target))
    set(fact, name, type)
  }

  private func resolveMethod(_ fact: Int, _ methods: Int, _ first: (Int) -> Int?) {
    let f = facts[fact]
    let relocs = reader.relocations(map.symbol(Int(f.owner)))
    let at = methods + Int(f.ordinal) * TypeDecoder.methodSize
    func target(_ i: Int?) -> SymbolID { i.map { reader.target(relocs[$0], in: relocs) } ?? .none }
    let name = target(first(at))
    set(fact, name, target(first(at + 4)))
    facts[fact].methodType = UInt32(truncatingIfNeeded: map.node(target(Int(f.relocation))))
  }

  private func set(_ fact: Int, _ name: SymbolID, _ signature: SymbolID) {
    let id = facts.nameID(name.isNone ? .empty : TypeDecoder.nameText(reader.data(name)))
    let node = map.node(signature)
    facts[fact].nameContent = UInt32(truncatingIfNeeded: map.node(name))
    facts[fact].name = id
    facts[fact].signature = UInt32(truncatingIfNeeded: node)
    facts[fact].key = facts.key(id, node)
    facts[fact].isResolved = true
  }

  private func corrupt(_ node: Int, _ detail: String) -> LinkFailure {
    Deadcode.corrupt(map.symbol(node), detail, index)
  }

  // MARK: methods

  /// Marks the waiting methods that something may call.
  mutating func markCalledMethods(_ visit: Visit) {
    state.calledMethods.grow(to: facts.keyCount)
    state.calledNames.grow(to: facts.nameCount)
    var left = 0
    for i in 0..<state.waiting.count {
      let f = facts[Int(state.waiting[i])]
      guard isCalled(f) else {
        state.waiting[left] = state.waiting[i]
        left += 1
        continue
      }
      let relocs = reader.relocations(map.symbol(Int(f.owner)))
      for k in 0..<3 {
        let s = reader.target(relocs[Int(f.relocation) + k], in: relocs)
        guard !s.isNone else { continue }
        if reader.symbolClass(s).isDisjoint(with: [.text, .goType]) { state.hasOddMethods = true }
        let node = map.node(s)
        if marks.set(node, LiveSet.reachable) & LiveSet.reachable == 0 { visit(node, Int(f.owner)) }
      }
    }
    state.waiting.truncate(to: left)
  }

  private func isCalled(_ method: MarkerFacts.Fact) -> Bool {
    state.calledMethods[Int(method.key)] || state.calledNames[Int(method.name)]
      || (state.reflectSeen && (options.dynamicLinkingGo || facts.isExported(method.name)))
  }
}
