/// The declaration of a block's two codes, compressed as RFC 1951, section 3.2.7 has it.
/// (compress/flate/huffman_bit_writer.go generateCodegen, headerSize, writeDynamicHeader)
struct TableHeader: ~Copyable {
  /// Order in which the lengths of the code for code lengths are written.
  private static let order: InlineArray<19, UInt8> = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
  ]
  private static let symbols = 19
  private static let maxLength = 7

  /// The code for code lengths.
  private var code = PrefixCode(count: symbols)
  private let frequencies: UnsafeMutablePointer<UInt16>
  /// Symbols of that code, each with the value of its extra bits above bit 8.
  private let items: UnsafeMutablePointer<UInt16>
  private var itemCount = 0
  private var literals = 0
  private var offsets = 0
  private var declared = 0

  /// Bits of the header, from the three that open the block to the last code length.
  private(set) var size = 0

  init() {
    frequencies = .allocate(capacity: Self.symbols)
    items = .allocate(capacity: Deflate.literalSymbols + Deflate.offsetSymbols)
  }

  deinit {
    frequencies.deallocate()
    items.deallocate()
  }

  /// Prepares the header for the first `literals` lengths of one code and the first `offsets` of the other.
  mutating func prepare(
    _ literalLengths: UnsafePointer<UInt8>, _ literals: Int, _ offsetLengths: UnsafePointer<UInt8>,
    _ offsets: Int,
    _ scratch: borrowing CodeLengths
  ) {
    self.literals = literals
    self.offsets = offsets
    frequencies.update(repeating: 0, count: Self.symbols)
    itemCount = 0
    // Runs go across the border of the two codes.
    let total = literals &+ offsets
    var start = 0
    while start < total {
      let length = start < literals ? literalLengths[start] : offsetLengths[start &- literals]
      var end = start &+ 1
      while end < total, (end < literals ? literalLengths[end] : offsetLengths[end &- literals]) == length {
        end &+= 1
      }
      add(run: end &- start, of: length)
      start = end
    }
    code.build(frequencies, count: Self.symbols, maxLength: Self.maxLength, scratch)
    declared = Self.symbols
    while declared > 4, frequencies[Int(Self.order[declared &- 1])] == 0 {
      declared &-= 1
    }
    size =
      3 &+ 5 &+ 5 &+ 4 &+ 3 &* declared &+ code.cost(frequencies, count: Self.symbols)
      &+ 2 &* Int(frequencies[16]) &+ 3 &* Int(frequencies[17]) &+ 7 &* Int(frequencies[18])
  }

  private mutating func add(run: Int, of length: UInt8) {
    var left = run
    if length == 0 {
      while left >= 11 {
        let piece = min(left, 138)
        add(18, extra: piece &- 11)
        left &-= piece
      }
      if left >= 3 {
        add(17, extra: left &- 3)
        left = 0
      }
    } else {
      add(length, extra: 0)
      left &-= 1
      while left >= 3 {
        let piece = min(left, 6)
        add(16, extra: piece &- 3)
        left &-= piece
      }
    }
    for _ in 0..<left {
      add(length, extra: 0)
    }
  }

  @inline(__always)
  private mutating func add(_ symbol: UInt8, extra: Int) {
    items[itemCount] = UInt16(symbol) | UInt16(truncatingIfNeeded: extra) &<< 8
    itemCount &+= 1
    frequencies[Int(symbol)] &+= 1
  }

  /// Writes the prepared header; no block it opens is marked as the last.
  func write(to writer: inout BitWriter) {
    writer.write(0b100, 3)
    writer.write(literals &- 257, 5)
    writer.write(offsets &- 1, 5)
    writer.write(declared &- 4, 4)
    for i in 0..<declared {
      writer.write(Int(code.lengths[Int(Self.order[i])]), 3)
    }
    for i in 0..<itemCount {
      let symbol = Int(items[i] & 0xff)
      let extra = Int(items[i] &>> 8)
      writer.write(code.codes[symbol])
      switch symbol {
      case 16: writer.write(extra, 2)
      case 17: writer.write(extra, 3)
      case 18: writer.write(extra, 7)
      default: break
      }
    }
  }
}
