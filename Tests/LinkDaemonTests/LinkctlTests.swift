import Foundation
import LinkDaemon
import Protocol
import Synchronization
import Testing

/// The client program itself, as a build runs it: against servers in this process, and against the real daemon.
@Suite struct LinkctlTests {
  // MARK: Running it

  struct Result: Equatable {
    var code: Int32
    var stdout: String
    var stderr: String
  }

  /// The folder with the products of this build.
  static let products: String = {
    let path = Syscalls.executablePath() ?? ""
    return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
  }()

  static let daemonBuild = try? BuildIdentity(executable: "\(products)/linkd").name

  private func start(
    _ arguments: [String], _ sandbox: Sandbox, _ more: [String: String] = [:], input: FileHandle? = nil,
    program: String = "linkctl"
  ) throws -> (process: Process, collect: () -> Result) {
    let process = Process()
    process.executableURL = URL(
      fileURLWithPath: program.hasPrefix("/") ? program : "\(Self.products)/\(program)")
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: sandbox.path)
    process.environment = sandbox.environment.merging(["PATH": "/usr/bin:/bin"]) { $1 }.merging(more) { $1 }
    process.standardInput = input ?? FileHandle.nullDevice
    let name = UUID().uuidString
    let files = ["out", "err"].map { "\(sandbox.path)/\(name).\($0)" }
    let handles = try files.map { path in
      _ = FileManager.default.createFile(atPath: path, contents: nil)
      return try #require(FileHandle(forWritingAtPath: path))
    }
    process.standardOutput = handles[0]
    process.standardError = handles[1]
    try process.run()
    return (
      process,
      {
        process.waitUntilExit()
        let texts = files.map {
          String(decoding: FileManager.default.contents(atPath: $0) ?? Data(), as: UTF8.self)
        }
        return Result(code: process.terminationStatus, stdout: texts[0], stderr: texts[1])
      }
    )
  }

  private func run(
    _ arguments: [String], _ sandbox: Sandbox, _ more: [String: String] = [:], program: String = "linkctl"
  ) throws -> Result {
    try start(arguments, sandbox, more, program: program).collect()
  }

  /// A stand-in for Go's linker that tells how it was called.
  private func realLinker(_ sandbox: Sandbox, name: String = "link") throws -> String {
    try sandbox.write(
      name, "#!/bin/sh\necho \"real $*\"\necho \"complaint\" >&2\nexit 7\n", permissions: 0o755)
  }

  private func fellBack(_ arguments: String) -> Result {
    Result(code: 7, stdout: "real \(arguments)\n", stderr: "complaint\n")
  }

  /// A server in this process that the client takes for its own daemon.
  private func server(_ sandbox: Sandbox, _ script: @escaping ScriptedEngine.Script) throws -> TestServer {
    try TestServer(ScriptedEngine(script), build: try #require(Self.daemonBuild), sandbox: sandbox)
  }

  private func socket(_ sandbox: Sandbox) -> [String: String] { ["LINKD_SOCKET": "\(sandbox.path)/s"] }

  private func lastClientFallback(_ sandbox: Sandbox) throws -> String? {
    let text = try String(contentsOfFile: "\(sandbox.path)/state/linkd/fallbacks.log", encoding: .utf8)
    let line = try #require(text.split(separator: "\n").last)
    return try JSONValue(parsing: Array(line.utf8))["reason"]?.string
  }

  // MARK: Pass-through

  @Test func otherToolsAreExecutedUntouched() throws {
    let sandbox = try Sandbox()
    let compiler = try sandbox.write("compile", "#!/bin/sh\necho \"$0|$*\"; exit 5\n", permissions: 0o755)
    #expect(
      try run(["toolexec", compiler, "-o", "a b", ""], sandbox)
        == Result(code: 5, stdout: "\(compiler)|-o a b \n", stderr: ""))
    // Found in PATH like any command, and told the name it was called by.
    #expect(
      try run(["toolexec", "compile", "x"], sandbox, ["PATH": "\(sandbox.path):/bin"]).stdout
        == "\(compiler)|x\n")
    #expect(!FileManager.default.fileExists(atPath: "\(sandbox.path)/linkd"), "no daemon was started")
    #expect(!FileManager.default.fileExists(atPath: "\(sandbox.path)/state"))
  }

  @Test(arguments: [["-V=full"], ["-V"], ["--V=full"], ["--V"], ["-o", "x", "-V"], []])
  func versionQuestionsAreNoLinks(arguments: [String]) throws {
    let sandbox = try Sandbox()
    let linker = try realLinker(sandbox)
    let expected = fellBack(arguments.joined(separator: " "))
    #expect(try run(["toolexec", linker] + arguments, sandbox) == expected)
    #expect(try run(["link"] + arguments, sandbox, ["LINKD_REAL_LINK": linker]) == expected)
    #expect(!FileManager.default.fileExists(atPath: "\(sandbox.path)/linkd"))
  }

  @Test func theOneWordName() throws {
    let sandbox = try Sandbox()
    let compiler = try sandbox.write("compile", "#!/bin/sh\necho \"$*\"\n", permissions: 0o755)
    let alias = "\(sandbox.path)/linkctl-toolexec"
    try FileManager.default.createSymbolicLink(atPath: alias, withDestinationPath: "\(Self.products)/linkctl")
    #expect(
      try run([compiler, "-x"], sandbox, program: alias) == Result(code: 0, stdout: "-x\n", stderr: ""))
  }

  @Test func toolsThatAreMissing() throws {
    let sandbox = try Sandbox()
    let missing = try run(["toolexec", "\(sandbox.path)/none"], sandbox)
    #expect(missing.code == 127)
    #expect(missing.stderr.contains("No such file"))
    #expect(try run(["toolexec"], sandbox).code == 2)
  }

  @Test func argumentsOfAnyBytesPass() throws {
    let sandbox = try Sandbox()
    let linker = try realLinker(sandbox)
    // A shell makes the byte that no Swift string holds.
    let script = "exec \"$0\" toolexec \"$1\" -o \"$(printf 'a\\377b')\" | od -An -tx1"
    let result = try run(["-c", script, "\(Self.products)/linkctl", linker], sandbox, program: "/bin/sh")
    #expect(result.stdout.contains("61 ff 62"))
    #expect(try lastClientFallback(sandbox) == "an argument is not UTF-8")
  }

  // MARK: Links

  @Test func relaysTheAnswerByteForByte() throws {
    let sandbox = try Sandbox()
    let linker = try realLinker(sandbox)
    let seen = Mutex<LinkRequest?>(nil)
    let server = try server(sandbox) { request, _ in
      seen.withLock { $0 = request }
      return .done(exitCode: 2, stdout: Array("out\n".utf8), stderr: Array("err".utf8))
    }
    let environment = socket(sandbox).merging(["GOROOT": "/go", "GOOS": "plan9", "SECRET": "x"]) { $1 }
    let result = try run(["toolexec", linker, "-o", "a", "é"], sandbox, environment)
    #expect(result == Result(code: 2, stdout: "out\n", stderr: "err"))
    let request = try #require(seen.withLock { $0 })
    #expect(request.arguments == ["-o", "a", "é"])
    #expect(request.workingDirectory == sandbox.path)
    #expect(request.environment["GOROOT"] == "/go")
    #expect(request.environment["GOOS"] == "plan9")
    #expect(request.environment["SECRET"] == nil)
    #expect(request.realLinker == linker)
    #expect(request.programName == linker)
    #expect(request.umask == 0o022 || request.umask == 0o002 || request.umask == 0o077)
    #expect(!request.noFallback)
    #expect(try server.status().links.failed == 1)

    let direct = try run(
      ["link", "--no-fallback", "-o", "b"], sandbox, environment.merging(["LINKD_REAL_LINK": linker]) { $1 })
    #expect(direct.code == 2)
    let second = try #require(seen.withLock { $0 })
    #expect(second.arguments == ["-o", "b"])
    #expect(second.noFallback)
  }

  @Test func bothStreamsInOnePipeKeepTheirOrder() throws {
    let sandbox = try Sandbox()
    let server = try server(sandbox) { _, _ in
      // A turn may be empty, or claim more than there is.
      .done(stdout: Array("ACF".utf8), stderr: Array("BDE".utf8), turns: [0, 1, 1, 0, 1, 99])
    }
    let script = "\"$0\" toolexec link -o a 2>&1"
    let result = try run(
      ["-c", script, "\(Self.products)/linkctl"], sandbox, socket(sandbox), program: "/bin/sh")
    #expect(result.stdout == "BACDEF")
    withExtendedLifetime(server) {}
  }

  @Test func outputThatIsNoTextSurvives() throws {
    let sandbox = try Sandbox()
    let bytes = (0..<256).map { UInt8($0) }
    let server = try server(sandbox) { _, _ in .done(stdout: bytes, stderr: bytes.reversed()) }
    let script = "\"$0\" toolexec link -o a 2>&1 | od -An -v -tu1 -w512"
    let result = try run(
      ["-c", script, "\(Self.products)/linkctl"], sandbox, socket(sandbox), program: "/bin/sh")
    let numbers = result.stdout.split(whereSeparator: \.isWhitespace).compactMap { UInt8($0) }
    #expect(numbers == bytes + bytes.reversed())
    withExtendedLifetime(server) {}
  }

  @Test func fallsBackSilently() throws {
    let sandbox = try Sandbox()
    let linker = try realLinker(sandbox)
    let server = try server(sandbox) { _, _ in .fallback(reason: "-linkmode=external") }
    #expect(try run(["toolexec", linker, "-o", "a"], sandbox, socket(sandbox)) == fellBack("-o a"))
    let direct = socket(sandbox).merging(["LINKD_REAL_LINK": linker]) { $1 }
    #expect(try run(["link", "-o", "a"], sandbox, direct) == fellBack("-o a"))
    #expect(try server.status().lastFallback?.reason == "-linkmode=external")

    let strict = direct.merging(["LINKD_FALLBACK": "0"]) { $1 }
    let refused = Result(
      code: 3, stdout: "", stderr: "linkctl: this link needs Go's own linker: -linkmode=external\n")
    #expect(try run(["toolexec", linker, "-o", "a"], sandbox, strict) == refused)
    #expect(try run(["link", "-o", "a"], sandbox, strict) == refused)
    #expect(try run(["link", "--no-fallback", "-o", "a"], sandbox, direct) == refused)
  }

  @Test func theSwitchBypassesEverything() throws {
    let sandbox = try Sandbox()
    let linker = try realLinker(sandbox)
    let server = try server(sandbox) { _, _ in .done() }
    let off = socket(sandbox).merging(["LINKD": "0", "LINKD_REAL_LINK": linker]) { $1 }
    #expect(try run(["toolexec", linker, "-o", "a"], sandbox, off) == fellBack("-o a"))
    #expect(try run(["link", "-o", "a"], sandbox, off) == fellBack("-o a"))
    #expect(try server.status().recentLinks.isEmpty)
  }

  @Test func findsTheRealLinkerInGOROOT() throws {
    let sandbox = try Sandbox()
    #if arch(arm64)
      let target = "linux_arm64"
    #else
      let target = "linux_amd64"
    #endif
    try FileManager.default.createDirectory(
      atPath: "\(sandbox.path)/pkg/tool/\(target)", withIntermediateDirectories: true)
    _ = try realLinker(sandbox, name: "pkg/tool/\(target)/link")
    #expect(
      try run(["link", "-o", "a"], sandbox, ["LINKD": "0", "GOROOT": sandbox.path, "GOOS": "plan9"])
        == fellBack("-o a"))
    // The folder that go names.
    _ = try sandbox.write("go", "#!/bin/sh\necho \(sandbox.path)/pkg/tool/\(target)\n", permissions: 0o755)
    #expect(
      try run(["link", "-o", "a"], sandbox, ["LINKD": "0", "PATH": "\(sandbox.path):/bin"])
        == fellBack("-o a"))
    let none = try run(["link", "-o", "a"], sandbox, ["LINKD": "0", "PATH": "/nowhere"])
    #expect(none.code == 127)
    #expect(none.stderr.contains("cannot find Go's own linker"))
  }

  @Test func standsInTheLinkersPlace() throws {
    let sandbox = try Sandbox()
    let real = try sandbox.write("real", "#!/bin/sh\necho \"$*\"\nexit 7\n", permissions: 0o755)
    // As in a Go tree whose linker was replaced.
    #if arch(arm64)
      let folder = "\(sandbox.path)/pkg/tool/linux_arm64"
    #else
      let folder = "\(sandbox.path)/pkg/tool/linux_amd64"
    #endif
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let place = "\(folder)/link"
    try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: "\(Self.products)/linkctl")
    let seen = Mutex<LinkRequest?>(nil)
    let server = try server(sandbox) { request, _ in
      seen.withLock { $0 = request }
      return .fallback(reason: "test")
    }
    let environment = socket(sandbox).merging(["LINKD_REAL_LINK": real]) { $1 }
    #expect(
      try run(["-o", "a"], sandbox, environment, program: place)
        == Result(code: 7, stdout: "-o a\n", stderr: ""))
    let request = try #require(seen.withLock { $0 })
    #expect(request.realLinker == real)
    #expect(request.programName == place)
    #expect(try run(["-V=full"], sandbox, environment, program: place).stdout == "-V=full\n")
    // It does not take itself for the real one.
    let lost = try run(
      ["-o", "a"], sandbox, ["LINKD": "0", "GOROOT": sandbox.path, "PATH": "/x"], program: place)
    #expect(lost.code == 127)
    #expect(lost.stderr.contains("cannot find Go's own linker"))
    withExtendedLifetime(server) {}
  }

  // MARK: Daemons in trouble

  /// Something at the socket that is no proper daemon: it gets each connection and does with it what it likes.
  private func impostor(
    _ sandbox: Sandbox, _ act: @escaping @Sendable (FileDescriptor) -> Void
  ) throws -> FileDescriptor {
    // The client may be gone when it is answered, which must not end the tests.
    signal(SIGPIPE, SIG_IGN)
    let listener = try ServerSyscalls.listen(at: "\(sandbox.path)/s", backlog: 8)
    DispatchQueue.global().async {
      for _ in 0..<8 {
        guard (try? Syscalls.waitFor(listener.raw, write: false, milliseconds: 10_000)) == true,
          let connection = try? ServerSyscalls.accept(listener.raw)
        else { return }
        act(connection)
      }
    }
    return listener
  }

  private static func answerHello(_ connection: FileDescriptor) {
    let reply = InitializeRequest.Reply(
      protocolVersion: 1, version: "x", build: "x", pid: 1, heartbeatMilliseconds: 1000)
    try? Syscalls.writeAll(connection.raw, RPCMessage.response(id: .integer(1), result: reply.json).frame)
  }

  @Test func aDaemonThatDiesDuringTheLink() throws {
    let sandbox = try Sandbox()
    let linker = try realLinker(sandbox)
    let listener = try impostor(sandbox) { connection in
      Self.answerHello(connection)
      Syscalls.sleep(milliseconds: 30)
    }
    #expect(try run(["toolexec", linker, "-o", "a"], sandbox, socket(sandbox)) == fellBack("-o a"))
    #expect(try lastClientFallback(sandbox) == "the daemon died during the link")
    withExtendedLifetime(listener) {}
  }

  @Test func aDaemonThatFallsSilent() throws {
    let sandbox = try Sandbox()
    let linker = try realLinker(sandbox)
    let kept = Mutex<[FileDescriptor]>([])
    let listener = try impostor(sandbox) { connection in
      Self.answerHello(connection)
      kept.withLock { $0.append(connection) }
    }
    let environment = socket(sandbox).merging(["LINKD_TIMEOUT": "1"]) { $1 }
    #expect(try run(["toolexec", linker, "-o", "a"], sandbox, environment) == fellBack("-o a"))
    #expect(try lastClientFallback(sandbox) == "the daemon was silent for 1000 ms")
    withExtendedLifetime(listener) {}
  }

  @Test(arguments: [
    "HTTP/1.1 400 Bad Request\r\n\r\n", "Content-Length: 3\r\n\r\n{]}", "Content-Length: 99999999999\r\n\r\n",
    "Content-Length: 42\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":1}}",
  ])
  func aDaemonThatTalksNonsense(text: String) throws {
    let sandbox = try Sandbox()
    let linker = try realLinker(sandbox)
    let kept = Mutex<[FileDescriptor]>([])
    let listener = try impostor(sandbox) { connection in
      try? Syscalls.writeAll(connection.raw, Array(text.utf8))
      kept.withLock { $0.append(connection) }
    }
    let environment = socket(sandbox).merging(["LINKD_TIMEOUT": "2"]) { $1 }
    #expect(try run(["toolexec", linker, "-o", "a"], sandbox, environment) == fellBack("-o a"))
    withExtendedLifetime(listener) {}
  }

  @Test func aLongLinkIsNotSilence() throws {
    let sandbox = try Sandbox()
    let linker = try realLinker(sandbox)
    let engine = ScriptedEngine { _, _ in
      Syscalls.sleep(milliseconds: 1800)
      return .done(stdout: Array("late".utf8))
    }
    let server = try TestServer(engine, build: try #require(Self.daemonBuild), sandbox: sandbox) {
      $0.heartbeatMilliseconds = 200
    }
    let environment = socket(sandbox).merging(["LINKD_TIMEOUT": "1"]) { $1 }
    #expect(try run(["toolexec", linker, "-o", "a"], sandbox, environment).stdout == "late")
    withExtendedLifetime(server) {}
  }

  @Test func aKilledClientCancelsItsLink() throws {
    let sandbox = try Sandbox()
    let linker = try realLinker(sandbox)
    let runs = Event()
    let noticed = Event()
    let server = try server(sandbox) { _, control in
      runs.signal()
      while !control.isCancelled { Syscalls.sleep(milliseconds: 1) }
      noticed.signal()
      return .fallback(reason: "cancelled")
    }
    let (process, collect) = try start(["toolexec", linker, "-o", "a"], sandbox, socket(sandbox))
    #expect(runs.wait())
    // Gentler signals may be blocked: a process inherits that from the thread that starts it.
    kill(process.processIdentifier, SIGKILL)
    #expect(noticed.wait())
    #expect(collect().stdout == "", "an interrupted client runs nothing more")
    #expect(eventually { (try? server.status().links.cancelled) == 1 })
  }

  @Test func unsafeSocketDirectoriesAreRefused() throws {
    let sandbox = try Sandbox()
    let linker = try realLinker(sandbox)
    try FileManager.default.createDirectory(
      atPath: "\(sandbox.path)/linkd", withIntermediateDirectories: false,
      attributes: [.posixPermissions: 0o755])
    #expect(try run(["toolexec", linker, "-o", "a"], sandbox) == fellBack("-o a"))
    #expect(try lastClientFallback(sandbox)?.hasPrefix("unsafe socket directory") == true)
    #expect(try run(["start"], sandbox).code == 1)
  }

  @Test func aDaemonThatCannotStart() throws {
    let sandbox = try Sandbox()
    let linker = try realLinker(sandbox)
    let copy = "\(sandbox.path)/linkctl"
    try FileManager.default.copyItem(atPath: "\(Self.products)/linkctl", toPath: copy)
    #expect(try run(["toolexec", linker, "-o", "a"], sandbox, program: copy) == fellBack("-o a"))
    #expect(try lastClientFallback(sandbox)?.hasPrefix("no linkd beside linkctl") == true)
    _ = try sandbox.write(
      "linkd", "#!/bin/sh\necho started >> \(sandbox.path)/starts\nexit 1\n", permissions: 0o755)
    let environment = ["XDG_RUNTIME_DIR": "\(sandbox.path)/run"]
    try FileManager.default.createDirectory(atPath: "\(sandbox.path)/run", withIntermediateDirectories: false)
    for _ in 0..<3 {
      #expect(
        try run(["toolexec", linker, "-o", "a"], sandbox, environment, program: copy) == fellBack("-o a"))
    }
    let starts = try String(contentsOfFile: "\(sandbox.path)/starts", encoding: .utf8)
    #expect(starts == "started\n", "a failed start is not repeated by every link")
    #expect(try run(["start"], sandbox, environment, program: copy).code == 1)
  }
}
