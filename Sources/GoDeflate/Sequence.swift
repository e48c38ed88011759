/// A run of literals and the match after it, in one word.
///
/// Bits 0...15 hold the number of literals, 16...30 the distance less 1, 32...36 the distance's symbol, 40...47 the
/// length of the match less 3, 48...63 how far before the place where it was found it begins. The literals themselves lie
/// in the block's literal buffer, in order.
struct Sequence: BitwiseCopyable {
  var raw: UInt64

  @inline(__always)
  init(literals: Int, offset: Int, symbol: Int, length: Int, back: Int) {
    raw =
      UInt64(truncatingIfNeeded: literals) | UInt64(truncatingIfNeeded: offset) &<< 16
      | UInt64(truncatingIfNeeded: symbol) &<< 32 | UInt64(truncatingIfNeeded: length) &<< 40
      | UInt64(truncatingIfNeeded: back) &<< 48
  }

  @inline(__always)
  var literals: Int { Int(raw & 0xffff) }
  @inline(__always)
  var offset: UInt64 { (raw &>> 16) & 0x7fff }
  @inline(__always)
  var symbol: Int { Int((raw &>> 32) & 0x1f) }
  @inline(__always)
  var length: Int { Int((raw &>> 40) & 0xff) }
  /// Bytes that the literals and the match stand for.
  @inline(__always)
  var byteCount: Int { literals &+ length &+ Deflate.shortestMatch }
  /// 0 for all but the first part of a split match.
  @inline(__always)
  var back: Int { Int(raw &>> 48) }
}

/// What the matcher found in one block: sequences, literals and how often each symbol occurs.
struct BlockTokens: ~Copyable {
  /// A match is at least 4 bytes long, and the parts of a split one are too.
  static let maxSequences = Deflate.blockSize / 4 + 1
  /// Literals are copied 16 at a time, so as many bytes beyond the last are written.
  static let literalSlack = 32

  let sequences: UnsafeMutablePointer<Sequence>
  let literals: UnsafeMutableRawPointer
  /// Frequencies of the literal/length alphabet, 288 of them.
  let literalFrequencies: UnsafeMutablePointer<UInt16>
  /// Frequencies of the distance alphabet, 32 of them.
  let offsetFrequencies: UnsafeMutablePointer<UInt16>

  /// Matches, each with the literals before it.
  var sequenceCount = 0
  /// Literals in all; those that no sequence counts follow the last match.
  var literalCount = 0

  init() {
    sequences = .allocate(capacity: Self.maxSequences)
    literals = .allocate(byteCount: Deflate.blockSize + Self.literalSlack, alignment: 16)
    literalFrequencies = .allocate(capacity: 288)
    offsetFrequencies = .allocate(capacity: 32)
    literalFrequencies.initialize(repeating: 0, count: 288)
    offsetFrequencies.initialize(repeating: 0, count: 32)
  }

  deinit {
    sequences.deallocate()
    literals.deallocate()
    literalFrequencies.deallocate()
    offsetFrequencies.deallocate()
  }

  /// Literals and matches; Go's token count before the end of the block is added.
  var tokenCount: Int { sequenceCount &+ literalCount }

  mutating func removeAll() {
    sequenceCount = 0
    literalCount = 0
    literalFrequencies.update(repeating: 0, count: 288)
    offsetFrequencies.update(repeating: 0, count: 32)
  }
}

/// Counts bytes. Four tables, so that equal bytes in a row do not wait for each other.
struct ByteHistogram: ~Copyable {
  private let counts: UnsafeMutablePointer<UInt32>

  init() {
    counts = .allocate(capacity: 4 * 256)
  }

  deinit {
    counts.deallocate()
  }

  /// Sets `frequencies[0..<256]`; there are at most 65,535 bytes.
  func count(_ bytes: UnsafeRawBufferPointer, to frequencies: UnsafeMutablePointer<UInt16>) {
    counts.update(repeating: 0, count: 4 * 256)
    if let p = bytes.baseAddress {
      let whole = bytes.count & ~7
      var i = 0
      while i < whole {
        let word = UInt64(littleEndian: p.loadUnaligned(fromByteOffset: i, as: UInt64.self))
        counts[Int(word & 0xff)] &+= 1
        counts[256 &+ Int((word &>> 8) & 0xff)] &+= 1
        counts[512 &+ Int((word &>> 16) & 0xff)] &+= 1
        counts[768 &+ Int((word &>> 24) & 0xff)] &+= 1
        counts[Int((word &>> 32) & 0xff)] &+= 1
        counts[256 &+ Int((word &>> 40) & 0xff)] &+= 1
        counts[512 &+ Int((word &>> 48) & 0xff)] &+= 1
        counts[768 &+ Int(word &>> 56)] &+= 1
        i &+= 8
      }
      while i < bytes.count {
        counts[Int(p.load(fromByteOffset: i, as: UInt8.self))] &+= 1
        i &+= 1
      }
    }
    for byte in 0..<256 {
      let total = counts[byte] &+ counts[256 &+ byte] &+ counts[512 &+ byte] &+ counts[768 &+ byte]
      frequencies[byte] = UInt16(truncatingIfNeeded: total)
    }
  }
}
