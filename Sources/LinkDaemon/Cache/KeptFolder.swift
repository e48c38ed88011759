import ImageWriter
import Protocol
import Replay

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A folder of large files that one life of the daemon leaves to the next; daemons of one user share it.
///
/// A file is written under a name of its own and renamed, so under its name it is whole, unless the machine stopped
/// meanwhile: whoever reads one must check it against what the catalogue (`ObjectCache`) says of it. A name is a
/// group and a key; of a group only the files used last are kept. Nothing here throws: what does not work is
/// not kept, or not there.
package struct KeptFolder: Sendable {
  package struct Limits: Sendable {
    /// Of all files together.
    package var bytes: Int
    package var perGroup = 2
    package var seconds: Int64 = 30 * 86400

    package init(bytes: Int) { self.bytes = bytes }
  }

  /// "group-key", of letters and digits.
  package struct Name: Sendable {
    let group: String
    let key: String

    package init(group: String, key: String) {
      self.group = group
      self.key = key
    }

    package var text: String { "\(group)-\(key)" }
  }

  /// Bytes that are written, read and checked at a time.
  package static let chunk = 4 << 20

  private let path: String
  private let limits: Limits

  /// - Returns: nil when the folder cannot be made, or others can write to it.
  package init?(_ path: String, limits: Limits) {
    guard (try? Locations.preparePrivateDirectory(path)) != nil else { return nil }
    self.path = path
    self.limits = limits
  }

  private func place(_ name: Name) -> String { "\(path)/\(name.text)" }

  // MARK: writing

  /// Writes a file.
  ///
  /// - Parameter isWanted: asked again and again; false gives the file up.
  /// - Returns: a checksum of every `chunk` bytes; nil when the file was not written.
  package func write(_ name: Name, _ bytes: UnsafeRawBufferPointer, while isWanted: () -> Bool) -> [UInt64]? {
    guard bytes.count <= limits.bytes, let base = bytes.baseAddress else { return nil }
    let temporary = "\(path)/.\(Syscalls.processID)-\(UInt32.random(in: 0...UInt32.max))"
    let fd = systemCreate(temporary)
    guard fd >= 0 else { return nil }
    var isDone = false
    defer { if !isDone { unlink(temporary) } }
    #if os(Linux)
      // A full disk is found out at once, and the kernel is told how much will come.
      let reserved = [ENOSPC, EDQUOT, EFBIG].contains(posix_fallocate(fd, 0, off_t(bytes.count)))
    #else
      let reserved = false
    #endif
    var sums: [UInt64] = []
    var failed = reserved
    var at = 0
    while at < bytes.count, !failed {
      let part = UnsafeRawBufferPointer(start: base + at, count: min(Self.chunk, bytes.count - at))
      failed = !isWanted() || OutputFile.write(fd, part) != nil
      sums.append(Self.checksum(part, at))
      at += part.count
    }
    guard close(fd) == 0, !failed, rename(temporary, place(name)) == 0 else { return nil }
    isDone = true
    return sums
  }

  package static func checksum(_ part: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    var sum = Checksum()
    sum.add(UInt64(offset))
    sum.add(part)
    return sum.value
  }

  // MARK: reading

  /// Opens a file if it has the size that it should have, and notes that it is of use.
  ///
  /// - Returns: nil when there is no such file.
  package func open(_ name: Name, size: Int) -> FileDescriptor? {
    let fd = systemOpen(place(name))
    guard fd >= 0 else { return nil }
    let file = FileDescriptor(fd)
    var st = stat()
    guard fstat(fd, &st) == 0, st.st_mode & S_IFMT == S_IFREG, Int(st.st_size) == size, st.st_uid == getuid()
    else { return nil }
    utimes(place(name), nil)
    return file
  }

  /// Reads part of a file.
  ///
  /// - Returns: false when there is less, or the file cannot be read.
  static func read(_ file: Int32, at offset: Int, into part: UnsafeMutableRawBufferPointer) -> Bool {
    var done = 0
    while done < part.count, let base = part.baseAddress {
      let n = pread(file, base + done, part.count - done, off_t(offset + done))
      if n < 0, errno == EINTR { continue }
      if n <= 0 { return false }
      done += n
    }
    return true
  }

  func remove(_ name: Name) { unlink(place(name)) }

  // MARK: size and age

  /// Removes what was not used for long, what a group has too many of, what does not fit any more, and what killed
  /// daemons left half written.
  package func trim() {
    var files: [(name: String, size: Int, used: Int)] = []
    for name in ReplaySyscalls.names(in: path) {
      var st = stat()
      guard lstat("\(path)/\(name)", &st) == 0, st.st_mode & S_IFMT == S_IFREG else { continue }
      if name.hasPrefix(".") {
        let writer = name.dropFirst().split(separator: "-").first.flatMap { Int32($0) }
        if let writer, !ReplaySyscalls.isAlive(writer) { unlink("\(path)/\(name)") }
      } else {
        files.append((name, Int(st.st_size), Self.nanoseconds(st)))
      }
    }
    let oldest = Int(Syscalls.wallClockSeconds() - limits.seconds) * 1_000_000_000
    var (groups, total): ([Substring: Int], Int) = ([:], 0)
    for f in files.sorted(by: { $0.used > $1.used }) {
      let group = f.name.prefix { $0 != "-" }
      groups[group, default: 0] += 1
      total += f.size
      if f.used < oldest || total > limits.bytes || groups[group, default: 0] > limits.perGroup {
        unlink("\(path)/\(f.name)")
        total -= f.size
      }
    }
  }

  package func removeAll() {
    for name in ReplaySyscalls.names(in: path) { unlink("\(path)/\(name)") }
  }

  private static func nanoseconds(_ st: stat) -> Int {
    #if canImport(Darwin)
      let time = st.st_mtimespec
    #else
      let time = st.st_mtim
    #endif
    return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
  }
}

private func systemCreate(_ path: String) -> Int32 {
  open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
}

private func systemOpen(_ path: String) -> Int32 { open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
