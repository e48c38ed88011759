/// Bits on their way to a `ByteSink`, lowest bit first.
///
/// `room` is called before a block is written and promises that all its stores fit; between blocks fewer than 8 bits
/// are held, so the position in the stream is `sink.count` bytes and `count` bits.
struct BitWriter {
  /// Bits not yet stored, from bit 0 up; above `count` all bits are 0.
  var bits: UInt64 = 0
  /// Number of bits held, 0...7 after a flush.
  var count: Int = 0
  /// Where the next whole byte goes.
  var out: UnsafeMutableRawPointer

  /// Adds the low `length` bits of `value`, whose other bits are 0. At most 57 bits between two flushes.
  @inline(__always)
  mutating func put(_ value: UInt64, _ length: Int) {
    bits |= value &<< UInt64(truncatingIfNeeded: count)
    count &+= length
  }

  /// Adds the codes of the `count` bytes at `symbols`.
  @inline(__always)
  mutating func put(_ codes: UnsafePointer<Code>, _ symbols: UnsafeRawPointer, _ count: Int) {
    for i in 0..<count {
      let code = codes[Int(symbols.load(fromByteOffset: i, as: UInt8.self))]
      put(code.bits, code.length)
    }
  }

  /// Stores all whole bytes; writes, but does not count, up to 8 bytes beyond them.
  @inline(__always)
  mutating func flush() {
    out.storeBytes(of: bits.littleEndian, as: UInt64.self)
    out += count &>> 3
    bits &>>= UInt64(truncatingIfNeeded: count & ~7)
    count &= 7
  }

  /// Adds a few bits and stores what is whole. For headers.
  @inline(__always)
  mutating func write(_ value: Int, _ length: Int) {
    put(UInt64(truncatingIfNeeded: value), length)
    flush()
  }

  /// Adds one code. For headers and ends of blocks.
  @inline(__always)
  mutating func write(_ code: Code) {
    put(code.bits, code.length)
    flush()
  }

  /// Fills up the last byte with zeros.
  mutating func align() {
    count = (count &+ 7) & ~7
    flush()
  }

  /// Adds bits of another stream.
  mutating func append(_ range: Range<Int>, of stream: UnsafeRawBufferPointer) {
    guard let start = stream.baseAddress else { return }
    var at = range.lowerBound
    let end = range.upperBound
    if at & 7 == count {
      // In phase: whole bytes.
      if count > 0 { appendSlowly(&at, to: min(end, (at &+ 7) & ~7), start) }
      let bytes = max(0, end &- at) &>> 3
      if count == 0 {
        append(UnsafeRawBufferPointer(start: start + at &>> 3, count: bytes))
        at &+= bytes &* 8
      }
    } else {
      while at &+ 56 <= end, at &>> 3 &+ 8 <= stream.count {
        let word = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: at &>> 3, as: UInt64.self))
        put((word &>> UInt64(truncatingIfNeeded: at & 7)) & (1 &<< 56 &- 1), 56)
        flush()
        at &+= 56
      }
    }
    appendSlowly(&at, to: end, start)
  }

  /// Byte by byte.
  private mutating func appendSlowly(_ at: inout Int, to end: Int, _ start: UnsafeRawPointer) {
    while at < end {
      let n = min(8 &- at & 7, end &- at)
      let byte = UInt64(start.load(fromByteOffset: at &>> 3, as: UInt8.self))
      put((byte &>> UInt64(truncatingIfNeeded: at & 7)) & (1 &<< UInt64(truncatingIfNeeded: n) &- 1), n)
      flush()
      at &+= n
    }
  }

  /// Adds whole bytes at a byte boundary.
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    assert(count == 0)
    guard let start = bytes.baseAddress else { return }
    out.copyMemory(from: start, byteCount: bytes.count)
    out += bytes.count
  }
}
