import LoaderCore
import Synchronization

/// Which Go release a `link` belongs to: what its tree's VERSION file says, two folders above pkg/tool. A
/// linker elsewhere is nobody we know.
final class ReleaseFinder: Sendable {
  private let known = Mutex<[String: (stamp: FileStamp, release: String)]>([:])

  /// The release ("go1.27.3"), nil when it cannot be told or linkd has no profile of it.
  func release(of linker: String?) -> String? {
    guard let linker, linker.hasPrefix("/") else { return nil }
    let parts = linker.split(separator: "/")
    guard parts.count > 4, parts[parts.count - 4] == "pkg", parts[parts.count - 3] == "tool",
      parts[parts.count - 2] == "linux_amd64"
    else { return nil }
    let file = "/" + parts.dropLast(4).joined(separator: "/") + "/VERSION"
    guard case .success(let stamp) = FileStamp.of(path: file) else { return nil }
    if let k = known.withLock({ $0[file] }), k.stamp == stamp { return k.release }
    guard case .success(let version) = MappedFile.open(file) else { return nil }
    let line = version.bytes.buffer.prefix { $0 != 0x0a }
    let release = String(decoding: line, as: UTF8.self)
    guard ReleaseProfile.named(release) != nil else { return nil }
    known.withLock { $0[file] = (stamp, release) }
    return release
  }
}
