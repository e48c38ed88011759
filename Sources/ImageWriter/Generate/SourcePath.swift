import LoaderCore

/// File names as objects record them, and as they appear in the image.
package struct SourcePath {
  /// The GOROOT of the request, cleaned; empty leaves "$GOROOT" in the names.
  private let root: [UInt8]

  /// - Parameter goroot: the environment's GOROOT, "" when unset or -trimpath cleared it.
  package init(goroot: String) {
    root = goroot.isEmpty ? [] : Array(PackagePath.clean(goroot).utf8)
  }

  /// The name without the object file's "gofile.." and with a leading "$GOROOT" replaced
  /// (cmd/link/internal/ld/dwarf.go expandFile, pcln.go expandGoroot).
  ///
  /// - Parameter arena: keeps the names that had to be made.
  package func expand(_ raw: ByteView, in arena: Arena) -> ByteView {
    var name = raw
    if name.hasPrefix("gofile..") { name = name.slice(8, name.count - 8) }
    guard !root.isEmpty, name.hasPrefix("$GOROOT") else { return name }
    let separator = name.u8(7)
    guard name.count > 7, separator == 0x2f || separator == 0x5c else { return name }
    let rest = name.slice(7, name.count - 7)
    var path = root
    if separator != 0x2f { path.append(0x2f) }
    path.append(contentsOf: rest.buffer)
    if separator != 0x2f || !Self.isClean(rest) || root == [0x2f] { path = Self.clean(path) }
    return path.withUnsafeBytes { arena.copy(ByteView($0.baseAddress, $0.count)) }
  }

  /// Whether `path`, which starts with a slash, has no empty, "." or ".." element.
  private static func isClean(_ path: ByteView) -> Bool {
    var length = 0
    var dots = 0
    for (i, c) in path.buffer.enumerated() where i > 0 {
      if c == 0x2f {
        if length == 0 || (length == dots && dots <= 2) { return false }
        length = 0
        dots = 0
      } else {
        length += 1
        if c == 0x2e { dots += 1 }
      }
    }
    return !(length == 0 || (length == dots && dots <= 2))
  }

  /// Go's filepath.Clean on bytes: through Latin-1, so that bytes which are no UTF-8 survive.
  private static func clean(_ path: [UInt8]) -> [UInt8] {
    let text = String(String.UnicodeScalarView(path.map { Unicode.Scalar($0) }))
    return PackagePath.clean(text).unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
  }
}
