/// The only file of this module that calls the C library. No Foundation here: see `Sources/Protocol/Syscalls.swift`.
import Protocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A C argument vector: pointers that live as long as the process, with a null at the end.
typealias ArgumentVector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// Read-only views of the process's own arguments, as the bytes that they are.
enum Arguments {
  static var count: Int { Int(CommandLine.argc) }

  /// The vector from the given argument on.
  static func vector(from index: Int) -> ArgumentVector { CommandLine.unsafeArgv + index }

  static func equals(_ index: Int, _ word: StaticString) -> Bool {
    guard index < count, let argument = CommandLine.unsafeArgv[index] else { return false }
    return equals(UnsafePointer(argument), word)
  }

  static func equals(_ argument: UnsafePointer<CChar>, _ word: StaticString) -> Bool {
    hasPrefix(argument, word) && argument[word.utf8CodeUnitCount] == 0
  }

  /// Stops at the argument's end: a byte of the prefix is never zero.
  static func hasPrefix(_ argument: UnsafePointer<CChar>, _ prefix: StaticString) -> Bool {
    for index in 0..<prefix.utf8CodeUnitCount
    where argument[index] != CChar(bitPattern: prefix.utf8Start[index]) {
      return false
    }
    return true
  }

  /// The part after the last slash.
  static func baseName(_ argument: UnsafePointer<CChar>) -> UnsafePointer<CChar> {
    guard let slash = strrchr(argument, Int32(UInt8(ascii: "/"))) else { return argument }
    return UnsafePointer(slash) + 1
  }

  /// One argument, for paths and messages; nil when there is none.
  static func text(_ index: Int) -> String? {
    guard index < count, let argument = CommandLine.unsafeArgv[index] else { return nil }
    return String(cString: argument)
  }

  /// The arguments from an index on; nil when one of them is not UTF-8, which JSON cannot carry.
  static func strings(from index: Int) -> [String]? {
    var result: [String] = []
    for position in index..<max(index, count) {
      guard let argument = CommandLine.unsafeArgv[position],
        let text = String(validatingCString: argument)
      else { return nil }
      result.append(text)
    }
    return result
  }
}

enum ClientSyscalls {
  /// Becomes another program. Returns only when that failed, with the error.
  /// - Parameter vector: its first entry is what the program sees as its own name, and what is searched in PATH when
  ///   it has no slash.
  static func execute(_ vector: ArgumentVector) -> SystemError {
    guard let program = vector[0] else { return SystemError(call: "exec", code: EINVAL) }
    execvp(program, vector)
    return SystemError(call: "exec \(String(cString: program))", code: errno)
  }

