/// The only file of this module that calls the C library; what the client shares with it is in `Protocol.Syscalls`.
/// No Foundation: the client that carries this module must start at once.
import CSpawn
import Protocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Files and programs, as far as bundles and comparisons need them.
package enum ReplaySyscalls {
  // MARK: Files

  /// A whole file.
  package static func read(_ path: String) throws(SystemError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw SystemError(call: "open \(path)", code: errno) }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw SystemError(call: "stat \(path)", code: errno) }
    guard info.st_mode & S_IFMT == S_IFREG else { throw SystemError(call: "read \(path)", code: EISDIR) }
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(info.st_size)) { buffer, count in
      count = 0
      while count < buffer.count {
        let got = systemRead(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count)
        if got < 0, errno == EINTR { continue }
        if got < 0 { code = errno }
        guard got > 0 else { return }
        count += got
      }
    }
    guard code == 0 else { throw SystemError(call: "read \(path)", code: code) }
    return bytes
  }

  /// Writes a new file under a name of its own and renames it into place, so that nobody sees half of it.
  package static func write(_ path: String, _ bytes: UnsafeRawBufferPointer) throws(SystemError) {
    let temporary = "\(path).\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemError(call: "create \(path)", code: errno) }
    var done = 0
    while done < bytes.count {
      let count = systemWrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if count < 0, errno == EINTR { continue }
      if count < 0 {
        let code = errno
        close(descriptor)
        unlink(temporary)
        throw SystemError(call: "write \(path)", code: code)
      }
      done += count
    }
    guard close(descriptor) == 0, systemRename(temporary, path) == 0 else {
      let code = errno
      unlink(temporary)
      throw SystemError(call: "write \(path)", code: code)
    }
  }

  package static func write(_ path: String, _ bytes: [UInt8]) throws(SystemError) {
    let problem = bytes.withUnsafeBytes { buffer -> SystemError? in
      do throws(SystemError) {
        try write(path, buffer)
        return nil
      } catch {
        return error
      }
    }
    if let problem { throw problem }
  }

  /// Whether both files can be read and have the same bytes.
  package static func haveSameBytes(_ a: String, _ b: String) throws(SystemError) -> Bool {
    try withContents(of: a) { left throws(SystemError) in
      try withContents(of: b) { right throws(SystemError) in areSame(left, right) }
    }
  }

  package static func areSame(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count, let left = a.baseAddress, let right = b.baseAddress else {
      return a.count == b.count
    }
    return memcmp(left, right, a.count) == 0
  }

  /// Maps a file that nobody else writes: outputs in folders of our own.
  package static func withContents<Result>(
    of path: String, _ body: (UnsafeRawBufferPointer) throws(SystemError) -> Result
  ) throws(SystemError) -> Result {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError(call: "open \(path)", code: errno) }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw SystemError(call: "stat \(path)", code: errno) }
    let size = Int(info.st_size)
    guard size > 0 else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
      throw SystemError(call: "map \(path)", code: errno)
    }
    defer { munmap(start, size) }
    return try body(UnsafeRawBufferPointer(start: start, count: size))
  }

  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// A second name for a file; false where the file system has none to give.
  package static func hardLink(_ path: String, as name: String) -> Bool {
    link(path, name) == 0 || errno == EEXIST
  }

  package static func symbolicLink(to target: String, as name: String) throws(SystemError) {
    guard symlink(target, name) == 0 || errno == EEXIST else {
      throw SystemError(call: "symlink \(name)", code: errno)
    }
  }

  package static func rename(_ from: String, to: String) throws(SystemError) {
    guard systemRename(from, to) == 0 else { throw SystemError(call: "rename \(to)", code: errno) }
  }

  /// Moves a folder, also to another file system.
  package static func move(_ from: String, to: String) throws(SystemError) {
    if systemRename(from, to) == 0 { return }
    guard errno == EXDEV else { throw SystemError(call: "rename \(to)", code: errno) }
    try copyTree(from, to: to)
    removeTree(from)
  }

  private static func copyTree(_ from: String, to: String) throws(SystemError) {
    if isDirectory(from) {
      try Syscalls.makeDirectory(to, permissions: 0o700)
      for name in names(in: from) { try copyTree("\(from)/\(name)", to: "\(to)/\(name)") }
    } else if exists(from) {
      try write(to, try read(from))
    }
  }

  /// A new folder that only its owner can enter, in `parent`.
  package static func makeTemporaryDirectory(in parent: String, prefix: String) throws(SystemError) -> String
  {
    while true {
      let path = "\(parent)/\(prefix)\(String(UInt32.random(in: 0...UInt32.max), radix: 36))"
      if mkdir(path, 0o700) == 0 { return path }
      guard errno == EEXIST else { throw SystemError(call: "mkdir \(path)", code: errno) }
    }
  }

  /// Names in a folder, sorted, without `.` and `..`; empty when it cannot be read.
  package static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  package static func isDirectory(_ path: String) -> Bool {
    (try? Syscalls.status(of: path))?.kind == .directory
  }

  /// Removes a folder and all in it, following no links; best effort.
  package static func removeTree(_ path: String) {
    if isDirectory(path) {
      for name in names(in: path) { removeTree("\(path)/\(name)") }
      rmdir(path)
    } else {
      unlink(path)
    }
  }

  // MARK: Programs

  /// A started program's process id.
  package typealias ProcessID = pid_t

  /// Starts a program with standard input from nowhere.
  ///
  /// - Parameters:
  ///   - words: its argument vector, its own name first.
  ///   - output: files that its standard output and error are written to.
  package static func start(
    _ program: String, words: [String], environment: [String], directory: String,
    output: (stdout: String, stderr: String)
  ) throws(SystemError) -> ProcessID {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
    #else
      var actions = posix_spawn_file_actions_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    let flags = O_WRONLY | O_CREAT | O_TRUNC
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output.stdout, flags, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, output.stderr, flags, 0o600)
    guard cspawn_addchdir(&actions, directory) == 0 else {
      throw SystemError(call: "chdir \(directory)", code: ENOMEM)
    }
    var vector = words.map { strdup($0) } + [nil]
    defer { vector.forEach { free($0) } }
    var variables = environment.map { strdup($0) } + [nil]
    defer { variables.forEach { free($0) } }
    var process = pid_t()
    let code = posix_spawn(&process, program, &actions, nil, &vector, &variables)
    guard code == 0 else { throw SystemError(call: "run \(program)", code: code) }
    return process
  }

  /// Waits for a started program's end: its exit code, or 128 and the number of the signal that ended it.
  package static func wait(for process: ProcessID) -> Int32 {
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
      if errno != EINTR { return 127 }
    }
    return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
  }

  package static func kill(_ process: ProcessID) { _ = systemKill(process, SIGKILL) }

  package static func isAlive(_ process: ProcessID) -> Bool {
    systemKill(process, 0) == 0 || errno == EPERM
  }

  /// From now on the calling thread and what it starts wait for everybody else.
  package static func becomeUnimportant() {
    #if os(Linux)
      // A thread of its own in Linux's eyes: 0 is the calling one. (SCHED_IDLE made no difference to anybody, and a thread
      // that holds a lock might then wait for seconds on a busy machine.)
      _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
    #endif
  }

  /// This process's environment, `NAME=value` each.
  package static var environment: [String] {
    var words: [String] = []
    var at = environ
    while let entry = at.pointee {
      words.append(String(cString: entry))
      at += 1
    }
    return words
  }
}

private func systemRead(_ descriptor: Int32, _ to: UnsafeMutablePointer<UInt8>?, _ count: Int) -> Int {
  read(descriptor, to, count)
}

private func systemWrite(_ descriptor: Int32, _ from: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, from, count)
}

private func systemRename(_ from: String, _ to: String) -> Int32 { rename(from, to) }

private func systemKill(_ process: pid_t, _ signal: Int32) -> Int32 { kill(process, signal) }
