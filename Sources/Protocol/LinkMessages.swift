/// One link: what the client sends, and what it gets back. The daemon writes the output file; no file content ever
/// crosses the socket.

/// `go tool link` as somebody called it. The daemon uses this and nothing of its own surroundings.
package struct LinkRequest: RequestMessage {
  package static let method = "link"

  /// The linker's arguments, without its own name; `@file` is not expanded.
  package var arguments: [String]
  /// Absolute; relative paths among the arguments start here.
  package var workingDirectory: String
  /// The variables of `relevantEnvironment` that are set, and no others.
  package var environment: [String: String]
  /// The client's file creation mask, 0 to 0o777.
  package var umask: Int
  /// Absolute path of the real `link`, which says which Go release is meant; absent when the client knows none.
  package var realLinker: String?
  /// What the real linker would have had as its argv[0], with which it starts its complaints; `realLinker` if absent.
  package var programName: String?
  /// The client turns a fallback into an error; the daemon records it as usual.
  package var noFallback: Bool
  /// Send a `$/progress` at every new phase, not just as a sign of life.
  package var reportPhases: Bool
  /// Whether the daemon makes this link again with Go's linker, after the answer, and compares.
  package var verify: VerificationShare?

  package init(
    arguments: [String], workingDirectory: String, environment: [String: String] = [:], umask: Int = 0o022,
    realLinker: String? = nil, programName: String? = nil, noFallback: Bool = false,
    reportPhases: Bool = false, verify: VerificationShare? = nil
  ) {
    self.arguments = arguments
    self.workingDirectory = workingDirectory
    self.environment = environment
    self.umask = umask
    self.realLinker = realLinker
    self.programName = programName
    self.noFallback = noFallback
    self.reportPhases = reportPhases
    self.verify = verify
  }

  package init(json: JSONValue) throws(JSONShapeError) {
    let fields = try JSONFields(json)
    arguments = try fields.required("argv")
    workingDirectory = try fields.required("cwd")
    guard workingDirectory.utf8.first == UInt8(ascii: "/") else {
      throw JSONShapeError(path: ".cwd", problem: "expected an absolute path")
    }
    environment = try fields.optional("env") ?? [:]
    umask = try fields.optional("umask") ?? 0o022
    guard (0...0o777).contains(umask) else {
      throw JSONShapeError(path: ".umask", problem: "expected 0 to 511")
    }
    realLinker = try fields.optional("realLinker")
    programName = try fields.optional("argv0")
    noFallback = try fields.optional("noFallback") ?? false
    reportPhases = try fields.optional("reportPhases") ?? false
    verify = try fields.optional("verify")
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("argv", arguments)
    object.set("cwd", workingDirectory)
    object.set("env", environment)
    object.set("umask", umask)
    object.set("realLinker", realLinker)
    object.set("argv0", programName)
    object.set("noFallback", noFallback)
    object.set("reportPhases", reportPhases)
    object.set("verify", verify)
    return object.object
  }

  /// Two links that write one file take turns.
  package var ordering: Ordering { .exclusive(outputPath ?? "\(workingDirectory)\n\(arguments)") }

  /// The file named by the last `-o`, made absolute; nil when there is none to be seen (it may be in an `@file`).
  package var outputPath: String? {
    var found: String?
    var index = 0
    while index < arguments.count {
      let argument = arguments[index]
      if argument == "-o" || argument == "--o" {
        index += 1
        if index < arguments.count { found = arguments[index] }
      } else if argument.hasPrefix("-o=") || argument.hasPrefix("--o=") {
        found = String(
          argument[argument.index(after: argument.firstIndex(of: "=") ?? argument.startIndex)...])
      }
      index += 1
    }
    guard let found, !found.isEmpty else { return nil }
    if found.hasPrefix("/") { return found }
    return workingDirectory.hasSuffix("/") ? workingDirectory + found : "\(workingDirectory)/\(found)"
  }

  /// The variables that change what `link` does, in Go 1.27's words: internal/buildcfg (cfg.go, exp.go) reads the
  /// GO ones, os.TempDir reads TMPDIR, os.Getwd reads PWD, the runtime reads GODEBUG, an external link finds `gcc` in
  /// PATH. GO_LDSO is not among them: it is fixed when the toolchain is built.
  package static let relevantEnvironment = [
    "CC", "CGO_ENABLED", "CXX", "GO386", "GOAMD64", "GOARCH", "GOARM", "GOARM64", "GODEBUG", "GOEXPERIMENT",
    "GOFIPS140", "GOMIPS", "GOMIPS64", "GOOS", "GOPPC64", "GORISCV64", "GOROOT", "GOWASM",
    "GO_EXTLINK_ENABLED",
    "PATH", "PWD", "TMPDIR",
  ]
}