  /// - Parameters:
  ///   - name: what the program sees as its own name.
  ///   - index: where its other arguments start in this process's.
  static func execute(_ program: String, named name: String, argumentsFrom index: Int) -> SystemError {
    var vector: [UnsafeMutablePointer<CChar>?] = [strdup(name)]
    for position in index..<max(index, Arguments.count) { vector.append(CommandLine.unsafeArgv[position]) }
    vector.append(nil)
    return vector.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return SystemError(call: "exec", code: EINVAL) }
      execvp(program, start)
      return SystemError(call: "exec \(program)", code: errno)
    }
  }

  /// The file creation mask, which can only be read by setting it.
  static func currentUmask() -> Int {
    let mask = umask(0)
    _ = umask(mask)
    return Int(mask)
  }

  static func exit(_ code: Int32) -> Never {
    #if canImport(Glibc)
      Glibc.exit(code)
    #elseif canImport(Musl)
      Musl.exit(code)
    #else
      Darwin.exit(code)
    #endif
  }

  static func pipe() throws(SystemError) -> (read: FileDescriptor, write: FileDescriptor) {
    var ends: [Int32] = [-1, -1]
    #if canImport(Glibc)
      let result = Glibc.pipe(&ends)
    #elseif canImport(Musl)
      let result = Musl.pipe(&ends)
    #else
      let result = Darwin.pipe(&ends)
    #endif
    guard result == 0 else { throw SystemError(call: "pipe", code: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (FileDescriptor(ends[0]), FileDescriptor(ends[1]))
  }

  /// Starts a program in a session of its own, away from this terminal and its signals.
  /// - Parameters:
  ///   - environment: variables that it has besides, or instead of, this process's.
  ///   - output: becomes its standard output and error.
  ///   - ready: becomes its descriptor 3.
  static func spawnDetached(
    _ program: String, arguments: [String], environment: [(name: String, value: String)],
    output: FileDescriptor?, ready: FileDescriptor
  ) throws(SystemError) {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    if let output {
      posix_spawn_file_actions_adddup2(&actions, output.raw, 1)
    } else {
      posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    }
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    posix_spawn_file_actions_adddup2(&actions, ready.raw, 3)
    // A terminal's or a go command's blocked and ignored signals are none of the daemon's business.
    var none = sigset_t()
    sigemptyset(&none)
    var every = sigset_t()
    sigfillset(&every)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &every)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | newSessionFlag)
    var vector = ([program] + arguments).map { strdup($0) }
    vector.append(nil)
    defer { vector.forEach { free($0) } }
    let added = environment.map { strdup("\($0.name)=\($0.value)") }
    defer { added.forEach { free($0) } }
    var pid = pid_t()
    let code = posix_spawn(
      &pid, program, &actions, &attributes, vector,
      inherited(without: environment.map(\.name)) + added + [nil])
    guard code == 0 else { throw SystemError(call: "spawn \(program)", code: code) }
  }

  /// This process's environment but for some variables.
  private static func inherited(without names: [String]) -> [UnsafeMutablePointer<CChar>?] {
    var kept: [UnsafeMutablePointer<CChar>?] = []
    var next = environ
    while let entry = next.pointee {
      if !names.contains(where: { String(cString: entry).hasPrefix("\($0)=") }) { kept.append(entry) }
      next += 1
    }
    return kept
  }

  /// POSIX_SPAWN_SETSID: <spawn.h> hides it without _GNU_SOURCE.
  private static var newSessionFlag: Int16 {
    #if os(Linux)
      0x80
    #else
      0x0400
    #endif
  }

  /// Runs a program to its end and returns what it printed; nil when it cannot be run or fails.
  static func output(of program: String, arguments: [String]) -> [UInt8]? {
    guard let (pid, readEnd) = spawnReading(program, arguments: arguments) else { return nil }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while bytes.count < 1 << 16, case .bytes(let count) = try? Syscalls.read(readEnd.raw, into: &chunk) {
      bytes += chunk[..<count]
    }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    return status == 0 ? bytes : nil
  }

  /// This process's writing end closes on return: then the child is the only writer.
  private static func spawnReading(_ program: String, arguments: [String]) -> (pid_t, FileDescriptor)? {
    guard let (readEnd, writeEnd) = try? pipe() else { return nil }
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
    #else
      var actions = posix_spawn_file_actions_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, writeEnd.raw, 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var vector = ([program] + arguments).map { strdup($0) }
    vector.append(nil)
    defer { vector.forEach { free($0) } }
    var pid = pid_t()
    let code = withExtendedLifetime(writeEnd) {
      posix_spawnp(&pid, program, &actions, nil, vector, environ)
    }
    return code == 0 ? (pid, readEnd) : nil
  }

  /// Waits until one of two descriptors can be read or has ended; a negative one never is.
  static func waitForEither(_ first: Int32, _ second: Int32) throws(SystemError) -> (
    first: Bool, second: Bool
  ) {
    var entries = [
      pollfd(fd: first, events: Int16(POLLIN), revents: 0),
      pollfd(fd: second, events: Int16(POLLIN), revents: 0),
    ]
    while poll(&entries, 2, -1) < 0 {
      if errno != EINTR { throw SystemError(call: "poll", code: errno) }
    }
    return (entries[0].revents != 0, entries[1].revents != 0)
  }
}
