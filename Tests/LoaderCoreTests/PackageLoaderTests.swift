import LoaderCore
import TestSupport
import Testing

/// Which packages a program has, in which order, and what is said when they do not fit together.
@Suite struct PackageLoaderTests {
  private func object(
    imports: [(String, UInt64)] = [], fingerprint: UInt64 = 0, isMain: Bool = false
  ) -> ObjectBuilder {
    var o = ObjectBuilder()
    o.isMain = isMain
    o.fingerprint = fingerprint
    o.imports = imports.map { (path: $0.0, fingerprint: $0.1) }
    return o
  }

  @Test func packagesComeBreadthFirstAndTheRuntimeLast() throws {
    let program = HandmadeProgram([
      "main": [object(imports: [("b", 0), ("a", 0)], isMain: true), object(imports: [("c", 0)])],
      "a": [object(imports: [("d", 0), ("b", 0)])], "b": [object(imports: [("e", 0)])], "c": [object()],
      "d": [object()], "e": [object()], "runtime": [object(imports: [("f", 0)])], "f": [object()],
      "unused": [object()],
    ])
    let loaded = try program.load()
    #expect(loaded.libraries.map(\.path) == ["main", "b", "a", "c", "e", "d", "runtime", "f"])
    #expect(loaded.objects.count == 9)
    #expect(loaded.libraryOfObject == [0, 0, 1, 2, 3, 4, 5, 6, 7])
    #expect(loaded.libraries[0].objects == [2, 3])
    #expect(loaded.libraries[2].imports == [5, 1])
    #expect(loaded.libraries[0].isMain && !loaded.libraries[1].isMain)
    #expect(loaded.printed.stdout == "" && loaded.errorCount == 0)
  }

  @Test func anImportedRuntimeKeepsItsPlace() throws {
    let program = HandmadeProgram([
      "main": [object(imports: [("runtime", 0), ("a", 0)], isMain: true)], "a": [object()],
      "runtime": [object()],
    ])
    #expect(try program.load().libraries.map(\.path) == ["main", "runtime", "a"])
  }

  @Test func aMissingRuntimeIsToldOf() throws {
    let loaded = try HandmadeProgram(main: object(isMain: true)).load()
    #expect(loaded.printed.stdout == "loadinternal: cannot find runtime\n")
    #expect(loaded.objects.count == 1)
  }

  @Test func importPathsAreCleaned() throws {
    let program = HandmadeProgram([
      "main": [object(imports: [("./a//b", 0), ("a/x/../b", 0)], isMain: true)], "a/b": [object()],
    ])
    #expect(try program.load().libraries.map(\.path) == ["main", "a/b"])
  }

  @Test(arguments: [
    ("", "."), ("a", "a"), ("a/b/", "a/b"), ("/a/../..", "/"), ("../a/..", ".."), ("a/..", "."),
    ("a/./b", "a/b"),
    ("../../x", "../../x"), ("/../x", "/x"),
  ])
  func pathsAreCleanedAsGoDoes(_ path: String, _ clean: String) { #expect(PackagePath.clean(path) == clean) }

  @Test(arguments: [
    ("fmt", "fmt"), ("a.b/c", "a.b/c"), ("a/b.c", "a/b%2ec"), ("x y", "x%20y"), ("p%\"", "p%25%22"),
    ("gopkg.in/yaml.v2", "gopkg.in/yaml%2ev2"), ("é", "%c3%a9"), ("a\u{7f}", "a%7f"), ("main.", "main%2e"),
  ])
  func prefixesAreEscapedAsGoDoes(_ path: String, _ prefix: String) {
    #expect(PackagePath.prefix(path) == prefix)
  }

  // MARK: what does not fit together

  @Test func anImportThatIsNotListedIsNamedAndNotOpened() {
    let program = HandmadeProgram(main: object(imports: [("x", 0)], isMain: true))
    var words: LinkFailure?
    do { _ = try program.load() } catch { words = error as? LinkFailure }
    guard case .exit(let message, let printed) = words else {
      Issue.record("\(String(describing: words))")
      return
    }
    #expect(printed.stdout == "cannot find package x (using -importcfg)\n")
    #expect(message == "cannot open file : open : no such file or directory")
  }

  @Test func fingerprintsMustBeThoseOfTheImport() throws {
    var main = object(imports: [("a", 0x0102)], isMain: true)
    let part = object(fingerprint: 0x0103)
    func words() -> String? { failure { _ = try HandmadeProgram(["main": [main], "a": [part]]).load() } }
    #expect(
      words()
        == "exit: fingerprint mismatch: a has 0301000000000000, import from main expecting 0201000000000000"
    )
    main.imports = [("a", 0x0103)]
    #expect(words() == nil)
    // An importer that does not know it takes what comes.
    main.imports = [("a", 0)]
    #expect(words() == nil)
  }

