/// The only file of this module that calls the C library.
///
/// The client's start-up time is a feature (every tool call of a build passes through it), so this module and
/// `linkctl` use no Foundation: that alone keeps a pass-through call under a millisecond.
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A failed system call: which one, and its errno.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  package let call: String
  package let code: Int32

  package init(call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  package var description: String { "\(call): \(String(cString: strerror(code)))" }

  package var isMissingFile: Bool { code == ENOENT }
  package var isRefused: Bool { code == ECONNREFUSED }
  /// Something else than a socket is at the path (Linux says "refused" of a plain file).
  package var isNotSocket: Bool { code == ENOTSOCK || code == EPROTOTYPE }
  package var isWouldBlock: Bool { code == EAGAIN || code == EWOULDBLOCK }
  /// The other end of a connection is gone, with bytes of ours unread.
  package var isDisconnect: Bool { code == ECONNRESET || code == EPIPE }
  package var isExisting: Bool { code == EEXIST }
}

/// An open descriptor that closes itself with its last reference.
package final class FileDescriptor: Sendable {
  package let raw: Int32

  package init(_ raw: Int32) { self.raw = raw }

  deinit { _ = close(raw) }
}

/// What `lstat` says of a path, as far as linkd asks.
package struct FileStatus: Equatable, Sendable {
  package enum Kind: Sendable { case directory, socket, regular, symbolicLink, other }

  package var kind: Kind
  package var owner: UInt32
  /// Permission bits only (mode & 0o7777).
  package var permissions: UInt32
  package var device: UInt64
  package var inode: UInt64
  package var size: Int64
  package var modifiedNanoseconds: Int64
}

/// The outcome of one non-blocking read.
package enum ReadOutcome: Equatable, Sendable {
  case bytes(Int)
  case wouldBlock
  case end
}

// The calls whose names the wrappers below share.

private func systemRead(_ raw: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  read(raw, buffer, count)
}

private func systemSend(_ raw: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
  #if os(Linux)
    send(raw, buffer, count, Int32(MSG_NOSIGNAL))
  #else
    send(raw, buffer, count, 0)
  #endif
}

private func systemConnect(_ raw: Int32, _ address: UnsafePointer<sockaddr>) -> Int32 {
  connect(raw, address, socklen_t(MemoryLayout<sockaddr_un>.size))
}

