import LoaderCore
import TestSupport
import Testing

/// What -v tells of loading, of the flood and of the numbers of symbols, on programs of a few symbols.
@Suite struct TraceTests {
  // MARK: loading

  private func object(imports: [(String, UInt64)] = [], fingerprint: UInt64 = 0) -> ObjectBuilder {
    var o = ObjectBuilder()
    o.fingerprint = fingerprint
    o.imports = imports.map { (path: $0.0, fingerprint: $0.1) }
    return o
  }

  /// The lines with the folder of the archives left out.
  private func lines(_ program: HandmadeProgram) throws -> [String] {
    var folder = ""
    let loaded = try program.load {
      $0.trace = true
      folder = String($0.mainObject.dropLast("main.a".count))
    }
    #expect(loaded.printed.stderr == "")
    return loaded.printed.stdout.replacing(folder, with: "").split(separator: "\n").map(String.init)
  }

  @Test func whoAsksForAPackageIsTold() throws {
    var main = object(imports: [("a.b/c.d", 0x0102_0304_0506_0708)])
    main.isMain = true
    let program = HandmadeProgram([
      "main": [main],
      "a.b/c.d": [
        object(imports: [("e", 0)], fingerprint: 0x0102_0304_0506_0708), object(imports: [("e", 0)]),
      ],
      "e": [object()], "runtime": [object(imports: [("e", 0)])],
    ])
    #expect(
      try lines(program) == [
        "addlibpath: srcref: command line objref: command line file: main.a pkg: main shlib:  fingerprint:"
          + " 0000000000000000",
        "autolib: main.a (from command line)",
        "ldobj: main.a (main)",
        "addlib: main.a(_go_.o) main pulls in a.b.c.d.a isshlib false",
        "addlibpath: srcref: main objref: main.a(_go_.o) file: a.b.c.d.a pkg: a.b/c.d shlib:  fingerprint:"
          + " 0807060504030201",
        "autolib: a.b.c.d.a (from main.a(_go_.o))",
        "ldobj: a.b.c.d.a (a.b/c%2ed)",
        "addlib: a.b.c.d.a(_go_.o) a.b/c%2ed pulls in e.a isshlib false",
        "addlibpath: srcref: a.b/c%2ed objref: a.b.c.d.a(_go_.o) file: e.a pkg: e shlib:  fingerprint:"
          + " 0000000000000000",
        // Nothing is known of it yet.
        "addlib: a.b.c.d.a(asm1.o) a.b/c%2ed pulls in e.a isshlib false",
        "autolib: e.a (from a.b.c.d.a(_go_.o))",
        "ldobj: e.a (e)",
        "addlibpath: srcref: internal objref: internal file: runtime.a pkg: runtime shlib:  fingerprint:"
          + " 0000000000000000",
        "ldobj: runtime.a (runtime)",
        "addlib: runtime.a(_go_.o) runtime pulls in e.a isshlib false",
      ])
  }

  @Test func theRuntimeComesWithoutBeingAskedFor() throws {
    var main = object()
    main.isMain = true
    let program = HandmadeProgram([
      "main": [main], "runtime": [object(imports: [("r", 0)])], "r": [object()],
    ])
    #expect(
      try lines(program).dropFirst(3) == [
        "addlibpath: srcref: internal objref: internal file: runtime.a pkg: runtime shlib:  fingerprint:"
          + " 0000000000000000",
        "ldobj: runtime.a (runtime)",
        "addlib: runtime.a(_go_.o) runtime pulls in r.a isshlib false",
        "addlibpath: srcref: runtime objref: runtime.a(_go_.o) file: r.a pkg: r shlib:  fingerprint:"
          + " 0000000000000000",
        "ldobj: r.a (r)",
      ])
  }

  // MARK: the flood

  @Test func methodsAndTheirCallsAreTold() throws {
    var scene = Scene()
    let signature = scene.type("type:func()")
    let t = scene.type("T", methods: [("Say", signature), ("hide", signature)])
    let speaker = scene.interface("type:Speaker", [("Say", signature)])
    let asked = scene.object.add(.init("asked", data: Array("Ask".utf8)))
    let f = scene.text("f", .calls(speaker), .asksFor(asked))
    scene.link(scene.entry, .converts(t), .address(t), .call(f))
    var options = Deadcode.Options()
    options.trace = true
    let kept = try scene.kept(options)
    let ranks = SymbolRanks(kept.index)
    func number(_ name: String) -> Int { ranks.rank(kept.index.lookup(name)) }
    let (s, type) = (number("type:func()"), number("T"))
    // The smallest index comes first: the type was added before the function.
    #expect(
      kept.dump == """
        deadcode start names: [_rt0_amd64_linux runtime.unreachableMethod]
        markable method: {Say \(s)} of sym \(type) T
        markable method: {hide \(s)} of sym \(type) T
        reached iface method: {Say \(s)}
        reached generic iface method: Ask

        """)
    options.trace = false
    #expect(try scene.kept(options).dump == "")
    #expect(try scene.kept(options).live == kept.live)
  }

  @Test func prunedMapsAreTold() throws {
    var scene = Scene()
    let info = scene.data("info")
    let fill = scene.text("main.map.init.0")
    let more = scene.text("main.map.init.1")
    _ = scene.text("runtime.mapinitnoop", abi: 1)
    let f = scene.text("main.init", flags: [.packageInit], .weakCall(fill), .weakCall(more))
    scene.object[f].auxiliaries = [(AuxKind.funcInfo, info)]
    scene.link(scene.entry, .call(f))
    var options = Deadcode.Options()
    options.trace = true
    #expect(
      try scene.kept(options).dump.split(separator: "\n").dropFirst() == [
        "deadcode: main.init rewrite main.map.init.0 ref to runtime.mapinitnoop",
        "deadcode: main.init rewrite main.map.init.1 ref to runtime.mapinitnoop",
      ])
  }

  // MARK: numbers

  @Test func symbolsAreCountedByWhatTheyAreKnownBy() throws {
    var main = ObjectBuilder()
    main.isMain = true
    _ = main.add(.init("main.a", data: [1]), .package_)
    _ = main.add(.init("", data: [2]), .package_)
    _ = main.add(.init("", data: [3], hash: [3, 0, 0, 0, 0, 0, 0, 0]), .hashed64)
    _ = main.add(.init("", data: [4], hash: [UInt8](repeating: 4, count: 16)), .hashed)
    _ = main.add(.init("shared", flags: [.dupOK], data: [5]))
    _ = main.refer(to: "elsewhere")
    main.imports = [(path: "b", fingerprint: 0)]
    var other = ObjectBuilder()
    _ = other.add(.init("b.a", data: [1]), .package_)
    _ = other.add(.init("", data: [3], hash: [3, 0, 0, 0, 0, 0, 0, 0]), .hashed64)
    _ = other.add(.init("", data: [6], hash: [6, 0, 0, 0, 0, 0, 0, 0]), .hashed64)
    _ = other.add(.init("shared", flags: [.dupOK], data: [5]))
    _ = other.add(.init("b.own", abi: 0xffff, data: [7]))
    _ = other.refer(to: "elsewhere")
    let index = try HandmadeProgram(["main": [main], "b": [other]]).resolve().index
    let counts = index.statistics()
    #expect(counts.packageSymbols == 4)
    #expect(counts.hashed == 3)
    #expect(counts.nonPackage == 2)
    #expect(counts.external == 1)
    #expect(counts.all == 10 && counts.all == index.symbolCount)
    // What the linker makes its own stays what it was.
    for s in SymbolRanks(index).symbols.dropFirst() { index.makeOwned(s) }
    #expect(index.statistics() == counts)
    _ = index.lookupOrCreate("made")
    #expect(index.statistics().external == 2)
  }
}
