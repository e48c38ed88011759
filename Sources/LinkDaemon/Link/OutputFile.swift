import ImageWriter
import LoaderCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The file a link leaves: written beside its place and renamed, so that a killed link leaves no half file
/// and nobody runs one. Always a file of its own: the go command rewrites the build id in place.
package struct OutputFile {
  package let path: String
  /// The path as the command line has it, for messages.
  private let shown: String
  /// The mode bits the real linker's file gets: 0775 less the client's umask (ld/lib.go libinit).
  let mode: mode_t

  package init(path: String, shown: String, umask: Int) {
    self.path = path
    self.shown = shown
    mode = 0o775 & ~mode_t(umask & 0o777)
  }

  /// Looks, before the link, whether the place can be replaced by a rename: nothing or an ordinary file there,
  /// in a folder that can be written.
  ///
  /// - Throws: what the real linker says of a file it cannot create; `.unsupported` for devices and links.
  package func check() throws(LinkFailure) {
    var st = stat()
    if lstat(path, &st) == 0 {
      if st.st_mode & S_IFMT == S_IFDIR { throw cannotCreate(EISDIR) }
      guard st.st_mode & S_IFMT == S_IFREG else {
        throw .unsupported(reason: "output is not an ordinary file")
      }
    } else if errno != ENOENT {
      throw cannotCreate(errno)
    }
    guard access(folder, W_OK | X_OK) == 0 else { throw cannotCreate(errno) }
  }

  private func cannotCreate(_ code: Int32) -> LinkFailure {
    .exit(message: "cannot create \(shown): open \(shown): \(ErrorNumber(code).text)")
  }

  /// Where the file goes.
  var folder: String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Removes what is there, as the real linker does when it starts.
  package func remove() {
    if isThere { unlink(path) }
  }

  /// Whether there is an ordinary file at the place.
  private var isThere: Bool {
    var st = stat()
    return lstat(path, &st) == 0 && st.st_mode & S_IFMT == S_IFREG
  }

  /// Puts `image` beside the place: in a spare, if there is one that fits, or else in a new file. What was there goes
  /// first, as with the real linker, since a rename over an old file would make ext4 flush to disk.
  ///
  /// - Parameter program: whose spare it may be (`ResultStore.program`).
  /// - Returns: the temporary file's path, for `commit` or `discard`.
  /// - Throws: "cannot create" in the real linker's words, or why writing failed.
  package func stage(
    _ image: OutputImage, program: Int = 0, spares: SpareOutputs? = nil
  ) throws(LinkFailure) -> String {
    // Its name does not grow with the output's, which may have the longest there is.
    let temporary = "\(folder)/.linkd-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    if let spares, image.count >= spares.fewestBytes, spares.serves(folder),
      let spare = spares.take(program, for: image.count), spare.move(to: temporary)
    {
      if spare.fill(temporary, with: image, mode: mode) {
        if !(isThere && spares.takeAway(path)) { remove() }
        return temporary
      }
      unlink(temporary)
    }
    do throws(LinkFailure) {
      return try stageAnew(image, temporary)
    } catch {
      // What was kept for later links must not be what this one has no room for.
      guard let spares, spares.removeAll() else { throw error }
      return try stageAnew(image, temporary)
    }
  }

  /// Writes a new file. The memory of the pages of what was there serves it.
  private func stageAnew(_ image: OutputImage, _ temporary: String) throws(LinkFailure) -> String {
    remove()
    let fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard fd >= 0 else { throw cannotCreate(errno) }
    fchmod(fd, mode)
    #if os(Linux)
      // Reserving the space first makes the one large write cheaper, and a full disk an error here.
      let reserved = posix_fallocate(fd, 0, off_t(image.count))
      if [ENOSPC, EDQUOT, EFBIG].contains(reserved) { throw fail(fd, temporary, reserved) }
    #endif
    if let code = Self.write(fd, UnsafeRawBufferPointer(start: image.base, count: image.count)) {
      throw fail(fd, temporary, code)
    }
    guard close(fd) == 0 else {
      let code = errno
      unlink(temporary)
      throw writing(code)
    }
    return temporary
  }

  /// - Returns: nil, or why not all could be written.
  static func write(_ fd: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32? {
    var done = 0
    while done < bytes.count, let base = bytes.baseAddress {
      let n = systemWrite(fd, base + done, bytes.count - done)
      if n < 0 {
        if errno == EINTR { continue }
        return errno
      }
      done += n
    }
    return nil
  }

  private func fail(_ fd: Int32, _ temporary: String, _ code: Int32) -> LinkFailure {
    close(fd)
    unlink(temporary)
    return writing(code)
  }

  private func writing(_ code: Int32) -> LinkFailure {
    .exit(message: "writing \(shown): \(ErrorNumber(code).text)")
  }

  package func commit(_ temporary: String) throws(LinkFailure) {
    guard rename(temporary, path) == 0 else {
      let code = errno
      unlink(temporary)
      throw writing(code)
    }
  }

  package func discard(_ temporary: String) { unlink(temporary) }
}

private func systemWrite(_ fd: Int32, _ from: UnsafeRawPointer, _ count: Int) -> Int {
  write(fd, from, count)
}
