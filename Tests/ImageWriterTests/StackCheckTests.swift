import Foundation
import ImageWriter
import LoaderCore
import TestSupport
import Testing

/// Functions that use too much stack, call themselves or one another, or call what nobody can see.
private let stackHogs = """
  #define NOSPLIT 4
  TEXT ·start(SB),NOSPLIT,$0-0
  \tCALL ·a(SB)
  \tCALL ·b(SB)
  \tCALL ·a(SB)
  \tRET
  TEXT ·a(SB),NOSPLIT,$400-0
  \tCALL ·b(SB)
  \tCALL ·leaf(SB)
  \tRET
  TEXT ·b(SB),NOSPLIT,$384-0
  \tCALL ·leaf(SB)
  \tCALL ·leaf(SB)
  \tRET
  TEXT ·leaf(SB),NOSPLIT,$96-0
  \tRET
  TEXT ·selfloop(SB),NOSPLIT,$16-0
  \tCALL ·selfloop(SB)
  \tCALL ·leaf(SB)
  \tCALL ·selfloop(SB)
  \tRET
  TEXT ·c1(SB),NOSPLIT,$8-0
  \tCALL ·c2(SB)
  \tRET
  TEXT ·c2(SB),NOSPLIT,$8-0
  \tCALL ·c3(SB)
  \tCALL ·leaf(SB)
  \tRET
  TEXT ·c3(SB),NOSPLIT,$8-0
  \tCALL ·c1(SB)
  \tCALL ·d2(SB)
  \tRET
  TEXT ·d1(SB),NOSPLIT,$8-0
  \tCALL ·d2(SB)
  \tCALL ·d3(SB)
  \tRET
  TEXT ·d2(SB),NOSPLIT,$8-0
  \tCALL ·d3(SB)
  \tRET
  TEXT ·d3(SB),NOSPLIT,$8-0
  \tCALL ·d2(SB)
  \tCALL ·start(SB)
  \tRET
  TEXT ·closure(SB),NOSPLIT,$784-0
  \tMOVQ $·leaf(SB), DX
  \tCALL DX
  \tRET
  TEXT ·split(SB),0,$2000-0
  \tCALL ·leaf(SB)
  \tRET

  """

private let stackHogsMain = """
  package main

  func start()
  func selfloop()
  func c1()
  func d1()
  func closure()
  func split()

  func main() {
  \tstart()
  \tselfloop()
  \tc1()
  \td1()
  \tclosure()
  \tsplit()
  }

  """

@Suite struct StackReportTests {
  private func report(_ graph: [UInt32: [(Int, UInt32)]]) -> StackReport {
    StackReport(graph: graph.mapValues { $0.map { StackCheck.Edge(growth: $0.0, target: $0.1) } }) {
      $0 == StackCheck.indirect ? "indirect" : "f\($0)<0>"
    }
  }

  @Test func aCycleNobodyCallsHasItsFirstFunctionAsRoot() throws {
    var r = report([5: [(8, 4)], 4: [(8, 6)], 6: [(8, 5), (8, 9)], 9: [(16, 0)], 7: [(8, 7)], 3: [(8, 9)]])
    let roots = try r.roots(heights: [3: 24, 4: 32767, 5: 32767, 6: 32767, 7: 32767, 9: 16])
    #expect(roots == [4, 7, 3])
  }

  @Test func aCycleIsReportedOnceAPath() throws {
    var r = report([2: [(24, 3), (24, 4)], 3: [(24, 4)], 4: [(24, 3), (24, 5)], 5: [(800, 0)]])
    #expect(
      try r.paths(from: 2, limit: 792) == """
        f2<0>
            grows 24 bytes, calls f3<0>
                grows 24 bytes, calls f4<0>
                    grows 24 bytes, calls f3<0>
                    infinite cycle
                    grows 24 bytes, calls f5<0>
                        grows 800 bytes
                        80 bytes over limit
            grows 24 bytes, calls f4<0>
                grows 24 bytes, calls f3<0>
                    grows 24 bytes, calls f4<0>
                    infinite cycle
                grows 24 bytes, calls f5<0>
                    grows 800 bytes
                    56 bytes over limit

        """)
  }

  /// What an indirect call stands for calls a morestack that nobody has visited, which looks like a cycle.
  @Test func indirectCallsEndInACycle() throws {
    var r = report([2: [(800, StackCheck.indirect)], StackCheck.indirect: [(8, 1)]])
    #expect(
      try r.paths(from: 2, limit: 792) == """
        f2<0>
            grows 800 bytes, calls indirect
                grows 8 bytes, calls f1<0>
                infinite cycle

        """)
  }

  @Test func givesUpOnTooManyPaths() {
    var graph: [UInt32: [(Int, UInt32)]] = [:]
    for i: UInt32 in 1...40 { graph[i] = [(100, i + 1), (100, i + 1)] }
    var r = report(graph)
    #expect(throws: LinkFailure.self) { try r.paths(from: 1, limit: 792) }
  }

  @Test func givesUpOnTooLongPaths() {
    var graph: [UInt32: [(Int, UInt32)]] = [:]
    for i: UInt32 in 1...5000 { graph[i] = [(0, i + 1)] }
    var r = report(graph)
    #expect(throws: LinkFailure.self) { try r.paths(from: 1, limit: 792) }
    #expect(throws: LinkFailure.self) { try r.roots(heights: [:]) }
  }
}

@Suite(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
struct StackCheckTests {
  private struct Source: ArchiveSource {
    func archive(at path: String) throws(ArchiveError) -> Archive { try Archive.open(path) }
  }

  private func check(
    _ files: [String: String], _ flags: [String], _ options: StackCheck.Options
  ) throws -> (ours: StackCheck.Result, real: RealToolchain.Output) {
    let go = try #require(RealToolchain.current)
    let directory = FileManager.default.temporaryDirectory.appending(path: "linkd-stack-\(UUID())")
    defer { try? FileManager.default.removeItem(at: directory) }
    let program = try go.compile(files, in: directory)
    let real = try go.link(program, flags)
    let packages = try PackageLoader.load(
      .init(mainObject: program.mainObject, packageFiles: program.packageFiles, expectedHeader: nil),
      from: Source())
    let index = try SymbolResolver.resolve(packages, profile: .go1_27_3, options: .init()).index
    let live = try Deadcode.run(index, initOrder: try InitOrder.schedule(index), options: .init())
    let text = try TextOrder(index, live)
    return (try StackCheck.run(index, text: text.functions, options: options), real)
  }

  @Test func reportsWhatTheRealLinkerReports() throws {
    let (ours, real) = try check(["main.go": stackHogsMain, "main.s": stackHogs], [], .init())
    #expect(real.exitCode == 2)
    #expect(ours.overflows.map(\.error) == real.stderr.split(separator: "\n").map(String.init))
    #expect(ours.overflows.map(\.paths).joined() == real.stdout)
    #expect(ours.graph.isEmpty)
  }

  @Test func printsTheGraphOfTheRealLinker() throws {
    var options = StackCheck.Options()
    options.debugNosplit = true
    let hello = "package main\nfunc main() { println(1) }\n"
    let (ours, real) = try check(["main.go": hello], ["-debugnosplit"], options)
    #expect(real.exitCode == 0)
    #expect(ours.overflows.isEmpty)
    #expect(ours.graph == real.stdout)
    // With an overflow the second pass prints too.
    let (more, realMore) = try check(
      ["main.go": stackHogsMain, "main.s": stackHogs], ["-debugnosplit"], options)
    #expect(more.graph + more.overflows.map(\.paths).joined() == realMore.stdout)
  }
}
