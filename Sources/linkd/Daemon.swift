import Dispatch
import LinkDaemon
import Logging
import Protocol

/// What the daemon is told at its start; what it is not told the environment says, or a default.
struct DaemonOptions {
  var socket: String?
  /// Seconds without work after which it ends; 0: never.
  var idleTimeout: Int?
  /// Links that run at once.
  var maxLinks: Int?
  /// Private memory to keep between links, in MB.
  var memory: Int?
  /// Size limit of the cache on disk, in MB; 0: no cache.
  var cacheSize: Int?
  var logLevel: String?
  /// Whether the log goes to standard error too.
  var foreground = false
  /// The pipe on which somebody waits to hear that it runs, or why not.
  var readyFd: Int32?
}

/// Why the daemon cannot run.
struct StartError: Error, CustomStringConvertible {
  var description: String
}

/// The daemon, from its start to its end.
struct Daemon {
  let options: DaemonOptions

  func run() throws {
    ServerSyscalls.becomeDaemon()
    ServerSyscalls.closeInherited(from: options.readyFd.map { $0 + 1 } ?? 3)
    let readiness = options.readyFd.map { Readiness(FileDescriptor($0)) }
    do {
      try serve(readiness)
    } catch {
      readiness?.report("\(error)")
      throw StartError(description: "\(error)")
    }
  }

  private func serve(_ readiness: Readiness?) throws {
    guard let executable = Syscalls.executablePath() else {
      throw StartError(description: "cannot tell where linkd is")
    }
    let build = try BuildIdentity(executable: executable)
    let locations = Locations(build: build, environment: Syscalls.environment)
    let socket = options.socket ?? locations.socket
    if socket == locations.socket { try locations.prepareRuntimeDirectory() }
    let logger = makeLogger(locations)

    var configuration = ServerConfiguration(
      socket: socket, pidFile: socket + ".pid", log: locations.log,
      build: build.name,
      maximumLinks: setting(options.maxLinks, "LINKD_MAX_LINKS") ?? ServerSyscalls.processorCount)
    if let seconds = setting(options.idleTimeout, "LINKD_IDLE_TIMEOUT") {
      configuration.idleTimeoutMilliseconds = min(seconds, 1 << 31) * 1000
    }
    let memoryBudget = (setting(options.memory, "LINKD_MEMORY") ?? 0) << 20
    configuration.linkMemoryBytes = memoryBudget
    let cacheLimit =
      setting(options.cacheSize, "LINKD_CACHE_SIZE").map { $0 << 20 } ?? ObjectCache.defaultLimitBytes
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
      (options.logLevel ?? Syscalls.environment("LINKD_LOG")).flatMap { Logger.Level(rawValue: $0) }
      ?? .notice
    let file = LogFile(path: locations.log, limitBytes: 4 << 20, copyToStandardError: options.foreground)
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
