import LoaderCore
import TestSupport
import Testing

/// The rules of cmd/link/internal/ld/deadcode.go, one by one, on programs of a few symbols.
@Suite struct DeadcodeTests {
  // MARK: the flood

  @Test func whatTheEntryReachesIsKept() throws {
    var scene = Scene()
    let leaf = scene.data("leaf")
    let middle = scene.text("middle", .address(leaf))
    let other = scene.data("other")
    _ = scene.text("nobody's", .address(other))
    scene.link(scene.entry, .call(middle))
    let kept = try scene.kept()
    #expect(kept.live == ["_rt0_amd64_linux", "runtime.unreachableMethod", "middle", "leaf"])
    #expect(kept.converted.isEmpty)
  }

  @Test func rootsAreRootsInBothABIs() throws {
    var scene = Scene()
    _ = scene.text("start", abi: 0)
    _ = scene.text("start", abi: 1)
    _ = scene.text("runtime.unreachableMethod", abi: 1)
    var options = Deadcode.Options()
    options.entry = "start"
    #expect(
      try scene.kept(options).live == [
        "start", "start<1>", "runtime.unreachableMethod", "runtime.unreachableMethod<1>",
      ])
    options.entry = "none"
    #expect(try !scene.kept(options).live.contains("start"))
  }

  @Test func weakReferencesKeepNothing() throws {
    var scene = Scene()
    let a = scene.data("a")
    let b = scene.text("b")
    scene.link(scene.entry, .weakAddress(a), .weakCall(b))
    #expect(try scene.kept().hasNone("a", "b"))
    scene.link(scene.entry, .address(a))
    let kept = try scene.kept()
    #expect(kept.has("a") && kept.hasNone("b"))
  }

  @Test func markersKeepNothing() throws {
    var scene = Scene()
    let t = scene.type("type:t")
    let task = scene.data("task")
    scene.link(scene.entry, .init(RelocType.useType, t), .init(RelocType.initOrder, task))
    #expect(try scene.kept().hasNone("type:t", "task"))
  }

  @Test func keepIsAReference() throws {
    var scene = Scene()
    let a = scene.data("a")
    scene.link(scene.entry, .init(RelocType.keep, a, size: 0))
    #expect(try scene.kept().has("a"))
  }

  @Test func partsOfASymbolComeWithItButForItsType() throws {
    var scene = Scene()
    let info = scene.data("info")
    let t = scene.type("type:t")
    let f = scene.text("f")
    scene.object[f].auxiliaries = [(AuxKind.goType, t), (AuxKind.funcInfo, info), (AuxKind.pcsp, .nothing)]
    scene.link(scene.entry, .call(f))
    let kept = try scene.kept()
    #expect(kept.has("info") && kept.hasNone("type:t"))
  }

  /// loader.go NAux: the linker's own symbols have no parts, clones included.
  @Test func partsOfAChangedSymbolAreNotFollowed() throws {
    var scene = Scene()
    let info = scene.data("info")
    let f = scene.text("f")
    scene.object[f].auxiliaries = [(AuxKind.funcInfo, info)]
    scene.link(scene.entry, .call(f))
    #expect(try scene.kept { $0.makeOwned($0.lookup("f")) }.hasNone("info"))
  }

  // MARK: methods

  /// main.T with Say and hide, main.I with Say; the entry refers to main.T's descriptor.
  private struct Speakers {
    var scene = Scene()
    let signature: Scene.Handle
    let other: Scene.Handle
    let type: Scene.Handle
    let interface: Scene.Handle

    init() {
      signature = scene.type("type:func()")
      other = scene.type("type:func(int)")
      type = scene.type("T", methods: [("Say", signature), ("hide", signature)])
      interface = scene.interface("I", [("Say", signature), ("hide", signature)])
    }

    mutating func entry(_ relocations: Scene.Relocation...) {
      scene.object[scene.entry].relocations = relocations
    }
    func kept() throws -> Scene.Kept { try scene.kept() }
  }

  @Test func methodsNeedATypeThatReachesAnInterfaceAndACall() throws {
    var s = Speakers()
    s.entry(.address(s.type))
    #expect(try s.kept().hasNone("T.Say", "T.Say-i", "type:func()"))
    s.entry(.address(s.type), .calls(s.interface))
    #expect(try s.kept().hasNone("T.Say"))
    s.entry(.address(s.type), .converts(s.type))
    var kept = try s.kept()
    #expect(kept.hasNone("T.Say", "T.hide", "type:func()"))
    // Reflection can get at the method's type from here, once something keeps it.
    #expect(kept.converted == ["T", "type:func()"])
    s.entry(.address(s.type), .converts(s.type), .calls(s.interface))
    kept = try s.kept()
    #expect(kept.has("T.Say", "T.Say-i", "type:func()") && kept.hasNone("T.hide", "I"))
  }

  @Test func theMarkAloneKeepsNoType() throws {
    var s = Speakers()
    s.entry(.converts(s.type), .calls(s.interface))
    let kept = try s.kept()
    #expect(kept.hasNone("T", "T.Say"))
    #expect(kept.converted == ["T"])
  }

  @Test(arguments: [true, false]) func theOrderOfMarkAndReferenceDoesNotMatter(_ markFirst: Bool) throws {
    var s = Speakers()
    let later = s.scene.text("later", markFirst ? .address(s.type) : .converts(s.type))
    s.entry(markFirst ? .converts(s.type) : .address(s.type), .calls(s.interface), .call(later))
    #expect(try s.kept().has("T.Say"))
  }

  @Test func aMethodIsCalledByNameAndType() throws {
    var s = Speakers()
    let stranger = s.scene.interface("J", [("Say", s.other)])
    s.entry(.address(s.type), .converts(s.type), .calls(stranger))
    #expect(try s.kept().hasNone("T.Say"))
    let second = s.scene.interface("K", [("Say", s.other), ("hide", s.signature)])
    s.entry(.address(s.type), .converts(s.type), .calls(second, 1))
    let kept = try s.kept()
    #expect(kept.has("T.hide") && kept.hasNone("T.Say"))
  }

  @Test func aGenericCallGoesByNameAlone() throws {
    var s = Speakers()
    let name = s.scene.object.add(.init("go:string.Say", data: Array("Say".utf8)))
    s.entry(.address(s.type), .converts(s.type), .asksFor(name))
    let kept = try s.kept()
    #expect(kept.has("T.Say") && kept.hasNone("T.hide", "go:string.Say"))
  }

  @Test func reflectionKeepsExportedMethods() throws {
    var s = Speakers()
    let upper = s.scene.type("U", methods: [("Éa", s.signature), ("éa", s.signature)])
    let f = s.scene.text("reflects", flags: [.reflectMethod])
    s.entry(.address(s.type), .converts(s.type), .address(upper), .converts(upper), .call(f))
    let kept = try s.kept()
    #expect(kept.has("T.Say", "U.Éa") && kept.hasNone("T.hide", "U.éa"))
    // Not what reaches no interface.
    s.entry(.address(s.type), .address(upper), .converts(upper), .call(f))
    #expect(try s.kept().hasNone("T.Say"))
    // Not while the function itself is not part of the program.
    s.entry(.address(s.type), .converts(s.type))
    #expect(try s.kept().hasNone("T.Say"))
  }

  @Test func aKeptMethodMayKeepFurtherOnes() throws {
    var s = Speakers()
    let deep = s.scene.type("D", methods: [("Deep", s.signature)])
    let call = s.scene.interface("DI", [("Deep", s.signature)])
    let code = s.scene.text("more", .address(deep), .converts(deep), .calls(call))
    let first = s.scene.type("F", methods: [("First", s.signature)])
    let ask = s.scene.interface("FI", [("First", s.signature)])
    // F.First is kept through the interface; only its code mentions D.
    let symbols = s.scene.object.definitions[3].map(\.name)
    let method = Scene.Handle(.named, symbols.firstIndex(of: "F.First") ?? 0)
    s.scene.link(method, .call(code))
    s.entry(.address(first), .converts(first))
    #expect(try s.kept().hasNone("F.First", "more", "D.Deep"))
    s.entry(.address(first), .converts(first), .calls(ask))
    #expect(try s.kept().has("F.First", "more", "D", "D.Deep"))
  }

  // MARK: types that reach an interface

  @Test func typesBehindAConvertedOneAreConverted() throws {
    var scene = Scene()
    let element = scene.type("type:element")
    let slice = scene.type("type:slice", .address(element))
    let pointer = scene.type("type:pointer", .address(slice))
    let note = scene.data("note")
    scene.link(pointer, .address(note))
    scene.link(scene.entry, .address(element), .address(pointer), .converts(pointer))
    let kept = try scene.kept()
    #expect(kept.converted == ["type:element", "type:slice", "type:pointer"])
    #expect(kept.has("note"))
  }

  @Test func typesBehindOneThatIsNotAreNot() throws {
    var scene = Scene()
    let element = scene.type("type:element")
    let pointer = scene.type("type:pointer", .address(element))
    scene.link(scene.entry, .address(pointer))
    #expect(try scene.kept().converted.isEmpty)
  }

  @Test func circlesOfTypesEnd() throws {
    var scene = Scene()
    let a = scene.type("type:a")
    let b = scene.type("type:b", .address(a))
    scene.link(a, .address(b), .address(a))
    scene.link(scene.entry, .address(a), .converts(b))
    #expect(try scene.kept().converted == ["type:a", "type:b"])
  }

  @Test func anItabStandsForItsType() throws {
    var s = Speakers()
    let itab = s.scene.itab("go:itab.T,I", of: s.type)
    s.entry(.address(s.type), .converts(itab), .calls(s.interface))
    let kept = try s.kept()
    #expect(kept.has("T.Say") && kept.hasNone("go:itab.T,I"))
    #expect(kept.converted.contains("T"))
  }

  @Test func objectsMaySayThatATypeReachesAnInterface() throws {
    var s = Speakers()
    s.entry(.address(s.type), .calls(s.interface))
    s.scene.object.referenceFlags = [(s.type, .usedInIface), (s.interface, .linkname)]
    let kept = try s.kept()
    #expect(kept.has("T.Say"))
    #expect(!kept.converted.contains("I"))
    s.scene.object.referenceFlags = []
    s.scene.object[s.type].flags.insert(.usedInIface)
    #expect(try s.kept().has("T.Say"))
  }

  // MARK: contradictions

  @Test func aTripleThatIsNoneIsRefused() throws {
    var s = Speakers()
    s.scene.object[s.type].relocations.removeLast(2)
    let words = "corrupt: main: T: expect three consecutive R_METHODOFF relocs"
    s.entry(.address(s.type))
    #expect(failure { _ = try s.kept() } == words)
    s.entry(.address(s.type), .converts(s.type))
    #expect(failure { _ = try s.kept() } == words)
  }

  @Test func asManyMethodsAsTriples() throws {
    var scene = Scene()
    let signature = scene.type("type:func()")
    let t = scene.type("T", methods: [("Say", signature)], count: 2)
    scene.link(scene.entry, .address(t), .converts(t))
    #expect(failure { _ = try scene.kept() } == "corrupt: main: T: 1 method relocations for 2 methods")
    scene.object[t].data[20] = 0
    #expect(failure { _ = try scene.kept() } == "corrupt: main: T: no methods")
  }

  @Test func onlyTypesAndItabsReachInterfaces() throws {
    var scene = Scene()
    let d = scene.data("d")
    scene.link(scene.entry, .converts(d))
    #expect(
      failure { _ = try scene.kept() }
        == "corrupt: main: _rt0_amd64_linux: R_USEIFACE references d which is not a type or itab")
  }

  @Test func onlyInterfacesHaveInterfaceMethods() throws {
    var s = Speakers()
    s.entry(.calls(s.type))
    #expect(
      failure { _ = try s.kept() } == "corrupt: main: _rt0_amd64_linux: symbol \"T\" is not an interface")
  }

  // MARK: map initialisers

  private func initialiser(_ flags: SymbolFlags = [.packageInit]) -> Scene {
    var scene = Scene()
    let info = scene.data("info")
    let fill = scene.text("main.map.init.0")
    let plain = scene.text("plain")
    _ = scene.text("runtime.mapinitnoop", abi: 1)
    let f = scene.text("main.init", flags: flags, .weakCall(fill), .weakAddress(plain))
    scene.object[f].auxiliaries = [(AuxKind.funcInfo, info)]
    scene.link(scene.entry, .call(f))
    return scene
  }

  private func callee(_ kept: Scene.Kept, of name: String = "main.init", _ k: Int = 0) -> String {
    let r = kept.index.reader
    let relocations = r.relocations(kept.index.lookup(name))
    return r.name(r.target(relocations[k], in: relocations)).string
  }

  @Test func callsOfDeadMapInitialisersGoNowhere() throws {
    let kept = try initialiser().kept()
    #expect(kept.has("runtime.mapinitnoop<1>") && kept.hasNone("main.map.init.0"))
    #expect(callee(kept) == "runtime.mapinitnoop")
    // Only calls.
    #expect(callee(kept, 1) == "plain")
  }

  @Test func liveMapInitialisersStay() throws {
    var scene = initialiser()
    let user = scene.text("user", .call(Scene.Handle(.named, 3)))
    scene.link(scene.entry, .call(user))
    #expect(scene.object.definitions[3][3].name == "main.map.init.0")
    let kept = try scene.kept()
    #expect(kept.has("main.map.init.0") && kept.hasNone("runtime.mapinitnoop<1>"))
    #expect(callee(kept) == "main.map.init.0")
  }

  @Test func pruningCanBeTurnedOff() throws {
    var options = Deadcode.Options()
    options.pruneWeakMap = false
    let kept = try initialiser().kept(options)
    #expect(callee(kept) == "main.map.init.0")
    #expect(kept.hasNone("main.map.init.0", "runtime.mapinitnoop<1>"))
  }

  @Test func onlyInitialisersArePruned() throws {
    let kept = try initialiser([]).kept()
    #expect(callee(kept) == "main.map.init.0")
    #expect(kept.hasNone("runtime.mapinitnoop<1>"))
  }

  // MARK: -dumpdep

  @Test func edgesArePrintedWithTheirFlags() throws {
    var scene = Scene()
    let t = scene.type("T")
    let f = scene.text("f", flags: [.reflectMethod], .address(t))
    // The unnamed are not told of.
    let unnamed = scene.data("")
    scene.link(scene.entry, .call(f), .converts(t), .address(unnamed))
    var options = Deadcode.Options()
    options.dumpDependencies = true
    let kept = try scene.kept(options)
    #expect(
      kept.dump == """
        _ -> _rt0_amd64_linux
        _ -> runtime.unreachableMethod
        _rt0_amd64_linux -> f <ReflectMethod>
        f <ReflectMethod> -> T <UsedInIface>

        """)
    options.dumpDependencies = false
    #expect(try scene.kept(options).dump == "")
  }

  /// The work queue is a heap of indices (ld/heap.go): of what is waiting, the first in load order comes next.
  @Test func theSmallestWaitingIndexComesNext() throws {
    var scene = Scene()
    let symbols = (0..<20).map { scene.data("s\($0)") }
    let leaves = (0..<20).map { scene.data("leaf\($0)") }
    for (s, leaf) in zip(symbols, leaves) { scene.link(s, .address(leaf)) }
    for k in 0..<20 { scene.link(scene.entry, .address(symbols[k * 7 % 20])) }
    var options = Deadcode.Options()
    options.dumpDependencies = true
    let lines = try scene.kept(options).dump.split(separator: "\n").map(String.init)
    let marks = (0..<20).map { "_rt0_amd64_linux -> s\($0 * 7 % 20)" }
    let visits = (0..<20).map { "s\($0) -> leaf\($0)" }
    #expect(lines == ["_ -> _rt0_amd64_linux", "_ -> runtime.unreachableMethod"] + marks + visits)
  }
}
