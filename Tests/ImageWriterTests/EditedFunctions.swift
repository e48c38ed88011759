import LoaderCore
import TestSupport

/// Packages of functions that share pc tables, funcdata, files, generic functions, types and names, and are
/// edited at random.
struct EditedFunctions {
  private struct Function {
    var name: Int
    var line: Int32
    /// pcsp, pcfile and pcline, then the numbered ones.
    var tables: [Int?]
    var funcdata: [Int?]
    var files: [UInt32]
    var calls: [(package: Int, function: Int, file: UInt32)]
    /// Whether its frame has objects of its own.
    var hasObjects: Bool
    var defers: Bool
    var isLive: Bool
  }

  private struct Package {
    var functions: [Function] = []
    /// Generic functions, by number.
    var generics: [Int] = []
    /// Types by number, with their strings.
    var types: [(type: Int, string: Int)] = []
    var files: [String] = []
    /// Whether the assembly function has a declaration that says what its arguments are.
    var hasArgumentMap = true
    /// Functions of other packages that are asked for, of the main package only.
    var wanted: [Int] = []
  }

  private var random: SeededGenerator
  private var packages: [Package] = []
  private var archives: [String] = []
  private var stale: Set<Int> = []
  private let cache: KeptArchives

  /// Functions that are always there: others may refer to them by position.
  private static let fixed = 3

  init(seed: UInt64) throws {
    random = SeededGenerator(seed: seed)
    cache = try KeptArchives()
    for p in 0..<6 {
      var package = Package()
      package.files = (0..<5).map { $0 % 2 == 0 ? "$GOROOT/src/f\($0).go" : "gofile../src/p\(p)/f\($0).go" }
      packages.append(package)
      for n in 0..<(Self.fixed + self.n(8)) { packages[p].functions.append(function(n, n)) }
      archives.append("")
    }
    packages[0].wanted = [1, 4, 9, 13]
    stale = Set(packages.indices)
    write()
  }

  mutating func n(_ k: Int) -> Int { Int.random(in: 0..<k, using: &random) }

  private mutating func function(_ name: Int, _ position: Int) -> Function {
    func some(_ count: Int, of pool: Int) -> [Int?] { (0..<count).map { _ in n(4) == 0 ? nil : n(pool) } }
    var f = Function(
      name: name, line: Int32(n(500)), tables: some(3 + n(4), of: 12), funcdata: some(n(6), of: 9), files: [],
      calls: [],
      hasObjects: n(3) == 0, defers: n(4) == 0, isLive: n(4) > 0)
    for _ in 0..<n(3) { f.files.append(UInt32(n(5))) }
    for _ in 0..<(n(2) == 0 ? 0 : n(4)) {
      f.calls.append((package: n(6), function: n(Self.fixed), file: UInt32(n(5))))
    }
    return f
  }

  // MARK: edits

  /// Changes one or two packages.
  mutating func edit() {
    for _ in 0..<(1 + n(2)) {
      let p = n(packages.count)
      stale.insert(p)
      for _ in 0..<(1 + n(3)) { change(p) }
    }
    write()
  }

  private mutating func change(_ p: Int) {
    let count = packages[p].functions.count
    switch n(9) {
    case 0:
      packages[p].functions.insert(function(100 + cache.writes * 8 + n(8), count), at: Self.fixed)
    case 1 where count > Self.fixed: packages[p].functions.remove(at: Self.fixed + n(count - Self.fixed))
    case 2 where count > Self.fixed + 1: packages[p].functions.swapAt(Self.fixed, count - 1)
    case 3:
      let k = n(count)
      packages[p].functions[k] = function(packages[p].functions[k].name, k)
    case 4: packages[p].files[n(5)] = "/src/other\(n(4)).go"
    case 5: packages[p].hasArgumentMap.toggle()
    case 6: packages[p].generics = (0..<4).filter { _ in n(2) == 0 }
    case 7: packages[p].types = (0..<9).filter { _ in n(2) == 0 }.map { ($0, n(4)) }
    default:
      stale.insert(0)
      packages[0].wanted = (0..<18).filter { _ in n(3) > 0 }
    }
  }

  // MARK: links

  func load() throws -> LoadedPackages {
    try cache.load(archives)
  }

  func resolve() throws -> ResidentProgram {
    try ResidentProgram.resolve(load(), profile: .go1_27_3, options: .init()).program
  }

