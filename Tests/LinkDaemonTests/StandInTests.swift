import Foundation
import LinkDaemon
import Protocol
import TestSupport
import Testing

/// A change of what a package exports makes the go command compile its importers again, and packages come and go with
/// imports: the program that the daemon holds takes in only what is different.
@Suite(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
struct StandInTests {
  private func part(_ imports: String = "", _ more: String) -> String {
    """
    package part

    \(imports)

    type T struct{ n int }

    //go:noinline
    func New() *T { return &T{7} }

    func (t *T) Say() string { return "said" }

    \(more)

    """
  }

  private func program(_ number: Int) throws -> RealProgram {
    try RealProgram(part: part("", "//go:noinline\nfunc More\(number)(n int) int { return n + \(number) }"))
  }

  private func explained(
    _ engine: any LinkEngine, _ program: RealProgram, _ flags: [String] = [], buildID: String = "test"
  ) throws -> LinkExplanation {
    let outcome = engine.link(program.request(flags, buildID: buildID), control: LinkControl())
    #expect(outcome.exitCode == 0, "\(outcome)")
    #expect(try program.linked == program.expected(flags, buildID: buildID))
    return try #require(outcome.report?.explanation, "\(outcome)")
  }

  @Test func whatIsCompiledToTheSameIsNotExchanged() throws {
    let engine = engine()
    _ = try explained(engine, program(1))
    for (step, number) in [2, 3, 2].enumerated() {
      let told = try explained(engine, program(number), buildID: "step\(step)")
      #expect(told.program == .init("kept"))
      #expect(told.changed == ["prog/part"])
    }
  }

  /// What a link says names the files of the request.
  @Test func aTraceNamesTheRequestsFiles() throws {
    let (first, second) = (try program(1), try program(2))
    let engine = engine()
    _ = try explained(engine, first)
    let text = said(engine, second.request(["-v=2"]))
    #expect(text.contains(second.main))
    #expect(!text.contains(first.main))
  }

  /// A file that no link names any more may be written over.
  @Test func anOverwrittenStandInIsNotUsed() throws {
    let (first, second) = (try program(1), try program(2))
    let engine = engine()
    _ = try explained(engine, first)
    #expect(try explained(engine, second).changed == ["prog/part"])
    let file = try #require(FileHandle(forWritingAtPath: first.main))
    let size = try file.seekToEnd()
    try file.seek(toOffset: 200)
    try file.write(contentsOf: Data(repeating: 0x55, count: Int(size) - 200))
    try file.close()
    #expect(try explained(engine, second, buildID: "other").program.how == "new")
  }

  @Test func packagesComeAndGo() throws {
    let engine = engine()
    let plain = try program(1)
    let ring = try RealProgram(
      part: part("import \"container/ring\"", "func Ring() int { return ring.New(3).Len() }"))
    let both = try RealProgram(
      part: part(
        "import (\"container/list\"; \"container/ring\")",
        "func Ring() int { return ring.New(3).Len() }\n\nfunc List() int { return list.New().Len() }"))
    let first = try explained(engine, plain)
    let states = [(ring, 1), (both, 2), (plain, 0), (both, 2), (ring, 1), (plain, 0)]
    for (step, (program, added)) in states.enumerated() {
      let told = try explained(engine, program, buildID: "step\(step)")
      #expect(told.program == .init("kept"), "step \(step)")
      #expect(told.packages == first.packages.map { $0 + added }, "step \(step)")
      let debug = engine.link(program.request(debug: true), control: LinkControl())
      #expect(debug.exitCode == 0)
      #expect(try program.linked == program.expected(debug: true), "step \(step)")
    }
  }
}
