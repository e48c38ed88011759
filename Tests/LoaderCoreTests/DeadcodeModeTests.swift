import LoaderCore
import TestSupport
import Testing

/// Roots and rules of the build modes shared and plugin, of -linkshared and of programs that load plugins
/// (deadcode.go init and flood). Links in these modes are handed over for now; what is kept is known all the same.
@Suite struct DeadcodeModeTests {
  private func options(_ change: (inout Deadcode.Options) -> Void) -> Deadcode.Options {
    var options = Deadcode.Options()
    change(&options)
    return options
  }

  // MARK: -buildmode=shared

  @Test func aSharedLibraryKeepsAllItsDefinitions() throws {
    var scene = Scene()
    let outside = scene.object.refer(to: "outside")
    let unused = scene.object.refer(to: "unused")
    _ = scene.text("f", .call(outside), .weakCall(unused))
    _ = scene.data("d")
    _ = scene.object.add(.init("zeroed", kind: 9, size: 0))
    // A function that the compiler dropped.
    _ = scene.object.add(.init("dropped", kind: 1, size: 0))
    let kept = try scene.kept(options { $0.output = .sharedLibrary })
    #expect(kept.has("_rt0_amd64_linux", "f", "d", "zeroed"))
    #expect(kept.has("outside") && kept.hasNone("dropped", "unused"))
    #expect(try scene.kept().hasNone("f", "d", "zeroed"))
  }

  @Test func aDroppedFunctionIsKeptWhenSomethingCallsIt() throws {
    var scene = Scene()
    let dropped = scene.object.add(.init("dropped", kind: 1, size: 0))
    _ = scene.text("f", .call(dropped))
    #expect(try scene.kept(options { $0.output = .sharedLibrary }).has("dropped"))
  }

  @Test func aSharedLibraryKeepsItsInitialisers() throws {
    var scene = Scene()
    _ = scene.object.add(.init("main..inittask", kind: 5, data: [UInt8](repeating: 0, count: 16)))
    for mode in [Deadcode.Options.Output.sharedLibrary, .executable] {
      #expect(try scene.kept(options { $0.output = mode }).has("go:main.inittasks", "main..inittask"))
    }
  }

  // MARK: -buildmode=plugin