  @Test func allImportersMustMeanTheSame() {
    let program = HandmadeProgram([
      "main": [object(imports: [("a", 1), ("b", 0)], isMain: true)], "a": [object(fingerprint: 1)],
      "b": [object(imports: [("a", 2)])],
    ])
    #expect(
      failure { _ = try program.load() }
        == "exit: fingerprint mismatch: a has 0100000000000000, import from b expecting 0200000000000000")
  }

  @Test func headersMustBeThoseOfTheLinker() throws {
    var other = object()
    other.header = "go object linux amd64 go1.2 \"x\""
    let program = HandmadeProgram(["main": [object(imports: [("a", 0)], isMain: true)], "a": [other, other]])
    let loaded = try program.load { $0.expectedHeader = "go object linux amd64 test\n" }
    let folder = loaded.objects[0].file.path.replacing("main.a", with: "")
    #expect(
      loaded.printed.stderr.replacing(folder, with: "")
        == ["_go_", "asm1"].map {
          "a.a(\($0).o): linked object header mismatch:\nhave \"go object linux amd64 go1.2 \\\"x\\\"\\n\""
            + "\nwant \"go object linux amd64 test\\n\"\n\n"
        }.joined())
    #expect(try program.load().errorCount == 0)
  }

  @Test func theTwentyFirstErrorIsTheLast() throws {
    var members = [object(isMain: true)]
    members += (0..<21).map { _ in
      var o = object()
      o.header = "go object other"
      return o
    }
    let program = HandmadeProgram(["main": members])
    let header = "go object linux amd64 test\n"
    #expect(failure { _ = try program.load { $0.expectedHeader = header } } == "exit: too many errors")
    let all = try program.load {
      $0.expectedHeader = header
      $0.allErrors = true
    }
    #expect(all.errorCount == 21)
  }

  @Test func theProgramMustBePackageMain() throws {
    #expect(failure { _ = try HandmadeProgram(main: object()).load() } == "exit: main.a: not package main")
  }

  @Test func objectsWithoutAPathAreRefused() {
    var o = object(isMain: true)
    o.flags = ObjectBuilder.unlinkable
    #expect(
      failure { _ = try HandmadeProgram(main: o).load() }
        == "failed(1): link: link: unlinkable object (from package main) - compiler requires -p flag\n")
  }

  // MARK: what is handed over

  @Test(arguments: [
    ("[[\"cgo_import_dynamic\",\"x\"]]", "unsupported: cgo directive cgo_import_dynamic in main"),
    ("[[\"cgo_export_static\",\"f\",\"g\"]]", "unsupported: cgo directive cgo_export_static in main"),
    ("[[\"cgo_export_static\"]]", "unsupported: cgo directive cgo_export_static in main"),
    ("[[]]", "unsupported: cgo directive  in main"), ("no list", "unsupported: cgo directives in main"),
  ])
  func cgoIsHandedOver(_ json: String, _ reason: String) {
    var main = object(isMain: true)
    main.textSections = "$$  // cgo\n\(json)\n$$\n"
    #expect(failure { _ = try HandmadeProgram(main: main).load() } == reason)
  }

  @Test func exportsMakeSureOfTheirSymbols() throws {
    var main = object(isMain: true)
    main.textSections =
      "$$  // cgo\n[[\"cgo_export_static\",\"f\"],[\"cgo_export_static\",\"g\",\"g\",\"ABIInternal\"]]\n$$\n"
    let index = try HandmadeProgram(main: main).resolve().index
    #expect(!index.lookup("f", version: 0).isNone && index.lookup("f", version: 1).isNone)
    #expect(!index.lookup("g", version: 1).isNone && index.lookup("g", version: 0).isNone)
  }
}
