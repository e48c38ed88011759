import Foundation
import LinkDaemon
import Protocol
import Replay
import Synchronization
import Testing

/// Runs `linkctl` in a sandbox and collects what it prints.
struct LinkctlRun: Equatable {
  var code: Int32
  var stdout: String
  var stderr: String

  init(code: Int32, stdout: String, stderr: String) {
    self.code = code
    self.stdout = stdout
    self.stderr = stderr
  }

  init(
    _ arguments: [String], in sandbox: Sandbox, _ more: [String: String] = [:],
    program: String = "\(LinkctlTests.products)/linkctl", directory: String? = nil
  ) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory ?? sandbox.path)
    process.environment = sandbox.environment.merging(["PATH": "/usr/bin:/bin"]) { $1 }.merging(more) { $1 }
    process.standardInput = FileHandle.nullDevice
    let name = UUID().uuidString
    let files = ["out", "err"].map { "\(sandbox.path)/\(name).\($0)" }
    let handles = try files.map { path in
      _ = FileManager.default.createFile(atPath: path, contents: nil)
      return try #require(FileHandle(forWritingAtPath: path))
    }
    process.standardOutput = handles[0]
    process.standardError = handles[1]
    try process.run()
    process.waitUntilExit()
    code = process.terminationStatus
    stdout = String(decoding: FileManager.default.contents(atPath: files[0]) ?? Data(), as: UTF8.self)
    stderr = String(decoding: FileManager.default.contents(atPath: files[1]) ?? Data(), as: UTF8.self)
  }
}

