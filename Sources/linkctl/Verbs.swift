import ImageDiff
import Protocol

/// The verbs that look after the daemon. A table written by hand: this program's start-up time is part of every
/// build, and an argument parsing library would bring Foundation into it.
enum Verbs {
  struct Verb: Sendable {
    var name: String
    var arguments: String
    var summary: String
    var run: @Sendable ([String]) throws(VerbError) -> Int32
  }

  /// What a verb says when it cannot do its work; the exit code is 1, or 2 for a wrong call.
  struct VerbError: Error {
    var message: String
    var exitCode: Int32 = 1

    static func usage(_ message: String) -> VerbError { VerbError(message: message, exitCode: 2) }
  }

  static let table: [Verb] = [
    Verb(
      name: "link", arguments: "[--no-fallback] ARGS",
      summary: "link as `go tool link ARGS` does, through the daemon",
      run: unreachable),
    Verb(
      name: "toolexec", arguments: "TOOL ARGS", summary: "for go build -toolexec=\"linkctl toolexec\"",
      run: unreachable),
    Verb(name: "start", arguments: "", summary: "start the daemon if it does not run", run: start),
    Verb(name: "stop", arguments: "", summary: "end the daemon when its running links are done", run: stop),
    Verb(name: "restart", arguments: "", summary: "stop, then start", run: restart),
    Verb(name: "status", arguments: "[--json]", summary: "what the daemon does and did", run: StatusVerb.run),
    Verb(
      name: "explain", arguments: "[N] [--json]",
      summary: "what the last link, or the N-th last, cost and why", run: ExplainVerb.run),
    Verb(name: "logs", arguments: "[-n LINES] [--path]", summary: "the end of the daemon's log", run: logs),
    Verb(
      name: "invalidate", arguments: "", summary: "drop everything the daemon keeps, and results on disk",
      run: invalidate),
    Verb(
      name: "sockname", arguments: "[--no-spawn]", summary: "the socket's path; starts the daemon",
      run: sockname),
    Verb(
      name: "diff", arguments: "EXPECTED ACTUAL [--symbols ELF]",
      summary: "explain the first difference of two linked files", run: diff),
    Verb(
      name: "capture", arguments: "[--only] DIR [--] TOOL ARGS",
      summary: "save a link as a bundle that replays anywhere", run: CaptureVerb.run),
    Verb(
      name: "verify", arguments: "[--sample N%] [--keep DIR] BUNDLE...",
      summary: "link with both linkers and explain the first difference; or -- TOOL ARGS", run: VerifyVerb.run
    ),
    Verb(name: "rpc", arguments: "", summary: "JSON-RPC on standard input and output", run: Bridge.run),
    Verb(name: "version", arguments: "", summary: "this program's version and build", run: version),
    Verb(name: "help", arguments: "[COMMAND]", summary: "this text, or a command's page", run: Help.run),
  ]

  static func run() -> Int32 {
    guard let words = Arguments.strings(from: 1) else {
      Output.complain("linkctl: arguments are not UTF-8")
      return 2
    }
    guard let word = words.first else {
      Output.complain(Help.overview)
      return 2
    }
    let name = ["-h", "-help", "--help"].contains(word) ? "help" : word == "--version" ? "version" : word
    guard let verb = table.first(where: { $0.name == name }) else {
      Output.complain("linkctl: unknown command \(word)\n\(Help.overview)")
      return 2
    }
    do {
      if words.count == 2, ["-h", "-help", "--help"].contains(words[1]) { return try Help.run([verb.name]) }
      return try verb.run(Array(words.dropFirst()))
    } catch {
      Output.complain("linkctl \(verb.name): \(error.message)")
      return error.exitCode
    }
  }

  private static func diff(_ words: [String]) throws(VerbError) -> Int32 {
    let result = DiffCommand.run(words)
    if !result.output.isEmpty { Output.say(result.output) }
    if !result.complaint.isEmpty { Output.complain(result.complaint) }
    return result.exitCode
  }

