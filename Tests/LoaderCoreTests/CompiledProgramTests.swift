import Foundation
import LoaderCore
import TestSupport
import Testing

/// A program that Go compiled, and what the real linker says it needs.
@Suite(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
struct CompiledProgramTests {
  private struct Source: ArchiveSource {
    func archive(at path: String) throws(ArchiveError) -> Archive { try Archive.open(path) }
  }

  /// Interfaces, generics, methods by name, methods by reflection, maps, embedded types, closures.
  private static let library = """
    package part

    import "reflect"

    type Speaker interface{ Say() string }

    type A struct{ B }
    type B struct{ n int }

    func (b *B) Say() string     { return "b" }
    func (b *B) Unused() string  { return "unused" }
    func (b B) Named(int) string { return "named" }

    type Pair[T any] struct{ First, Second T }

    func (p Pair[T]) Say() string  { return "pair" }
    func (p Pair[T]) Other() T     { return p.First }

    type Chain interface {
    \tNext() Chain
    \tSpeaker
    }

    type link struct{ deep []map[string]*A }

    func (l link) Next() Chain { return nil }
    func (l link) Say() string { return "link" }

    func New(n int) Speaker {
    \tif n > 1 {
    \t\treturn Pair[[]string]{}
    \t}
    \treturn &A{}
    }

    func First() Chain { return link{} }

    func Call(x any) { reflect.ValueOf(x).MethodByName("Named") }

    var Table = map[string]func(Chain) Chain{"next": Chain.Next}

    func Generic[T Speaker](t T) string { return t.Say() }

    """

  private static let plain = """
    package main

    import "prog/part"

    var unused = map[int]string{
    \t1: "a", 2: "b", 3: "c", 4: "d", 5: "e", 6: "f", 7: "g", 8: "h", 9: "i", 10: "j", 11: "k", 12: "l",
    \t13: "m", 14: "n", 15: "o", 16: "p", 17: "q", 18: "r", 19: "s", 20: "t", 21: "u", 22: "v", 23: "w",
    }

    func main() {
    \tprintln(part.New(2).Say(), part.First().Say())
    \tprintln(part.Generic(&part.A{}), part.Table["next"] == nil)
    }

    """

  private static let reflecting = """
    package main

    import (
    \t"fmt"
    \t"os"
    \t"prog/part"
    \t"reflect"
    )

    func main() {
    \tpart.Call(part.New(1))
    \tfmt.Println(reflect.ValueOf(part.First()).MethodByName(os.Args[0]))
    }

    """

  private func compile(_ main: String) throws -> (program: RealToolchain.Program, folder: ScratchFolder) {
    let folder = try ScratchFolder()
    let go = try #require(RealToolchain.current)
    let program = try go.compile(
      ["main.go": main, "part/part.go": Self.library], in: URL(filePath: "\(folder.path)/prog"))
    return (program, folder)
  }

  private func load(_ program: RealToolchain.Program) throws -> SymbolIndex {
    let packages = try PackageLoader.load(
      .init(mainObject: program.mainObject, packageFiles: program.packageFiles, expectedHeader: nil),
      from: Source())
    #expect(packages.printed.stdout == "" && packages.errorCount == 0)
    return try SymbolResolver.resolve(packages, profile: .go1_27_3, options: .init()).index
  }

  /// Every edge by which the real linker keeps something, in its order.
  @Test(arguments: [(plain, "-pruneweakmap"), (plain, "-pruneweakmap=false"), (reflecting, "-pruneweakmap")])
  func keepsWhatTheRealLinkerKeeps(_ main: String, _ flag: String) throws {
    let go = try #require(RealToolchain.current)
    let (program, folder) = try compile(main)
    let real = try go.link(program, ["-dumpdep", flag])
    #expect(real.exitCode == 0, "\(real.stderr)")
    var options = Deadcode.Options()
    options.dumpDependencies = true
    options.pruneWeakMap = flag == "-pruneweakmap"
    let index = try load(program)
    let live = try Deadcode.run(index, initOrder: try InitOrder.schedule(index), options: options)
    let ours = String(decoding: live.dump, as: UTF8.self).split(separator: "\n")
    let theirs = real.stdout.split(separator: "\n")
    #expect(theirs.count > 1000)
    #expect(ours.count == theirs.count)
    let different = zip(ours, theirs).enumerated().first { $1.0 != $1.1 }
    #expect(different == nil, "line \(different?.offset ?? 0): \(String(describing: different?.element))")
    // Without the text, in whatever order, the same is kept.
    options.dumpDependencies = false
    let again = try load(program)
    let quiet = try Deadcode.run(again, initOrder: try InitOrder.schedule(again), options: options)
    let isSame = (1..<index.count).allSatisfy { live.contains(SymbolID($0)) == quiet.contains(SymbolID($0)) }
    #expect(isSame)
    withExtendedLifetime(folder) {}
  }

  @Test func methodsNobodyCallsAreLeftOut() throws {
    let (program, folder) = try compile(Self.plain)
    let index = try load(program)
    let live = try Deadcode.run(index, initOrder: try InitOrder.schedule(index), options: .init())
    func has(_ name: String) -> Bool { live.contains(index.lookup(name, version: 1)) }
    let kept = ["prog/part.(*B).Say", "main.main"].filter(has)
    #expect(kept == ["prog/part.(*B).Say", "main.main"])
    let unwanted = ["prog/part.(*B).Unused", "prog/part.B.Named", "main.map.init.0", "prog/part.Call"]
    #expect(unwanted.filter(has) == [])
    #expect(unwanted.filter { index.lookup($0, version: 1).isNone } == [], "the names are real")
    withExtendedLifetime(folder) {}
  }

  @Test func typesAreDecodedAsTheCompilerWroteThem() throws {
    let (program, folder) = try compile(Self.plain)
    let index = try load(program)
    let decoder = TypeDecoder(index.reader)
    func type(_ name: String) throws -> (SymbolID, ByteView) {
      let s = index.lookup(name)
      try #require(!s.isNone, "\(name)")
      return (s, index.reader.data(s))
    }
    let (a, data) = try type("type:prog/part.A")
    #expect(decoder.kind(data) == TypeDecoder.Kind.structure && decoder.size(data) == 8)
    #expect(decoder.pointerBytes(data) == 0 && decoder.string(a).string == "part.A")
    let (pointer, pointerData) = try type("type:*prog/part.B")
    #expect(
      decoder.kind(pointerData) == TypeDecoder.Kind.pointer && decoder.string(pointer).string == "*part.B")
    let methods = try #require(decoder.methods(pointerData))
    #expect(methods.count == 3)
    let relocations = index.reader.relocations(pointer)
    let names = (0..<methods.count).map {
      decoder.name(relocations, at: methods.offset + $0 * TypeDecoder.methodSize).string
    }
    #expect(names == ["Named", "Say", "Unused"])
    let (_, chain) = try type("type:prog/part.Chain")
    #expect(decoder.kind(chain) == TypeDecoder.Kind.interface)
    withExtendedLifetime(folder) {}
  }

  /// Every fact that this room reads of every object of a real program, twice: from the file, and with the name
  /// hashes of the first time.
  @Test func noObjectOfARealProgramContradictsItself() throws {
    let (program, folder) = try compile(Self.plain)
    var objects = 0
    for path in program.packageFiles.values {
      let archive = try Archive.open(path)
      let again = try Archive(file: archive.file, hashes: archive.nameHashes)
      for (m, n) in zip(archive.members, again.members) {
        guard case .object(let o, _, _, _) = m.content, case .object(let p, _, _, _) = n.content else {
          Issue.record("\(path)\(m.name) is no object")
          continue
        }
        objects += 1
        let v = o.view
        for i in 0..<UInt32(v.symbolCount) {
          _ = v.name(i)
          _ = v.data(i)
          _ = v.relocRecords(i)
          _ = v.auxRecords(i)
          if o.nameHashes[Int(i)] != p.nameHashes[Int(i)] { Issue.record("\(path) symbol \(i)") }
        }
        for k in 0..<v.fileCount { #expect(!v.fileName(k).isEmpty) }
        #expect(!o.isCorrupt && !p.isCorrupt)
      }
    }
    #expect(objects > 30)
    withExtendedLifetime(folder) {}
  }
}
