import Crypto
import Dispatch
import Protocol
import Replay
import Synchronization

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

  /// The names of what one build of linkd makes of a program: the key of its catalogue entry, and the file's.
  static func name(
    of what: String, _ maker: String, _ program: Int, _ key: [UInt8] = []
  ) -> (entry: [UInt8], file: Name) {
    let group = group(program)
    var hash = SHA256()
    hash.update(data: Array("linkd \(what)\0\(maker)\0\(group)\0".utf8))
    hash.update(data: key)
    let entry = Array(hash.finalize())
    func digits(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }
    return (entry, Name(group: group, key: entry.map(digits).joined()))
  }

  static func group(_ program: Int) -> String { String(UInt64(bitPattern: Int64(program)), radix: 16) }

  /// Whether some file is of a group.
  func has(group: String) -> Bool {
    ReplaySyscalls.names(in: path).contains { $0.hasPrefix("\(group)-") }
  }

  /// The path of a file.
  func place(_ name: Name) -> String { "\(path)/\(name.text)" }

  // MARK: writing

  /// Writes a file of what `body` gives the writer.
  ///
  /// - Parameter isWanted: asked again and again; false gives the file up.
  /// - Returns: the file's size and a checksum of every `chunk` bytes; nil when it was not written.
  package func write(
    _ name: Name, while isWanted: @escaping () -> Bool, _ body: (KeptFileWriter) -> Bool
  ) -> (size: Int, sums: [UInt64])? {
    let temporary = "\(path)/.\(Syscalls.processID)-\(UInt32.random(in: 0...UInt32.max))"
    let fd = systemCreate(temporary)
    guard fd >= 0 else { return nil }
    let writer = KeptFileWriter(FileDescriptor(fd), limit: limits.bytes, isWanted)
    guard body(writer), let written = writer.finish(), rename(temporary, place(name)) == 0 else {
      unlink(temporary)
      return nil
    }
    return written
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
  private static func read(_ file: Int32, at offset: Int, into part: UnsafeMutableRawBufferPointer) -> Bool {
    var done = 0
    while done < part.count, let base = part.baseAddress {
      let n = pread(file, base + done, part.count - done, off_t(offset + done))
      if n < 0, errno == EINTR { continue }
      if n <= 0 { return false }
      done += n
    }
    return true
  }

  /// Reads a whole file, on all cores.
  ///
  /// - Returns: false when the file is not what was written; it is removed then.
  func read(_ name: Name, _ sums: [UInt64], into memory: UnsafeMutableRawBufferPointer) -> Bool {
    guard let file = open(name, size: memory.count), let base = memory.baseAddress else { return false }
    let place = Place(base: base)
    let count = memory.count
    let isWhole = Atomic(sums.count == (count + Self.chunk - 1) / Self.chunk)
    DispatchQueue.concurrentPerform(iterations: sums.count) { k in
      guard isWhole.load(ordering: .relaxed) else { return }
      let at = k * Self.chunk
      let part = UnsafeMutableRawBufferPointer(start: place.base + at, count: min(Self.chunk, count - at))
      if !Self.read(file.raw, at: at, into: part)
        || Self.checksum(UnsafeRawBufferPointer(part), at) != sums[k]
      {
        isWhole.store(false, ordering: .relaxed)
      }
    }
    let isGood = isWhole.load(ordering: .relaxed)
    if !isGood { remove(name) }
    return isGood
  }

  private struct Place: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
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
        let isOld = Self.nanoseconds(st) < Int(Syscalls.wallClockSeconds() - 3600) * 1_000_000_000
        if isOld || !(writer.map(ReplaySyscalls.isAlive) ?? true) { unlink("\(path)/\(name)") }
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

/// Writes one file of a `KeptFolder`, piece by piece.
package final class KeptFileWriter {
  private let file: FileDescriptor
  private let limit: Int
  private let isWanted: () -> Bool
  private let buffer: UnsafeMutableRawBufferPointer
  private var filled = 0
  private var size = 0
  private var sums: [UInt64] = []
  private var isGood = true
  private var isDirect = false

  fileprivate init(_ file: FileDescriptor, limit: Int, _ isWanted: @escaping () -> Bool) {
    self.file = file
    self.limit = limit
    self.isWanted = isWanted
    buffer = .allocate(byteCount: KeptFolder.chunk, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// Says how much will come: a full disk is found out at once, and the kernel knows what to prepare.
  package func reserve(_ bytes: Int) {
    #if os(Linux)
      if [ENOSPC, EDQUOT, EFBIG].contains(posix_fallocate(file.raw, 0, off_t(bytes))) { isGood = false }
    #endif
  }

  /// Lets whole pieces go from where they lie to the disk, where the system can do that.
  package func bypassMemory() { setDirect(true) }

  private func setDirect(_ isDirect: Bool) {
    #if os(Linux) && arch(x86_64)
      // O_DIRECT, which differs between architectures and is not imported.
      let flag: Int32 = 0o40000
      let flags = fcntl(file.raw, F_GETFL)
      guard flags >= 0, fcntl(file.raw, F_SETFL, isDirect ? flags | flag : flags & ~flag) == 0 else { return }
      self.isDirect = isDirect
    #endif
  }

  package func add(_ bytes: UnsafeRawBufferPointer) {
    var at = 0
    while at < bytes.count, isGood {
      let n = min(KeptFolder.chunk - filled, bytes.count - at)
      let part = UnsafeRawBufferPointer(rebasing: bytes[at..<at + n])
      if n == KeptFolder.chunk {
        put(part)
      } else {
        UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(from: part)
        filled += n
        if filled == KeptFolder.chunk { putBuffer() }
      }
      at += n
    }
  }

  private func putBuffer() {
    put(UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
    filled = 0
  }

  private func put(_ part: UnsafeRawBufferPointer) {
    guard isGood, !part.isEmpty else { return }
    if isDirect, part.count != KeptFolder.chunk || Int(bitPattern: part.baseAddress) & 4095 != 0 {
      setDirect(false)
    }
    sums.append(KeptFolder.checksum(part, size))
    size += part.count
    isGood = isWanted() && size <= limit && OutputFile.write(file.raw, part) == nil
  }

  fileprivate func finish() -> (size: Int, sums: [UInt64])? {
    putBuffer()
    return isGood && size > 0 ? (size, sums) : nil
  }
}

private func systemCreate(_ path: String) -> Int32 {
  open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
}

private func systemOpen(_ path: String) -> Int32 { open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
