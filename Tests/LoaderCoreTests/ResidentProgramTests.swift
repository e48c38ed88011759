import LoaderCore
import TestSupport
import Testing

/// A resident program that takes changed objects in must be the program that resolving anew gives, number for
/// number, whatever links did to it in between; and deadcode must keep the same symbols with and without the lists
/// that earlier links left.
@Suite struct ResidentProgramTests {
  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func exchangedObjectsGiveWhatResolvingAnewGives(_ seed: UInt64) throws {
    try follow(EditedWorld(seed: seed), seed, standIns: false) { $0.edit() }
  }

  /// Packages come, go and change places in the load order.
  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func exchangedPackagesGiveWhatResolvingAnewGives(_ seed: UInt64) throws {
    try follow(EditedWorld(seed: seed, packages: 30, isSparse: true), seed, standIns: true) { $0.reshape() }
  }

  private func follow(
    _ start: EditedWorld, _ seed: UInt64, standIns: Bool, _ edit: (inout EditedWorld) -> Void
  ) throws {
    var world = start
    var program = try world.resolve()
    // What was found of the objects of one program is taken for the next ones: some take each state in, too, others
    // every second and third, so that they have other versions before.
    let strides = [1, 1, 2, 1, 3]
    var others = try strides.map { _ in try world.resolve() }
    var last = try world.resolve()
    var lastOfOthers = others.map { _ in last }
    var patched = 0
    var untouched = 0
    var inPlace = 0
    for step in 0..<40 {
      try world.link(program)
      // Every third link is in another life of the daemon.
      if step % 3 == 2 { program = try #require(try world.nextLife(of: program)) }
      edit(&world)
      let before = Exchange(of: program, last)
      let othersBefore = zip(others, lastOfOthers).map { Exchange(of: $0, $1) }
      let packages = try world.load()
      let fresh = try world.resolve()
      defer { last = fresh }
      let place = "seed \(seed), step \(step)"
      for k in others.indices where step % strides[k] == 0 {
        lastOfOthers[k] = fresh
        if others[k].update(to: packages, profile: .go1_27_3, options: .init(), standIns: standIns) {
          #expect(others[k].index.difference(from: fresh.index) == nil, "\(place), program \(k)")
          try othersBefore[k].check(others[k], "\(place), program \(k)")
        } else {
          others[k] = try world.resolve()
        }
      }
      guard program.update(to: packages, profile: .go1_27_3, options: .init(), standIns: standIns) else {
        program = try world.resolve()
        continue
      }
      patched += 1
      // Whatever stands in for something: this is what was asked for, and what there is.
      #expect(program.distance(to: packages) == 0 && program.changes(since: program.packages) == 0)
      #expect(program.index.difference(from: fresh.index) == nil, "\(place)")
      if program.change?.ranges != nil { inPlace += 1 }
      untouched += try before.check(program, place)
      #expect(try world.live(program, program.graph) == world.live(fresh, nil), "\(place)")
    }
    // Now and then a size taken from a loser, or a name that moved, asks for resolving anew.
    #expect(patched > 10, "seed \(seed): \(patched) of 40 steps were patched")
    #expect(untouched > 100, "seed \(seed): \(untouched)")
    #expect(world.likenesses > 5, "seed \(seed): \(world.likenesses)")
    #expect(
      inPlace > 3 || standIns,
      "seed \(seed): \(inPlace) of \(patched) exchanges kept the other objects' numbers")
  }

  /// What a program said before an exchange of objects.
  private struct Exchange {
    /// The same symbols in the same order as in a program that was resolved anew, but other numbers may be free.
    private let known: SymbolRanks
    private let resolved: SymbolRanks
    private let last: ResidentProgram

    init(of program: ResidentProgram, _ last: ResidentProgram) {
      (known, resolved) = (SymbolRanks(program.index), SymbolRanks(last.index))
      self.last = last
    }

    private func own(_ s: SymbolID) -> SymbolID { known.symbols[resolved.rank(s)] }

