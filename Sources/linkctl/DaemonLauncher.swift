import Protocol

/// Why there is no daemon to talk to.
struct LaunchError: Error, CustomStringConvertible {
  var description: String
}

/// Finds the daemon that belongs to this client, and starts it when there is none.
struct DaemonLauncher {
  /// How long a start may take, waiting for another client's start included.
  private static let startLimitMilliseconds = 10_000
  /// After a failed start, links do not try again for so long: a daemon that cannot start must not slow a build.
  private static let failureMemorySeconds: Int64 = 30

  let executable: String
  let build: BuildIdentity
  let locations: Locations
  /// A daemon that says nothing for so long is taken for dead.
  let silenceLimitMilliseconds: Int

  /// Looks for `linkd` beside this executable.
  init() throws(LaunchError) {
    guard let own = Syscalls.executablePath(), let slash = own.lastIndex(of: "/") else {
      throw LaunchError(description: "cannot tell where linkctl is")
    }
    executable = own[..<slash] + "/linkd"
    do {
      build = try BuildIdentity(executable: executable)
    } catch {
      throw LaunchError(description: "no linkd beside linkctl: \(error)")
    }
    locations = Locations(build: build, environment: Syscalls.environment)
    let seconds = Syscalls.environment("LINKD_TIMEOUT").flatMap { Int($0) } ?? 30
    silenceLimitMilliseconds = max(1, min(seconds, 3600)) * 1000
  }

  var handshake: InitializeRequest {
    InitializeRequest(client: "linkctl \(Release.version)", build: build.name)
  }

  // MARK: Connecting

  /// A connection to a running daemon; nil when there is none, which includes a dead one's left-over socket.
  func connect() throws(LaunchError) -> ClientConnection? {
    do {
      return try ClientConnection(socket: locations.socket)
    } catch .system(let error) where error.isMissingFile || error.isRefused || error.isNotSocket {
      return nil
    } catch {
      throw LaunchError(description: "cannot reach the daemon: \(error)")
    }
  }

  func connectStartingIfNeeded() throws(LaunchError) -> ClientConnection {
    if let connection = try connect() { return connection }
    if failedRecently() {
      throw LaunchError(description: "the daemon failed to start a moment ago; see the log")
    }
    return try start()
  }

  /// Starts the daemon under the start lock, so that of many clients one starts it and the others wait for it.
  func start() throws(LaunchError) -> ClientConnection {
    let deadline = Syscalls.monotonicNanoseconds() &+ UInt64(Self.startLimitMilliseconds) * 1_000_000
    do {
      try locations.prepareRuntimeDirectory()
    } catch {
      throw LaunchError(description: "unsafe socket directory: \(error)")
    }
    let lock: FileDescriptor
    do {
      lock = try Syscalls.openPrivateFile(locations.startLock)
    } catch {
      throw LaunchError(description: "cannot lock the daemon's start: \(error)")
    }
    var pause = 2
    while !Syscalls.tryLock(lock) {
      if let connection = try connect() { return connection }
      guard Syscalls.monotonicNanoseconds() < deadline else {
        throw LaunchError(description: "another start of the daemon does not end")
      }
      Syscalls.sleep(milliseconds: pause)
      pause = min(pause * 2, 50)
    }
    if let connection = try connect() { return connection }
    do {
      let connection = try spawn(deadline: deadline)
      try? Syscalls.remove(locations.startFailure)
      return connection
    } catch {
      _ = try? Syscalls.openPrivateFile(locations.startFailure)
      throw error
    }
  }

  private func spawn(deadline: UInt64) throws(LaunchError) -> ClientConnection {
    // Crash messages go where the daemon's log goes; without a log they are lost, and the daemon runs all the same.
    try? Locations.makeDirectories(locations.stateDirectory)
    let log = try? Syscalls.openPrivateFile(locations.log, append: true)
    let report = try launch(output: log, deadline: deadline)
    guard report.hasPrefix("ready") else {
      throw LaunchError(
        description: report.isEmpty
          ? "the daemon ended at its start; see the log" : "the daemon did not start: \(report)")
    }
    while Syscalls.monotonicNanoseconds() < deadline {
      if let connection = try connect() { return connection }
      Syscalls.sleep(milliseconds: 5)
    }
    throw LaunchError(description: "the daemon started, but its socket does not answer")
  }

