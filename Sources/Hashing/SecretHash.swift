/// A hash of 128 bits whose key is drawn anew in each process and never leaves it.
///
/// Two levels of the universal hash NH (Black, Halevi, Krawczyk, Krovetz, Rogaway: "UMAC", 1999) on words of 64 bits:
/// the sum, modulo 2^128, of the products of pairs of words, each word added to one of the key first. For any two
/// different inputs of the same length, whatever they are and whoever made them, at most one key in 2^64 gives both the
/// same sum; with two levels, one in 2^63. That is what lets a hash stand for bytes here: a block would be mistaken for
/// another once in 10^18 comparisons. Only hashes of inputs of equal length may be compared.
package struct SecretHash: BitwiseCopyable, Equatable {
  private let low: UInt64
  private let high: UInt64

  private init(_ sum: UInt128) {
    low = UInt64(truncatingIfNeeded: sum)
    high = UInt64(truncatingIfNeeded: sum >> 64)
  }

  /// Words in a chunk of the first level.
  private static let chunkWords = 128
  /// Words of the second level, two for a chunk: for inputs of at most 256 KiB.
  private static let chunkSums = 512

  /// Words of the key: for a chunk, then for the chunks' sums.
  private struct Key: @unchecked Sendable {
    let words: UnsafePointer<UInt64>

    init() {
      var random = SystemRandomNumberGenerator()
      let words = UnsafeMutablePointer<UInt64>.allocate(capacity: chunkWords + chunkSums)
      for i in 0..<(chunkWords + chunkSums) { words[i] = random.next() }
      self.words = UnsafePointer(words)
    }
  }
  private static let key = Key()

  /// The hash of at most 256 KiB.
  package init(_ bytes: UnsafeRawBufferPointer) {
    assert(bytes.count <= Self.chunkWords * 8 * Self.chunkSums / 2)
    guard let start = bytes.baseAddress else {
      self.init(0)
      return
    }
    let key = Self.key.words
    let sumKey = key + Self.chunkWords
    let chunkBytes = Self.chunkWords &* 8
    var total: UInt128 = 0
    var at = 0
    var k = 0
    while at &+ chunkBytes <= bytes.count {
      Self.add(Self.chunk(start + at, key), sumKey + k, to: &total)
      at &+= chunkBytes
      k &+= 2
    }
    let rest = bytes.count &- at
    if rest > 0 {
      // Filled up with zeros: lengths are equal wherever hashes are compared.
      withUnsafeTemporaryAllocation(byteCount: chunkBytes, alignment: 8) { buffer in
        guard let last = buffer.baseAddress else { return }
        last.initializeMemory(as: UInt8.self, repeating: 0, count: chunkBytes)
        last.copyMemory(from: start + at, byteCount: rest)
        Self.add(Self.chunk(UnsafeRawPointer(last), key), sumKey + k, to: &total)
      }
    }
    self.init(total)
  }

  @inline(__always)
  private static func chunk(_ p: UnsafeRawPointer, _ key: UnsafePointer<UInt64>) -> UInt128 {
    var sum: UInt128 = 0
    var i = 0
    while i < chunkWords {
      let a = p.loadUnaligned(fromByteOffset: i &* 8, as: UInt64.self) &+ key[i]
      let b = p.loadUnaligned(fromByteOffset: i &* 8 &+ 8, as: UInt64.self) &+ key[i &+ 1]
      sum &+= product(a, b)
      i &+= 2
    }
    return sum
  }

  @inline(__always)
  private static func add(_ sum: UInt128, _ key: UnsafePointer<UInt64>, to total: inout UInt128) {
    total &+= product(
      UInt64(truncatingIfNeeded: sum) &+ key[0], UInt64(truncatingIfNeeded: sum >> 64) &+ key[1])
  }

  @inline(__always)
  private static func product(_ a: UInt64, _ b: UInt64) -> UInt128 {
    let full = a.multipliedFullWidth(by: b)
    return UInt128(truncatingIfNeeded: full.high) << 64 | UInt128(truncatingIfNeeded: full.low)
  }
}