    /// Expects symbols that were exchanged, but not touched, to say what they said.
    ///
    /// - Returns: how many there are.
    @discardableResult func check(_ program: ResidentProgram, _ place: String) throws -> Int {
      let change = try #require(program.change)
      var untouched = 0
      for s in resolved.symbols where !s.isNone && s.index < last.index.firstExternal.index {
        guard change.isReplaced(own(s)), !change.isTouched(own(s)) else { continue }
        let now = try #require(change.number(own(s)), "\(place)")
        let said = Saying(s, last.index).mapped { change.number(own($0)) }
        let says = Saying(now, program.index)
        // When names move, passes forget what references mean.
        func kept(_ all: Saying) -> Saying { change.namesMoved ? all.mapped { _ in nil } : all }
        #expect(kept(said) == kept(says), "\(place), symbol \(s.raw)")
        untouched += 1
      }
      return untouched
    }
  }

  @Test func aProgramFromDiskIsTheOneThatWasWritten() throws {
    var world = try EditedWorld(seed: 31)
    let program = try world.resolve()
    try world.link(program)
    let packages = try world.load()
    let restored = try #require(try world.nextLife(of: program))
    #expect(restored.distance(to: packages) == 0)
    #expect(restored.update(to: packages, profile: .go1_27_3, options: .init()))
    let fresh = try world.resolve()
    #expect(restored.index.difference(from: fresh.index) == nil)
    #expect(try world.live(restored, restored.graph) == world.live(fresh, nil))
  }

  @Test func whatIsCutOffIsNotRestored() throws {
    var world = try EditedWorld(seed: 32)
    let program = try world.resolve()
    try world.link(program)
    let whole = try #require(Snapshot.bytes(of: program))
    let packages = try world.load()
    for count in stride(from: 16, to: whole.count, by: 48) {
      #expect(try Snapshot.program(Array(whole.prefix(count)), like: packages) == nil)
    }
    #expect(try Snapshot.program(whole, like: packages) != nil)
    world.removeLastPackage()
    #expect(try Snapshot.program(whole, like: world.load()) == nil)
  }

  @Test func anObjectHasTheTablesOfItsEarlierParse() throws {
    let world = try EditedWorld(seed: 33)
    for object in try world.load().objects {
      let bytes = Snapshot.bytes { object.write(to: $0) }
      var reader = SnapshotReader(try Snapshot.block(bytes))
      let tables = try #require(ObjectTables(&reader))
      let again = try Archive(file: object.file, hashes: nil, tables: [tables])
      #expect(!again.computedHashes)
      let twin = try #require(again.objects.first)
      for i in 0..<object.view.symbolCount {
        #expect(twin.nameHashes[i] == object.nameHashes[i])
        #expect(twin.traits[i] == object.traits[i])
        #expect(twin.classes[i] == object.classes[i])
      }
      #expect(twin.nameHashes == tables.nameHashes)
    }
  }

  @Test func differencesAreSeen() throws {
    var world = try EditedWorld(seed: 77)
    let first = try world.resolve()
    for _ in 0..<5 { world.edit() }
    #expect(first.index.difference(from: try world.resolve().index) != nil)
  }

  @Test func manyOtherPackagesAreAnotherProgram() throws {
    var world = try EditedWorld(seed: 5)
    let program = try world.resolve()
    for _ in 0..<4 { world.removeLastPackage() }
    let packages = try world.load()
    #expect(program.distance(to: packages) == nil)
    #expect(program.difference(from: packages) == nil)
    #expect(!program.update(to: packages, profile: .go1_27_3, options: .init()))
  }

  @Test func otherOptionsResolveAnew() throws {
    let world = try EditedWorld(seed: 6)
    let program = try world.resolve()
    var options = SymbolResolver.Options()
    options.strictDups = true
    #expect(!program.update(to: try world.load(), profile: .go1_27_3, options: options))
  }
}

/// All that a definition says, and its auxiliary symbols.
private struct Saying: Equatable {
  struct Reference: Equatable {
    let how: [Int]
    /// Nil for one that went.
    var target: SymbolID?
  }

  let name: String
  let record: [Int]
  let data: [UInt8]
  var references: [Reference] = []
  var auxiliaries: [Saying] = []

