import Foundation

/// The bytes of one file, mapped, with every read checked: an offset outside the file gives nil.
package struct FileBytes: Sendable {
  package let path: String
  let data: Data

  /// Maps the file at `path`. Throws `ImageDiffError.unreadable`.
  package init(path: String) throws(ImageDiffError) {
    do {
      self.init(path: path, data: try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe))
    } catch {
      throw .unreadable(path: path, reason: error.localizedDescription)
    }
  }

  package init(path: String, data: Data) {
    self.path = path
    self.data = data
  }

  package var count: Int { data.count }

  /// The little-endian integer at byte `offset`, or nil when it does not lie inside the file.
  func integer<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T? {
    let width = MemoryLayout<T>.size
    guard offset >= 0, offset <= count - width else { return nil }
    return data.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: T.self)) }
  }

  func byte(at offset: Int) -> UInt8? { integer(UInt8.self, at: offset) }

  /// The zero-terminated string at byte `offset`; nil when it runs past `end` (exclusive) or the file.
  func cString(at offset: Int, end: Int) -> String? {
    let end = min(end, count)
    guard offset >= 0, offset < end else { return nil }
    return data.withUnsafeBytes { bytes in
      let tail = UnsafeRawBufferPointer(rebasing: bytes[offset..<end])
      guard let length = tail.firstIndex(of: 0) else { return nil }
      return String(decoding: tail[..<length], as: UTF8.self)
    }
  }

  /// The `length` bytes at `offset` as text; nil when they do not lie inside the file.
  func string(at offset: Int, length: Int) -> String? {
    guard offset >= 0, length >= 0, offset <= count, length <= count - offset else { return nil }
    return data.withUnsafeBytes { String(decoding: $0[offset..<(offset + length)], as: UTF8.self) }
  }

  /// Up to `length` bytes from `offset`, as many as the file has.
  func slice(at offset: Int, length: Int) -> [UInt8] {
    guard offset >= 0, offset < count, length > 0 else { return [] }
    return data.withUnsafeBytes { [UInt8]($0[offset..<min(count, offset + length)]) }
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
  left.data.withUnsafeBytes { leftBytes in
    right.data.withUnsafeBytes { rightBytes in
      let x = UnsafeRawBufferPointer(rebasing: leftBytes[a..<(a + length)])
      let y = UnsafeRawBufferPointer(rebasing: rightBytes[b..<(b + length)])
      var lastDifference = Int.min / 2
      var start = 0
      while start < length {
        let end = min(length, start + 4096)
        if let p = x.baseAddress, let q = y.baseAddress, memcmp(p + start, q + start, end - start) == 0 {
          start = end
          continue
        }
        for i in start..<end where x[i] != y[i] {
          result.differing += 1
          if i - lastDifference > ByteComparison.runGap {
            result.runCount += 1
            if result.runs.count < ByteComparison.runsKept { result.runs.append(i) }
          }
          lastDifference = i
        }
        start = end
      }
    }
  }
  result.first = result.runs.first
  return result
}
