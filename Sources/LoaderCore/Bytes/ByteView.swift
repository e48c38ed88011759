/// A borrowed run of bytes: a pointer and a length, without ownership.
///
/// The bytes belong to a `MappedFile` or to an `Arena` that outlives the view. Every read is checked
/// against the length; a read that does not fit gives zero (or an empty view), so that a corrupt
/// object can never make the daemon touch foreign memory. Callers that must tell a corrupt input from
/// a zero use the `try` readers or the fault cell of `ObjectView`.
package struct ByteView: @unchecked Sendable {
  package let base: UnsafeRawPointer?
  package let count: Int

  @inline(__always)
  package init(_ base: UnsafeRawPointer?, _ count: Int) {
    self.base = base
    self.count = count
  }

  @inline(__always) package static var empty: ByteView { ByteView(nil, 0) }

  @inline(__always) package var isEmpty: Bool { count == 0 }

  /// Whether `length` bytes lie at `offset`.
  @inline(__always)
  package func fits(_ offset: Int, _ length: Int) -> Bool {
    offset >= 0 && length >= 0 && offset <= count && length <= count &- offset
  }

  /// The `length` bytes at `offset`, or the empty view when they do not fit.
  @inline(__always)
  package func slice(_ offset: Int, _ length: Int) -> ByteView {
    guard fits(offset, length), length > 0, let base else { return .empty }
    return ByteView(base + offset, length)
  }

  @inline(__always)
  package func u8(_ offset: Int) -> UInt8 {
    guard fits(offset, 1), let base else { return 0 }
    return base.load(fromByteOffset: offset, as: UInt8.self)
  }

  @inline(__always)
  package func u16(_ offset: Int) -> UInt16 {
    guard fits(offset, 2), let base else { return 0 }
    return UInt16(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  @inline(__always)
  package func u32(_ offset: Int) -> UInt32 {
    guard fits(offset, 4), let base else { return 0 }
    return UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  package func u64(_ offset: Int) -> UInt64 {
    guard fits(offset, 8), let base else { return 0 }
    return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// The bytes as text; malformed UTF-8 is repaired, so this is for messages and rare look-ups.
  package var string: String {
    guard let base, count > 0 else { return "" }
    return String(decoding: UnsafeRawBufferPointer(start: base, count: count), as: UTF8.self)
  }

  @inline(__always)
  package var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  package func hasPrefix(_ prefix: StaticString) -> Bool {
    let n = prefix.utf8CodeUnitCount
    guard let base, count >= n else { return false }
    return compareBytes(base, UnsafeRawPointer(prefix.utf8Start), n) == 0
  }

  package func hasSuffix(_ suffix: StaticString) -> Bool {
    let n = suffix.utf8CodeUnitCount
    guard let base, count >= n else { return false }
    return compareBytes(base + (count - n), UnsafeRawPointer(suffix.utf8Start), n) == 0
  }

  package func contains(_ byte: UInt8) -> Bool {
    guard let base, count > 0 else { return false }
    return findByte(base, byte, count)
  }

  @inline(__always)
  package static func == (a: ByteView, b: ByteView) -> Bool {
    guard a.count == b.count else { return false }
    guard let pa = a.base, let pb = b.base, a.count > 0 else { return true }
    return pa == pb || compareBytes(pa, pb, a.count) == 0
  }

  /// Byte-wise order, as Go orders strings.
  package static func < (a: ByteView, b: ByteView) -> Bool {
    let n = min(a.count, b.count)
    if n > 0, let pa = a.base, let pb = b.base {
      let c = compareBytes(pa, pb, n)
      if c != 0 { return c < 0 }
    }
    return a.count < b.count
  }
}
