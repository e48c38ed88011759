import CMalloc

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

/// A whole file, mapped read-only and private for as long as the object lives.
///
/// The mapping keeps the inode alive, so a file deleted by the go command stays readable. Truncation by
/// somebody else while mapped raises SIGBUS; the daemon's signal handler turns that into a failed link.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  package let stamp: FileStamp
  package let bytes: ByteView

  private init(path: String, stamp: FileStamp, bytes: ByteView) {
    self.path = path
    self.stamp = stamp
    self.bytes = bytes
  }

  /// Opens and maps `path`; the stamp is taken from the open descriptor, so it describes the mapped bytes.
  package static func open(_ path: String) -> Result<MappedFile, ErrorNumber> {
    let fd = unsafe_open(path)
    guard fd >= 0 else { return .failure(ErrorNumber(errno)) }
    defer { close(fd) }
    var st = stat()
    guard fstat(fd, &st) == 0 else { return .failure(ErrorNumber(errno)) }
    guard (st.st_mode & S_IFMT) != S_IFDIR else { return .failure(ErrorNumber(EISDIR)) }
    let stamp = FileStamp(st)
    let size = Int(stamp.size)
    guard size > 0 else { return .success(MappedFile(path: path, stamp: stamp, bytes: .empty)) }
    guard let p = mmap(nil, size, PROT_READ, MAP_PRIVATE, fd, 0), p != MAP_FAILED else {
      return .failure(ErrorNumber(errno))
    }
    return .success(
      MappedFile(path: path, stamp: stamp, bytes: ByteView(UnsafeRawPointer(p), size)))
  }

  private static func unsafe_open(_ path: String) -> Int32 {
    while true {
      let fd = Self.openReadOnly(path)
      if fd >= 0 || errno != EINTR { return fd }
    }
  }

  private static func openReadOnly(_ path: String) -> Int32 {
    #if canImport(Darwin)
      Darwin.open(path, O_RDONLY | O_CLOEXEC)
    #else
      Glibc.open(path, O_RDONLY | O_CLOEXEC)
    #endif
  }

  deinit {
    if let base = bytes.base, bytes.count > 0 {
      munmap(UnsafeMutableRawPointer(mutating: base), bytes.count)
    }
  }
}

/// The allocator's habits, for a process that links again and again.
package enum Heap {
  /// Keeps large freed blocks in the process: a link takes hundreds of megabytes in large tables, and getting
  /// each page from the kernel anew costs a tenth of it.
  package static func keepLargeBlocks() { cmalloc_keep_large_blocks() }

  /// Gives free memory back to the system; for a daemon that has nothing to do.
  package static func trim() { cmalloc_trim() }
}
