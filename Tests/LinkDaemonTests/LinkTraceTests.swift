import Foundation
import LinkDaemon
import Protocol
import TestSupport
import Testing

/// What -v prints is what the real linker prints.
@Suite(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
struct LinkTraceTests {
  /// Links with both linkers, to the same place.
  private func compare(
    _ program: RealProgram, _ engine: any LinkEngine, _ flags: [String], exitCode: Int32 = 0, how: String
  ) throws {
    let request = program.request(flags)
    let real = try program.go.run(
      program.go.linker, request.arguments, in: URL(filePath: program.sandbox.path))
    let expected = program.linked
    try? FileManager.default.removeItem(atPath: program.output)
    #expect(real.exitCode == exitCode, "\(real.stderr)")
    #expect(real.stdout.hasPrefix("build mode: "))
    let outcome = engine.link(request, control: LinkControl())
    guard case .done(let code, let stdout, let stderr, let report) = outcome else {
      Issue.record("\(flags): \(outcome)")
      return
    }
    #expect(code == exitCode)
    #expect(report.how == how)
    #expect(String(decoding: stdout, as: UTF8.self) == real.stdout, "\(flags)")
    #expect(String(decoding: stderr, as: UTF8.self) == real.stderr, "\(flags)")
    // Where the real linker dies early it leaves an empty file behind.
    #expect(program.linked == (exitCode == 0 ? expected : nil))
  }

  private static let symbols = ["-s=false", "-w=false"]

  @Test(arguments: [
    [], ["-s=false"], symbols, ["-w=false"], symbols + ["-compressdwarf=false"],
    ["-T=0x501000", "-R=0x10000", "-randlayout=3"],
    ["-dumpdep", "-c"], ["-debugnosplit"], ["-pruneweakmap=false"],
  ])
  func everyLevelSaysTheSame(_ flags: [String]) throws {
    let program = try RealProgram()
    let engine = engine()
    var how = "cold"
    for level in ["-v", "-v=2", "-v=3", "-v=-1"] {
      try compare(program, engine, flags + [level], how: how)
      how = "linked"
    }
  }

  @Test func levelsAddUp() throws {
    let program = try RealProgram()
    try compare(program, engine(), ["-v", "-v", "-v"], how: "cold")
  }

  @Test func aReplayTellsTheSameWhereNoInputIsNamed() throws {
    let program = try RealProgram()
    let engine = engine()
    for how in ["cold", "replayed"] { try compare(program, engine, Self.symbols + ["-v"], how: how) }
    for _ in 0..<2 { try compare(program, engine, Self.symbols + ["-v=2"], how: "linked") }
  }

  /// The numbers are those of a program that was put together anew.
  @Test func aRelinkCountsTheSame() throws {
    let program = try RealProgram()
    let changed = try RealProgram(text: "replaced")
    let engine = engine()
    try compare(program, engine, Self.symbols + ["-v=3"], how: "cold")
    try FileManager.default.removeItem(atPath: program.part)
    try FileManager.default.copyItem(atPath: changed.part, toPath: program.part)
    try RealProgram.age(program.part)
    try compare(program, engine, Self.symbols + ["-v=3"], how: "relinked")
  }

  @Test(arguments: [
    ["-E=nosuchsymbol"]: 2, ["-strictdups=3"]: 1, ["-X=main.table=x"]: 2,
  ])
  func aFailureComesBehindWhatWasTold(_ flags: [String], _ exitCode: Int32) throws {
    let program = try RealProgram()
    try compare(program, engine(), flags + ["-v"], exitCode: exitCode, how: "failed")
    let louder = engine().link(program.request(flags + ["-v=2"]), control: LinkControl())
    #expect(louder.fallbackReason == "an error with -v=2")
  }

  @Test func aFailureAtTheEndIsLeftToTheRealLinker() throws {
    let program = try RealProgram()
    let outcome = engine().link(
      program.request(["-v", "-fipso=\(program.sandbox.path)/none/x"]), control: LinkControl())
    #expect(outcome.fallbackReason == "an error with -v")
  }
}
