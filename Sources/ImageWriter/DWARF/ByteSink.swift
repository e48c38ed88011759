import LoaderCore

/// Bytes being written: little endian, growing, in memory of its own.
package final class ByteSink: @unchecked Sendable {
  private(set) var base: UnsafeMutableRawPointer
  private(set) var count = 0
  private var capacity: Int

  package init(capacity: Int = 256) {
    self.capacity = max(capacity, 16)
    base = .allocate(byteCount: self.capacity, alignment: 16)
  }

  /// The same bytes in memory of just their size.
  init(copying other: ByteSink) {
    capacity = max(other.count, 16)
    base = .allocate(byteCount: capacity, alignment: 16)
    base.copyMemory(from: other.base, byteCount: other.count)
    count = other.count
  }

  init(copying bytes: [UInt8]) {
    capacity = max(bytes.count, 16)
    base = .allocate(byteCount: capacity, alignment: 16)
    UnsafeMutableRawBufferPointer(start: base, count: capacity).copyBytes(from: bytes)
    count = bytes.count
  }

  deinit { base.deallocate() }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Bytes of memory.
  var room: Int { capacity }

  /// Makes room for `n` more bytes.
  @inline(__always)
  func reserve(_ n: Int) {
    if n > capacity &- count { grow(n) }
  }

  @inline(never)
  private func grow(_ n: Int) {
    capacity = max(capacity &* 2, count &+ n)
    let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    grown.copyMemory(from: base, byteCount: count)
    base.deallocate()
    base = grown
  }

  @inline(__always)
  private func append<T: FixedWidthInteger>(_ value: T) {
    reserve(MemoryLayout<T>.size)
    base.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
    count &+= MemoryLayout<T>.size
  }

  @inline(__always) func u8(_ value: UInt8) { append(value) }
  @inline(__always) func u16(_ value: UInt16) { append(value) }
  @inline(__always) func u32(_ value: UInt32) { append(value) }
  @inline(__always) func u64(_ value: UInt64) { append(value) }

  func append(_ bytes: ByteView) {
    guard let from = bytes.base, bytes.count > 0 else { return }
    reserve(bytes.count)
    (base + count).copyMemory(from: from, byteCount: bytes.count)
    count &+= bytes.count
  }

  /// The bytes and a NUL (DW_FORM_string).
  func string(_ text: ByteView) {
    append(text)
    u8(0)
  }

  func string(_ text: StaticString) {
    string(ByteView(UnsafeRawPointer(text.utf8Start), text.utf8CodeUnitCount))
  }

  func string(_ text: String) {
    append(text: text)
    u8(0)
  }

  func append(text: String) {
    var text = text
    text.withUTF8 { append(ByteView(UnsafeRawPointer($0.baseAddress), $0.count)) }
  }

  /// Unsigned LEB128 (AppendUleb128).
  @inline(__always)
  package func uleb(_ value: UInt64) {
    var v = value
    while v >= 0x80 {
      u8(UInt8(truncatingIfNeeded: v) | 0x80)
      v >>= 7
    }
    u8(UInt8(truncatingIfNeeded: v))
  }

  /// A signed number where the format has an unsigned one: Go writes its 64 bits, ten bytes when negative.
  @inline(__always) package func uleb(_ value: Int64) { uleb(UInt64(bitPattern: value)) }

  /// Signed LEB128 (AppendSleb128).
  @inline(__always)
  package func sleb(_ value: Int64) {
    var v = value
    while true {
      let byte = UInt8(truncatingIfNeeded: v) & 0x7f
      v >>= 7
      let signBit = byte & 0x40 != 0
      if (v == 0 && !signBit) || (v == -1 && signBit) {
        u8(byte)
        return
      }
      u8(byte | 0x80)
    }
  }

  func zeros(_ n: Int) {
    guard n > 0 else { return }
    reserve(n)
    (base + count).initializeMemory(as: UInt8.self, repeating: 0, count: n)
    count &+= n
  }

  /// Overwrites four bytes written before.
  @inline(__always)
  func setU32(_ value: UInt32, at offset: Int) {
    assert(offset &+ 4 <= count)
    base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
  }

  /// Overwrites eight bytes written before.
  @inline(__always)
  func setU64(_ value: UInt64, at offset: Int) {
    assert(offset &+ 8 <= count)
    base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
  }

  @inline(__always)
  func u32(at offset: Int) -> UInt32 {
    assert(offset &+ 4 <= count)
    return UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// Forgets all but the first `n` bytes.
  func truncate(_ n: Int) { count = min(count, n) }
}
