#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The whole file. This module does without Foundation: the client that carries it must start at once.
func readFile(_ path: String) throws(ImageDiffError) -> [UInt8] {
  func failure() -> ImageDiffError { .unreadable(path: path, reason: String(cString: strerror(errno))) }
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw failure() }
  defer { close(descriptor) }
  var info = stat()
  guard fstat(descriptor, &info) == 0 else { throw failure() }
  guard info.st_mode & S_IFMT == S_IFREG else { throw .unreadable(path: path, reason: "not a regular file") }
  var failed = false
  let bytes = [UInt8](unsafeUninitializedCapacity: Int(info.st_size)) { buffer, count in
    count = 0
    while count < buffer.count {
      let got = read(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count)
      if got < 0, errno == EINTR { continue }
      failed = got < 0
      guard got > 0 else { return }
      count += got
    }
  }
  if failed { throw failure() }
  return bytes
}
