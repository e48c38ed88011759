import ImageWriter
import LoaderCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// -fipso: the bytes that the FIPS checksum is of, in a file of their own (ld/fips140.go newFipsObj).
struct FIPSObjectFile {
  /// Absolute.
  let path: String
  /// The path as the command line has it, for messages.
  let shown: String
  /// The client's.
  let umask: Int

  /// - Throws: what the real linker says when it cannot create the file; `.unsupported` for what is no
  ///   ordinary file.
  func write(_ module: FIPSModule, of image: OutputImage) throws(LinkFailure) {
    var st = stat()
    let isThere = stat(path, &st) == 0
    if isThere, ![S_IFREG, S_IFDIR].contains(st.st_mode & S_IFMT) {
      throw .unsupported(reason: "-fipso: not an ordinary file")
    }
    let fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard fd >= 0 else { throw failure("open", errno) }
    if !isThere { fchmod(fd, 0o666 & ~mode_t(umask & 0o777)) }
    var code: Int32?
    module.forEachPart(of: image) { part in
      if code == nil { code = OutputFile.write(fd, part) }
    }
    if close(fd) != 0, code == nil { code = errno }
    if let code { throw failure("write", code) }
  }

  private func failure(_ operation: String, _ code: Int32) -> LinkFailure {
    .failed(stderr: "asmbfips: \(operation) \(shown): \(ErrorNumber(code).text)\n", exitCode: 2)
  }
}
