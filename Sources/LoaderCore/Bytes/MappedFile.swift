internal import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A whole file, mapped read-only and private for as long as the object lives.
///
/// The mapping keeps the inode alive, so a file deleted by the go command stays readable. When somebody shortens
/// the file while it is mapped, what is gone reads as zeros and `isTorn` says so: see `MappingGuard`.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  /// Where the file was when it was mapped: the path may be a link, which can go and leave the file.
  private let location: String
  package let stamp: FileStamp
  package let bytes: ByteView
  private let place: MappingGuard.Place?
  /// Where the bytes are, when they are a copy of the file's.
  private let block: SnapshotBlock?
  /// Whether the path was found to name nothing any more: an archive in a work folder of the go command outlives that in
  /// many links, each of which would ask again.
  private let isGone = Atomic(false)

  /// A copy of a file, in memory that stays.
  package init(copyOf path: String, bytes: ByteView, in block: SnapshotBlock) {
    self.path = path
    location = path
    var st = stat()
    st.st_size = off_t(bytes.count)
    stamp = FileStamp(st)
    self.bytes = bytes
    place = nil
    self.block = block
  }

  private init(
    path: String, location: String, stamp: FileStamp, bytes: ByteView, place: MappingGuard.Place?
  ) {
    block = nil
    self.path = path
    self.location = location
    self.stamp = stamp
    self.bytes = bytes
    self.place = place
  }

  /// Whether part of the file was gone when it was read: what was read since is worthless.
  package var isTorn: Bool { place.map(MappingGuard.isTorn) ?? false }

  /// Whether the mapped bytes may be others than those that were mapped: somebody wrote over the file in place. A file
  /// that was deleted or replaced since lives on, as it was, under the mapping. (One that was only moved away can be
  /// written over, too, wherever it is now; the go command does not do that.)
  package var mayBeOverwritten: Bool {
    if isTorn { return true }
    guard block == nil, !isGone.load(ordering: .relaxed) else { return false }
    switch FileStamp.of(path: location) {
    case .success(let now):
      return now.device == stamp.device && now.inode == stamp.inode && now != stamp
    case .failure(let error):
      if error.code == ErrorNumber.noSuchFile { isGone.store(true, ordering: .relaxed) }
      return false
    }
  }

  /// Gives mapped pages back; they come again from the page cache when they are read.
  ///
  /// - Parameter part: bytes of the file; pages that it has as a whole are given back.
  package func releasePages(of part: ByteView) {
    guard block == nil, let base = bytes.base, let start = part.base, start >= base,
      start + part.count <= base + bytes.count
    else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = (start - base + page - 1) / page * page
    let end = (start - base + part.count) / page * page
    if first < end { madvise(UnsafeMutableRawPointer(mutating: base + first), end - first, MADV_DONTNEED) }
  }

  /// Opens and maps `path`; the stamp is taken from the open descriptor, so it describes the mapped bytes.
  package static func open(_ path: String) -> Result<MappedFile, ErrorNumber> {
    let fd = openRetrying(path)
    guard fd >= 0 else { return .failure(ErrorNumber(errno)) }
    defer { close(fd) }
    var st = stat()
    guard fstat(fd, &st) == 0 else { return .failure(ErrorNumber(errno)) }
    guard (st.st_mode & S_IFMT) != S_IFDIR else { return .failure(ErrorNumber(EISDIR)) }
    let stamp = FileStamp(st)
    let size = Int(stamp.size)
    let location = Self.location(of: fd) ?? path
    guard size > 0 else {
      return .success(MappedFile(path: path, location: location, stamp: stamp, bytes: .empty, place: nil))
    }
    guard let p = mmap(nil, size, PROT_READ, MAP_PRIVATE, fd, 0), p != MAP_FAILED else {
      return .failure(ErrorNumber(errno))
    }
    guard let place = MappingGuard.watch(p, size) else {
      munmap(p, size)
      return .failure(ErrorNumber(ENFILE))
    }
    return .success(
      MappedFile(
        path: path, location: location, stamp: stamp, bytes: ByteView(UnsafeRawPointer(p), size), place: place
      ))
  }

  /// The path of an open file without links in it.
  private static func location(of fd: Int32) -> String? {
    #if canImport(Darwin)
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
        guard let base = buffer.baseAddress, fcntl(fd, F_GETPATH, base) == 0 else { return nil }
        return String(cString: base)
      }
    #else
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
        guard let base = buffer.baseAddress else { return nil }
        let count = readlink("/proc/self/fd/\(fd)", base, buffer.count - 1)
        guard count > 0, count < buffer.count - 1 else { return nil }
        base[count] = 0
        return String(cString: base)
      }
    #endif
  }

  private static func openRetrying(_ path: String) -> Int32 {
    while true {
      let fd = Self.openReadOnly(path)
      if fd >= 0 || errno != EINTR { return fd }
    }
  }

  /// Not blocking: nobody waits for the other end of a pipe.
  private static func openReadOnly(_ path: String) -> Int32 {
    #if canImport(Darwin)
      Darwin.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    #else
      Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    #endif
  }

  deinit {
    if let place { MappingGuard.forget(place) }
    if block == nil, let base = bytes.base, bytes.count > 0 {
      munmap(UnsafeMutableRawPointer(mutating: base), bytes.count)
    }
  }
}
