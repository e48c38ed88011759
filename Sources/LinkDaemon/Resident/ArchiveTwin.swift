import LoaderCore

/// By what an archive that was built again is known: two files that are equal but for the action in the build id.
///
/// When a package changes, the go command compiles all that import it again, and mostly gets what it had: then the build
/// ids "action/content" (cmd/go, buildid.go) differ before the slash only. A link reads neither.
package struct ArchiveTwin {
  /// As the file has it, 41 bytes and more.
  package let buildID: ByteView
  /// Behind the last slash: a hash of everything else.
  let content: ByteView

  /// Where the build id stands at the latest.
  private static let headerLimit = 1 << 10

  /// - Returns: nil for a file without a build id of that form.
  package init?(_ file: ByteView) {
    let head = file.slice(0, min(file.count, Self.headerLimit))
    guard head.hasPrefix("!<arch>\n"), let start = Self.find("\nbuild id \"", in: head) else { return nil }
    var (end, slash) = (start, start)
    while end < head.count, head.u8(end) != 0x22, head.u8(end) != 0x0a {
      if head.u8(end) == 0x2f { slash = end }
      end += 1
    }
    // Hashes are of 20 characters.
    guard end < head.count, head.u8(end) == 0x22, slash - start >= 20, end - slash == 21 else { return nil }
    buildID = head.slice(start, end - start)
    content = head.slice(slash + 1, 20)
  }

  private static func find(_ text: StaticString, in bytes: ByteView) -> Int? {
    let n = text.utf8CodeUnitCount
    let first = text.utf8Start.pointee
    for at in 0..<max(0, bytes.count - n) where bytes.u8(at) == first && bytes.slice(at, n).hasPrefix(text) {
      return at + n
    }
    return nil
  }

  /// By what twins are found, besides being compared: content and size.
  func key(_ file: ByteView) -> ContentKey {
    let bytes = [UInt8](content.buffer) + withUnsafeBytes(of: file.count.littleEndian) { [UInt8]($0) }
    return bytes.withUnsafeBytes { ContentKey.hashing(ByteView($0.baseAddress, $0.count)) }
  }
}
