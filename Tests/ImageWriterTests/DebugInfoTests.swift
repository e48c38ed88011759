import Foundation
import ImageWriter
import LoaderCore
import TestSupport
import Testing

/// Types of every kind, inlining, generics, closures, variables, constants and assembly.
private let everything = """
  package main

  import "fmt"

  type Tree[T any] struct {
    Left, Right *Tree[T]
    Value T
  }

  func (t *Tree[T]) Walk(f func(T, ...string) (int, error)) {
    if t == nil {
      return
    }
    t.Left.Walk(f)
    f(t.Value, "x")
    t.Right.Walk(f)
  }

  type Shape interface{ Area() float64 }
  type Square struct {
    fmt.Stringer
    side float32 `tag:"[,]"`
  }

  func (s Square) Area() float64 { return float64(s.side * s.side) }

  type Names map[string][]Square
  type Queue chan<- map[[3]int8]complex128
  type Loop []Loop

  const Limit = 1 << 40
  const negative = -7

  var (
    Global   Names
    queue    = make(chan map[[3]int8]complex128, 1)
    ByKind   [4]uintptr
    anything any = Loop{}
    small    = map[uint16]struct{ a, b bool }{1: {}}
  )

  func assembled(x int64) int64

  func inlined(a, b int) int {
    c := a*b + Limit%11
    return c - negative
  }

  func main() {
    t := &Tree[Shape]{Value: Square{side: 2}}
    sum := 0
    t.Walk(func(s Shape, more ...string) (int, error) {
      sum += inlined(int(s.Area()), len(more))
      return sum, nil
    })
    Global = Names{"a": {{side: 1}}}
    queue <- map[[3]int8]complex128{{1}: 1i}
    defer func() { fmt.Println(recover(), ByKind, anything, small, Queue(queue)) }()
    fmt.Println(sum, assembled(3), Global)
  }
  """

private let assembly = """
  #include "textflag.h"
  TEXT ·assembled(SB), NOSPLIT, $0-16
    MOVQ x+0(FP), AX
    ADDQ $1, AX
    MOVQ AX, ret+8(FP)
    RET

  """

private struct Source: ArchiveSource {
  func archive(at path: String) throws(ArchiveError) -> Archive { try Archive.open(path) }
}

/// A program up to its text addresses, as the passes before DWARF leave it.
private struct LaidOut: ~Copyable {
  let index: SymbolIndex
  let live: LiveSet
  let text: TextLayout

  static func make(_ index: SymbolIndex) throws -> LaidOut {
    let fips = FIPSSymbols(index)
    let live = try Deadcode.run(index, initOrder: try InitOrder.schedule(index), options: .init())
    var addresses = Addresses(symbolCount: index.count)
    let text = TextLayout(
      index, live, order: try TextOrder(index, live), linkerText: fips.text, options: .init(),
      addresses: &addresses)
    return LaidOut(index: index, live: live, text: text)
  }

  func generate(goroot: String) throws -> DebugInfo {
    try DebugInfo.generate(index, live, text: text, options: .init(goroot: goroot, version: "go1.27.3"))
  }

  /// Functions where they are, everything else in section 2 at addresses made from `seed`.
  func addresses(_ seed: UInt64) -> Addresses {
    var addresses = Addresses(symbolCount: index.count)
    for i in 1..<index.count { addresses.place(SymbolID(i), at: seed, in: SectionID(2)) }
    for (i, f) in text.functions.enumerated() { addresses.place(f, at: text.starts[i], in: .text) }
    return addresses
  }
}

/// The sections of an ELF file by name.
private func sections(of file: Data) -> [String: Data] {
  func number(_ at: Int, _ count: Int) -> Int {
    (0..<count).reversed().reduce(0) { $0 << 8 | Int(file[at + $1]) }
  }
  let headers = number(40, 8)
  let names = number(headers + 64 * number(62, 2) + 24, 8)
  var found: [String: Data] = [:]
  for i in 0..<number(60, 2) {
    let h = headers + 64 * i
    let name = file[(names + number(h, 4))...].prefix { $0 != 0 }
    // 8: takes no room in the file.
    guard number(h + 4, 4) != 8 else { continue }
    let start = number(h + 24, 8)
    found[String(decoding: name, as: UTF8.self)] = file[start..<start + number(h + 32, 8)]
  }
  return found
}

