internal import CCores
internal import CMalloc

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// `memcmp`, named for what it is used for; both runs must have `count` readable bytes.
@inline(__always)
package func compareBytes(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int) -> Int32 {
  memcmp(a, b, count)
}

/// Whether `byte` is among the `count` bytes at `p`.
@inline(__always)
package func findByte(_ p: UnsafeRawPointer, _ byte: UInt8, _ count: Int) -> Bool {
  memchr(p, Int32(byte), count) != nil
}

package enum Clock {
  /// Nanoseconds of the wall clock, as file times count them.
  package static func realtimeNanoseconds() -> Int64 {
    var t = timespec()
    clock_gettime(CLOCK_REALTIME, &t)
    return Int64(t.tv_sec) &* 1_000_000_000 &+ Int64(t.tv_nsec)
  }
}

/// What `stat` says of an input: the identity by which a file counts as unchanged.
package struct FileStamp: Equatable, Hashable, Sendable {
  package var device: UInt64
  package var inode: UInt64
  package var size: Int64
  package var modifiedNanoseconds: Int64
  package var changedNanoseconds: Int64

  /// The stamp of the file at `path`, following links; `errno` on failure.
  package static func of(path: String) -> Result<FileStamp, ErrorNumber> {
    var st = stat()
    guard stat(path, &st) == 0 else { return .failure(ErrorNumber(errno)) }
    return .success(FileStamp(st))
  }

  init(_ st: stat) {
    device = UInt64(truncatingIfNeeded: st.st_dev)
    inode = UInt64(truncatingIfNeeded: st.st_ino)
    size = Int64(st.st_size)
    #if canImport(Darwin)
      let m = st.st_mtimespec
      let c = st.st_ctimespec
    #else
      let m = st.st_mtim
      let c = st.st_ctim
    #endif
    modifiedNanoseconds = Int64(m.tv_sec) &* 1_000_000_000 &+ Int64(m.tv_nsec)
    changedNanoseconds = Int64(c.tv_sec) &* 1_000_000_000 &+ Int64(c.tv_nsec)
  }
}

/// An `errno` value, with the words Go uses for it (package syscall, zerrors_linux_amd64.go).
package struct ErrorNumber: Error, Equatable, Sendable {
  package let code: Int32
  package init(_ code: Int32) { self.code = code }

  package static let noSuchFile: Int32 = ENOENT

  /// Go prints errno texts in lower case.
  package var text: String {
    guard let c = strerror(code) else { return "errno \(code)" }
    return String(cString: c).lowercased()
  }
}

package enum Threads {
  /// Lets another thread run.
  @inline(__always) static func yield() { sched_yield() }

  /// How many cores there are.
  static var coreCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  /// A thread, for `keep`; of use as long as it runs.
  struct Handle: Equatable, @unchecked Sendable {
    fileprivate let thread: pthread_t
  }

  static var current: Handle { Handle(thread: pthread_self()) }

  /// The core that the calling thread runs on; nil where the system does not say.
  static var core: Int32? {
    let core = ccores_current()
    return core < 0 ? nil : core
  }

  /// Lets a thread run on all cores that the calling one may use but this one, if there is another.
  static func keep(_ thread: Handle, off core: Int32) { ccores_keep_off(thread.thread, core) }
}

/// The allocator's habits, for a process that links again and again.
package enum Heap {
  /// Keeps large freed blocks in the process: a link takes hundreds of megabytes in large tables, and getting
  /// each page from the kernel anew costs a tenth of it.
  package static func keepLargeBlocks() { cmalloc_keep_large_blocks() }

  /// Has the system find memory for what the allocator hands out next, where it has no free block of that size that was
  /// in use before. What a link takes beyond what others left would make it wait for each page.
  ///
  /// - Parameters:
  ///   - bytes: how much.
  ///   - isWanted: asked for each piece; false ends it.
  package static func prepare(_ bytes: Int, while isWanted: () -> Bool) {
    // Others give a block of that size back to the system.
    #if canImport(Glibc)
      guard let block = malloc(bytes) else { return }
      defer { free(block) }
      let page = Int(sysconf(Int32(_SC_PAGESIZE)))
      for at in stride(from: 0, to: bytes, by: page) {
        guard isWanted() else { return }
        cmalloc_touch(block.assumingMemoryBound(to: CChar.self) + at)
      }
    #endif
  }

  /// Gives free memory back to the system; for a daemon that has nothing to do.
  package static func trim() { cmalloc_trim() }
}
