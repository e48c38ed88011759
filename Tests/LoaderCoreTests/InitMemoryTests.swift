import LoaderCore
import TestSupport
import Testing

/// An order of initialisers that is kept is the one that would be found anew.
@Suite struct InitMemoryTests {
  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func aKeptOrderIsTheOneThatIsFoundAnew(_ seed: UInt64) throws {
    var world = try TaskWorld(seed: seed)
    var program = try world.resolve()
    var memory = InitMemory()
    var (kept, lost) = (0, 0)
    for step in 0..<60 {
      let fresh = try world.resolve()
      let root = program.index.lookup("main..inittask")
      if memory.tasks(of: root) == nil { lost += 1 } else { kept += 1 }
      let first = try InitOrder.schedule(program.index, memory: memory).mainTasks
      let second = try InitOrder.schedule(fresh.index).mainTasks
      #expect(
        Self.names(first, program.index) == Self.names(second, fresh.index), "seed \(seed), step \(step)")
      world.edit()
      let packages = try world.load()
      if !program.update(
        to: packages, profile: .go1_27_3, options: .init(), follow: { change, _ in memory.follow(change) })
      {
        program = try world.resolve()
        memory = InitMemory()
      }
    }
    #expect(kept > 10 && lost > 10, "seed \(seed): \(kept) kept, \(lost) lost")
  }

  private static func names(_ list: SymbolID, _ index: SymbolIndex) -> [String] {
    let relocations = index.reader.relocations(list)
    return (0..<relocations.count).map {
      index.reader.name(index.reader.target(relocations[$0], in: relocations)).string
    }
  }
}

/// Packages with initialisers, of which each imports some of those behind it, among other definitions.
private struct TaskWorld {
  private struct Package {
    var others = 3
    var size = 16
    var imports: Set<Int> = []
    /// Whether the initialiser stands behind the other definitions.
    var isLast = false
  }

  private static let count = 12
  private var random: SeededGenerator
  private var packages: [Package] = []
  private var files: [String]
  private let cache: KeptArchives

  init(seed: UInt64) throws {
    random = SeededGenerator(seed: seed)
    cache = try KeptArchives()
    files = [String](repeating: "", count: Self.count)
    for p in 0..<Self.count {
      var new = Package()
      for q in p + 1..<max(Self.count, p + 1) where q == p + 1 || Bool.random(using: &random) {
        new.imports.insert(q)
      }
      packages.append(new)
    }
    for p in 0..<Self.count { write(p) }
  }

  mutating func edit() {
    for _ in 0..<Int.random(in: 1...2, using: &random) {
      let p = Int.random(in: 0..<Self.count, using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0 where p + 1 < Self.count:
        let q = Int.random(in: p + 1..<Self.count, using: &random)
        if packages[p].imports.remove(q) == nil { packages[p].imports.insert(q) }
      case 1: packages[p].size = [8, 16, 24][Int.random(in: 0..<3, using: &random)]
      case 2: packages[p].isLast.toggle()
      default: packages[p].others = Int.random(in: 0...9, using: &random)
      }
      // Positions in a package are known to whom imports it.
      for q in 0...p { write(q) }
    }
  }

  private mutating func write(_ p: Int) { files[p] = cache.write(p, [("_go_.o", object(p).bytes)]) }

  func load() throws -> LoadedPackages { try cache.load(files) }

  func resolve() throws -> ResidentProgram {
    try ResidentProgram.resolve(load(), profile: .go1_27_3, options: .init()).program
  }

  private func object(_ p: Int) -> ObjectBuilder {
    var o = ObjectBuilder()
    let package = packages[p]
    o.isMain = p == 0
    // All are loaded, whoever needs their initialisers.
    o.imports = p == 0 ? (1..<Self.count).map { ("p\($0)", 0) } : []
    o.packages = (0..<Self.count).map { $0 == 0 ? "main" : "p\($0)" }
    let relocations = package.imports.sorted().map { q in
      let place = packages[q].isLast ? packages[q].others : 0
      return ObjectBuilder.Relocation(RelocType.initOrder, .init(.imported(package_: q + 1), place), size: 0)
    }
    let task = ObjectBuilder.Symbol(
      "\(p == 0 ? "main" : "p\(p)")..inittask", kind: 5,
      data: [UInt8](repeating: 0, count: package.size), relocations: relocations)
    if !package.isLast { _ = o.add(task, .package_) }
    for k in 0..<package.others { _ = o.add(.init("p\(p).f\(k)", data: [UInt8(k)]), .package_) }
    if package.isLast { _ = o.add(task, .package_) }
    // So much that an edit of some packages is worth an exchange.
    for k in 0..<40 { _ = o.add(.init("p\(p).g\(k)", data: [1, 2]), .package_) }
    return o
  }
}
