import Foundation
import LinkDaemon
import Protocol
import Testing

/// The real daemon, started by the real client.
@Suite struct DaemonTests {
  @Test func startsAndStops() throws {
    let home = try DaemonHome()
    #expect(try home.linkctl(["status"]).code == 1)
    #expect(try home.status()["running"] == false)
    #expect(try home.linkctl(["explain"]).code == 1)
    #expect(try home.linkctl(["explain"]).stdout == "linkd does not run\n")
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
    let none = try home.linkctl(["explain"])
    #expect(none.code == 2 && none.stderr == "linkctl explain: the daemon has linked nothing yet\n")
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
    let home = try DaemonHome()
    for words in [
      [], ["nonsense"], ["start", "x"], ["status", "--yaml"], ["logs", "-n"], ["logs", "-n", "x"],
      ["explain", "0"], ["explain", "x"], ["explain", "1", "2"],
    ] {
      let result = try home.linkctl(words)
      #expect(result.code == 2)
      #expect(result.stdout == "")
      #expect(result.stderr.contains("linkctl"))
    }
  }

  @Test func manyFirstLinksStartOneDaemon() throws {
    let home = try DaemonHome()
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
    let home = try DaemonHome()
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
    let home = try DaemonHome()
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
    let home = try DaemonHome()
    let linker = try home.sandbox.write("link", "#!/bin/sh\necho real\n", permissions: 0o755)
    #expect(try home.linkctl(["start"]).code == 0)
    let pid = try home.pid()
    kill(pid, SIGSTOP)
    defer { kill(pid, SIGCONT) }
    #expect(try home.linkctl(["toolexec", linker, "-o", "a"], ["LINKD_TIMEOUT": "1"]).stdout == "real\n")
  }

  @Test func signalsEndItGently() throws {
    let home = try DaemonHome()
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
    let home = try DaemonHome()
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
    let home = try DaemonHome()
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
