/// Memory of one section; freed with the last user.
final class SectionBytes: @unchecked Sendable {
  let buffer: UnsafeMutableRawBufferPointer
  var count: Int { buffer.count }

  init(count: Int) { buffer = .allocate(byteCount: count, alignment: 16) }
  deinit { buffer.deallocate() }

  /// Copies a range of it to `out`.
  ///
  /// - Returns: false, with nothing copied, when there is no such range.
  func copy(_ range: Range<Int>, to out: UnsafeMutableRawPointer) -> Bool {
    guard range.lowerBound >= 0, range.upperBound <= count, let base = buffer.baseAddress else {
      return false
    }
    out.copyMemory(from: base + range.lowerBound, byteCount: range.count)
    return true
  }
}