  init(_ s: SymbolID, _ index: SymbolIndex, depth: Int = 0) {
    let r = index.reader
    name = r.name(s).string
    record = [
      Int(r.size(s)), Int(r.kind(s).rawValue), Int(r.flags(s).rawValue), index.alignment(s),
      Int(r.version(s)),
    ]
    let aux = r.auxiliaries(s)
    if depth == 0 {
      auxiliaries = (0..<aux.count).map { Saying(r.resolve(aux.ref($0), in: aux.object), index, depth: 1) }
    }
    let relocs = r.relocations(s)
    references += (0..<relocs.count).map { k in
      let x = relocs[k]
      return Reference(
        how: [Int(x.offset), Int(x.size), Int(x.typeAndWeak), Int(x.addend)], target: r.target(x, in: relocs))
    }
    // An auxiliary symbol with a reference in it, as `EditedWorld` makes them.
    guard r.data(s).count == 48, let info = FuncInfo(data: r.data(s), object: r.object(r.unit(s)))
    else {
      data = Array(r.data(s).buffer)
      return
    }
    data = Array(r.data(s).buffer.prefix(36))
    let target = r.resolve(info.inlineNode(0).function, in: info.object)
    references.append(Reference(how: [Int(info.inlineNode(0).parentPC)], target: target))
  }

  func mapped(_ number: (SymbolID) -> SymbolID?) -> Saying {
    var other = self
    for k in other.references.indices {
      other.references[k].target = references[k].target.flatMap { $0.isNone ? $0 : number($0) }
    }
    other.auxiliaries = auxiliaries.map { $0.mapped(number) }
    return other
  }
}

/// Programs as bytes.
private enum Snapshot {
  static func bytes(_ write: (SnapshotWriter) -> Void) -> [UInt8] {
    final class Sink { var bytes: [UInt8] = [] }
    let sink = Sink()
    write(SnapshotWriter { sink.bytes += $0 })
    return sink.bytes
  }

  static func bytes(of program: ResidentProgram) -> [UInt8]? {
    var isWritten = false
    let all = bytes { isWritten = program.write(to: $0) }
    return isWritten ? all : nil
  }

  static func block(_ bytes: [UInt8]) throws -> SnapshotBlock {
    let block = try #require(SnapshotBlock(count: bytes.count))
    block.memory.copyBytes(from: bytes)
    return block
  }

  static func program(_ bytes: [UInt8], like packages: LoadedPackages) throws -> ResidentProgram? {
    var reader = SnapshotReader(try block(bytes))
    return ResidentProgram.restore(
      &reader, like: packages, objects: packages.objects, profile: .go1_27_3)
  }
}

/// Packages that share contents and names, refer to each other, and are edited at random.
private struct EditedWorld {
  /// What a package defines or refers to; the number tells which of the pool.
  private enum Item {
    case function(Int), short(Int), long(Int), shared(Int, size: Int), plain(Int, zeroed: Bool)
    case undefined(Int), foreign(package: Int, function: Int), type(Int)
  }

  private var random: SeededGenerator
  private var items: [[Item]] = []
  /// The packages that main imports, in order.
  private var shown: [Int] = []
  /// Whether a package refers to few others by position.
  private let isSparse: Bool
  /// How often some references and bytes of a package were changed, and nothing else.
  private var twists: [Int] = []
  private var files: [String] = []
  private let cache: KeptArchives
  private var stale: Set<Int> = []

  init(seed: UInt64, packages: Int = 8, isSparse: Bool = false) throws {
    random = SeededGenerator(seed: seed)
    cache = try KeptArchives()
    self.isSparse = isSparse
    shown = Array(1..<packages)
    for _ in 0..<packages {
      var list: [Item] = [.function(0), .function(1)]
      for _ in 0..<Int.random(in: 3...25, using: &random) { list.append(draw()) }
      items.append(list)
      files.append("")
      twists.append(0)
    }
    stale = Set(items.indices)
    write()
  }

  private mutating func draw() -> Item {
    func n(_ k: Int) -> Int { Int.random(in: 0..<k, using: &random) }
    switch n(9) {
    case 0, 1: return .function(2 + n(12))
    case 2: return .short(n(25))
    case 3: return .long(n(25))
    case 4: return .shared(n(12), size: 1 + n(6))
    case 5: return n(8) == 0 ? .plain(n(40), zeroed: n(2) == 0) : .type(n(12))
    case 6: return .undefined(n(10))
    case 7: return .foreign(package: n(8), function: n(14))
    default: return .type(n(12))
    }
  }

  /// Changes one to three packages.
  mutating func edit() {
    edit(Int.random(in: 1...3, using: &random))
    write()
  }

