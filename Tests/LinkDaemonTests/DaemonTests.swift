import Foundation
import LinkDaemon
import Protocol
import Testing

/// The real daemon, started by the real client.
@Suite struct DaemonTests {
  private struct Result {
    var code: Int32
    var stdout: String
    var stderr: String
  }

  /// A sandbox whose daemon is stopped at the end.
  private final class Home {
    let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    deinit { _ = try? linkctl(["stop"]) }

    func linkctl(_ arguments: [String], _ more: [String: String] = [:], input: String? = nil) throws -> Result
    {
      let (process, output, errors) = try start(arguments, more, input: input)
      let text = String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
      let complaint = String(decoding: errors.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      return Result(code: process.terminationStatus, stdout: text, stderr: complaint)
    }

    func start(
      _ arguments: [String], _ more: [String: String] = [:], input: String? = nil
    ) throws -> (Process, FileHandle, FileHandle) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "\(LinkctlTests.products)/linkctl")
      process.arguments = arguments
      process.currentDirectoryURL = URL(fileURLWithPath: sandbox.path)
      process.environment = sandbox.environment.merging(["PATH": "/usr/bin:/bin"]) { $1 }.merging(more) { $1 }
      // Pipes, which a daemon that kept one open would keep from ending.
      let output = Pipe()
      let errors = Pipe()
      process.standardOutput = output
      process.standardError = errors
      if let input {
        let pipe = Pipe()
        process.standardInput = pipe
        try process.run()
        pipe.fileHandleForWriting.write(Data(input.utf8))
        try pipe.fileHandleForWriting.close()
      } else {
        process.standardInput = FileHandle.nullDevice
        try process.run()
      }
      return (process, output.fileHandleForReading, errors.fileHandleForReading)
    }

    func status() throws -> JSONValue {
      try JSONValue(parsing: Array(try linkctl(["status", "--json"]).stdout.utf8))
    }

