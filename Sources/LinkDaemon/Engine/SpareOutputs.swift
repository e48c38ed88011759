internal import CAttributes
import Dispatch
import ImageWriter
import Protocol
import Replay
import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Files that hold a program's last image once more, written when nobody waits: the next output is one of them, moved
/// to its place and brought up to date there. That leaves a link with writing what differs, and of an image that
/// differs everywhere with overwriting memory that the system has found already, which may cost ten times as much as
/// writing (DESIGN.md).
///
/// They lie in a folder that only this user can enter, under names that start with the daemon's process id, and are
/// nobody's output before they leave it. Nothing here throws: what does not work is no spare.
package final class SpareOutputs: Sendable {
  /// Bytes of the smallest image that is worth one.
  package let fewestBytes: Int
  /// How many there are at once.
  package static let limit = 4
  /// Bytes that a file system must have left, besides room for some more files of the size.
  private static let roomForOthers = 256 << 20
  /// Bytes that are written at a time: a link that begins waits for one of them at most.
  private static let chunk = 1 << 20

  /// A file of ours.
  package struct Spare: Sendable {
    let path: String
    /// `OutputImage.contents` of what is in it; nil when that is no image.
    var contents: UInt64?
    /// Bytes from the start that have been written.
    var filled = 0
  }

  private struct State {
    var spares: [(program: Int, spare: Spare)] = []
    /// Programs whose spare is being written, and who waits for that.
    var busy: [Int: DispatchGroup] = [:]
    /// Old outputs that are to be removed when nobody waits.
    var trash: [String] = []
    var isClosed = false

    mutating func remove(_ program: Int) -> Spare? {
      spares.firstIndex { $0.program == program }.map { spares.remove(at: $0).spare }
    }

    /// The spare that goes next, when there are as many as there may be: one for a program that has none, and about
    /// so many bytes.
    func next(for bytes: Int) -> Int? {
      guard spares.count >= SpareOutputs.limit else { return nil }
      return spares.firstIndex { $0.spare.filled > bytes / 2 && $0.spare.filled / 2 < bytes }
    }
  }

  private let folder: String
  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "linkd.spares", qos: .utility)

  /// - Returns: nil when the folder cannot be made, or others can enter it.
  package init?(folder: String, fewestBytes: Int) {
    guard (try? Locations.preparePrivateDirectory(folder)) != nil else { return nil }
    self.folder = folder
    self.fewestBytes = fewestBytes
    // What daemons left that were killed.
    for name in ReplaySyscalls.names(in: folder) {
      let owner = name.split(separator: "-").first.flatMap { Int32($0) }
      if owner == Syscalls.processID || !(owner.map(ReplaySyscalls.isAlive) ?? false) {
        unlink("\(folder)/\(name)")
      }
    }
  }

  private func newPath() -> String {
    "\(folder)/\(Syscalls.processID)-\(String(UInt64.random(in: 0...UInt64.max), radix: 16))"
  }

  // MARK: for a link

  /// The spare of a program, which is the caller's from now on. Whoever writes it must have been told to stop.
  ///
  /// A program without one gets another's if that would have to make room for this one's next: overwriting it still costs
  /// less than new memory.
  ///
  /// - Parameter bytes: how many will be written.
  package func take(_ program: Int, for bytes: Int) -> Spare? {
    if let writing = state.withLock({ $0.busy[program] }) {
      guard writing.wait(timeout: .now() + .milliseconds(50)) == .success else { return nil }
    }
    return state.withLock { s in s.remove(program) ?? s.next(for: bytes).map { s.spares.remove(at: $0).spare }
    }
  }

  /// Whether a program has a spare that is an image, or has so many bytes to be written over, or will get one.
  package func isReady(_ program: Int, for bytes: Int) -> Bool {
    state.withLock { s in
      s.spares.first { $0.program == program }.map { $0.spare.contents != nil || $0.spare.filled >= bytes }
        ?? (s.next(for: bytes) != nil)
    }
  }

  /// How many bytes of a program's spare are there to be written over.
  package func filled(_ program: Int) -> Int {
    state.withLock { s in s.spares.first { $0.program == program }?.spare.filled ?? 0 }
  }

  /// Takes a file away from its place; removing it takes as long as it is large, and is left for later.
  ///
  /// - Returns: false when it is still there: it lies in another file system.
  func takeAway(_ path: String) -> Bool {
    let aside = newPath()
    return state.withLock { s in
      guard !s.isClosed, rename(path, aside) == 0 else { return false }
      s.trash.append(aside)
      return true
    }
  }

  // MARK: when nobody waits

  /// Removes what was taken away, then calls `body`, after some time.
  ///
  /// - Parameter delay: nanoseconds.
  package func whenQuiet(after delay: Int, _ body: @escaping @Sendable () -> Void) {
    queue.asyncAfter(deadline: .now() + .nanoseconds(delay)) { [self] in
      let trash = state.withLock { s in
        defer { s.trash = [] }
        return s.trash
      }
      for path in trash { unlink(path) }
      body()
    }
  }

  /// Makes a file the spare of a program that has none.
  ///
  /// - Parameters:
  ///   - path: of a file that nobody writes to; it has been read, and is what `image` is.
  /// - Returns: whether the file was taken.
  func adopt(_ path: String, of image: OutputImage, _ program: Int) -> Bool {
    guard image.count >= fewestBytes, filled(program) == 0 else { return false }
    var isTaken = false
    rewrite(program) { spare in
      isTaken = rename(path, spare.path) == 0
      if isTaken {
        spare.contents = image.contents
        spare.filled = image.count
      }
      return isTaken
    }
    return isTaken
  }

  /// Makes a spare of an image.
  ///
  /// - Parameters:
  ///   - isWanted: asked for each piece; false leaves the file as it is.
  ///   - image: the image with these contents, as long as it is held by somebody else.
  package func prepare(
    _ program: Int, contents: UInt64, while isWanted: () -> Bool, image: () -> OutputImage?
  ) {
    guard isWanted(), image() != nil else { return }
    rewrite(program) { spare in
      guard spare.contents != contents else { return true }
      guard let isWhole = write(&spare, contents, isWanted, image) else { return false }
      if isWhole { spare.contents = contents }
      return true
    }
  }

  /// Writes something into a program's spare, so that there is memory for the first bytes of the next output.
  ///
  /// - Parameter isWanted: asked for each piece; false ends it.
  package func extend(_ program: Int, to bytes: Int, while isWanted: () -> Bool) {
    rewrite(program) { spare in
      guard spare.contents == nil else { return true }
      let fd = systemOpen(spare.path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW)
      guard fd >= 0 else { return false }
      let file = FileDescriptor(fd)
      guard reserve(file, bytes) else { return false }
      let zeros = [UInt8](repeating: 0, count: 1 << 18)
      while spare.filled < bytes, isWanted() {
        let count = min(zeros.count, bytes - spare.filled)
        let isGood = zeros.withUnsafeBytes { zeros in
          zeros.baseAddress.map { systemWrite(file.raw, $0, count, at: spare.filled) } ?? false
        }
        guard isGood else { return false }
        spare.filled += count
      }
      return true
    }
  }

  /// Calls `body` with a program's spare, or the name of a new one, while nobody else has it.
  ///
  /// - Parameter body: returns false when the file is of no use.
  private func rewrite(_ program: Int, _ body: (inout Spare) -> Bool) {
    let writing = DispatchGroup()
    writing.enter()
    defer { writing.leave() }
    let old = state.withLock { s -> Spare?? in
      guard s.busy[program] == nil, !s.isClosed else { return nil }
      s.busy[program] = writing
      return .some(s.remove(program))
    }
    guard let old else { return }
    var spare = old ?? Spare(path: newPath())
    let isOfUse = body(&spare)
    let gone = state.withLock { s -> [Spare] in
      s.busy[program] = nil
      if !isOfUse || s.isClosed { return [spare] }
      s.spares.append((program, spare))
      let count = s.spares.count - Self.limit
      guard count > 0 else { return [] }
      defer { s.spares.removeFirst(count) }
      return s.spares.prefix(count).map(\.spare)
    }
    for spare in gone { unlink(spare.path) }
  }

  /// - Returns: false when the file would take room that others may want.
  private func reserve(_ file: FileDescriptor, _ bytes: Int) -> Bool {
    var room = statvfs()
    guard fstatvfs(file.raw, &room) == 0 else { return false }
    // A file system may say anything.
    let left = UInt64(room.f_bavail).multipliedReportingOverflow(by: UInt64(room.f_frsize))
    guard left.overflow || left.partialValue > UInt64(4 * bytes + Self.roomForOthers) else { return false }
    #if os(Linux)
      // Where space cannot be reserved, it is found along the way.
      return ![ENOSPC, EDQUOT, EFBIG].contains(posix_fallocate(file.raw, 0, off_t(bytes)))
    #else
      return true
    #endif
  }

  /// - Returns: whether all of it was written; nil when the file is of no use.
  private func write(
    _ spare: inout Spare, _ contents: UInt64, _ isWanted: () -> Bool, _ image: () -> OutputImage?
  ) -> Bool? {
    let fd = systemOpen(spare.path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW)
    guard fd >= 0 else { return nil }
    let file = FileDescriptor(fd)
    var at = 0
    while isWanted() {
      // Held for a moment only: who makes the next image wants its memory.
      guard let image = image(), image.contents == contents else { return false }
      if at == 0 {
        spare.contents = nil
        if !reserve(file, image.count) { return nil }
      }
      let end = min(at + Self.chunk, image.count)
      guard systemWrite(file.raw, image.base + at, end - at, at: at) else { return nil }
      at = end
      spare.filled = max(spare.filled, at)
      if at == image.count { return ftruncate(fd, off_t(at)) == 0 ? true : nil }
    }
    return false
  }

  /// Removes all of them.
  ///
  /// - Returns: whether there were any.
  @discardableResult
  package func removeAll(forGood isClosed: Bool = false) -> Bool {
    let paths = state.withLock { s in
      defer {
        s.spares = []
        s.trash = []
        s.isClosed = s.isClosed || isClosed
      }
      return s.spares.map(\.spare.path) + s.trash
    }
    for path in paths { unlink(path) }
    return !paths.isEmpty
  }
}

