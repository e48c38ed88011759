/// A growing run of bytes in memory the sink owns.
///
/// The compressor asks for room once per block and then stores through raw pointers, so the checks on capacity
/// stay out of its loops. Emptying keeps the memory: a resident process pays for fresh pages once.
///
/// Sendable, as it alone owns its memory and has no copies.
package struct ByteSink: ~Copyable, @unchecked Sendable {
  private var base: UnsafeMutableRawPointer
  private var capacity: Int
  /// Bytes held.
  package private(set) var count: Int

  /// - Parameter capacity: bytes to set aside at once; the sink grows beyond them by itself.
  package init(capacity: Int = 0) {
    self.capacity = max(capacity, 64)
    base = .allocate(byteCount: self.capacity, alignment: 16)
    count = 0
  }

  deinit {
    base.deallocate()
  }

  /// Bytes of memory.
  var room: Int { capacity }

  /// Forgets the bytes and keeps the memory.
  package mutating func removeAll() {
    count = 0
  }

  /// Calls `body` with the bytes held. The pointer is good for the length of the call.
  package borrowing func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try body(UnsafeRawBufferPointer(start: base, count: count))
  }

  /// A copy of the bytes held.
  package borrowing func bytes() -> [UInt8] {
    withUnsafeBytes { [UInt8]($0) }
  }

  package mutating func append(_ byte: UInt8) {
    reserve(1).storeBytes(of: byte, as: UInt8.self)
    count &+= 1
  }

  package mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    reserve(bytes.count).copyMemory(from: start, byteCount: bytes.count)
    count &+= bytes.count
  }

  /// Makes room for `extra` more bytes and gives the address at which the next byte belongs.
  /// The address is good until the next call that may grow the sink.
  mutating func reserve(_ extra: Int) -> UnsafeMutableRawPointer {
    if capacity &- count < extra {
      grow(to: count + extra)
    }
    return base + count
  }

  /// Takes up the bytes that were stored from the address `reserve` gave up to `end`.
  mutating func commit(upTo end: UnsafeMutableRawPointer) {
    count = end - base
    assert(count <= capacity)
  }

  private mutating func grow(to needed: Int) {
    let larger = max(needed, capacity + capacity / 2)
    let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    fresh.copyMemory(from: base, byteCount: count)
    base.deallocate()
    base = fresh
    capacity = larger
  }
}
