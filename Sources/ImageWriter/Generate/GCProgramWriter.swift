/// Writes a GC program: for each 8-byte word of a region one bit, pointer or not, as literal runs and
/// repetitions (cmd/internal/gcprog):
///
///     0               stop
///     n, 1...127      n literal bits in the next (n+7)/8 bytes, lowest first
///     0x80 | n, c     the last n bits c times more; c is a varint
///     0x80, n, c      the same with n as a varint
package struct GCProgramWriter {
  package private(set) var bytes: [UInt8] = []
  /// The word that the next bit describes.
  package private(set) var position: Int64 = 0
  /// Words of the region: a bit behind it is refused.
  package let limit: Int64
  /// Up to 127 bits not written yet, the first one lowest.
  private var low: UInt64 = 0
  private var high: UInt64 = 0
  private var pending = 0

  /// Something asked to go back, or beyond the region: the types contradict the layout.
  package struct OutOfRange: Error {}

  private static let maxLiteral = 127
  /// Zeros from this number on are written as one zero and a repetition.
  private static let shortRun: Int64 = 32

  package init(limit: Int64) { self.limit = limit }

  /// Says that the word at `index` holds a pointer, and those skipped to get there do not.
  @inline(__always)
  package mutating func pointer(at index: Int64) throws(OutOfRange) {
    guard index < limit else { throw OutOfRange() }
    try zeros(until: index)
    literal(1)
  }

  /// Says that the words up to, not including, the one at `index` hold no pointers.
  package mutating func zeros(until index: Int64) throws(OutOfRange) {
    guard index >= position, index <= limit else { throw OutOfRange() }
    let skip = index - position
    if skip < Self.shortRun {
      for _ in 0..<skip { literal(0) }
    } else {
      literal(0)
      flush()
      try repetition(of: 1, times: skip - 1)
    }
  }

  /// Repeats the last `n` bits `c` times more.
  package mutating func repetition(of n: Int64, times c: Int64) throws(OutOfRange) {
    guard n != 0, c != 0 else { return }
    let (words, overflow) = n.multipliedReportingOverflow(by: c)
    guard n > 0, c > 0, !overflow, words <= limit - position else { throw OutOfRange() }
    flush()
    if n < 128 {
      bytes.append(0x80 | UInt8(n))
    } else {
      bytes.append(0x80)
      varint(n)
    }
    varint(c)
    position += words
  }

  /// Ends the program.
  package mutating func end() {
    flush()
    bytes.append(0)
  }

  @inline(__always)
  private mutating func literal(_ bit: UInt64) {
    if pending == Self.maxLiteral { flush() }
    if pending < 64 { low |= bit << UInt64(pending) } else { high |= bit << UInt64(pending - 64) }
    pending += 1
    position += 1
  }

  private mutating func flush() {
    guard pending > 0 else { return }
    bytes.append(UInt8(pending))
    for k in 0..<((pending + 7) / 8) {
      let word = k < 8 ? low >> UInt64(8 * k) : high >> UInt64(8 * (k - 8))
      bytes.append(UInt8(truncatingIfNeeded: word))
    }
    low = 0
    high = 0
    pending = 0
  }

  private mutating func varint(_ value: Int64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