  /// Changes symbols as passes do, for this link only.
  mutating func meddle(_ index: SymbolIndex) {
    for _ in 0..<n(3) {
      let s = SymbolID(1 + n(index.count - 1))
      // Of equal size: funcdata without content is an error.
      index.setData(s, [UInt8](repeating: UInt8(n(200)), count: max(1, Int(index.reader.size(s)))))
    }
  }

  // MARK: objects

  private mutating func write() {
    for p in stale {
      archives[p] = cache.write(p, [("_go_.o", object(p).bytes), ("asm.o", assembly(p).bytes)])
    }
    stale = []
  }

  private func path(_ p: Int) -> String { p == 0 ? "main" : "p\(p)" }

  private func object(_ p: Int) -> ObjectBuilder {
    typealias Handle = ObjectBuilder.Handle
    let package = packages[p]
    var o = ObjectBuilder()
    o.isMain = p == 0
    o.imports = p == 0 ? (1..<packages.count).map { ("p\($0)", 0) } : []
    o.packages = packages.indices.map(path)
    o.files = package.files
    var parts = SharedPool()
    for (k, f) in package.functions.enumerated() {
      _ = o.add(.init("\(path(p)).f\(f.name)", abi: 1, kind: 1, data: code(5 + k)), .package_)
    }
    let bits = o.add(.init("gcbits", flags: .dupOK, data: [0xff]))
    let mayDefer = o.refer(to: "runtime.deferreturn", abi: 1)
    for (k, f) in package.functions.enumerated() {
      let h = Handle(.package_, k)
      let info = o.add(.init("", data: self.info(f, in: p)), .package_)
      var auxiliaries: [(kind: UInt8, target: Handle)] = [(AuxKind.funcInfo, info)]
      auxiliaries += parts.tables(f.tables, &o, inlined: f.calls.isEmpty ? nil : f.name % 12)
      for d in f.funcdata { auxiliaries.append((AuxKind.funcdata, parts.funcdata(d, &o))) }
      if f.hasObjects {
        let own = o.add(
          .init(
            "\(path(p)).f\(f.name).stkobj", data: [UInt8](repeating: UInt8(f.name & 127), count: 12),
            relocations: [.init(RelocType.addrOff, bits, offset: 4, addend: Int64(k))]))
        auxiliaries.append((AuxKind.funcdata, own))
      }
      o[h].auxiliaries = auxiliaries
      if f.defers { o[h].relocations.append(.init(RelocType.call, mayDefer, offset: Int32(2 + k % 3))) }
    }
    needs(p, &o, &parts)
    return o
  }

  /// What the first function of a package asks for; the entry point asks for the first functions.
  private func needs(_ p: Int, _ o: inout ObjectBuilder, _ parts: inout SharedPool) {
    typealias Handle = ObjectBuilder.Handle
    let package = packages[p]
    var wanted: [Handle] = [o.refer(to: "\(path(p)).asm")]
    wanted += package.functions.indices.dropFirst(Self.fixed).filter { package.functions[$0].isLive }
      .map { Handle(.package_, $0) }
    for n in package.generics {
      let info = o.add(.init("", data: self.info(packages[0].functions[0], in: p, calls: [])), .package_)
      wanted.append(
        o.add(
          .init(
            "generic\(n)", abi: 1, kind: 1, flags: .dupOK, data: code(9),
            auxiliaries: [(AuxKind.funcInfo, info)] + parts.tables([n, n + 1, n + 2], &o, inlined: nil))))
    }
    for t in package.types { wanted.append(type(t.type, "v\(t.string).T\(t.type % 4)", &o)) }
    if package.hasArgumentMap { _ = o.add(.init("\(path(p)).asm.args_stackmap", data: [1, 0, 0, 0])) }
    o[Handle(.package_, 0)].relocations += wanted.map { .init(RelocType.addr, $0, size: 0) }
    guard p == 0 else { return }
    let entry = o.add(.init("_rt0_amd64_linux", kind: 1, data: code(1)))
    _ = o.add(.init("runtime.deferreturn", abi: 1, kind: 1, data: code(3)))
    for q in packages.indices {
      let first = q == 0 ? Handle(.package_, 0) : Handle(.imported(package_: q + 1), 0)
      o[entry].relocations.append(.init(RelocType.addr, first, size: 0))
    }
    for w in package.wanted where w / 3 != 0 {
      o[entry].relocations.append(
        .init(RelocType.addr, Handle(.imported(package_: w / 3 + 1), w % 3), size: 0))
    }
  }

