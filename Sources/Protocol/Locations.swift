/// Where the daemon's files are. Client and daemon compute the same paths from the same environment.

/// Why a directory cannot be trusted with a socket.
package struct UnsafeLocation: Error, Equatable, Sendable, CustomStringConvertible {
  package let path: String
  package let problem: String

  package var description: String { "\(path): \(problem)" }
}

/// Names one build of the daemon.
///
/// The name is made of what `stat` says of the executable: device, inode, size and modification time. That costs a
/// client one system call, where a hash of 20 MB would cost more than the link it asks for; and a rebuild or an
/// upgrade always writes a new file. The same build at two places counts as two, which only costs memory.
package struct BuildIdentity: Equatable, Sendable {
  /// 16 hexadecimal digits.
  package let name: String

  package init(name: String) { self.name = name }

  /// - Parameter executable: path of `linkd`.
  package init(executable: String) throws(SystemError) {
    let status = try Syscalls.statusFollowingLinks(of: executable)
    var hash = FNV1a()
    hash.add(Release.version)
    hash.add(status.device)
    hash.add(status.inode)
    hash.add(UInt64(bitPattern: status.size))
    hash.add(UInt64(bitPattern: status.modifiedNanoseconds))
    name = hash.hexadecimal
  }
}

/// FNV-1a, 64 bits: for names, never for content that somebody might forge.
package struct FNV1a {
  private var state: UInt64 = 0xcbf2_9ce4_8422_2325

  package init() {}

  package mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }

  /// Adds a text's UTF-8. (A generic loop over it, asked for by another room, takes fifty times as long.)
  package mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { for byte in $0 { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 } }
  }

  package mutating func add(_ value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { add($0) }
  }

  package var value: UInt64 { state }

  package var hexadecimal: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}

/// Directories and files of one user's daemon.
package struct Locations: Sendable {
  /// The daemon's socket. Beside it: `.pid` (held locked while the daemon lives), `.start` (held locked by the
  /// client that starts one), `.failed` (the last start went wrong).
  package let socket: String
  /// The directory that must be private; nil when `LINKD_SOCKET` named the socket.
  package let runtimeDirectory: String?
  package let cacheDirectory: String
  package let stateDirectory: String

  package var log: String { "\(stateDirectory)/linkd.log" }
  /// What clients could not tell the daemon: one JSON object a line.
  package var clientLog: String { "\(stateDirectory)/fallbacks.log" }
  /// Folders of links that are being verified, and of those that differed from Go's linker's.
  package var verificationSpool: String { "\(cacheDirectory)/verify" }
  package var differences: String { "\(stateDirectory)/differences" }
  package var pidFile: String { "\(socket).pid" }
  package var startLock: String { "\(socket).start" }
  package var startFailure: String { "\(socket).failed" }

  /// - Parameters:
  ///   - build: part of the socket's name, so that a client never meets a daemon of another build.
  ///   - environment: looks a variable up.
  ///   - userID: whose daemon.
  package init(build: BuildIdentity, environment: (String) -> String?, userID: UInt32 = Syscalls.userID) {
    func variable(_ name: String) -> String? {
      // The XDG base directory specification: a relative path is invalid and to be ignored.
      guard let value = environment(name), value.hasPrefix("/") else { return nil }
      return value
    }
    // Not below TMPDIR: that differs between a user's programs, and all must meet at one socket.
    let shared = "/tmp/linkd-\(userID)"
    let home = variable("HOME")
    cacheDirectory =
      variable("XDG_CACHE_HOME").map { "\($0)/linkd" } ?? home.map { "\($0)/.cache/linkd" }
      ?? "\(shared)/cache"
    stateDirectory =
      variable("XDG_STATE_HOME").map { "\($0)/linkd" } ?? home.map { "\($0)/.local/state/linkd" }
      ?? "\(shared)/state"
    if let given = variable("LINKD_SOCKET") {
      socket = given
      runtimeDirectory = nil
      return
    }
    let directory = variable("XDG_RUNTIME_DIR").map { "\($0)/linkd" } ?? shared
    let path = "\(directory)/\(build.name).sock"
    if path.utf8.count + 6 <= Syscalls.longestSocketPath {
      socket = path
      runtimeDirectory = directory
    } else {
      // The system's limit on socket paths is short; the long directory lives on in the name.
      var hash = FNV1a()
      hash.add(path)
      socket = "\(shared)/\(hash.hexadecimal).sock"
      runtimeDirectory = shared
    }
  }

  /// Makes the socket's directory when it is missing, and checks that nobody else can reach into it.
  package func prepareRuntimeDirectory() throws(UnsafeLocation) {
    guard let runtimeDirectory else { return }
    try Self.preparePrivateDirectory(runtimeDirectory)
  }

  /// Makes one directory of mode 0700, or checks that an existing one is a real directory of this user that nobody
  /// else can enter.
  package static func preparePrivateDirectory(
    _ path: String, userID: UInt32 = Syscalls.userID
  ) throws(UnsafeLocation) {
    do {
      try Syscalls.makeDirectory(path, permissions: 0o700)
    } catch  where error.isExisting {
    } catch {
      throw UnsafeLocation(path: path, problem: error.description)
    }
    let status: FileStatus
    do {
      status = try Syscalls.status(of: path)
    } catch {
      throw UnsafeLocation(path: path, problem: error.description)
    }
    guard status.kind == .directory else { throw UnsafeLocation(path: path, problem: "is not a directory") }
    guard status.owner == userID else {
      throw UnsafeLocation(path: path, problem: "belongs to user \(status.owner)")
    }
    guard status.permissions & 0o077 == 0 else {
      throw UnsafeLocation(
        path: path, problem: "is open to others (mode \(String(status.permissions, radix: 8)))")
    }
  }

  /// Makes a directory and the missing ones above it, for caches and logs.
  package static func makeDirectories(_ path: String) throws(SystemError) {
    do {
      try Syscalls.makeDirectory(path, permissions: 0o700)
    } catch  where error.isExisting {
    } catch  where error.isMissingFile {
      guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { throw error }
      try makeDirectories(String(path[..<slash]))
      try Syscalls.makeDirectory(path, permissions: 0o700)
    }
  }
}
