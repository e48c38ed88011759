import Foundation
import LinkDaemon
import Protocol
import TestSupport
import Testing

/// An edit that keeps all sizes is written into the last image. What a pass may have read must not be: then the passes
/// run. Either way the bytes are the real linker's.
@Suite(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
struct PatchedLinkTests {
  /// What the package of the program says; every field is of one length.
  struct Part {
    var number = 1_000_001
    var word = "original"
    var method = "Alpha"
    var field = "First"
    var call = ""

    var source: String {
      """
      package part

      import "reflect"

      // Nothing that importers know of.
      type hidden struct{ \(field) int }

      var held any = hidden{1}

      type T struct{ n int }

      func (t *T) Alpha() string { return "a" }
      func (t *T) Gamma() string { return "the other" }

      //go:noinline
      func New() *T { return &T{\(number)} }

      func (t *T) Say() string {
      \tm := reflect.ValueOf(t).MethodByName("\(method)")
      \t\(call)
      \tif m.IsValid() && held != nil {
      \t\treturn "\(word)"
      \t}
      \treturn "none"
      }
      """
    }
  }

  @Test(arguments: [false, true])
  func editsOneAfterTheOther(_ debug: Bool) throws {
    let program = try RealProgram(part: Part().source)
    let engine = engine()
    var step = 0
    func link(_ part: Part, isPatched: Bool, _ what: String, longer: Bool = false) throws {
      try program.takePart(of: try RealProgram(part: part.source))
      step += 1
      let id = String(decoding: [UInt8(0x60 + step)], as: UTF8.self) + (longer ? "-longer" : "")
      let outcome = engine.link(program.request(debug: debug, buildID: id), control: LinkControl())
      #expect(outcome.exitCode == 0, "\(what): \(outcome)")
      let passes = outcome.report?.phases.map(\.name) ?? []
      #expect(passes.contains("patch") == isPatched, "\(what): \(passes)")
      #expect(
        try program.linked == program.expected(debug: debug, buildID: id), "\(what), default flags: \(debug)")
    }
    var part = Part()
    try link(part, isPatched: false, "the first link")
    try link(part, isPatched: true, "another build id")
    part.number += 1
    try link(part, isPatched: true, "a constant")
    part.word = "replaced"
    try link(part, isPatched: true, "a string")
    part.method = "Gamma"
    try link(part, isPatched: false, "a method that reflection names")
    part.number += 1
    try link(part, isPatched: true, "a constant after a link of all passes")
    part.number += 1
    part.method = "Alpha"
    try link(part, isPatched: false, "a method's name and a constant at once")
    part.field = "Other"
    try link(part, isPatched: false, "a field's name")
    part.call = "println(len(m.String()))"
    try link(part, isPatched: false, "a new call")
    part.word = "reverted"
    try link(part, isPatched: true, "a string after that")
    part.number += 1
    try link(part, isPatched: false, "a longer build id: other headers", longer: true)
    try link(Part(), isPatched: false, "everything as it was")
  }

  /// Images of two kinds of link are not mixed up.
  @Test func otherFlagsAreAnotherImage() throws {
    let program = try RealProgram(part: Part().source)
    let engine = engine()
    for step in 0..<4 {
      var part = Part()
      part.number += step
      try program.takePart(of: try RealProgram(part: part.source))
      for debug in [false, true] {
        _ = engine.link(program.request(debug: debug), control: LinkControl())
        #expect(try program.linked == program.expected(debug: debug), "step \(step), default flags: \(debug)")
      }
    }
  }

  /// The go command writes the final build id into the file it got: the next link must not see it.
  @Test func theOutputIsAPrivateCopy() throws {
    let program = try RealProgram(part: Part().source)
    let engine = engine()
    _ = engine.link(program.request(), control: LinkControl())
    let file = try #require(FileHandle(forWritingAtPath: program.output))
    try file.seek(toOffset: 8000)
    try file.write(contentsOf: Data(repeating: 0x7a, count: 100))
    try file.close()
    var part = Part()
    part.number += 1
    try program.takePart(of: try RealProgram(part: part.source))
    let outcome = engine.link(program.request(), control: LinkControl())
    #expect(outcome.report?.phases.contains { $0.name == "patch" } == true)
    #expect(try program.linked == program.expected())
  }

  /// What flags give is exchanged in the image, as long as it keeps its length.
  @Test func textsOfTheCommandLine() throws {
    func source(_ n: Int) -> String {
      "package part\n\nvar Set = \"a\"\n\n\n//go:noinline\nfunc Unused() int { return \(1_000_000 + n) }\n"
        + "type T struct{}\n\nfunc New() *T { return nil }\n\nfunc (t *T) Say() string { return Set }\n"
    }
    let program = try RealProgram(part: source(1))
    let engine = engine()
    var step = 0
    func link(_ given: String, _ info: String, isPatched: Bool, _ what: Comment) throws {
      step += 1
      try program.takePart(of: try RealProgram(part: source(step)))
      let text = "\u{30}w\u{af}\u{c}" + info
      let flags = ["-X=prog/part.Set=\(given)", "-X=prog/part.None=\(given)", "-X=runtime.modinfo=\(text)"]
      let outcome = engine.link(program.request(flags), control: LinkControl())
      #expect(outcome.exitCode == 0, "\(outcome)")
      #expect(outcome.report?.phases.contains { $0.name == "patch" } == isPatched, what)
      #expect(try program.linked == program.expected(flags), what)
    }
    try link("first", "commit one", isPatched: false, "the first link")
    try link("other", "commit one", isPatched: true, "another value")
    try link("other", "commit two", isPatched: true, "other module information")
    try link("third", "commit six", isPatched: true, "both")
    try link("first", "commit one", isPatched: true, "as it was")
    try link("longer", "commit one", isPatched: false, "a longer value")
    try link("longer", "commit one is longer", isPatched: false, "longer module information")
    try link("others", "commit two is longer", isPatched: true, "both after links of all passes")
  }

  /// A variable that -X sets is the linker's own: the package's value for it must not come back.
  @Test func aVariableOfTheCommandLineStays() throws {
    func source(_ value: String) -> String {
      Part().source
        + "\nvar Set = \"\(value)\"\n\nfunc (t *T) More() string { return Set }\nvar more = (*T).More\n"
    }
    let program = try RealProgram(part: source("before"))
    let engine = engine()
    let flags = ["-X=prog/part.Set=given"]
    for value in ["before", "behind", "before"] {
      try program.takePart(of: try RealProgram(part: source(value)))
      let outcome = engine.link(program.request(flags), control: LinkControl())
      #expect(outcome.exitCode == 0, "\(outcome)")
      #expect(try program.linked == program.expected(flags), "\(value)")
    }
  }
}
