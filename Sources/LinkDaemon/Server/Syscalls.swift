import Protocol

/// The only file of this module that calls the C library directly; the calls shared with the client are in
/// `Protocol.Syscalls`.
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

package enum ServerSyscalls {
  /// Binds and listens; only the owner can connect from the first moment on.
  package static func listen(at path: String, backlog: Int32) throws(SystemError) -> FileDescriptor {
    var address = try Syscalls.socketAddress(path)
    let descriptor = try Syscalls.unixSocket()
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor.raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0 else { throw SystemError(call: "bind \(path)", code: errno) }
    // Nobody can connect before `listen`, so there is no moment with wider permissions.
    guard chmod(path, 0o600) == 0 else { throw SystemError(call: "chmod \(path)", code: errno) }
    guard systemListen(descriptor.raw, backlog) == 0 else { throw SystemError(call: "listen", code: errno) }
    return descriptor
  }

  /// The next waiting connection; nil when there is none.
  package static func accept(_ listener: Int32) throws(SystemError) -> FileDescriptor? {
    while true {
      let raw = systemAccept(listener)
      if raw >= 0 {
        let descriptor = FileDescriptor(raw)
        Syscalls.prepare(descriptor)
        return descriptor
      }
      if errno == EAGAIN || errno == EWOULDBLOCK { return nil }
      // The client is gone again: look for the next one.
      if errno != EINTR && errno != ECONNABORTED { throw SystemError(call: "accept", code: errno) }
    }
  }

  /// One descriptor to wait for.
  struct PollEntry {
    fileprivate var entry: pollfd

    init(_ raw: Int32, _ interest: SocketInterest) {
      let events = (interest.reads ? Int32(POLLIN) : 0) | (interest.writes ? Int32(POLLOUT) : 0)
      entry = pollfd(fd: raw, events: Int16(events), revents: 0)
    }

    var isReady: Bool { entry.revents != 0 }
  }

  /// Waits until a descriptor is ready or hung up; false when the time ran out (never, if negative) or a signal came.
  static func poll(_ entries: inout [PollEntry], milliseconds: Int) -> Bool {
    entries.withUnsafeMutableBytes { bytes in
      bytes.withMemoryRebound(to: pollfd.self) {
        systemPoll($0.baseAddress, $0.count, Int32(clamping: milliseconds)) > 0
      }
    }
  }

  /// A pipe of which neither end blocks or survives exec: where to read, and where to write.
  static func pipe() throws(SystemError) -> (reading: FileDescriptor, writing: FileDescriptor) {
    var ends: [Int32] = [-1, -1]
    guard systemPipe(&ends) == 0 else { throw SystemError(call: "pipe", code: errno) }
    let pipe = (reading: FileDescriptor(ends[0]), writing: FileDescriptor(ends[1]))
    Syscalls.prepare(pipe.reading)
    Syscalls.prepare(pipe.writing)
    return pipe
  }

  /// Writes one byte if there is room for it.
  static func writeByte(_ raw: Int32) {
    var byte: UInt8 = 0
    while write(raw, &byte, 1) < 0, errno == EINTR {}
  }

  /// Closes inherited descriptors from the given one on: a daemon that keeps somebody's pipe open keeps that
  /// somebody waiting for its end.
  package static func closeInherited(from first: Int32) {
    guard let directory = opendir("/dev/fd") else { return }
    var open: [Int32] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if let number = Int32(name), number >= first { open.append(number) }
    }
    let own = dirfd(directory)
    for number in open where number != own { close(number) }
    closedir(directory)
  }

  /// Puts the process in the state a daemon wants: no directory pinned, private files, no SIGPIPE, a file that grows
  /// too large an error instead of the end, and as many open files as the system allows.
  package static func becomeDaemon() {
    _ = chdir("/")
    _ = umask(0o077)
    signal(SIGPIPE, SIG_IGN)
    signal(SIGHUP, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit()
    #if canImport(Glibc)
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let resource = RLIMIT_NOFILE
    #endif
    guard getrlimit(resource, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(resource, &limit)
  }

  /// Leaves a signal to a Dispatch source alone.
  package static func ignoreSignal(_ number: Int32) { signal(number, SIG_IGN) }

  /// Processors in use by the system; at least one.
  package static var processorCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  package static var terminationSignals: [Int32] { [SIGTERM, SIGINT] }

  package static func exit(_ code: Int32) -> Never {
    #if canImport(Glibc)
      Glibc.exit(code)
    #elseif canImport(Musl)
      Musl.exit(code)
    #else
      Darwin.exit(code)
    #endif
  }

  package static func moveFile(_ from: String, to: String) { _ = rename(from, to) }

  /// Resident memory in bytes, and the part of it that no file backs; zeros when the system will not say.
  static func residentMemory() -> (all: Int, privateBytes: Int) {
    #if os(Linux)
      // proc(5): statm counts pages; its second and third fields are resident and file-backed resident.
      guard let text = try? Syscalls.readHead("/proc/self/statm", limit: 256) else { return (0, 0) }
      let fields = String(decoding: text, as: UTF8.self).split(separator: " ").compactMap { Int($0) }
      guard fields.count >= 3 else { return (0, 0) }
      let page = Int(sysconf(Int32(_SC_PAGESIZE)))
      return (fields[1] * page, (fields[1] - fields[2]) * page)
    #else
      var info = mach_task_basic_info()
      var count = mach_msg_type_number_t(
        MemoryLayout<mach_task_basic_info>.size / MemoryLayout<natural_t>.size)
      let result = withUnsafeMutablePointer(to: &info) { pointer in
        pointer.withMemoryRebound(to: integer_t.self, capacity: Int(count)) {
          task_info(mach_task_self_, task_flavor_t(MACH_TASK_BASIC_INFO), $0, &count)
        }
      }
      return result == KERN_SUCCESS ? (Int(info.resident_size), Int(info.resident_size)) : (0, 0)
    #endif
  }
}

private func systemPoll(
  _ entries: UnsafeMutablePointer<pollfd>?, _ count: Int, _ milliseconds: Int32
) -> Int32 {
  poll(entries, nfds_t(count), milliseconds)
}

private func systemPipe(_ ends: UnsafeMutablePointer<Int32>) -> Int32 { pipe(ends) }

private func systemListen(_ raw: Int32, _ backlog: Int32) -> Int32 { listen(raw, backlog) }

private func systemAccept(_ raw: Int32) -> Int32 { accept(raw, nil, nil) }
