import ArgumentParser
import LinkDaemon
import Protocol

/// Where linkd begins.
@main
enum Main {
  static func main() {
    if let options = DaemonOptions(launched: CommandLine.arguments.dropFirst()) {
      // Whoever started it hears on the pipe how that went; this goes to the log.
      do { try Daemon(options: options).run() } catch {
        try? Syscalls.writeAll(2, Array("linkd: \(error)\n".utf8))
        ServerSyscalls.exit(1)
      }
    } else {
      LinkdCommand.main()
    }
  }
}

extension DaemonOptions {
  /// The options that `linkctl` starts the daemon with (`DaemonLauncher`): while the first link waits for the daemon,
  /// describing the command line to the argument parser would take longer than opening the socket.
  ///
  /// - Returns: nil for any other command line.
  init?(launched arguments: ArraySlice<String>) {
    let words = Array(arguments)
    guard words.count == 4, words[0] == "--socket", words[2] == "--ready-fd", !words[1].hasPrefix("-"),
      let fd = Int32(words[3]), fd > 2
    else { return nil }
    socket = words[1]
    readyFd = fd
  }
}