  /// `main.swift` has looked for these before anything else.
  private static func unreachable(_ words: [String]) throws(VerbError) -> Int32 { 2 }

  static func none(_ words: [String]) throws(VerbError) {
    if let word = words.first { throw .usage("unexpected argument \(word)") }
  }

  static func launcher() throws(VerbError) -> DaemonLauncher {
    do {
      return try DaemonLauncher()
    } catch {
      throw VerbError(message: error.description)
    }
  }

  /// A greeted connection to the running daemon, whatever its build; nil when none runs.
  static func greeted(_ daemon: DaemonLauncher) throws(VerbError) -> ClientConnection? {
    do {
      guard var connection = try daemon.connect() else { return nil }
      _ = try connection.call(
        InitializeRequest(client: "linkctl \(Release.version)"), timeoutMilliseconds: 5000)
      return connection
    } catch {
      throw VerbError(message: "\(error)")
    }
  }

  // MARK: Life cycle

  private static func start(_ words: [String]) throws(VerbError) -> Int32 {
    try none(words)
    let daemon = try launcher()
    do {
      _ = try daemon.start()
    } catch {
      throw VerbError(message: error.description)
    }
    return 0
  }

  private static func stop(_ words: [String]) throws(VerbError) -> Int32 {
    try none(words)
    try stopRunning(try launcher())
    return 0
  }

  private static func restart(_ words: [String]) throws(VerbError) -> Int32 {
    try none(words)
    try stopRunning(try launcher())
    return try start([])
  }

  private static func stopRunning(_ daemon: DaemonLauncher) throws(VerbError) {
    guard var connection = try greeted(daemon) else { return }
    // A link in progress is finished first, which may take its time.
    guard daemon.stop(&connection, timeoutMilliseconds: 120_000) else {
      throw VerbError(message: "the daemon does not end; see linkctl logs")
    }
  }

  private static func invalidate(_ words: [String]) throws(VerbError) -> Int32 {
    try none(words)
    guard var connection = try greeted(try launcher()) else { return 0 }
    do {
      _ = try connection.call(InvalidateRequest(), timeoutMilliseconds: 600_000)
    } catch {
      throw VerbError(message: error.description)
    }
    return 0
  }

  // MARK: Questions

  private static func sockname(_ words: [String]) throws(VerbError) -> Int32 {
    let spawns = !words.contains("--no-spawn")
    try none(words.filter { $0 != "--no-spawn" })
    let daemon = try launcher()
    if spawns {
      do {
        _ = try daemon.connectStartingIfNeeded()
      } catch {
        throw VerbError(message: error.description)
      }
    }
    Output.say(daemon.locations.socket)
    return 0
  }

  private static func logs(_ words: [String]) throws(VerbError) -> Int32 {
    var lines = 50
    var pathOnly = false
    var rest = words[...]
    while let word = rest.popFirst() {
      switch word {
      case "--path": pathOnly = true
      case "-n":
        guard let text = rest.popFirst(), let count = Int(text), count >= 0 else {
          throw .usage("-n needs a number")
        }
        lines = count
      default: throw .usage("unexpected argument \(word)")
      }
    }
    let path = try launcher().locations.log
    if pathOnly {
      Output.say(path)
      return 0
    }
    do {
      let tail = try Syscalls.readTail(path, limit: 4 << 20).split(separator: 0x0A).suffix(lines)
      try Syscalls.writeAll(1, tail.flatMap { $0 + [0x0A] })
    } catch {
      throw VerbError(message: "\(error)")
    }
    return 0
  }

  private static func version(_ words: [String]) throws(VerbError) -> Int32 {
    try none(words)
    var line = "linkctl \(Release.version), protocol \(Release.protocolVersion)"
    if let daemon = try? DaemonLauncher() { line += ", linkd build \(daemon.build.name)" }
    Output.say(line)
    return 0
  }
}