  @Test func aPluginKeepsWhatItExports() throws {
    var scene = Scene()
    let exported = scene.text("exported", abi: 1)
    _ = scene.data("go:plugin.exports", .address(exported))
    for name in ["my/plugin%2eso..inittask", "my/plugin%2eso.main", "go:plugin.tabs", "other.main"] {
      _ = scene.text(name)
    }
    let kept = try scene.kept(
      options {
        $0.output = .plugin(path: "my/plugin.so")
        $0.entry = ""
      })
    #expect(
      kept.live == [
        "exported<1>", "my/plugin%2eso..inittask", "my/plugin%2eso.main", "go:plugin.tabs",
        "runtime.unreachableMethod",
      ])
    #expect(try scene.kept().hasNone("exported<1>", "go:plugin.tabs"))
  }

  @Test func aPluginNeedsNoExports() throws {
    let kept = try Scene().kept(options { $0.output = .plugin(path: "p") })
    #expect(kept.live == ["_rt0_amd64_linux", "runtime.unreachableMethod"])
  }

  // MARK: -linkshared

  @Test func aProgramOnSharedLibrariesStartsAtMain() throws {
    var scene = Scene()
    _ = scene.text("main.main", abi: 1)
    _ = scene.text("main..inittask")
    #expect(
      try scene.kept(options { $0.linkShared = true }).live == [
        "main.main<1>", "main..inittask", "runtime.unreachableMethod", "go:main.inittasks",
      ])
    // A library does not.
    let library = try scene.kept(
      options {
        $0.linkShared = true
        $0.output = .plugin(path: "p")
        $0.entry = ""
      })
    #expect(library.hasNone("main.main<1>"))
  }

  @Test func methodsInItabsAreKeptOnSharedLibraries() throws {
    var scene = Scene()
    let method = scene.text("method")
    let type = scene.type("T")
    let itab = scene.itab("go:itab.T,I", of: type, .weakAddress(method))
    let plain = scene.data("plain", .weakAddress(method))
    let main = scene.text("main.main")
    scene.link(main, .address(plain))
    scene.link(scene.entry, .call(main))
    #expect(try scene.kept(options { $0.linkShared = true }).hasNone("method"))
    scene.link(main, .address(itab))
    #expect(try scene.kept(options { $0.linkShared = true }).has("method"))
    #expect(try scene.kept().hasNone("method"))
  }

  @Test func typesOfOtherLibrariesMayReachInterfaces() throws {
    var scene = Scene()
    let outside = scene.object.refer(to: "type:outside")
    let main = scene.text("main.main", .converts(outside))
    scene.link(scene.entry, .call(main))
    #expect(try scene.kept(options { $0.linkShared = true }).converted == ["type:outside"])
    #expect(
      failure { _ = try scene.kept() }
        == "corrupt: main: main.main: R_USEIFACE references type:outside which is not a type or itab")
  }

  @Test(arguments: [SymbolKind.undefined, .dynImport])
  func interfacesOfOtherLibrariesAreNotLookedInto(_ kind: SymbolKind) throws {
    var scene = Scene()
    let outside = scene.object.refer(to: "type:outside")
    let main = scene.text("main.main", .calls(outside))
    scene.link(scene.entry, .call(main))
    func kept(_ options: Deadcode.Options) throws -> Scene.Kept {
      try scene.kept(options) { $0.setKind($0.lookup("type:outside"), kind) }
    }
    #expect(try kept(options { $0.linkShared = true }).hasNone("type:outside"))
    #expect(
      failure { _ = try kept(.init()) }
        == "corrupt: main: main.main: symbol \"type:outside\" is not an interface")
    // One that is here is looked into, and must be one.
    #expect(
      failure {
        _ = try scene.kept(options { $0.linkShared = true }) {
          $0.setKind($0.lookup("type:outside"), .rodata)
        }
      } == "corrupt: main: main.main: symbol \"type:outside\" is not an interface")
  }

  // MARK: linked dynamically

  @Test func typesMayReachInterfacesElsewhere() throws {
    var scene = Scene()
    let signature = scene.type("type:func()")
    let type = scene.type("T", methods: [("Say", signature), ("hide", signature)])
    _ = scene.type("unused", methods: [("Say", signature)])
    scene.link(scene.entry, .address(type))
    #expect(try scene.kept().hasNone("T.Say", "T.hide"))
    let kept = try scene.kept(options { $0.dynamicLinkingGo = true })
    // Unexported methods too: another module may hold the interface.
    #expect(kept.has("T.Say", "T.hide", "type:func()"))
    #expect(kept.hasNone("unused.Say", "unused"))
    #expect(kept.converted == ["T", "type:func()"])
  }

  // MARK: programs that load plugins

  @Test func mapInitialisersStayWherePluginsMayCome() throws {
    var scene = Scene()
    let info = scene.data("info")
    let fill = scene.text("main.map.init.0")
    let data = scene.data("d")
    _ = scene.text("runtime.mapinitnoop", abi: 1)
    let f = scene.text("main.init", flags: [.packageInit], .weakCall(fill), .weakAddress(data))
    scene.object[f].auxiliaries = [(AuxKind.funcInfo, info)]
    scene.link(scene.entry, .call(f))
    #expect(try scene.kept().hasNone("main.map.init.0"))
    let kept = try scene.kept(options { $0.canUsePlugins = true })
    #expect(kept.has("main.map.init.0"))
    // Only calls are taken for strong.
    #expect(kept.hasNone("d", "runtime.mapinitnoop<1>"))
  }

  // MARK: exports

  @Test func dynamicExportsAreRoots() throws {
    var scene = Scene()
    let leaf = scene.data("leaf")
    _ = scene.text("exported", .address(leaf))
    let index = try HandmadeProgram(main: scene.object).resolve().index
    let options = options { $0.dynamicExports = [index.lookup("exported")] }
    let live = try Deadcode.run(index, initOrder: try InitOrder.schedule(index), options: options)
    let isKept = [live.contains(index.lookup("exported")), live.contains(index.lookup("leaf"))]
    #expect(isKept == [true, true])
  }

  @Test func exportsToWebAssemblyAreRoots() throws {
    var scene = Scene()
    _ = scene.text("exported", flags: [.wasmExport])
    _ = scene.text("other")
    let kept = try scene.kept()
    #expect(kept.has("exported") && kept.hasNone("other"))
  }
}