/// How a link ended.
package enum LinkReply: JSONConvertible, Equatable {
  case done(exitCode: Int32, stdout: ByteText, stderr: ByteText, report: LinkReport)
  /// The daemon cannot do this one; the client runs the real linker.
  case fallback(reason: String)

  package init(json: JSONValue) throws(JSONShapeError) {
    let fields = try JSONFields(json)
    let status: String = try fields.required("status")
    switch status {
    case "done":
      guard let exitCode = Int32(exactly: try fields.required("exitCode", as: Int.self)) else {
        throw JSONShapeError(path: ".exitCode", problem: "out of range")
      }
      self = .done(
        exitCode: exitCode,
        stdout: try fields.optional("stdout") ?? ByteText([]),
        stderr: try fields.optional("stderr") ?? ByteText([]),
        report: try fields.required("report"))
    case "fallback": self = .fallback(reason: try fields.required("reason"))
    default: throw JSONShapeError(path: ".status", problem: "expected done or fallback")
    }
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    switch self {
    case .done(let exitCode, let stdout, let stderr, let report):
      object.set("status", "done")
      object.set("exitCode", Int(exitCode))
      object.set("stdout", stdout)
      object.set("stderr", stderr)
      object.set("report", report)
    case .fallback(let reason):
      object.set("status", "fallback")
      object.set("reason", reason)
    }
    return object.object
  }
}

extension LinkRequest {
  package typealias Reply = LinkReply
}

/// What a link cost and what it could reuse.
package struct LinkReport: JSONConvertible, Equatable {
  package struct Phase: JSONConvertible, Equatable {
    package var name: String
    package var nanoseconds: Int

    package init(name: String, nanoseconds: Int) {
      self.name = name
      self.nanoseconds = nanoseconds
    }

    package init(json: JSONValue) throws(JSONShapeError) {
      let fields = try JSONFields(json)
      name = try fields.required("name")
      nanoseconds = try fields.required("ns")
    }

    package var json: JSONValue {
      var object = JSONObjectBuilder()
      object.set("name", name)
      object.set("ns", nanoseconds)
      return object.object
    }
  }

  /// `cold`, `replayed`, `relinked`, `linked` (nothing to parse), `restored` (from what an earlier daemon left), ...
  package var how: String
  package var objectsParsed: Int
  package var objectsReused: Int
  /// In the order they ran.
  package var phases: [Phase]
  package var outputBytes: Int
  package var wallNanoseconds: Int
  /// In what order stdout and stderr were written: bytes of stdout, then of stderr, of stdout, and so on; what comes
  /// after is stdout, then stderr. Mostly empty: then that is all.
  package var turns: [Int]
  /// Why it cost that; absent for a link that was not made.
  package var explanation: LinkExplanation?

  package init(
    how: String, objectsParsed: Int = 0, objectsReused: Int = 0, phases: [Phase] = [], outputBytes: Int = 0,
    wallNanoseconds: Int = 0, turns: [Int] = [], explanation: LinkExplanation? = nil
  ) {
    self.how = how
    self.objectsParsed = objectsParsed
    self.objectsReused = objectsReused
    self.phases = phases
    self.outputBytes = outputBytes
    self.wallNanoseconds = wallNanoseconds
    self.turns = turns
    self.explanation = explanation
  }

  package init(json: JSONValue) throws(JSONShapeError) {
    let fields = try JSONFields(json)
    how = try fields.required("how")
    objectsParsed = try fields.required("objectsParsed")
    objectsReused = try fields.required("objectsReused")
    phases = try fields.optional("phases") ?? []
    outputBytes = try fields.required("outputBytes")
    wallNanoseconds = try fields.required("wallNs")
    turns = try fields.optional("turns") ?? []
    explanation = try fields.optional("explanation")
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("how", how)
    object.set("objectsParsed", objectsParsed)
    object.set("objectsReused", objectsReused)
    object.set("phases", phases)
    object.set("outputBytes", outputBytes)
    object.set("wallNs", wallNanoseconds)
    if !turns.isEmpty { object.set("turns", turns) }
    object.set("explanation", explanation)
    return object.object
  }
}
