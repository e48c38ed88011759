/// The Adler-32 sum of RFC 1950, which closes a zlib stream.
package struct Adler32: BitwiseCopyable {
  private static let modulus: UInt32 = 65521
  /// Bytes in one vector step.
  private static let lanes = 16
  /// Steps whose sums stay inside 16 bits: a prefix is at most 255 * (22 * 21 / 2) = 58,905.
  private static let stepsPerGroup = 22
  /// Groups between two reductions: 15 * 352 bytes are below 5,552, the most for which both sums fit in 32 bits.
  private static let groupsPerReduction = 15

  private var first: UInt32 = 1
  private var second: UInt32 = 0

  package init() {}

  /// The sum of all bytes added; a stream has its most significant byte first.
  package var value: UInt32 { second << 16 | first }

  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard var p = bytes.baseAddress else { return }
    var left = bytes.count
    var a = first
    var b = second
    let groupBytes = Self.lanes * Self.stepsPerGroup
    while left >= groupBytes {
      var groups = min(left / groupBytes, Self.groupsPerReduction)
      left &-= groups &* groupBytes
      while groups > 0 {
        Self.addGroup(p, &a, &b)
        p += groupBytes
        groups &-= 1
      }
      a %= Self.modulus
      b %= Self.modulus
    }
    for i in 0..<left {
      a &+= UInt32(p.load(fromByteOffset: i, as: UInt8.self))
      b &+= a
    }
    first = a % Self.modulus
    second = b % Self.modulus
  }

  /// Adds `count` bytes whose own sum is known.
  package mutating func append(_ other: Adler32, count: Int) {
    // Each of the bytes counts the first sum before it once more; both sums of a stream start at 1 and 0.
    let before = UInt64(first) &+ UInt64(Self.modulus) &- 1
    let length = UInt64(truncatingIfNeeded: count % Int(Self.modulus))
    let modulus = UInt64(Self.modulus)
    second = UInt32(
      truncatingIfNeeded: (UInt64(second) &+ UInt64(other.second) &+ before % modulus &* length) % modulus)
    first = UInt32(truncatingIfNeeded: (before &+ UInt64(other.first)) % modulus)
  }

  /// Adds one group. In lane k, `first` holds the sum of the bytes seen and `prefix` the sum of the values `first`
  /// had before each step; byte j of the group then counts `groupBytes - j` times in the second sum.
  @inline(__always)
  private static func addGroup(_ p: UnsafeRawPointer, _ a: inout UInt32, _ b: inout UInt32) {
    var first = SIMD16<UInt16>(repeating: 0)
    var prefix = SIMD16<UInt16>(repeating: 0)
    for step in 0..<stepsPerGroup {
      let bytes = p.loadUnaligned(fromByteOffset: step &* lanes, as: SIMD16<UInt8>.self)
      prefix &+= first
      first &+= SIMD16<UInt16>(truncatingIfNeeded: bytes)
    }
    b &+= a &* UInt32(truncatingIfNeeded: lanes &* stepsPerGroup)
    let weights = SIMD16<UInt32>(16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)
    let wide = SIMD16<UInt32>(truncatingIfNeeded: first)
    a &+= wide.wrappedSum()
    b &+= (wide &* weights).wrappedSum()
    b &+= SIMD16<UInt32>(truncatingIfNeeded: prefix).wrappedSum() &* 16
  }
}
