import Protocol

/// What a server is told once, at its start.
package struct ServerConfiguration: Sendable {
  package var socket: String
  /// Held locked while the server lives; beside the socket.
  package var pidFile: String
  /// Shown by `status`; the server itself only knows a `Logger`.
  package var log: String
  /// `BuildIdentity.name` of this executable.
  package var build: String
  /// Links at once; at least one.
  package var maximumLinks: Int
  /// For admission, see `LinkEngine.estimatedBytes`; 0 for no limit.
  package var linkMemoryBytes = 0
  /// 0 means never.
  package var idleTimeoutMilliseconds = 30 * 60 * 1000
  package var heartbeatMilliseconds = 1000
  package var stallMilliseconds = 120_000
  /// A connection that has not sent `initialize` by then is closed.
  package var handshakeMilliseconds = 60_000
  /// A client's last answers may take so long to leave when the daemon stops.
  package var farewellMilliseconds = 2000
  /// How long to wait for a predecessor at the same socket to end.
  package var takeOverMilliseconds = 5000
  package var maximumConnections = 256
  package var maximumRequestsPerConnection = 256
  package var maximumRequestBytes = 16 << 20
  package var maximumUnsentBytes = 8 << 20
  package var rememberedLinks = 64

  package init(socket: String, pidFile: String, log: String, build: String, maximumLinks: Int) {
    self.socket = socket
    self.pidFile = pidFile
    self.log = log
    self.build = build
    self.maximumLinks = max(1, maximumLinks)
  }
}

/// Why a server cannot start.
package enum ServerStartError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Another daemon has the socket; nothing is wrong.
  case alreadyRunning
  case socketPathTaken(String)
  case system(SystemError)

  package var description: String {
    switch self {
    case .alreadyRunning: "a daemon runs already"
    case .socketPathTaken(let path): "\(path) is neither a socket nor a plain file"
    case .system(let error): error.description
    }
  }
}
