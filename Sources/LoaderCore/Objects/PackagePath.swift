/// Package paths as symbol names spell them.
package enum PackagePath {
  /// The path with control characters, blanks, '%', '"', non-ASCII bytes and the dots of its last element
  /// as %xx (cmd/internal/objabi/path.go PathToPrefix).
  package static func prefix(_ path: String) -> String {
    let bytes = Array(path.utf8)
    let slash = bytes.lastIndex(of: 0x2f) ?? -1
    func escapes(_ i: Int) -> Bool {
      let c = bytes[i]
      return c <= 0x20 || (c == 0x2e && i > slash) || c == 0x25 || c == 0x22 || c >= 0x7f
    }
    guard bytes.indices.contains(where: escapes) else { return path }
    let hex = Array("0123456789abcdef".utf8)
    var out: [UInt8] = []
    for i in bytes.indices {
      if escapes(i) {
        out += [0x25, hex[Int(bytes[i] >> 4)], hex[Int(bytes[i] & 15)]]
      } else {
        out.append(bytes[i])
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// The shortest equivalent path (Go's path.Clean).
  package static func clean(_ path: String) -> String {
    guard !path.isEmpty else { return "." }
    // Nearly all are clean: no empty, "." or ".." element, no slash at the end.
    var before: UInt8 = 0x2f
    var isClean = true
    for c in path.utf8 {
      if before == 0x2f, c == 0x2f || c == 0x2e { isClean = false }
      before = c
    }
    if isClean, before != 0x2f { return path }
    let rooted = path.hasPrefix("/")
    var parts: [Substring] = []
    for p in path.split(separator: "/") where p != "." {
      if p == "..", let last = parts.last, last != ".." {
        parts.removeLast()
      } else if p != ".." || !rooted {
        parts.append(p)
      }
    }
    let joined = parts.joined(separator: "/")
    if rooted { return "/" + joined }
    return joined.isEmpty ? "." : joined
  }
}