@Suite(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
struct DebugInfoTests {
  /// All sections have the bytes of the real linker's. Data addresses are not known here: the bytes that
  /// depend on them are those that change with them, and they alone are left out.
  @Test func sectionsAreThoseOfTheRealLinker() throws {
    let go = try #require(RealToolchain.current)
    let directory = FileManager.default.temporaryDirectory.appending(path: "linkd-dwarf-\(UUID())")
    defer { try? FileManager.default.removeItem(at: directory) }
    let program = try go.compile(["main.go": everything, "asm.s": assembly], in: directory)
    let linked = try go.link(program, ["-compressdwarf=false"])
    #expect(linked.exitCode == 0, "\(linked.stderr)")
    let real = sections(of: try Data(contentsOf: directory.appending(path: "out")))

    let packages = try PackageLoader.load(
      .init(mainObject: program.mainObject, packageFiles: program.packageFiles, expectedHeader: nil),
      from: Source())
    let index = try SymbolResolver.resolve(packages, profile: .go1_27_3, options: .init()).index
    let laidOut = try LaidOut.make(index)
    let debug = try laidOut.generate(goroot: go.goroot)

    #expect(debug.sections.map(\.name).contains(".debug_gdb_scripts"))
    #expect(Set(debug.sections.map(\.name)) == Set(real.keys.filter { $0.hasPrefix(".debug_") }))
    let starts: [UInt64] = [0, laidOut.text.start, 0]
    for s in debug.sections {
      var ours = [UInt8](repeating: 0xee, count: s.size)
      var other = [UInt8](repeating: 0x11, count: s.size)
      try ours.withUnsafeMutableBytes {
        try debug.write(s.kind, into: $0, addresses: laidOut.addresses(0x0101_0101), sectionStarts: starts)
      }
      try other.withUnsafeMutableBytes {
        try debug.write(s.kind, into: $0, addresses: laidOut.addresses(0x0606_0606), sectionStarts: starts)
      }
      let want = Array(try #require(real[s.name]))
      try #require(ours.count == want.count, "\(s.name)")
      let different = want.indices.first { ours[$0] == other[$0] && ours[$0] != want[$0] }
      #expect(different == nil, "\(s.name)")
      let masked = want.indices.count { ours[$0] != other[$0] }
      // Addresses of variables and places of types are in .debug_info only.
      #expect(s.kind == .info ? masked > 1000 : masked == 0, "\(s.name)")
    }
  }

  /// A section's memory must have its size.
  @Test func refusesMemoryOfAnotherSize() throws {
    let go = try #require(RealToolchain.current)
    let directory = FileManager.default.temporaryDirectory.appending(path: "linkd-dwarf-\(UUID())")
    defer { try? FileManager.default.removeItem(at: directory) }
    let program = try go.compile(["main.go": "package main\nfunc main() {}\n"], in: directory)
    let packages = try PackageLoader.load(
      .init(mainObject: program.mainObject, packageFiles: program.packageFiles, expectedHeader: nil),
      from: Source())
    let index = try SymbolResolver.resolve(packages, profile: .go1_27_3, options: .init()).index
    let laidOut = try LaidOut.make(index)
    let debug = try laidOut.generate(goroot: "")
    var memory = [UInt8](repeating: 0, count: 1)
    #expect(throws: LinkFailure.self) {
      try memory.withUnsafeMutableBytes {
        try debug.write(.info, into: $0, addresses: laidOut.addresses(1), sectionStarts: [0, 0, 0])
      }
    }
    // Without places for data, .debug_info cannot be written.
    let info = try #require(debug.sections.first { $0.kind == .info })
    memory = [UInt8](repeating: 0, count: info.size)
    #expect(throws: LinkFailure.self) {
      try memory.withUnsafeMutableBytes {
        try debug.write(
          .info, into: $0, addresses: Addresses(symbolCount: index.count), sectionStarts: [0, 0, 0])
      }
    }
  }
}

/// Programs that lack what DWARF needs, or contradict themselves.
@Suite struct DebugInfoFailureTests {
  private func failure(_ fixture: ObjectFixture) throws -> String {
    let laidOut = try LaidOut.make(try fixture.load())
    do {
      _ = try laidOut.generate(goroot: "")
      return ""
    } catch let f as LinkFailure {
      return "\(f)"
    }
  }

  @Test func programWithoutRuntimeTypes() throws {
    var fixture = ObjectFixture()
    let info = fixture.info("info")
    let entry = ObjectFixture.Symbol(
      name: "_rt0_amd64_linux", kind: 1, size: 5, auxiliaries: [(AuxKind.funcInfo, info)])
    _ = fixture.add(entry)
    #expect(try failure(fixture).contains("missing type type:runtime.eface"))
  }

  @Test func functionsWithoutMetadata() throws {
    var fixture = ObjectFixture()
    let f = fixture.add(.init(name: "main.f", abi: 1, kind: 1, size: 5))
    let entry = fixture.add(.init(name: "_rt0_amd64_linux", kind: 1, size: 5))
    fixture.symbols[entry].relocations = [.init(offset: 1, type: RelocType.call, symbol: f)]
    #expect(try failure(fixture).contains("no function metadata in main"))
  }
}