  /// Spawns the daemon and returns what it writes to the readiness pipe: `ready`, or why it cannot be.
  private func launch(output: FileDescriptor?, deadline: UInt64) throws(LaunchError) -> String {
    do {
      let readEnd = try spawnReporting(output: output)
      var report: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 512)
      while report.count < 4096, report.last != 0x0A {
        let now = Syscalls.monotonicNanoseconds()
        guard now < deadline,
          try Syscalls.waitFor(readEnd.raw, write: false, milliseconds: Int((deadline - now) / 1_000_000) + 1)
        else { throw LaunchError(description: "the daemon's start does not end") }
        guard case .bytes(let count) = try Syscalls.read(readEnd.raw, into: &chunk) else { break }
        report += chunk[..<count]
      }
      return String(decoding: report.prefix { $0 != 0x0A }, as: UTF8.self)
    } catch let error as LaunchError {
      throw error
    } catch {
      throw LaunchError(description: "cannot start the daemon: \(error)")
    }
  }

  /// Spawns the daemon and returns the reading end of its readiness pipe. This process's writing end closes on
  /// return, so that a daemon that dies reads as the end of the pipe.
  private func spawnReporting(output: FileDescriptor?) throws(SystemError) -> FileDescriptor {
    let (readEnd, writeEnd) = try ClientSyscalls.pipe()
    try ClientSyscalls.spawnDetached(
      executable, arguments: ["--socket", locations.socket, "--ready-fd", "3"],
      environment: Self.allocatorSettings, output: output, ready: writeEnd)
    return readEnd
  }

  /// Has glibc ask for huge pages where it takes memory from the kernel, which it only reads at a program's start
  /// (glibc manual, "Memory Allocation Tunables"): the tables of a first link are found a third faster. What the user
  /// says of it counts. Other C libraries know no such variable.
  private static var allocatorSettings: [(name: String, value: String)] {
    let (name, setting) = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb")
    let given = Syscalls.environment(name) ?? ""
    guard !given.contains(setting) else { return [] }
    return [(name, given.isEmpty ? "\(setting)=1" : "\(given):\(setting)=1")]
  }

  private func failedRecently() -> Bool {
    guard let status = try? Syscalls.status(of: locations.startFailure) else { return false }
    let age = Syscalls.wallClockSeconds() - status.modifiedNanoseconds / 1_000_000_000
    return age >= 0 && age < Self.failureMemorySeconds
  }

  // MARK: Replacing

  /// Decides whether a new daemon may do better, and makes room for it: one of another build is asked to end.
  func shouldReplace(after error: ExchangeError, _ connection: inout ClientConnection) -> Bool {
    switch error.cause {
    case .refused(let refusal) where refusal.code == .versionMismatch:
      return stop(&connection, timeoutMilliseconds: Self.startLimitMilliseconds)
    // The link was refused, not begun. The daemon may have to finish others, for which this one does not wait long.
    case .refused(let refusal) where refusal.code == .shuttingDown:
      return connection.waitForEnd(timeoutMilliseconds: 2000)
    // It ended between our connecting and its reading; a new one can be started.
    case .closed where !error.accepted: return true
    case .system where !error.accepted: return true
    default: return false
    }
  }

  /// Asks a daemon to end and waits for it; false when it does not.
  func stop(_ connection: inout ClientConnection, timeoutMilliseconds: Int) -> Bool {
    do {
      _ = try connection.send(ShutdownRequest(), timeoutMilliseconds: 1000)
    } catch {
      return true
    }
    return connection.waitForEnd(timeoutMilliseconds: timeoutMilliseconds)
  }
}
