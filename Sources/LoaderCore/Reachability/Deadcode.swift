/// Which symbols a program needs: a flood along relocations from the entry point, with methods kept only
/// where something may call them (cmd/link/internal/ld/deadcode.go).
///
/// The result is a monotone fixpoint and does not depend on the order of visits; only the text of -dumpdep
/// does. A method of a type that reaches an interface is kept when some reached code calls an interface
/// method of that name and type, asks reflection for that name, or asks for unknown names.
package struct Deadcode: ~Copyable {
  package struct Options: Sendable {
    package enum Output: Sendable { case executable, plugin(path: String), sharedLibrary }
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
    package init() {}
  }

  private let index: SymbolIndex
  private let reader: SymbolReader
  private let decoder: TypeDecoder
  private let options: Options
  private let graph: EdgeGraph
  private let map: EdgeGraph.Nodes
  /// Lists may be kept for other links: none of the options changes what they hold.
  private let keepsLists: Bool
  /// `LiveSet` marks, by node.
  private var nodeMarks: Table<UInt8>
  private let marks: UnsafeMutablePointer<UInt8>
  private var dumped: [UInt8] = []
  private var work: WorkList
  private var list = Table<UInt32>(capacity: 256)
  private var names = MethodNames()
  /// (name, type) of interface methods that reached code calls.
  private var calledMethods = KeySet()
  /// Names called on generic interfaces or through constant MethodByName.
  private var calledNames = KeySet()
  private var waiting: [MethodRef] = []
  private var reflectSeen = false
  private var packageInits: [SymbolID] = []

  /// A method of a reached type: its three relocations start at `relocation` of `type`.
  private struct MethodRef {
    let name: UInt32
    let signature: SymbolID
    let type: SymbolID
    let relocation: Int
  }

  /// The live set of a program.
  ///
  /// - Parameter graph: lists that an earlier link of the program left, and that this one adds to.
  /// - Throws: `LinkFailure.corrupt` where an object's markers contradict its types.
  package static func run(
    _ index: SymbolIndex, graph: EdgeGraph? = nil, initOrder: InitOrder, options: Options
  ) throws(LinkFailure) -> LiveSet {
    var pass = Deadcode(index, graph, options)
    try pass.markRoots(initOrder)
    try pass.flood()
    if options.dynamicLinkingGo { pass.reflectSeen = true }
    while pass.markCalledMethods() { try pass.flood() }
    if options.pruneWeakMap { try pass.redirectDeadMapInits() }
    if let bad = index.corruptObject {
      throw .corrupt(file: bad.file.path, detail: "object contradicts itself")
    }
    return pass.finish()
  }

  private init(_ index: SymbolIndex, _ kept: EdgeGraph?, _ options: Options) {
    self.index = index
    self.options = options
    reader = index.reader
    decoder = TypeDecoder(index.reader)
    keepsLists =
      kept != nil && !options.linkShared && !options.canUsePlugins && !options.dynamicLinkingGo
      && !options.dumpDependencies && !options.trace
    graph = keepsLists ? kept ?? EdgeGraph(symbolCount: 1) : EdgeGraph(symbolCount: 1)
    map = graph.map
    nodeMarks = Table(repeating: 0, count: index.count - graph.symbolCount + graph.nodeCount)
    marks = nodeMarks.base
    work = WorkList(smallestFirst: options.dumpDependencies || options.trace)
    // What became the linker's own before this pass is not what its object says.
    for s in index.journal.owned { graph.drop(map.node(s)) }
    for i in 0..<min(index.attributes.count, index.count) where index.attributes[i] != [] {
      let a = index.attributes[i]
      let n = map.node(SymbolID(i))
      if a.contains(.usedInIface) { marks[n] |= LiveSet.usedInIface }
      if a.contains(.bornReachable) { marks[n] |= LiveSet.reachable }
    }
  }

  private consuming func finish() -> LiveSet {
    graph.noteSize()
    guard !map.isIdentity else { return LiveSet(marks: nodeMarks, dump: dumped) }
    let live = Table<UInt8>(uninitialized: index.count)
    for i in 0..<index.count { live[i] = marks[map.node(SymbolID(i))] }
    return LiveSet(marks: live, dump: dumped)
  }

  // MARK: roots

  private mutating func markRoots(_ initOrder: InitOrder) throws(LinkFailure) {
    if case .sharedLibrary = options.output {
      for i in 1..<index.firstExternal.index {
        let s = SymbolID(i)
        // A function that the compiler dropped has no size, and maybe no metadata.
        if !(reader.kind(s).isText && reader.size(s) == 0) { mark(s, from: .none) }
      }
      mark(initOrder.mainTasks, from: .none)
      return
    }
    var roots: [String] = []
    if options.linkShared, case .executable = options.output {
      roots = ["main.main", "main..inittask"]
    } else {
      roots = [options.entry]
    }
    roots.append("runtime.unreachableMethod")
    if case .plugin(let path) = options.output {
      let prefix = PackagePath.prefix(path)
      roots += ["\(prefix)..inittask", "\(prefix).main", "go:plugin.tabs"]
      let exports = index.lookup("go:plugin.exports")
      if !exports.isNone {
        let relocs = reader.relocations(exports)
        for i in 0..<relocs.count { mark(reader.target(relocs[i], in: relocs), from: .none) }
      }
    }
    if options.trace { dumped += DeadcodeTrace.roots(roots) }
    for name in roots {
      mark(index.lookup(name, version: 0), from: .none)
      mark(index.lookup(name, version: 1), from: .none)
    }
    for s in options.dynamicExports { mark(s, from: .none) }
    for s in index.wasmExports { mark(s, from: .none) }
    mark(initOrder.mainTasks, from: .none)
  }

  // MARK: marking

  private mutating func mark(_ s: SymbolID, from parent: SymbolID) {
    if !s.isNone { mark(node: map.node(s), from: parent) }
  }

  @inline(__always)
  private mutating func mark(node: Int, from parent: SymbolID) {
    guard marks[node] & LiveSet.reachable == 0 else { return }
    marks[node] |= LiveSet.reachable
    work.push(SymbolID(node))
    if options.dumpDependencies { dump(map.symbol(node), from: parent) }
  }

  /// Gives a node the UsedInIface mark; if it was visited without it, it is visited again.
  private mutating func markUsedInIface(_ node: Int, from parent: SymbolID) {
    guard marks[node] & LiveSet.usedInIface == 0 else { return }
    marks[node] |= LiveSet.usedInIface
    if marks[node] & LiveSet.reachable != 0 {
      marks[node] &= ~LiveSet.reachable
      mark(node: node, from: parent)
    }
  }

  // MARK: the flood

  private mutating func flood() throws(LinkFailure) {
    while !work.isEmpty {
      let node = work.pop().index
      let start = node < graph.starts.count ? graph.starts[node] : 0
      if start != 0 {
        let kept = UnsafePointer(graph.edges.base + Int(start &- 1))
        try follow(node, SymbolClass(rawValue: UInt8(truncatingIfNeeded: kept[1])), kept + 2, Int(kept[0]))
        continue
      }
      let s = map.symbol(node)
      let flags = reader.symbolClass(s)
      list.removeAll()
      try scan(s, flags)
      if keepsLists, !flags.contains(.packageInit), !reader.isExternal(s) {
        graph.keep(node, class: flags.rawValue, list)
      }
      try follow(node, flags, UnsafePointer(list.base), list.count)
    }
  }

  @inline(__always)
  private mutating func follow(
    _ node: Int, _ flags: SymbolClass, _ edges: UnsafePointer<UInt32>, _ count: Int
  ) throws(LinkFailure) {
    typealias Tag = EdgeGraph.Tag
    if flags.contains(.reflectMethod) { reflectSeen = true }
    let isType = flags.contains(.goType)
    if isType, options.dynamicLinkingGo { marks[node] |= LiveSet.usedInIface }
    let isConverted = isType && marks[node] & LiveSet.usedInIface != 0
    var methods: [Int] = []
    let s = options.dumpDependencies ? map.symbol(node) : SymbolID.none
    for k in 0..<count {
      let e = edges[k]
      let t = Int(e & Tag.mask)
      switch e >> Tag.shift {
      case Tag.plain: mark(node: t, from: s)
      case Tag.type:
        // Types reachable by reflection from one that reaches an interface reach it too.
        if isConverted, marks[t] & LiveSet.usedInIface == 0 {
          marks[t] |= LiveSet.usedInIface
          marks[t] &= ~LiveSet.reachable
        }
        mark(node: t, from: s)
      case Tag.useIface: markUsedInIface(t, from: s)
      case Tag.methodOff:
        guard isConverted else { continue }
        methods.append(t)
        let relocs = reader.relocations(map.symbol(node))
        let method = reader.target(relocs[t], in: relocs)
        if !method.isNone { markUsedInIface(map.node(method), from: s) }
      default: try followMarker(e >> Tag.shift, t, of: map.symbol(node))
      }
    }
    if !methods.isEmpty {
      let type = map.symbol(node)
      try addMethods(methods, reader.relocations(type), of: type)
    }
  }

  /// The rarer relocations that only tell the linker something.
  private mutating func followMarker(_ tag: UInt32, _ t: Int, of s: SymbolID) throws(LinkFailure) {
    if tag == EdgeGraph.Tag.useIfaceOfItab {
      let type = decoder.itabType(map.symbol(t))
      if !reader.symbolClass(type).contains(.goType), !options.linkShared { throw notAType(s, type) }
      if !type.isNone { markUsedInIface(map.node(type), from: s) }
      return
    }
    let relocs = reader.relocations(s)
    let r = relocs[t]
    let target = reader.target(r, in: relocs)
    guard tag == EdgeGraph.Tag.useIfaceMethod else {
      // The name is the target's content; the target itself is not needed.
      calledNames.insert(UInt64(names.id(reader.data(target))) &+ 1)
      if options.trace { dumped += DeadcodeTrace.called(reader.data(target)) }
      return
    }
    let kind = reader.kind(target)
    if options.linkShared, kind == .dynImport || kind == .undefined { return }
    guard decoder.kind(reader.data(target)) == TypeDecoder.Kind.interface else {
      throw corrupt(s, "symbol \"\(reader.name(target).string)\" is not an interface")
    }
    let inner = reader.relocations(target)
    let name = decoder.name(inner, at: Int(truncatingIfNeeded: r.addend))
    let type = decoder.target(inner, at: Int(truncatingIfNeeded: r.addend &+ 4))
    calledMethods.insert(key(names.id(name), type))
    if options.trace { dumped += DeadcodeTrace.called(name, type) }
  }

  // MARK: lists

  /// A weak relocation does not keep its target, except where another module may need it.
  @inline(__always)
  private func isSkipped(_ r: Relocation, of s: SymbolID) -> Bool {
    guard r.isWeak else { return false }
    if options.linkShared, reader.symbolClass(s).contains(.itab) { return false }
    return !(options.canUsePlugins && RelocType.isDirectCall(r.type))
  }

  /// Makes the list of what a symbol needs: by its relocations, then by its auxiliary symbols.
  private mutating func scan(_ s: SymbolID, _ flags: SymbolClass) throws(LinkFailure) {
    let relocs = reader.relocations(s)
    var i = 0
    while i < relocs.count {
      let r = relocs[i]
      i &+= 1
      if isSkipped(r, of: s) { continue }
      if r.type == RelocType.methodOff {
        if i + 1 >= relocs.count { throw corrupt(s, "expect three consecutive R_METHODOFF relocs") }
        append(EdgeGraph.Tag.methodOff, i &- 1)
        i &+= 2
      } else {
        try scan(r, at: i &- 1, relocs, of: s)
      }
    }
    // The linker's own symbols have none here, clones included (loader.go NAux).
    guard !reader.isExternal(s) else { return }
    let aux = reader.auxiliaries(s)
    // A symbol's type descriptor is not needed just because the symbol is.
    for i in 0..<aux.count where aux.kind(i) != AuxKind.goType {
      let t = reader.resolve(aux.ref(i), in: aux.object)
      if !t.isNone { append(EdgeGraph.Tag.plain, map.node(t)) }
    }
    if aux.count != 0, flags.contains(.packageInit) { packageInits.append(s) }
  }

  @inline(__always)
  private mutating func append(_ tag: UInt32, _ value: Int) {
    let e = tag << EdgeGraph.Tag.shift | UInt32(truncatingIfNeeded: value)
    if list.count > 0, list[list.count &- 1] == e { return }
    list.append(e)
  }

  @inline(__always)
  private mutating func scan(
    _ r: Relocation, at i: Int, _ relocs: Relocations, of s: SymbolID
  ) throws(LinkFailure) {
    typealias Tag = EdgeGraph.Tag
    switch r.type {
    case RelocType.useType, RelocType.initOrder: return
    case RelocType.useIface:
      let t = reader.target(r, in: relocs)
      let flags = reader.symbolClass(t)
      if !flags.contains(.itab), !flags.contains(.goType), !options.linkShared { throw notAType(s, t) }
      if !t.isNone { append(flags.contains(.itab) ? Tag.useIfaceOfItab : Tag.useIface, map.node(t)) }
    case RelocType.useIfaceMethod: append(Tag.useIfaceMethod, i)
    case RelocType.useNamedMethod: append(Tag.useNamedMethod, i)
    default:
      let t = reader.target(r, in: relocs)
      if t.isNone {
        guard r.ref.package_ == ObjectFormat.PackageIndex.builtin else { return }
        throw missingBuiltin(Int(r.ref.index), relocs.object)
      }
      append(reader.symbolClass(t).contains(.goType) ? Tag.type : Tag.plain, map.node(t))
    }
  }

  /// A call that the compiler made by itself, of a function that this runtime does not have: so it is when only
  /// a part of the program was compiled with -race (cmd/link/internal/loader/loader.go reportMissingBuiltin).
  @inline(never)
  private func missingBuiltin(_ number: Int, _ object: UnsafePointer<LoadedObject>) -> LinkFailure {
    let package_ = index.libraries[Int(object.pointee.library)].path
    guard number < index.builtinNames.count else {
      return .corrupt(file: package_, detail: "no such builtin: \(number)")
    }
    return .fatal(
      "reference to undefined builtin \"\(index.builtinNames.name(number))\" from package \"\(package_)\"")
  }

  private func notAType(_ s: SymbolID, _ t: SymbolID) -> LinkFailure {
    corrupt(s, "R_USEIFACE references \(reader.name(t).string) which is not a type or itab")
  }

  // MARK: methods

  @inline(__always) private func key(_ name: UInt32, _ type: SymbolID) -> UInt64 {
    UInt64(name &+ 1) << 32 | UInt64(type.raw)
  }

  private mutating func addMethods(_ at: [Int], _ relocs: Relocations, of s: SymbolID) throws(LinkFailure) {
    guard let (offset, count) = decoder.methods(reader.data(s)) else {
      throw corrupt(s, "no methods")
    }
    guard count == at.count else {
      throw corrupt(s, "\(at.count) method relocations for \(count) methods")
    }
    var cursor = RelocationCursor(relocs)
    let typeName = options.trace ? reader.name(s) : .empty
    for i in 0..<count {
      let o = offset + i * TypeDecoder.methodSize
      let name = cursor.first(at: o).map { reader.target(relocs[$0], in: relocs) } ?? .none
      let signature = cursor.first(at: o + 4).map { reader.target(relocs[$0], in: relocs) } ?? .none
      let text = name.isNone ? ByteView.empty : TypeDecoder.nameText(reader.data(name))
      waiting.append(
        MethodRef(name: names.id(text), signature: signature, type: s, relocation: at[i]))
      if options.trace { dumped += DeadcodeTrace.waiting(text, signature, of: s, typeName) }
    }
  }

  /// Marks the waiting methods that something may call; whether there is new work.
  private mutating func markCalledMethods() -> Bool {
    var rest: [MethodRef] = []
    for m in waiting {
      let isCalled =
        (reflectSeen && (options.dynamicLinkingGo || isExported(names.text(m.name))))
        || calledMethods.contains(key(m.name, m.signature)) || calledNames.contains(UInt64(m.name) &+ 1)
      guard isCalled else {
        rest.append(m)
        continue
      }
      let relocs = reader.relocations(m.type)
      for k in 0..<3 { mark(reader.target(relocs[m.relocation + k], in: relocs), from: m.type) }
    }
    waiting = rest
    return !work.isEmpty
  }

  private func isExported(_ name: ByteView) -> Bool {
    let first = name.u8(0)
    if first < 0x80 { return first >= 0x41 && first <= 0x5a }
    return name.string.unicodeScalars.first?.properties.generalCategory == .uppercaseLetter
  }

  // MARK: map initialisers

  /// A package initialiser calls the function that fills a map through a weak relocation; where nothing
  /// else keeps that function, the call goes to one that does nothing (mapinitcleanup).
  private mutating func redirectDeadMapInits() throws(LinkFailure) {
    let noop = index.lookup("runtime.mapinitnoop", version: 1)
    for s in packageInits {
      let relocs = reader.relocations(s)
      for i in 0..<relocs.count {
        let r = relocs[i]
        guard r.isWeak, RelocType.isDirectCall(r.type) else { continue }
        let t = reader.target(r, in: relocs)
        guard !t.isNone, marks[map.node(t)] & LiveSet.reachable == 0 else { continue }
        guard !noop.isNone else {
          throw .unsupported(reason: "no runtime.mapinitnoop")
        }
        marks[map.node(noop)] |= LiveSet.reachable
        if options.trace {
          // `s` may have become the linker's own just now, which the reader does not know of.
          let now = index.reader
          dumped += DeadcodeTrace.redirected(now.name(s), from: now.name(t), to: now.name(noop))
        }
        index.setRelocationTarget(s, i, noop)
      }
    }
  }

  // MARK: -dumpdep

  private mutating func dump(_ s: SymbolID, from parent: SymbolID) {
    let name = reader.name(s)
    guard !name.isEmpty else { return }
    if parent.isNone {
      dumped.append(0x5f)
    } else {
      dumped.append(contentsOf: reader.name(parent).buffer)
      appendFlags(parent)
    }
    dumped.append(contentsOf: " -> ".utf8)
    dumped.append(contentsOf: name.buffer)
    appendFlags(s)
    dumped.append(0x0a)
  }

  private mutating func appendFlags(_ s: SymbolID) {
    let converted = marks[map.node(s)] & LiveSet.usedInIface != 0
    let reflects = reader.flags(s).contains(.reflectMethod)
    guard converted || reflects else { return }
    dumped.append(0x20)
    if converted { dumped.append(contentsOf: "<UsedInIface>".utf8) }
    if reflects { dumped.append(contentsOf: "<ReflectMethod>".utf8) }
  }

  private func corrupt(_ s: SymbolID, _ detail: String) -> LinkFailure {
    .corrupt(file: index.packagePath(s), detail: "\(reader.name(s).string): \(detail)")
  }
}