  private func code(_ n: Int) -> [UInt8] { [UInt8](repeating: 0xc3, count: 8 + n) }

  private func type(_ n: Int, _ string: String, _ o: inout ObjectBuilder) -> ObjectBuilder.Handle {
    let name = o.add(
      .init("type:.namedata.\(n)", flags: .dupOK, data: [0, UInt8(string.utf8.count)] + string.utf8))
    var data = [UInt8](repeating: 0, count: 56)
    data[23] = 2
    return o.add(
      .init(
        "type:t\(n)", flags: [.dupOK, .goType, .typelink], data: data,
        relocations: [.init(RelocType.addrOff, name, offset: 40)]))
  }

  /// An object of one assembly function: its declaration is in the package before, which may change alone.
  private func assembly(_ q: Int) -> ObjectBuilder {
    let p = (q + packages.count - 1) % packages.count
    var o = ObjectBuilder()
    o.flags = ObjectBuilder.fromAssembly
    o.files = ["/src/asm.s"]
    let info = o.add(.init("", data: self.info(nil, in: q)), .package_)
    let map = o.refer(to: "\(path(p)).asm.args_stackmap")
    _ = o.add(
      .init(
        "\(path(p)).asm", kind: 1, data: code(4),
        auxiliaries: [(AuxKind.funcInfo, info), (AuxKind.funcdata, map)]))
    return o
  }

  /// A FuncInfo (cmd/internal/goobj/funcinfo.go).
  private func info(
    _ f: Function?, in p: Int, calls: [(package: Int, function: Int, file: UInt32)]? = nil
  ) -> [UInt8] {
    let calls = calls ?? f?.calls ?? []
    let files = f?.files ?? [0]
    var b = little(UInt32(8)) + little(UInt32(0)) + [UInt8((f?.line ?? 0) & 7), 1, 0, 0]
    b += little(f?.line ?? 5) + little(UInt32(files.count)) + files.flatMap { little($0) }
    b += little(UInt32(calls.count))
    for (k, c) in calls.enumerated() {
      b += little(Int32(-1)) + little(c.file) + little(Int32(1))
      b += little(c.package == p ? UInt32(0x7fff_fffb) : UInt32(c.package + 1)) + little(UInt32(c.function))
      b += little(Int32(3 + k))
    }
    return b
  }
}

/// Pc tables and funcdata that objects know by content.
private struct SharedPool {
  private var tables: [Int: ObjectBuilder.Handle] = [:]
  private var data: [Int: ObjectBuilder.Handle] = [:]

  /// - Parameter inlined: the table of inlined calls.
  mutating func tables(
    _ wanted: [Int?], _ o: inout ObjectBuilder, inlined: Int?
  ) -> [(kind: UInt8, target: ObjectBuilder.Handle)] {
    var list: [(kind: UInt8, target: ObjectBuilder.Handle)] = []
    for (k, n) in wanted.enumerated() {
      let kind = k < 3 ? [AuxKind.pcsp, AuxKind.pcfile, AuxKind.pcline][k] : AuxKind.pcdata
      list.append((kind, table(n, &o)))
    }
    if let inlined { list.append((AuxKind.pcinline, table(inlined, &o))) }
    return list
  }

  private mutating func table(_ n: Int?, _ o: inout ObjectBuilder) -> ObjectBuilder.Handle {
    guard let n else { return .nothing }
    if let known = tables[n] { return known }
    // The second is empty.
    let bytes = [UInt8](repeating: UInt8(n + 1), count: n == 1 ? 0 : n + 1)
    let h = o.add(.init("", data: bytes, hash: little(UInt64(n + 1))), .hashed64)
    tables[n] = h
    return h
  }

  mutating func funcdata(_ n: Int?, _ o: inout ObjectBuilder) -> ObjectBuilder.Handle {
    guard let n else { return .nothing }
    if let known = data[n] { return known }
    let h = o.add(
      .init(
        "gclocals·\(n)", alignment: [0, 1, 4, 8][n % 4],
        data: [UInt8](repeating: UInt8(n + 50), count: n + 1),
        hash: little(UInt64(n + 100)) + little(UInt64(9))), .hashed)
    data[n] = h
    return h
  }
}
