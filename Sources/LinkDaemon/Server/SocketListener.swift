import Protocol
import Synchronization

/// The listening socket and the right to have it: one daemon per socket path, whatever its predecessor left behind.
final class SocketListener: LoopSocket {
  private struct State {
    /// Held locked until `close`; the lock goes with the process, however that ends.
    var pidFile: FileDescriptor?
    /// Gets every connection of this user; there from `start` on.
    var onConnection: (@Sendable (FileDescriptor) -> Void)?
    /// Whether it waits for descriptors or memory to be given back.
    var pauses = false
    var closed = false
  }

  private static let breathMilliseconds = 50

  package let descriptor: FileDescriptor
  private let path: String
  /// Device and inode of our socket: at the end, only that one is removed.
  private let identity: FileStatus
  private let loop: SocketLoop
  private let state: Mutex<State>

  init(_ configuration: ServerConfiguration, loop: SocketLoop) throws(ServerStartError) {
    self.loop = loop
    do {
      path = configuration.socket
      let pidFile = try Syscalls.openPrivateFile(configuration.pidFile)
      // A daemon that is just ending still holds the lock for some milliseconds.
      let deadline = Syscalls.monotonicNanoseconds() + UInt64(configuration.takeOverMilliseconds) * 1_000_000
      while !Syscalls.tryLock(pidFile) {
        if Self.answers(path) || Syscalls.monotonicNanoseconds() >= deadline {
          throw ServerStartError.alreadyRunning
        }
        Syscalls.sleep(milliseconds: 10)
      }
      Syscalls.overwrite(pidFile, with: Array("\(Syscalls.processID)\n".utf8))
      try Self.clear(path)
      descriptor = try ServerSyscalls.listen(at: path, backlog: 128)
      identity = try Syscalls.status(of: path)
      state = Mutex(State(pidFile: pidFile))
    } catch let error as ServerStartError {
      throw error
    } catch let error as SystemError {
      throw .system(error)
    } catch {
      throw .alreadyRunning
    }
  }

  private static func answers(_ path: String) -> Bool { (try? Syscalls.connect(to: path)) != nil }

  /// With the lock held, whatever is at the path belongs to nobody alive.
  private static func clear(_ path: String) throws {
    let status: FileStatus
    do {
      status = try Syscalls.status(of: path)
    } catch  where error.isMissingFile {
      return
    }
    switch status.kind {
    case .socket, .regular, .symbolicLink: try Syscalls.remove(path)
    case .directory, .other: throw ServerStartError.socketPathTaken(path)
    }
  }

  /// - Parameter onConnection: gets every connection of this user, on the loop's thread; others are closed unheard.
  func start(_ onConnection: @escaping @Sendable (FileDescriptor) -> Void) {
    state.withLock { $0.onConnection = onConnection }
    loop.post { self.loop.watch(self) }
  }

  package var interest: SocketInterest { state.withLock { SocketInterest(reads: !$0.closed && !$0.pauses) } }

  package func isReady() {
    guard let onConnection = state.withLock({ $0.closed ? nil : $0.onConnection }) else { return }
    do {
      while let connection = try ServerSyscalls.accept(descriptor.raw) {
        if Syscalls.peerUserID(connection.raw) == Syscalls.userID { onConnection(connection) }
      }
    } catch {
      // Out of descriptors or memory: the connection still waits and would wake us at once. Breathe first.
      state.withLock { $0.pauses = true }
      loop.run(afterMilliseconds: Self.breathMilliseconds) { self.state.withLock { $0.pauses = false } }
    }
  }

  /// Stops listening and removes the socket, unless somebody has put another one there.
  func close() {
    state.withLock { state in
      guard !state.closed else { return }
      state.closed = true
      if let found = try? Syscalls.status(of: path), found.device == identity.device,
        found.inode == identity.inode
      {
        try? Syscalls.remove(path)
      }
      state.onConnection = nil
      state.pidFile = nil
    }
    loop.post { self.loop.forget(self) }
  }
}
