import ArgumentParser
import Dispatch
import LinkDaemon
import Logging
import Protocol

/// The daemon. `linkctl` starts it by itself; by hand it is for debugging and for service managers.
@main
struct LinkdCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "linkd", abstract: "Links Go programs and remembers how.",
    discussion: "Started by linkctl when it is needed; stays in the foreground when started by hand.",
    version: Release.version)

  @Option(help: "Path of the socket; by default the one linkctl looks for.")
  var socket: String?

  @Option(
    help: "Seconds without work after which the daemon ends; 0: never. (environment: LINKD_IDLE_TIMEOUT)")
  var idleTimeout: Int?

  @Option(help: "Links that run at once; by default one a core. (environment: LINKD_MAX_LINKS)")
  var maxLinks: Int?

  @Option(help: "Private memory to keep between links, in MB. (environment: LINKD_MEMORY)")
  var memory: Int?

  @Option(help: "Size limit of the cache on disk, in MB; 0: no cache. (environment: LINKD_CACHE_SIZE)")
  var cacheSize: Int?

  @Option(help: "trace, debug, info, notice, warning or error. (environment: LINKD_LOG)")
  var logLevel: String?

  @Flag(help: "Write the log to standard error too.")
  var foreground = false

  @Option(help: .hidden)
  var readyFd: Int32?

  func run() throws {
    ServerSyscalls.becomeDaemon()
    ServerSyscalls.closeInherited(from: readyFd.map { $0 + 1 } ?? 3)
    let readiness = readyFd.map { Readiness(FileDescriptor($0)) }
    do {
      try serve(readiness)
    } catch {
      readiness?.report("\(error)")
      throw ValidationError("\(error)")
    }
  }

  private func serve(_ readiness: Readiness?) throws {
    guard let executable = Syscalls.executablePath() else {
      throw ValidationError("cannot tell where linkd is")
    }
    let build = try BuildIdentity(executable: executable)
    let locations = Locations(build: build, environment: Syscalls.environment)
    if socket == nil || socket == locations.socket { try locations.prepareRuntimeDirectory() }
    let logger = makeLogger(locations)

    var configuration = ServerConfiguration(
      socket: socket ?? locations.socket, pidFile: (socket ?? locations.socket) + ".pid", log: locations.log,
      build: build.name, maximumLinks: setting(maxLinks, "LINKD_MAX_LINKS") ?? ServerSyscalls.processorCount)
    if let seconds = setting(idleTimeout, "LINKD_IDLE_TIMEOUT") {
      configuration.idleTimeoutMilliseconds = min(seconds, 1 << 31) * 1000
    }
    let memoryBudget = (setting(memory, "LINKD_MEMORY") ?? 0) << 20
    configuration.linkMemoryBytes = memoryBudget
    let cacheLimit = setting(cacheSize, "LINKD_CACHE_SIZE").map { $0 << 20 } ?? ObjectCache.defaultLimitBytes
    let cache =
      cacheLimit > 0
      ? ObjectCache(directory: locations.cacheDirectory, limitBytes: cacheLimit, logger: logger) : nil
    let engine = makeEngine(
      EngineConfiguration(
        cache: cache, build: build.name, memoryBudget: memoryBudget, logger: logger,
        verificationSpool: locations.verificationSpool, differences: locations.differences))
    let cacheStatus: @Sendable () -> CacheStatus = { cache?.status ?? CacheStatus() }
    let started = Result { () throws(ServerStartError) in
      try LinkServer(configuration, engine: engine, logger: logger, cacheStatus: cacheStatus)
    }
    // Whoever started us wants a daemon: if there is one already, all is well.
    if case .failure(.alreadyRunning) = started {
      readiness?.report("ready")
      return
    }
    let server = try started.get()
    server.start()
    let signals = watchSignals(server)
    readiness?.report("ready")
    withExtendedLifetime(signals) { server.waitUntilStopped() }
    engine.stop()
    cache?.flush()
  }

  /// An option, else the environment variable, if it is a number that makes sense.
  private func setting(_ option: Int?, _ variable: String) -> Int? {
    let value = option ?? Syscalls.environment(variable).flatMap { Int($0) }
    return value.flatMap { $0 >= 0 && $0 < 1 << 40 ? $0 : nil }
  }

  private func makeLogger(_ locations: Locations) -> Logger {
    let level =
      (logLevel ?? Syscalls.environment("LINKD_LOG")).flatMap { Logger.Level(rawValue: $0) } ?? .notice
    let file = LogFile(path: locations.log, limitBytes: 4 << 20, copyToStandardError: foreground)
    var logger = Logger(label: "linkd") { _ in LogFileHandler(file: file) }
    logger.logLevel = level
    return logger
  }

  /// The first termination signal stops gently, the second one at once.
  private func watchSignals(_ server: LinkServer) -> [any DispatchSourceSignal] {
    let queue = DispatchQueue(label: "linkd.signals")
    return ServerSyscalls.terminationSignals.map { number in
      ServerSyscalls.ignoreSignal(number)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      var seen = 0
      source.setEventHandler {
        seen += 1
        if seen > 1 { ServerSyscalls.exit(1) }
        server.stop(why: "signal \(number)")
      }
      source.resume()
      return source
    }
  }
}

/// Tells whoever started the daemon how that went, once.
private struct Readiness {
  private let pipe: FileDescriptor

  init(_ pipe: FileDescriptor) { self.pipe = pipe }

  func report(_ text: String) {
    try? Syscalls.writeAll(pipe.raw, Array("\(text)\n".utf8))
  }
}
