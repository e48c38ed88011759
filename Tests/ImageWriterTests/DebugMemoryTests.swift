import Foundation
import ImageWriter
import LoaderCore
import TestSupport
import Testing

/// A program whose parts come and go by a seed.
private struct ChangingProgram {
  private var generator: SplitMix
  private var lines: [Int: Int] = [:]

  init(seed: UInt64) { generator = SplitMix(state: seed) }

  private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
      return z ^ z >> 31
    }
  }

  /// Declarations, and what main does with them.
  private static func part(_ k: Int, _ n: Int) -> (declaration: String, use: String) {
    switch k {
    case 0: ("", "fmt.Println(\(n))")
    case 1: ("func f(a, b int) (r int) {\nr = a*b + \(n)\nreturn\n}", "fmt.Println(f(len(os.Args), 2))")
    case 2:
      (
        "type T struct {\n\(n % 2 == 0 ? "Name, More string" : "Name [\(n % 9)]string")\nAny map[int8]*T\n}",
        "fmt.Println(T{}, &T{})"
      )
    case 3: ("var global = map[string][]uint\(n % 2 == 0 ? 8 : 16){}", "fmt.Println(global)")
    case 4:
      (
        "func g[T any](x T) chan T { c := make(chan T, \(n)); c <- x; return c }",
        n % 2 == 0 ? "fmt.Println(<-g(1))" : "fmt.Println(<-g(\"\"), <-g(struct{ a, b int }{}))"
      )
    case 5: ("const limit = \(n) << 40", "fmt.Println(limit % 1000)")
    case 6:
      (
        "type I interface{ M\(n % 3)() }\ntype S struct{ I }\nfunc (s S) M\(n % 3)() { s.I.M\(n % 3)() }",
        "var i any = S{}\nif x, ok := i.(I); ok && len(os.Args) > 9 { x.M\(n % 3)() }"
      )
    default: ("", "sort.Slice(os.Args, func(i, j int) bool { return os.Args[i] < os.Args[j+\(n % 2)] })")
    }
  }

  mutating func change() {
    let k = Int.random(in: 0..<8, using: &generator)
    if lines[k] != nil, Int.random(in: 0..<3, using: &generator) == 0 {
      lines[k] = nil
    } else {
      lines[k] = Int.random(in: 1..<1000, using: &generator)
    }
  }

  var source: String {
    let parts = lines.sorted { $0.key < $1.key }.map { Self.part($0.key, $0.value) }
    return """
      package main

      import (
        "fmt"
        "os"
        "sort"
      )

      var _ = sort.Ints

      \(parts.map(\.declaration).joined(separator: "\n\n"))

      func main() {
        fmt.Println(os.Args)
        \(parts.map { "{\n" + $0.use + "\n}" }.joined(separator: "\n"))
      }
      """
  }
}

@Suite(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
struct DebugMemoryTests {
  /// All sections, with data at addresses that are made up.
  private static func sections(
    _ index: SymbolIndex, _ memory: LinkMemory?, goroot: String
  ) throws -> (bytes: [[UInt8]], copied: Int) {
    let fips = FIPSSymbols(index)
    let live = try Deadcode.run(index, initOrder: try InitOrder.schedule(index), options: .init())
    var addresses = Addresses(symbolCount: index.count)
    let text = TextLayout(
      index, live, order: try TextOrder(index, live), linkerText: fips.text, options: .init(),
      addresses: &addresses)
    let debug = try DebugInfo.generate(
      index, live, text: text, options: .init(goroot: goroot, version: "go1.27.3"), memory: memory)
    // By rank: numbers that no symbol has are elsewhere in an index that was patched.
    let ranks = SymbolRanks(index)
    for (rank, s) in ranks.symbols.enumerated().dropFirst() {
      addresses.place(s, at: 0x60_0000 + UInt64(rank), in: SectionID(2))
    }
    for (i, f) in text.functions.enumerated() { addresses.place(f, at: text.starts[i], in: .text) }
    // Written from the last sections where these are the same, if there is memory.
    let sections = try DebugSections(
      debug, addresses: addresses, sectionStarts: [0, text.start, 0x60_0000], compress: false, memory: memory)
    return (try sections.sections.map { try #require($0.plain) }, sections.copiedBytes)
  }

  /// After any change, what is kept gives the bytes of a pass that knows nothing.
  @Test func memoryDoesNotShow() throws {
    let go = try #require(RealToolchain.current)
    let seed = UInt64.random(in: 0...UInt64.max)
    var changing = ChangingProgram(seed: seed)
    let root = FileManager.default.temporaryDirectory.appending(path: "linkd-memory-\(UUID())")
    defer { try? FileManager.default.removeItem(at: root) }
    let archives = try KeptArchives()
    let memory = LinkMemory()
    var program: ResidentProgram?
    var followed = 0
    var copies = 0
    for step in 0..<14 {
      let compiled = try go.compile(["main.go": changing.source], in: root.appending(path: "\(step)"))
      let packages = try PackageLoader.load(
        .init(mainObject: compiled.mainObject, packageFiles: compiled.packageFiles, expectedHeader: nil),
        from: archives)
      if let known = program, known.update(to: packages, profile: .go1_27_3, options: .init()) {
        memory.follow(known.change, count: known.index.count)
        followed += 1
      } else {
        program = try ResidentProgram.resolve(packages, profile: .go1_27_3, options: .init()).program
        memory.follow(nil, count: program?.index.count ?? 0)
      }
      let index = try #require(program).index
      // Another GOROOT now and then, which line tables show.
      let goroot = step % 5 == 4 ? "/elsewhere" : go.goroot
      let (remembered, copied) = try Self.sections(index, memory, goroot: goroot)
      if copied > 100_000 { copies += 1 }
      let fresh = try ResidentProgram.resolve(packages, profile: .go1_27_3, options: .init()).program
      let expected = try Self.sections(fresh.index, nil, goroot: goroot).bytes
      for (k, (a, b)) in zip(remembered, expected).enumerated() {
        let at = a == b ? -1 : zip(a, b).enumerated().first { $0.1.0 != $0.1.1 }?.offset ?? -2
        #expect(at == -1, "seed \(seed), step \(step), section \(k): \(a.count), \(b.count) bytes")
      }
      #expect(memory.byteCount > 100_000)
      if step % 3 != 2 { changing.change() }
    }
    #expect(copies > 6, "seed \(seed): most was copied in \(copies) of 13 steps")
    #expect(followed > 6, "seed \(seed): \(followed) of 13 exchanges were followed")
  }

  @Test func nothingIsKeptOfAProgramResolvedAnew() throws {
    let go = try #require(RealToolchain.current)
    let root = FileManager.default.temporaryDirectory.appending(path: "linkd-memory-\(UUID())")
    defer { try? FileManager.default.removeItem(at: root) }
    let compiled = try go.compile(["main.go": "package main\nfunc main() {}\n"], in: root)
    let packages = try PackageLoader.load(
      .init(mainObject: compiled.mainObject, packageFiles: compiled.packageFiles, expectedHeader: nil),
      from: try KeptArchives())
    let program = try ResidentProgram.resolve(packages, profile: .go1_27_3, options: .init()).program
    let memory = LinkMemory()
    _ = try Self.sections(program.index, memory, goroot: go.goroot)
    #expect(memory.byteCount > 10_000)
    memory.follow(nil, count: program.index.count)
    #expect(memory.byteCount == LinkMemory().byteCount)
  }
}