extension SpareOutputs {
  /// Whether a file of ours that is moved to a folder is as one that is made there: in the same file system, of the
  /// same group, with the same attributes.
  package func serves(_ place: String) -> Bool {
    var (home, other) = (stat(), stat())
    guard stat(folder, &home) == 0, stat(place, &other) == 0, home.st_dev == other.st_dev else {
      return false
    }
    #if os(Linux)
      // A file has its maker's group, or, where the folder says so, the folder's.
      func group(_ s: stat) -> gid_t { s.st_mode & S_ISGID != 0 ? s.st_gid : getegid() }
      return group(home) == group(other)
        && ["system.posix_acl_default", "security.selinux"].allSatisfy { name in
          let (mine, its) = (FolderAttribute(name, of: folder), FolderAttribute(name, of: place))
          return mine == its && mine != .unknown
        }
    #else
      return home.st_gid == other.st_gid
    #endif
  }
}

#if os(Linux)
  /// What a folder hands on to new files.
  private enum FolderAttribute: Equatable {
    case none
    case bytes([UInt8])
    case unknown

    init(_ name: String, of folder: String) {
      var bytes = [UInt8](repeating: 0, count: 1024)
      let count = cattributes_get(folder, name, &bytes, bytes.count)
      if count >= 0 {
        self = .bytes(Array(bytes.prefix(count)))
      } else {
        self = [ENODATA, ENOTSUP].contains(errno) ? .none : .unknown
      }
    }
  }