/// Thin wrappers: EINTR is retried here and nowhere else, a failure is a `SystemError`.
package enum Syscalls {
  // MARK: Process

  package static func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    return String(cString: value)
  }

  package static var userID: UInt32 { UInt32(getuid()) }

  package static var processID: Int32 { getpid() }

  package static func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec)
  }

  /// Seconds since 1970.
  package static func wallClockSeconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec)
  }

  package static func sleep(milliseconds: Int) {
    usleep(UInt32(clamping: milliseconds) &* 1000)
  }

  /// The running executable's absolute path, symbolic links resolved; nil when the system will not say.
  package static func executablePath() -> String? {
    #if os(Linux)
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = buffer.withUnsafeMutableBytes { bytes in
        bytes.baseAddress.map {
          readlink("/proc/self/exe", $0.assumingMemoryBound(to: CChar.self), bytes.count)
        }
          ?? -1
      }
      guard count > 0, count < buffer.count else { return nil }
      return String(validating: buffer[..<count], as: UTF8.self)
    #elseif canImport(Darwin)
      var size: UInt32 = 0
      _ = _NSGetExecutablePath(nil, &size)
      var buffer = [CChar](repeating: 0, count: Int(size) + 1)
      guard _NSGetExecutablePath(&buffer, &size) == 0, let real = realpath(buffer, nil) else { return nil }
      defer { free(real) }
      return String(validatingCString: real)
    #else
      return nil
    #endif
  }

  /// The working directory; nil when it is gone or not UTF-8.
  package static func workingDirectory() -> String? {
    guard let path = getcwd(nil, 0) else { return nil }
    defer { free(path) }
    return String(validatingCString: path)
  }

  // MARK: Files

  package static func status(of path: String) throws(SystemError) -> FileStatus {
    var info = stat()
    guard lstat(path, &info) == 0 else { throw SystemError(call: "lstat \(path)", code: errno) }
    return FileStatus(info)
  }

  package static func statusFollowingLinks(of path: String) throws(SystemError) -> FileStatus {
    var info = stat()
    guard stat(path, &info) == 0 else { throw SystemError(call: "stat \(path)", code: errno) }
    return FileStatus(info)
  }

  package static func makeDirectory(_ path: String, permissions: UInt32) throws(SystemError) {
    guard mkdir(path, mode_t(permissions)) == 0 else {
      throw SystemError(call: "mkdir \(path)", code: errno)
    }
  }

  package static func remove(_ path: String) throws(SystemError) {
    guard unlink(path) == 0 else { throw SystemError(call: "unlink \(path)", code: errno) }
  }

  package static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }

  /// Opens or creates a file that only its owner may touch; closed across exec.
  /// - Parameter append: writes go to the end, whatever others write.
  package static func openPrivateFile(_ path: String, append: Bool = false) throws(SystemError)
    -> FileDescriptor
  {
    let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (append ? O_APPEND : 0)
    let descriptor = open(path, flags, mode_t(0o600))
    guard descriptor >= 0 else { throw SystemError(call: "open \(path)", code: errno) }
    return FileDescriptor(descriptor)
  }

  /// Takes an exclusive advisory lock if nobody else holds it.
  package static func tryLock(_ file: FileDescriptor) -> Bool {
    while flock(file.raw, LOCK_EX | LOCK_NB) != 0 {
      if errno != EINTR { return false }
    }
    return true
  }

  /// Replaces a file's whole content; used for small files that are ours.
  package static func overwrite(_ file: FileDescriptor, with bytes: [UInt8]) {
    guard ftruncate(file.raw, 0) == 0 else { return }
    _ = bytes.withUnsafeBytes { pwrite(file.raw, $0.baseAddress, $0.count, 0) }
  }

  /// Reads a file's last bytes, at most `limit` of them.
  package static func readTail(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
    try readFile(path, limit: limit, fromEnd: true)
  }

  /// Reads a file's first bytes, at most `limit` of them.
  package static func readHead(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
    try readFile(path, limit: limit, fromEnd: false)
  }

  private static func readFile(_ path: String, limit: Int, fromEnd: Bool) throws(SystemError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError(call: "open \(path)", code: errno) }
    let file = FileDescriptor(descriptor)
    if fromEnd {
      let size = lseek(file.raw, 0, SEEK_END)
      _ = lseek(file.raw, max(0, size - off_t(limit)), SEEK_SET)
    }
    var result: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: min(limit, 1 << 16))
    while result.count < limit, case .bytes(let count) = try read(file.raw, into: &chunk) {
      result += chunk[..<min(count, limit - result.count)]
    }
    return result
  }

  /// Writes everything, waiting where the other end is slow; for pipes, terminals and regular files.
  package static func writeAll(_ raw: Int32, _ bytes: [UInt8]) throws(SystemError) {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes { write(raw, $0.baseAddress.map { $0 + offset }, $0.count - offset) }
      if count >= 0 {
        offset += count
      } else if errno == EAGAIN || errno == EWOULDBLOCK {
        _ = try waitFor(raw, write: true, milliseconds: -1)
      } else if errno != EINTR {
        throw SystemError(call: "write", code: errno)
      }
    }
  }

  // MARK: Descriptors and sockets

  /// Longest path that fits `sockaddr_un` on every system we know (104 bytes on Darwin, NUL included).
  package static let longestSocketPath = 103

  package static func socketAddress(_ path: String) throws(SystemError) -> sockaddr_un {
    let bytes = Array(path.utf8)
    guard bytes.count <= longestSocketPath, !bytes.contains(0) else {
      throw SystemError(call: "socket path \(path)", code: ENAMETOOLONG)
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return address
  }

  /// A new Unix stream socket: non-blocking, closed across exec, never raising SIGPIPE.
  package static func unixSocket() throws(SystemError) -> FileDescriptor {
    #if os(Linux)
      let raw = socket(
        AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    #else
      let raw = socket(AF_UNIX, SOCK_STREAM, 0)
    #endif
    guard raw >= 0 else { throw SystemError(call: "socket", code: errno) }
    let descriptor = FileDescriptor(raw)
    #if !os(Linux)
      prepare(descriptor)
    #endif
    return descriptor
  }

  /// Non-blocking and closed across exec, for descriptors whose maker could not say so.
  package static func prepare(_ descriptor: FileDescriptor) {
    _ = fcntl(descriptor.raw, F_SETFD, FD_CLOEXEC)
    setNonBlocking(descriptor.raw)
    #if canImport(Darwin)
      var on: Int32 = 1
      setsockopt(descriptor.raw, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
    #endif
  }

  package static func setNonBlocking(_ raw: Int32) {
    _ = fcntl(raw, F_SETFL, fcntl(raw, F_GETFL) | O_NONBLOCK)
  }

  /// Connects without ever blocking; a full backlog reads as `isWouldBlock`.
  package static func connect(to path: String) throws(SystemError) -> FileDescriptor {
    var address = try socketAddress(path)
    let descriptor = try unixSocket()
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
        connectRetrying(descriptor.raw, rebound)
      }
    }
    guard result == 0 else { throw SystemError(call: "connect \(path)", code: errno) }
    return descriptor
  }

  private static func connectRetrying(_ raw: Int32, _ address: UnsafePointer<sockaddr>) -> Int32 {
    while true {
      let result = systemConnect(raw, address)
      if result == 0 || errno != EINTR { return result }
    }
  }

  /// The user at the other end of a connected Unix socket; nil when the system will not say.
  package static func peerUserID(_ raw: Int32) -> UInt32? {
    #if os(Linux)
      // struct ucred of unix(7), which the C overlay hides: process, user and group, 32 bits each.
      var credentials: [UInt32] = [0, 0, 0]
      var size = socklen_t(12)
      guard getsockopt(raw, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0, size == 12 else { return nil }
      return credentials[1]
    #else
      var user: uid_t = 0
      var group: gid_t = 0
      guard getpeereid(raw, &user, &group) == 0 else { return nil }
      return UInt32(user)
    #endif
  }

  /// Waits until the descriptor is ready (or hung up); false when the time ran out.
  /// - Parameter milliseconds: negative waits for ever.
  package static func waitFor(_ raw: Int32, write: Bool, milliseconds: Int) throws(SystemError) -> Bool {
    var entry = pollfd(fd: raw, events: Int16(write ? POLLOUT : POLLIN), revents: 0)
    let deadline = monotonicNanoseconds() &+ UInt64(max(0, milliseconds)) &* 1_000_000
    var remaining = Int32(clamping: milliseconds)
    while true {
      let count = poll(&entry, 1, remaining)
      if count > 0 { return true }
      if count == 0 { return false }
      guard errno == EINTR else { throw SystemError(call: "poll", code: errno) }
      if milliseconds >= 0 {
        let now = monotonicNanoseconds()
        remaining = now >= deadline ? 0 : Int32(clamping: (deadline - now) / 1_000_000 + 1)
      }
    }
  }

  /// True when the peer has closed both directions, so that nothing written can reach it.
  package static func isHungUp(_ raw: Int32) -> Bool {
    var entry = pollfd(fd: raw, events: 0, revents: 0)
    guard poll(&entry, 1, 0) > 0 else { return false }
    return Int32(entry.revents) & Int32(POLLHUP | POLLERR | POLLNVAL) != 0
  }

  /// Reads at most as many bytes as the array has.
  package static func read(_ raw: Int32, into bytes: inout [UInt8]) throws(SystemError) -> ReadOutcome {
    while true {
      let count = bytes.withUnsafeMutableBytes { systemRead(raw, $0.baseAddress, $0.count) }
      if count > 0 { return .bytes(count) }
      if count == 0 { return .end }
      if errno == EAGAIN || errno == EWOULDBLOCK { return .wouldBlock }
      if errno != EINTR { throw SystemError(call: "read", code: errno) }
    }
  }

  /// Sends what the socket takes now and returns the count; nil when it takes nothing.
  package static func send(
    _ raw: Int32, _ bytes: [UInt8], from offset: Int
  ) throws(SystemError) -> Int? {
    while true {
      let count = bytes.withUnsafeBytes { buffer in
        systemSend(raw, buffer.baseAddress.map { $0 + offset }, buffer.count - offset)
      }
      if count >= 0 { return count }
      if errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS { return nil }
      if errno != EINTR { throw SystemError(call: "send", code: errno) }
    }
  }

  package static func shutdownWriting(_ raw: Int32) { _ = shutdown(raw, Int32(SHUT_WR)) }
}

extension FileStatus {
  fileprivate init(_ info: stat) {
    switch info.st_mode & S_IFMT {
    case S_IFDIR: kind = .directory
    case S_IFSOCK: kind = .socket
    case S_IFREG: kind = .regular
    case S_IFLNK: kind = .symbolicLink
    default: kind = .other
    }
    owner = UInt32(info.st_uid)
    permissions = UInt32(info.st_mode) & 0o7777
    device = UInt64(truncatingIfNeeded: info.st_dev)
    inode = UInt64(truncatingIfNeeded: info.st_ino)
    size = Int64(info.st_size)
    #if canImport(Darwin)
      let modified = info.st_mtimespec
    #else
      let modified = info.st_mtim
    #endif
    modifiedNanoseconds = Int64(modified.tv_sec) &* 1_000_000_000 &+ Int64(modified.tv_nsec)
  }
}
