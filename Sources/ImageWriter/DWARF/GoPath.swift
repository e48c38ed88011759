import LoaderCore

/// Go's package path, on bytes.
package enum GoPath {
  /// path.Dir and path.Base of a name that is not empty.
  package static func split(_ name: ByteView, in arena: Arena) -> (directory: ByteView, base: ByteView) {
    var slash = name.count - 1
    while slash >= 0, name.u8(slash) != 0x2f { slash -= 1 }
    var directory = name.slice(0, slash + 1)
    if !isCleanDirectory(directory) {
      directory = clean(directory, in: arena)
    } else if directory.count > 1 {
      directory = directory.slice(0, directory.count - 1)
    }
    return (directory, base(name, in: arena))
  }

  private static func base(_ name: ByteView, in arena: Arena) -> ByteView {
    var end = name.count
    while end > 0, name.u8(end - 1) == 0x2f { end -= 1 }
    if end == 0 { return arena.intern(name.isEmpty ? "." : "/") }
    var start = end
    while start > 0, name.u8(start - 1) != 0x2f { start -= 1 }
    return name.slice(start, end - start)
  }

  /// Whether dropping the last slash is all there is to do: no empty, "." or ".." element, and not empty.
  private static func isCleanDirectory(_ d: ByteView) -> Bool {
    guard d.count > 0 else { return false }
    if d.count == 1 { return true }
    var length = 0
    var dots = 0
    for i in 0..<d.count {
      let c = d.u8(i)
      guard c == 0x2f else {
        length += 1
        if c == 0x2e { dots += 1 }
        continue
      }
      if (length == 0 && i > 0) || (length > 0 && length == dots && dots <= 2) { return false }
      length = 0
      dots = 0
    }
    return true
  }

  /// path.Clean.
  private static func clean(_ path: ByteView, in arena: Arena) -> ByteView {
    let isRooted = path.u8(0) == 0x2f
    var elements: [ByteView] = []
    var start = 0
    for i in 0...path.count where i == path.count || path.u8(i) == 0x2f {
      let e = path.slice(start, i - start)
      start = i + 1
      if e.isEmpty || (e.count == 1 && e.u8(0) == 0x2e) { continue }
      let isParent = e.count == 2 && e.hasPrefix("..")
      if isParent, let last = elements.last, !(last.count == 2 && last.hasPrefix("..")) {
        elements.removeLast()
      } else if !isParent || !isRooted {
        elements.append(e)
      }
    }
    var out: [UInt8] = isRooted ? [0x2f] : []
    for (i, e) in elements.enumerated() {
      if i > 0 { out.append(0x2f) }
      out.append(contentsOf: e.buffer)
    }
    if out.isEmpty { out = [0x2e] }
    return out.withUnsafeBytes { arena.copy(ByteView($0.baseAddress, $0.count)) }
  }
}
