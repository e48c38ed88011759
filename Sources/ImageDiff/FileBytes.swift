/// The bytes of one file, with every read checked: an offset outside the file gives nil.
package struct FileBytes: Sendable {
  package let path: String
  let bytes: [UInt8]

  /// Reads the file at `path`. Throws `ImageDiffError.unreadable`.
  package init(path: String) throws(ImageDiffError) {
    self.init(path: path, bytes: try readFile(path))
  }

  package init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }

  package var count: Int { bytes.count }

  /// The little-endian integer at byte `offset`, or nil when it does not lie inside the file.
  func integer<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T? {
    let width = MemoryLayout<T>.size
    guard offset >= 0, offset <= count - width else { return nil }
    return bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: T.self)) }
  }

  func byte(at offset: Int) -> UInt8? { integer(UInt8.self, at: offset) }

  /// The zero-terminated string at byte `offset`; nil when it runs past `end` (exclusive) or the file.
  func cString(at offset: Int, end: Int) -> String? {
    let end = min(end, count)
    guard offset >= 0, offset < end else { return nil }
    guard let length = bytes[offset..<end].firstIndex(of: 0) else { return nil }
    return String(decoding: bytes[offset..<length], as: UTF8.self)
  }

  /// The `length` bytes at `offset` as text; nil when they do not lie inside the file.
  func string(at offset: Int, length: Int) -> String? {
    guard offset >= 0, length >= 0, offset <= count, length <= count - offset else { return nil }
    return String(decoding: bytes[offset..<(offset + length)], as: UTF8.self)
  }

  /// Up to `length` bytes from `offset`, as many as the file has.
  package func slice(at offset: Int, length: Int) -> [UInt8] {
    guard offset >= 0, offset < count, length > 0 else { return [] }
    return Array(bytes[offset..<min(count, offset + length)])
  }
}

/// How two equally long byte ranges differ. Offsets count from the start of the ranges.
package struct ByteComparison: Sendable, Equatable {
  /// Offset of the first byte that differs; nil when none does.
  package var first: Int?
  /// Number of bytes that differ.
  package var differing = 0
  /// The first byte of each differing run (a run ends after 8 equal bytes), up to `runsKept`.
  package var runs: [Int] = []
  /// Number of runs in all.
  package var runCount = 0
  private var last: Int?

  /// Notes one more differing byte, behind all those noted before.
  fileprivate mutating func add(_ offset: Int) {
    differing += 1
    if last.map({ offset - $0 > Self.runGap }) ?? true {
      runCount += 1
      if runs.count < Self.runsKept { runs.append(offset) }
    }
    last = offset
  }

  static let runsKept = 20_000
  static let runGap = 8
}

/// Compares `length` bytes at `a` of `left` with those at `b` of `right`; both ranges must lie in their files,
/// else only the part that does is compared.
func compareBytes(_ left: FileBytes, _ a: Int, _ right: FileBytes, _ b: Int, length: Int) -> ByteComparison {
  var result = ByteComparison()
  guard a >= 0, b >= 0 else { return result }
  let length = min(length, left.count - a, right.count - b)
  guard length > 0 else { return result }
  left.bytes.withUnsafeBytes { leftBytes in
    right.bytes.withUnsafeBytes { rightBytes in
      let x = UnsafeRawBufferPointer(rebasing: leftBytes[a..<(a + length)])
      let y = UnsafeRawBufferPointer(rebasing: rightBytes[b..<(b + length)])
      var at = 0
      while at < length {
        if at + 8 <= length,
          x.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            == y.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        {
          at += 8
          continue
        }
        let end = min(length, at + 8)
        for i in at..<end where x[i] != y[i] { result.add(i) }
        at = end
      }
    }
  }
  result.first = result.runs.first
  return result
}