    func pid() throws -> Int32 { Int32(try #require(try status()["pid"]?.integer)) }
  }

  @Test func startsAndStops() throws {
    let home = try Home()
    #expect(try home.linkctl(["status"]).code == 1)
    #expect(try home.status()["running"] == false)
    #expect(try home.linkctl(["sockname", "--no-spawn"]).stdout.hasPrefix("\(home.sandbox.path)/linkd/"))
    #expect(try home.linkctl(["version"]).stdout.contains(Release.version))
    #expect(try home.linkctl(["help"]).stdout.contains("toolexec"))
    #expect(try home.linkctl(["stop"]).code == 0)
    let questions = try FileManager.default.contentsOfDirectory(atPath: home.sandbox.path)
    #expect(questions.isEmpty, "questions start nothing and write nothing")

    #expect(try home.linkctl(["start"]).code == 0)
    let pid = try home.pid()
    #expect(try home.linkctl(["start"]).code == 0)
    #expect(try home.pid() == pid)
    let text = try home.linkctl(["status"])
    #expect(text.code == 0)
    #expect(text.stdout.contains("pid \(pid)"))
    #expect(try home.linkctl(["logs"]).stdout.contains("started"))
    #expect(try home.linkctl(["invalidate"]).code == 0)

    #expect(try home.linkctl(["restart"]).code == 0)
    let second = try home.pid()
    #expect(second != pid)
    #expect(try home.linkctl(["stop"]).code == 0)
    #expect(try home.linkctl(["status"]).code == 1)
    #expect(eventually { kill(second, 0) != 0 })
  }

  @Test func wrongCallsAreRefused() throws {
    let home = try Home()
    for words in [
      [], ["nonsense"], ["start", "x"], ["status", "--yaml"], ["logs", "-n"], ["logs", "-n", "x"],
    ] {
      let result = try home.linkctl(words)
      #expect(result.code == 2)
      #expect(result.stdout == "")
      #expect(result.stderr.contains("linkctl"))
    }
  }

  @Test func manyFirstLinksStartOneDaemon() throws {
    let home = try Home()
    let linker = try home.sandbox.write("link", "#!/bin/sh\necho real\n", permissions: 0o755)
    let all = try (0..<12).map { try home.start(["toolexec", linker, "-o", "out\($0)"]) }
    for (process, output, errors) in all {
      #expect(String(decoding: output.readDataToEndOfFile(), as: UTF8.self) == "real\n")
      #expect(errors.readDataToEndOfFile().isEmpty)
      process.waitUntilExit()
    }
    let status = try home.status()
    #expect(status["links"]?["fellBack"] == 12, "all of them reached the one daemon")
    let log = try home.linkctl(["logs"]).stdout
    #expect(log.split(separator: "\n").count { $0.contains("started") } == 1)
  }

  @Test func aKilledDaemonIsReplaced() throws {
    let home = try Home()
    let linker = try home.sandbox.write("link", "#!/bin/sh\necho real\n", permissions: 0o755)
    #expect(try home.linkctl(["start"]).code == 0)
    let pid = try home.pid()
    kill(pid, SIGKILL)
    #expect(eventually { kill(pid, 0) != 0 })
    let socket = try home.linkctl(["sockname", "--no-spawn"]).stdout.trimmingCharacters(in: .newlines)
    #expect(FileManager.default.fileExists(atPath: socket), "the dead leave their socket")
    #expect(try home.linkctl(["status"]).code == 1)
    #expect(try home.linkctl(["toolexec", linker, "-o", "a"]).stdout == "real\n")
    #expect(try home.pid() != pid)
    #expect(try home.status()["links"]?["fellBack"] == 1)
  }

  @Test func aDaemonOfAnotherBuildIsReplaced() throws {
    let home = try Home()
    let linker = try home.sandbox.write("link", "#!/bin/sh\necho real\n", permissions: 0o755)
    let socket = "\(home.sandbox.path)/s"
    let environment = ["LINKD_SOCKET": socket]
    do {
      let old = try TestServer(build: "older", sandbox: home.sandbox)
      #expect(old.socket == socket)
      #expect(try home.linkctl(["toolexec", linker, "-o", "a"], environment).stdout == "real\n")
      old.server.waitUntilStopped()
    }
    let report = try home.linkctl(["status", "--json"], environment).stdout
    let status = try JSONValue(parsing: Array(report.utf8))
    #expect(status["build"]?.string == LinkctlTests.daemonBuild)
    #expect(status["links"]?["fellBack"] == 1)
    #expect(try home.linkctl(["stop"], environment).code == 0)
  }

  @Test func aStoppedProcessIsGivenUp() throws {
    let home = try Home()
    let linker = try home.sandbox.write("link", "#!/bin/sh\necho real\n", permissions: 0o755)
    #expect(try home.linkctl(["start"]).code == 0)
    let pid = try home.pid()
    kill(pid, SIGSTOP)
    defer { kill(pid, SIGCONT) }
    #expect(try home.linkctl(["toolexec", linker, "-o", "a"], ["LINKD_TIMEOUT": "1"]).stdout == "real\n")
  }

  @Test func signalsEndItGently() throws {
    let home = try Home()
    for signal in [SIGTERM, SIGINT] {
      #expect(try home.linkctl(["start"]).code == 0)
      let pid = try home.pid()
      kill(pid, SIGHUP)
      #expect(try home.pid() == pid, "a closed terminal does not end it")
      kill(pid, signal)
      #expect(eventually { kill(pid, 0) != 0 })
      let socket = try home.linkctl(["sockname", "--no-spawn"]).stdout.trimmingCharacters(in: .newlines)
      #expect(!FileManager.default.fileExists(atPath: socket))
      #expect(try home.linkctl(["logs", "-n", "1"]).stdout.contains("stopped"))
    }
  }

  @Test func settingsComeFromTheEnvironment() throws {
    let home = try Home()
    let environment = ["LINKD_IDLE_TIMEOUT": "1", "LINKD_MAX_LINKS": "3", "LINKD_CACHE_SIZE": "0"]
    #expect(try home.linkctl(["start"], environment).code == 0)
    let status = try home.status()
    #expect(status["idleTimeoutSeconds"] == 1)
    #expect(status["links"]?["limit"] == 3)
    #expect(status["cache"]?["path"] == nil)
    let pid = Int32(try #require(status["pid"]?.integer))
    #expect(eventually { kill(pid, 0) != 0 }, "idle, it ends by itself")
  }

  @Test func bridgesStandardInputAndOutput() throws {
    let home = try Home()
    let requests =
      InitializeRequest(client: "editor").message(id: .integer(1)).frame
      + PingRequest().message(id: .string("p")).frame + StatusRequest().message(id: .integer(3)).frame
    let result = try home.linkctl(["rpc"], input: String(decoding: requests, as: UTF8.self))
    #expect(result.code == 0)
    var reader = FrameReader(maximumBodySize: 1 << 20)
    reader.push(Array(result.stdout.utf8))
    var answered: Set<RequestID> = []
    while let body = try reader.next() {
      guard case .response(let id, _) = try RPCMessage(body: body) else {
        Issue.record("not an answer")
        return
      }
      answered.insert(id)
    }
    #expect(answered == [.integer(1), .string("p"), .integer(3)])
  }
}