/// `linkctl capture` and `verify` with stand-ins for both linkers.
@Suite struct CaptureVerifyTests {
  /// A link request's inputs, and a linker that writes what its last argument says, behind the word "linked".
  private func setUp(_ sandbox: Sandbox) throws -> String {
    _ = try sandbox.write("main.a", "the program")
    _ = try sandbox.write("fmt.a", "fmt")
    _ = try sandbox.write("cfg", "packagefile fmt=fmt.a\n")
    return try sandbox.write(
      "link",
      "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" = -o ] && out=$2; shift; done\n"
        + "[ \"$1\" = broken ] && { echo \"no $1\" >&2; exit 2; }\n"
        + "printf 'linked %s' \"$(cat \"$1\")\" >\"$out\"; chmod 755 \"$out\"; echo told\n",
      permissions: 0o755)
  }

  /// A daemon that writes this.
  private func server(_ sandbox: Sandbox, _ text: String, code: Int32 = 0) throws -> TestServer {
    let engine = ScriptedEngine { request, _ in
      if code != 0 { return .done(exitCode: code, stderr: Array("no broken\n".utf8)) }
      guard let output = request.outputPath else { return .fallback(reason: "no output") }
      _ = FileManager.default.createFile(
        atPath: output, contents: Data(text.utf8), attributes: [.posixPermissions: 0o755])
      return .done(stdout: Array("told\n".utf8))
    }
    return try TestServer(engine, build: try #require(LinkctlTests.daemonBuild), sandbox: sandbox)
  }

  private let words = ["-o", "out", "-importcfg", "cfg", "-s=false", "main.a"]

  private func socket(_ sandbox: Sandbox) -> [String: String] { ["LINKD_SOCKET": "\(sandbox.path)/s"] }

  @Test func capturesAndGoesOn() throws {
    let sandbox = try Sandbox()
    let linker = try setUp(sandbox)
    let environment = ["LINKD": "0", "TOOLEXEC_IMPORTPATH": "some/thing", "GOOS": "linux"]
    let run = try LinkctlRun(["capture", "B", linker] + words, in: sandbox, environment)
    #expect(run.code == 0 && run.stdout == "told\n" && run.stderr.isEmpty)
    #expect(FileManager.default.contents(atPath: "\(sandbox.path)/out") == Data("linked the program".utf8))
    let folders = LinkBundle.find(in: "\(sandbox.path)/B")
    let bundle = try LinkBundle(folder: try #require(folders.first))
    #expect(folders.count == 1 && bundle.name.hasPrefix("some_thing-"))
    #expect(bundle.tool == linker && bundle.environment["GOOS"] == "linux")
    #expect(bundle.environment["PATH"] == nil)
    // The same with a response file, `--`, and the linker by its own name: the same bundle.
    _ = try sandbox.write("args", "-o out -importcfg 'cfg' -s=false\nmain.a")
    let again = try LinkctlRun(
      ["capture", "--only", "\(sandbox.path)/B", "--", "link", "@args"], in: sandbox,
      environment.merging(["LINKD_REAL_LINK": linker]) { $1 })
    #expect(again.code == 1 && again.stdout.isEmpty, "captured and not made")
    #expect(LinkBundle.find(in: "\(sandbox.path)/B") == folders)
    // The store's names are the contents' hashes, as others compute them.
    let sum = try LinkctlRun(
      ["-c", "cd B/objects && sha256sum */*.a | sed 's, .*/, ,; s,\\.a$,,' | awk '$1 != $2'"], in: sandbox,
      program: "/bin/sh")
    #expect(sum.code == 0 && sum.stdout.isEmpty)
  }

  @Test func capturesNothingElse() throws {
    let sandbox = try Sandbox()
    let linker = try setUp(sandbox)
    let compiler = try sandbox.write("compile", "#!/bin/sh\necho \"c $*\"; exit 4\n", permissions: 0o755)
    let other = try LinkctlRun(["capture", "B", compiler, "-o", "x"], in: sandbox)
    #expect(other.code == 4 && other.stdout == "c -o x\n")
    let version = try LinkctlRun(["capture", "B", compiler, "-V=full"], in: sandbox)
    #expect(version.stdout == "c -V=full\n")
    let unfit = try LinkctlRun(["capture", "B", linker, "-o", "out", "main.a"], in: sandbox, ["LINKD": "0"])
    #expect(unfit.code == 0 && unfit.stdout == "told\n" && unfit.stderr.contains("no -importcfg"))
    #expect(try LinkctlRun(["capture", "--only", "B", linker, "@none"], in: sandbox).code == 2)
    #expect(LinkBundle.find(in: "\(sandbox.path)/B").isEmpty)
    for wrong in [
      ["capture"], ["capture", "B"], ["capture", "--what", "B", linker], ["capture", "B", "--"],
    ] {
      #expect(try LinkctlRun(wrong, in: sandbox).code == 2)
    }
  }

  @Test func verifiesBundlesWhereverTheyAre() throws {
    let sandbox = try Sandbox()
    let linker = try setUp(sandbox)
    _ = try LinkctlRun(["capture", "--only", "B", linker] + words, in: sandbox)
    // All that is left is in the bundle.
    for name in ["main.a", "fmt.a", "cfg"] {
      try FileManager.default.removeItem(atPath: "\(sandbox.path)/\(name)")
    }
    try FileManager.default.moveItem(atPath: "\(sandbox.path)/B", toPath: "\(sandbox.path)/C")
    do {
      let server = try server(sandbox, "linked the program")
      let same = try LinkctlRun(["verify", "C"], in: sandbox, socket(sandbox))
      #expect(same.code == 0 && same.stdout.contains(": identical: ") && same.stderr.isEmpty)
      #expect(same.stdout.split(separator: "\n").count == 1)
      let none = try LinkctlRun(["verify", "--sample", "0%", "C"], in: sandbox, socket(sandbox))
      #expect(none.code == 0 && none.stdout.hasPrefix("0 identical"))
      server.server.stop(why: "test")
      server.server.waitUntilStopped()
    }
    do {
      let server = try server(sandbox, "linked the Program")
      let other = try LinkctlRun(["verify", "--keep", "K", "C", "C"], in: sandbox, socket(sandbox))
      #expect(other.code == 1 && other.stdout.contains(": differs: the bytes differ"))
      #expect(other.stdout.hasSuffix("0 identical, 2 differing, 0 fell back, 0 not compared\n"))
      let kept = try FileManager.default.subpathsOfDirectory(atPath: "\(sandbox.path)/K")
      #expect(kept.contains { $0.hasSuffix("/expected") } && kept.contains { $0.hasSuffix("/actual") })
      server.server.stop(why: "test")
      server.server.waitUntilStopped()
    }
    let fallback = try TestServer(
      ScriptedEngine { _, _ in .fallback(reason: "-race") }, build: try #require(LinkctlTests.daemonBuild),
      sandbox: sandbox)
    let fell = try LinkctlRun(["verify", "C"], in: sandbox, socket(sandbox))
    #expect(fell.code == 3 && fell.stdout.hasSuffix(": fell back: -race\n"))
    try FileManager.default.removeItem(atPath: linker)
    let lost = try LinkctlRun(
      ["verify", "C"], in: sandbox, socket(sandbox).merging(["PATH": "/nowhere"]) { $1 })
    #expect(lost.code == 2 && lost.stdout.contains("not compared: cannot find Go's own linker"))
    withExtendedLifetime(fallback) {}
  }

  @Test func verifiesToolCalls() throws {
    let sandbox = try Sandbox()
    let linker = try setUp(sandbox)
    let call = ["verify", "--", linker] + words
    do {
      let server = try server(sandbox, "linked the program")
      let same = try LinkctlRun(call, in: sandbox, socket(sandbox))
      #expect(same.code == 0 && same.stdout == "told\n" && same.stderr.contains("identical"))
      #expect(FileManager.default.contents(atPath: "\(sandbox.path)/out") == Data("linked the program".utf8))
      let quiet = try LinkctlRun(
        call, in: sandbox, socket(sandbox).merging(["TOOLEXEC_IMPORTPATH": "x"]) { $1 })
      #expect(
        quiet.code == 0 && quiet.stdout == "told\n" && quiet.stderr.isEmpty,
        "the go command keeps what is said")
      let names = try FileManager.default.contentsOfDirectory(atPath: sandbox.path)
      #expect(!names.contains { $0.hasPrefix(".linkd-verify") })
      server.server.stop(why: "test")
      server.server.waitUntilStopped()
    }
    do {
      let server = try server(sandbox, "linked another program")
      let other = try LinkctlRun(
        call, in: sandbox, socket(sandbox).merging(["TOOLEXEC_IMPORTPATH": "x"]) { $1 })
      #expect(other.code == 1 && other.stdout == "told\n" && other.stderr.contains("differs"))
      #expect(
        FileManager.default.contents(atPath: "\(sandbox.path)/out") == Data("linked the program".utf8),
        "Go's linker's output is the one that stays")
      server.server.stop(why: "test")
      server.server.waitUntilStopped()
    }
    let failing = try server(sandbox, "", code: 2)
    let broken = ["verify", "--", linker, "-o", "out", "-importcfg", "cfg", "broken"]
    let alike = try LinkctlRun(broken, in: sandbox, socket(sandbox))
    #expect(alike.code == 0 && alike.stderr.contains("identical: both fail with exit code 2"))
    let build = try LinkctlRun(
      broken, in: sandbox, socket(sandbox).merging(["TOOLEXEC_IMPORTPATH": "x"]) { $1 })
    #expect(build.code == 2 && build.stderr == "no broken\n")
    let version = try LinkctlRun(["verify", "--", linker, "-V=full"], in: sandbox, socket(sandbox))
    #expect(!version.stderr.contains("verify"))
    withExtendedLifetime(failing) {}
  }

  @Test func wrongCalls() throws {
    let sandbox = try Sandbox()
    for wrong in [
      ["verify"], ["verify", "--sample"], ["verify", "--sample", "many", "B"], ["verify", "--keep"],
      ["verify", "nosuch"], ["verify", "--"], ["verify", "B", "--", "link"], ["verify", "--what"],
    ] {
      let run = try LinkctlRun(wrong, in: sandbox)
      #expect(run.code == 2 && run.stderr.hasPrefix("linkctl verify: "), "\(wrong)")
    }
  }

  @Test func theEnvironmentAsksForVerification() throws {
    let sandbox = try Sandbox()
    let linker = try setUp(sandbox)
    let seen = Mutex<[VerificationShare?]>([])
    let engine = ScriptedEngine { request, _ in
      seen.withLock { $0.append(request.verify) }
      return .done()
    }
    let server = try TestServer(engine, build: try #require(LinkctlTests.daemonBuild), sandbox: sandbox)
    for value in ["", "always", "2.5%", "never"] {
      let run = try LinkctlRun(
        ["toolexec", linker] + words, in: sandbox, socket(sandbox).merging(["LINKD_VERIFY": value]) { $1 })
      #expect(run.code == 0)
    }
    #expect(seen.withLock { $0.map(\.?.percent) } == [nil, 100, 2.5, nil])
    // A slip of the pen must not mean unverified links.
    let slip = try LinkctlRun(
      ["toolexec", linker] + words, in: sandbox, socket(sandbox).merging(["LINKD_VERIFY": "allways"]) { $1 })
    #expect(slip.stdout == "told\n" && seen.withLock { $0.count } == 4)
    let log = try String(contentsOfFile: "\(sandbox.path)/state/linkd/fallbacks.log", encoding: .utf8)
    #expect(log.contains("LINKD_VERIFY=allways is neither always, never nor a percentage"))
    withExtendedLifetime(server) {}
  }

  @Test func everyCommandHasAPage() throws {
    let sandbox = try Sandbox()
    let overview = try LinkctlRun(["help"], in: sandbox).stdout
    var commands = 0
    for line in overview.split(separator: "\n").drop(while: { !$0.hasPrefix("  ") }) {
      guard line.hasPrefix("  "), let name = line.split(separator: " ").first else { break }
      let page = try LinkctlRun(["help", String(name)], in: sandbox)
      #expect(page.code == 0 && page.stdout.hasPrefix("NAME\n  linkctl \(name) - "), "\(name)")
      #expect(page.stdout.contains("\nDESCRIPTION\n  "))
      commands += 1
    }
    #expect(commands >= 15)
    #expect(try LinkctlRun(["verify", "--help"], in: sandbox).stdout.contains("EXIT CODE"))
    #expect(try LinkctlRun(["help", "nosuch"], in: sandbox).code == 2)
  }
}
