import ArgumentParser
import Protocol

/// The daemon's command line, for debugging and for service managers; `linkctl` starts the daemon by itself.
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
    let options = DaemonOptions(
      socket: socket, idleTimeout: idleTimeout, maxLinks: maxLinks, memory: memory, cacheSize: cacheSize,
      logLevel: logLevel, foreground: foreground, readyFd: readyFd)
    do {
      try Daemon(options: options).run()
    } catch {
      throw ValidationError("\(error)")
    }
  }
}
