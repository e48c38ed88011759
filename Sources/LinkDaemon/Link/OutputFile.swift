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
  /// The mode bits the real linker's file gets: 0775 less the client's umask (ld/lib.go libinit).
  let mode: mode_t

  package init(path: String, umask: Int) {
    self.path = path
    mode = 0o775 & ~mode_t(umask & 0o777)
  }

  /// Whether the place can be replaced by a rename: nothing there, or an ordinary file.
  package var isReplaceable: Bool {
    var st = stat()
    guard lstat(path, &st) == 0 else { return errno == ENOENT }
    return st.st_mode & S_IFMT == S_IFREG
  }

  /// Removes what is there, as the real linker does when it starts.
  package func remove() {
    var st = stat()
    if lstat(path, &st) == 0, st.st_mode & S_IFMT == S_IFREG { unlink(path) }
  }

  /// Writes `image` beside the place.
  ///
  /// - Returns: the temporary file's path, for `commit` or `discard`.
  /// - Throws: "cannot create" in the real linker's words, or why writing failed.
  package func stage(_ image: OutputImage) throws(LinkFailure) -> String {
    let temporary = "\(path).linkd-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    let fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard fd >= 0 else {
      throw .exit(message: "cannot create \(path): open \(path): \(ErrorNumber(errno).text)", stdout: "")
    }
    fchmod(fd, mode)
    #if os(Linux)
      // Reserving the space first makes the one large write cheaper, and a full disk an error here.
      let reserved = posix_fallocate(fd, 0, off_t(image.count))
      if reserved == ENOSPC || reserved == EDQUOT { throw fail(fd, temporary, reserved) }
    #endif
    var done = 0
    while done < image.count {
      let n = write(fd, image.base + done, image.count - done)
      if n < 0 {
        if errno == EINTR { continue }
        throw fail(fd, temporary, errno)
      }
      done += n
    }
    guard close(fd) == 0 else {
      let code = errno
      unlink(temporary)
      throw .exit(message: "writing \(path): \(ErrorNumber(code).text)", stdout: "")
    }
    return temporary
  }

  private func fail(_ fd: Int32, _ temporary: String, _ code: Int32) -> LinkFailure {
    close(fd)
    unlink(temporary)
    return .exit(message: "writing \(path): \(ErrorNumber(code).text)", stdout: "")
  }

  /// Puts the file in its place. What was there goes first: ext4 flushes a file that is renamed over another
  /// one to disk, which costs more than the link.
  package func commit(_ temporary: String) throws(LinkFailure) {
    remove()
    guard rename(temporary, path) == 0 else {
      let code = errno
      unlink(temporary)
      throw .exit(message: "writing \(path): \(ErrorNumber(code).text)", stdout: "")
    }
  }

  package func discard(_ temporary: String) { unlink(temporary) }
}