#endif

extension SpareOutputs.Spare {
  /// Moves the file to another place.
  ///
  /// - Returns: false when it was not moved, and removed.
  func move(to place: String) -> Bool {
    if rename(path, place) == 0 { return true }
    unlink(path)
    return false
  }

  /// Makes a moved file the image's, as if it were new.
  ///
  /// - Parameter mode: permission bits.
  /// - Returns: false when that did not work.
  func fill(_ place: String, with image: OutputImage, mode: mode_t) -> Bool {
    let fd = systemOpen(place, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
    guard fd >= 0 else { return false }
    var isGood = true
    for range in image.ranges(since: contents) where isGood {
      isGood = systemWrite(fd, image.base + range.lowerBound, range.count, at: range.lowerBound)
    }
    var st = stat()
    isGood = isGood && fstat(fd, &st) == 0
    if isGood, Int(st.st_size) != image.count { isGood = ftruncate(fd, off_t(image.count)) == 0 }
    isGood = isGood && fchmod(fd, mode) == 0 && futimens(fd, nil) == 0
    return close(fd) == 0 && isGood
  }
}

private func systemOpen(_ path: String, _ flags: Int32) -> Int32 { open(path, flags, 0o600) }

/// - Returns: whether all bytes were written.
private func systemWrite(_ fd: Int32, _ from: UnsafeRawPointer, _ count: Int, at offset: Int) -> Bool {
  var done = 0
  while done < count {
    let n = pwrite(fd, from + done, count - done, off_t(offset + done))
    if n < 0, errno == EINTR { continue }
    if n <= 0 { return false }
    done += n
  }
  return true
}
