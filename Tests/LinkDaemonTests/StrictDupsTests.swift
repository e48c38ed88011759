import Foundation
import LinkDaemon
import Protocol
import TestSupport
import Testing

/// -strictdups against the real linker, where DWARF tells the compiler's flags and where it does not.
@Suite(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
struct StrictDupsTests {
  /// Both packages make the same instances of a generic function.
  private static let instances = [
    "main.go": """
    package main

    import (
    \t"prog/a"
    \t"prog/b"
    )

    func main() { println(a.F(1), b.F(2)) }

    """,
    "a/a.go": "package a\n\nimport \"prog/g\"\n\nfunc F(x int) int { return g.Sum(x, 3) }\n",
    "b/b.go": "package b\n\nimport \"prog/g\"\n\nfunc F(x int) int { return g.Sum(x, 4) }\n",
    "g/g.go": """
    package g

    //go:noinline
    func Sum[T int | string](a, b T) T {
    \tc := a + b
    \treturn c + a
    }

    """,
  ]

  private static func assembly(_ value: Int) -> String {
    "#include \"textflag.h\"\n\nTEXT shared(SB), DUPOK|NOSPLIT, $0-0\n\tMOVQ $\(value), AX\n\tRET\n"
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var compilerFlags: [String] = []
    var assembly = false
    var linkerFlags: [String] = []
    /// Exit code with -strictdups=2.
    var exitCode: Int32
  }

  @Test(arguments: [
    Case(testDescription: "same flags", exitCode: 0),
    Case(testDescription: "flags differ", compilerFlags: ["-gcflags=prog/b=-N"], exitCode: 0),
    Case(
      testDescription: "flags differ, no DWARF", compilerFlags: ["-gcflags=prog/b=-N"], linkerFlags: ["-w"],
      exitCode: 2),
    Case(
      testDescription: "flags differ, no symbols", compilerFlags: ["-gcflags=prog/b=-N"], linkerFlags: ["-s"],
      exitCode: 2),
    Case(
      testDescription: "flags differ, no symbols but DWARF", compilerFlags: ["-gcflags=prog/b=-N"],
      linkerFlags: ["-s", "-w=0"], exitCode: 0),
    Case(testDescription: "assembly differs", assembly: true, exitCode: 2),
    Case(testDescription: "assembly differs, no DWARF", assembly: true, linkerFlags: ["-w"], exitCode: 2),
  ])
  func isAsStrictAsTheRealLinker(_ c: Case) throws {
    let go = try #require(RealToolchain.current)
    let sandbox = try Sandbox()
    var files = Self.instances
    if c.assembly {
      files["a/dup.s"] = Self.assembly(1)
      files["b/dup.s"] = Self.assembly(2)
    }
    let program = try go.compile(
      files, in: URL(filePath: "\(sandbox.path)/program"), flags: c.compilerFlags)
    let engine = engine()
    for level in [0, 1, 2] {
      let flags = ["-strictdups=\(level)", "-buildid=x"] + c.linkerFlags
      let real = try go.link(program, flags)
      let expected = FileManager.default.contents(atPath: program.directory.appending(path: "out").path)
      let request = LinkRequest(
        arguments: flags + ["-o", "out", "-importcfg", program.importcfg.path, program.mainObject],
        workingDirectory: program.directory.path,
        environment: ["GOROOT": go.goroot, "GOOS": "linux", "GOARCH": "amd64"], realLinker: go.linker)
      let outcome = engine.link(request, control: LinkControl())
      #expect(real.exitCode == (level == 2 ? c.exitCode : 0))
      #expect(outcome.exitCode == real.exitCode, "level \(level)")
      #expect(outcome.complaint == real.stderr, "level \(level)")
      #expect(FileManager.default.contents(atPath: "\(program.directory.path)/out") == expected)
      #expect((expected == nil) == (real.exitCode != 0))
      #expect((real.stderr != "") == (level > 0 && (c.assembly || !c.compilerFlags.isEmpty)))
    }
  }
}