  private mutating func edit(_ packages: Int) {
    for _ in 0..<packages {
      let p = Int.random(in: 0..<items.count, using: &random)
      stale.insert(p)
      if Int.random(in: 0..<2, using: &random) == 0 {
        twists[p] += 1
        continue
      }
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        let at = Int.random(in: 2...items[p].count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: items[p].insert(draw(), at: at)
        case 1 where at < items[p].count: items[p].remove(at: at)
        default: if at < items[p].count { items[p][at] = draw() }
        }
      }
    }
  }

  /// A package comes, goes or changes its place; now and then one changes besides.
  mutating func reshape() {
    let p = Int.random(in: 1..<items.count, using: &random)
    let place = shown.firstIndex(of: p)
    if let place { shown.remove(at: place) }
    if place == nil || Int.random(in: 0..<2, using: &random) == 0 {
      shown.insert(p, at: Int.random(in: 0...shown.count, using: &random))
    }
    stale.insert(0)
    for q in items.indices where neighbours(q, among: items.indices).contains(p) { stale.insert(q) }
    if Int.random(in: 0..<3, using: &random) == 0 { edit(1) }
    write()
  }

  /// The packages that one refers to by position.
  private func neighbours(_ p: Int, among all: some Sequence<Int>) -> [Int] {
    guard isSparse else { return Array(all) }
    let near = [p, p + 1, p + 2].map { $0 % items.count }
    return all.filter { near.contains($0) }
  }

  mutating func removeLastPackage() {
    items.removeLast()
    shown.removeLast()
    files.removeLast()
    stale = [0]
    write()
  }

  private mutating func write() {
    for p in stale {
      files[p] = cache.write(p, [("_go_.o", object(p).bytes)])
    }
    stale = []
  }

  /// How many archives were of the shape of the one before.
  var likenesses: Int { cache.likenesses }

  func load() throws -> LoadedPackages {
    try cache.load(files)
  }

  func resolve() throws -> ResidentProgram {
    try ResidentProgram.resolve(load(), profile: .go1_27_3, options: .init()).program
  }

  // MARK: objects

  private func object(_ p: Int) -> ObjectBuilder {
    typealias Symbol = ObjectBuilder.Symbol
    var o = ObjectBuilder()
    o.isMain = p == 0
    o.imports = p == 0 ? shown.map { ("p\($0)", 0) } : []
    let known = neighbours(p, among: [0] + shown.sorted())
    o.packages = known.map { $0 == 0 ? "main" : "p\($0)" }
    var made: [ObjectBuilder.Handle] = []
    if p == 0 {
      made.append(o.add(Symbol("_rt0_amd64_linux", kind: 1, data: [0xc3])))
      _ = o.add(Symbol("runtime.unreachableMethod", abi: 1, kind: 1, data: [0xc3]))
    }
    var names: Set<String> = []
    for item in items[p] {
      if let h = add(item, p, &o, &names) { made.append(h) }
    }
    // The first two functions of a package are always there; others may refer to them by position.
    for (k, q) in known.enumerated() where q != p {
      made.append(ObjectBuilder.Handle(.imported(package_: k + 1), q % 2))
    }
    link(made, p, &o)
    return o
  }

  private func add(
    _ item: Item, _ p: Int, _ o: inout ObjectBuilder, _ names: inout Set<String>
  ) -> ObjectBuilder.Handle? {
    func once(_ name: String) -> Bool { names.insert(name).inserted }
    let path = p == 0 ? "main" : "p\(p)"
    switch item {
    case .function(let n):
      guard once("f\(n)") else { return nil }
      let function = o.add(
        .init(
          "\(path).f\(n)", abi: 1, kind: 1, alignment: n == 3 ? 64 : 0,
          data: [0x90, n % 4 == 2 ? UInt8(truncatingIfNeeded: twists[p]) : 0xc3]), .package_)
      if n > 1 { addAuxiliaries(to: function, n, &o) }
      return function
    case .short(let n):
      guard once("s\(n)") else { return nil }
      return o.add(
        .init("", kind: 3, size: 1 + p % 3, data: [UInt8(n)], hash: little(UInt64(n))), .hashed64)
    case .long(let n):
      guard once("l\(n)") else { return nil }
      return o.add(
        .init(
          "l\(n)", kind: 3, flags: n % 5 == 0 ? .local : [], size: 2 + p % 4, alignment: p % 2 == 0 ? 0 : 8,
          data: [UInt8(n), 1], hash: little(UInt64(n)) + little(UInt64(7))), .hashed)
    case .shared(let n, let size):
      guard once("shared\(n)") else { return nil }
      return o.add(.init("shared\(n)", kind: 3, flags: .dupOK, size: size, data: [UInt8(size)]))
    case .plain(let n, let zeroed):
      guard once("plain\(n)") else { return nil }
      return o.add(
        .init("\(path).plain\(n)", kind: zeroed ? 9 : 7, size: 8, data: zeroed ? [] : [UInt8(n)]))
    case .type(let n):
      guard once("type\(n)") else { return nil }
      let flags: SymbolFlags = n % 3 == 0 ? [.dupOK, .goType, .usedInIface] : [.dupOK, .goType]
      return o.add(
        .init("type:t\(n)", kind: 3, flags: flags, data: GoType.data(.pointer, tail: little(UInt64(0)))))
    case .undefined(let n):
      return once("u\(n)") ? o.refer(to: "undefined\(n)", flags: n == 1 ? .usedInIface : []) : nil
    case .foreign(let q, let n):
      let name = q == 0 ? "main.f\(n)" : "p\(q).f\(n)"
      return q != p && q < items.count && once(name) ? o.refer(to: name, abi: 1) : nil
    }
  }

  /// A table, by its content, and a FuncInfo with an inlined call of the function before.
  private func addAuxiliaries(to function: ObjectBuilder.Handle, _ n: Int, _ o: inout ObjectBuilder) {
    let table = o.add(
      .init("", kind: 3, data: [UInt8(function.index & 3)], hash: little(UInt64(100 + (function.index & 3)))),
      .hashed64)
    let inlined = little(UInt32(0x7fff_fffb)) + little(UInt32(max(0, function.index - 2)))
    let info = o.add(
      .init(
        "", kind: 3,
        data: [UInt8](repeating: 0, count: 20) + little(UInt32(1)) + little(UInt32(0)) + little(UInt32(0))
          + little(UInt32(n)) + inlined + little(UInt32(0))), .package_)
    o[function].auxiliaries += [(AuxKind.funcInfo, info), (AuxKind.pcsp, table)]
  }

  /// Every definition needs a few of the others; the entry point needs some of everything.
  private func link(_ made: [ObjectBuilder.Handle], _ p: Int, _ o: inout ObjectBuilder) {
    for (k, h) in made.enumerated() {
      switch h.place {
      case .reference, .imported: continue
      default: break
      }
      let targets =
        k == 0
        ? Array(made.enumerated())
        : [
          (0, made[(k * 7 + 3 + (k % 5 == 0 ? twists[p] : 0)) % made.count]), (1, made[(k + 1) % made.count]),
        ]
      o[h].relocations += targets.map { i, t in
        .init(i % 4 == 3 ? RelocType.pcrel : RelocType.addr, t, size: 0, isWeak: i % 5 == 4)
      }
    }
  }

  // MARK: links

  /// What a link does to the index.
  mutating func link(_ program: ResidentProgram) throws {
    _ = try live(program, program.graph)
    let index = program.index
    for _ in 0..<4 {
      let s = SymbolID(Int.random(in: 1..<index.count, using: &random))
      index.setData(s, [1, 2, 3])
      index.setAlignment(SymbolID(Int.random(in: 1..<index.count, using: &random)), 16)
      index.insert(.special, for: SymbolID(Int.random(in: 1..<index.count, using: &random)))
    }
    let made = index.lookupOrCreate("linker.made\(Int.random(in: 0..<3, using: &random))")
    index.addAddress(made, of: SymbolID(1))
    index.setData(index.lookupOrCreate("undefined2"), [1])
    _ = index.createStatic("static")
  }

  /// The program as it comes from disk.
  func nextLife(of program: ResidentProgram) throws -> ResidentProgram? {
    try Snapshot.bytes(of: program).flatMap { try Snapshot.program($0, like: program.packages) }
  }

  /// The numbers of the live symbols.
  func live(_ program: ResidentProgram, _ graph: EdgeGraph?) throws -> [Int] {
    let order = try InitOrder.schedule(program.index)
    var options = Deadcode.Options()
    // With and without company: the outcome is the same.
    options.workers = graph == nil ? 1 : 3
    let live = try Deadcode.run(program.index, graph: graph, initOrder: order, options: options)
    let symbols = SymbolRanks(program.index).symbols
    return symbols.indices.filter { live.contains(symbols[$0]) || live.isUsedInIface(symbols[$0]) }
  }
}
