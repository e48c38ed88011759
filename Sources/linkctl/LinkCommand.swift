import Protocol

/// One link through the daemon, or through the real linker when anything at all is in the way.
enum LinkCommand {
  /// Exit code of a link that was not allowed to fall back.
  static let fallbackForbiddenCode: Int32 = 3

  struct Invocation {
    /// Where the linker's own arguments start in this process's.
    var firstArgument: Int
    var linker: RealLinker
    var fallbackForbidden: Bool
  }

  /// `linkctl link [--no-fallback] ARGS`.
  static func run(argumentsFrom index: Int) -> Never {
    let strict = Arguments.equals(index, "--no-fallback")
    run(Invocation(firstArgument: strict ? index + 1 : index, linker: .search, fallbackForbidden: strict))
  }

  static func run(_ invocation: Invocation) -> Never {
    if Syscalls.environment("LINKD") == "0" || !ToolExec.makesFile(argumentsFrom: invocation.firstArgument) {
      executeRealLinker(invocation)
    }
    var invocation = invocation
    if Syscalls.environment("LINKD_FALLBACK") == "0" { invocation.fallbackForbidden = true }
    let reason: String
    switch attempt(invocation) {
    case .done(let exitCode, let stdout, let stderr, let report):
      finish(exitCode: exitCode, stdout: stdout, stderr: stderr, turns: report.turns)
    case .fallback(let why): reason = why
    }
    if invocation.fallbackForbidden {
      Output.complain("linkctl: this link needs Go's own linker: \(reason)")
      ClientSyscalls.exit(fallbackForbiddenCode)
    }
    executeRealLinker(invocation)
  }

  private static func executeRealLinker(_ invocation: Invocation) -> Never {
    let problem = invocation.linker.execute(firstArgument: invocation.firstArgument)
    Output.complain("linkctl: \(problem)")
    ClientSyscalls.exit(127)
  }

  /// - Parameter turns: as in `LinkReport`; both streams may be one pipe, where the order shows.
  private static func finish(exitCode: Int32, stdout: ByteText, stderr: ByteText, turns: [Int]) -> Never {
    var left = [stdout.bytes[...], stderr.bytes[...]]
    do {
      for (turn, count) in turns.enumerated() where count > 0 {
        try Syscalls.writeAll(Int32(1 + turn % 2), Array(left[turn % 2].prefix(count)))
        left[turn % 2] = left[turn % 2].dropFirst(count)
      }
      try Syscalls.writeAll(1, Array(left[0]))
      try Syscalls.writeAll(2, Array(left[1]))
    } catch {
      // Nobody listens any more; the file is written, but the caller did not get all it asked for.
      ClientSyscalls.exit(exitCode == 0 ? 1 : exitCode)
    }
    ClientSyscalls.exit(exitCode)
  }

  // MARK: Asking the daemon

  /// Asks the daemon; whatever goes wrong is a fallback, with its reason noted where `linkctl status` finds it.
  private static func attempt(_ invocation: Invocation) -> LinkReply {
    guard let arguments = Arguments.strings(from: invocation.firstArgument) else {
      return gaveUp("an argument is not UTF-8", output: nil, locations: nil)
    }
    guard let directory = Syscalls.workingDirectory() else {
      return gaveUp("the working directory is gone or not UTF-8", output: nil, locations: nil)
    }
    var request = request(arguments, directory, invocation.linker)
    request.noFallback = invocation.fallbackForbidden
    if let text = Syscalls.environment("LINKD_VERIFY"), !text.isEmpty {
      // Whoever wants links checked does not want them made unchecked for a slip of the pen.
      guard let share = VerificationShare(text) else {
        return gaveUp(
          "LINKD_VERIFY=\(text) is neither always, never nor a percentage", output: request.outputPath,
          locations: nil)
      }
      if share.percent > 0 { request.verify = share }
    }
    let daemon: DaemonLauncher
    do {
      daemon = try DaemonLauncher()
    } catch {
      return gaveUp(error.description, output: request.outputPath, locations: nil)
    }
    return ask(daemon, request)
  }

  /// A request from this process's surroundings.
  static func request(_ arguments: [String], _ directory: String, _ linker: RealLinker) -> LinkRequest {
    LinkRequest(
      arguments: arguments, workingDirectory: directory, environment: relevantEnvironment,
      umask: ClientSyscalls.currentUmask(), realLinker: linker.path.map { absolute($0, directory) },
      programName: linker.programName)
  }

  static var relevantEnvironment: [String: String] {
    var environment: [String: String] = [:]
    for name in LinkRequest.relevantEnvironment {
      if let value = Syscalls.environment(name) { environment[name] = value }
    }
    return environment
  }

  static func absolute(_ path: String, _ directory: String) -> String {
    path.hasPrefix("/") ? path : "\(directory)/\(path)"
  }

  /// Sends the request; a daemon of another build, or one that was just ending, is replaced once.
  static func ask(_ daemon: DaemonLauncher, _ request: LinkRequest) -> LinkReply {
    var retried = false
    while true {
      do {
        var connection = try daemon.connectStartingIfNeeded()
        do {
          return try exchange(&connection, request, daemon)
        } catch {
          if !retried, daemon.shouldReplace(after: error, &connection) {
            retried = true
            continue
          }
          // A silent daemon may still read this; a dead one leaves only the file.
          let note = FellBackNotification(reason: error.description, output: request.outputPath)
          try? connection.send(note.message.frame, timeoutMilliseconds: 0)
          return gaveUp(error.description, output: request.outputPath, locations: daemon.locations)
        }
      } catch {
        return gaveUp(error.description, output: request.outputPath, locations: daemon.locations)
      }
    }
  }

  /// Handshake and link, sent together: the daemon answers them in order, and one round trip is saved.
  private static func exchange(
    _ connection: inout ClientConnection, _ request: LinkRequest, _ daemon: DaemonLauncher
  ) throws(ExchangeError) -> LinkReply {
    let timeout = daemon.silenceLimitMilliseconds
    do {
      let hello = try connection.send(daemon.handshake, timeoutMilliseconds: timeout)
      let link = try connection.send(request, timeoutMilliseconds: timeout)
      _ = try connection.answer(to: hello, as: InitializeRequest.Reply.self, timeoutMilliseconds: timeout)
      do {
        return try connection.answer(to: link, as: LinkReply.self, timeoutMilliseconds: timeout)
      } catch {
        throw ExchangeError(cause: error, accepted: true)
      }
    } catch let error as ExchangeError {
      throw error
    } catch let error as ClientError {
      throw ExchangeError(cause: error, accepted: false)
    } catch {
      throw ExchangeError(cause: .closed, accepted: false)
    }
  }

  private static func gaveUp(_ reason: String, output: String?, locations: Locations?) -> LinkReply {
    FallbackLog.append(reason: reason, output: output, locations: locations)
    return .fallback(reason: reason)
  }
}

/// Why the daemon's answer did not come, and whether it had taken the request.
struct ExchangeError: Error, CustomStringConvertible {
  var cause: ClientError
  var accepted: Bool

  var description: String {
    accepted && cause == .closed ? "the daemon died during the link" : cause.description
  }
}
