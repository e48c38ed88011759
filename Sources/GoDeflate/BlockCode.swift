/// The two codes of a Huffman block and what the writer derives from them.
struct BlockCode: ~Copyable {
  var literals = PrefixCode(count: Deflate.literalAlphabet)
  var offsets = PrefixCode(count: 32)
  /// For each length of a match less 3: the length symbol's code with the extra bits behind it.
  private let matchLengths: UnsafeMutablePointer<Code>
  /// For each distance symbol: its code and what is needed for the extra bits.
  private let matchOffsets: UnsafeMutablePointer<OffsetCode>

  /// Four words for each number of literals left, 0...4: all ones for a literal that is there, else 0.
  private let presence: UnsafeMutablePointer<UInt32>

  init() {
    presence = .allocate(capacity: 5 * 4)
    for left in 0...4 {
      for i in 0..<4 {
        presence[4 * left + i] = i < left ? .max : 0
      }
    }
    matchOffsets = .allocate(capacity: 32)
    matchOffsets.initialize(repeating: OffsetCode(Code(raw: 0), extra: 0), count: 32)
    matchLengths = .allocate(capacity: 256)
    matchLengths.initialize(repeating: Code(raw: 0), count: 256)
  }

  deinit {
    matchLengths.deallocate()
    matchOffsets.deallocate()
    presence.deallocate()
  }

  /// The code every inflater knows: RFC 1951, section 3.2.6.
  static func fixed() -> BlockCode {
    var code = BlockCode()
    let lengths =
      [UInt8](repeating: 8, count: 144) + [UInt8](repeating: 9, count: 112) + [UInt8](repeating: 7, count: 24)
      + [UInt8](repeating: 8, count: 8)
    code.literals.assign(lengths)
    code.offsets.assign([UInt8](repeating: 5, count: 32))
    code.deriveMatchTables()
    return code
  }

  /// Takes the best codes for the histograms. (compress/flate/huffman_bit_writer.go generate)
  mutating func build(_ tokens: borrowing BlockTokens, _ scratch: borrowing CodeLengths) {
    literals.build(tokens.literalFrequencies, count: Deflate.literalSymbols, maxLength: 15, scratch)
    offsets.build(tokens.offsetFrequencies, count: Deflate.offsetSymbols, maxLength: 15, scratch)
    deriveMatchTables()
  }

  /// Takes the code of a block that was left open.
  mutating func restore(_ state: borrowing CoderState) {
    literals.assign(state.lengths(Deflate.literalAlphabet, at: 0))
    offsets.assign(state.lengths(32, at: Deflate.literalAlphabet))
    deriveMatchTables()
  }

  private mutating func deriveMatchTables() {
    let tables = SymbolTables.shared
    for length in 0..<256 {
      let symbol = Int(tables.lengthSymbol[length])
      let code = literals.codes[Deflate.endOfBlock &+ 1 &+ symbol]
      let extra = UInt32(truncatingIfNeeded: length) &- UInt32(tables.lengthBase[symbol])
      let bits = code.raw &>> 8 | extra &<< UInt32(truncatingIfNeeded: code.length)
      matchLengths[length] = Code(raw: bits &<< 8 | (code.raw & 0xff) &+ UInt32(tables.lengthExtra[symbol]))
    }
    for symbol in 0..<Deflate.offsetSymbols {
      matchOffsets[symbol] = OffsetCode(offsets.codes[symbol], extra: SymbolTables.offsetExtra(symbol))
    }
  }

  /// Bits that the tokens take, without extra bits.
  /// (huffman_bit_writer.go dynamicReuseSize)
  func cost(_ tokens: borrowing BlockTokens) -> Int {
    literals.cost(tokens.literalFrequencies, count: Deflate.literalSymbols)
      &+ offsets.cost(tokens.offsetFrequencies, count: Deflate.offsetSymbols)
  }

  /// Writes the tokens of a block. (huffman_bit_writer.go writeTokens)
  ///
  /// Literals go in groups of four, or of three if some code is so long that four of them and 7 bits held over do not
  /// fit in a word.
  func write(_ tokens: borrowing BlockTokens, to writer: inout BitWriter) {
    if literals.longest(256) <= 14 {
      write(tokens, to: &writer, group: 4)
    } else {
      write(tokens, to: &writer, group: 3)
    }
  }

  @inline(__always)
  private func write(_ tokens: borrowing BlockTokens, to writer: inout BitWriter, group: Int) {
    var bits = writer
    let codes = literals.codes
    let matchLengths = self.matchLengths
    let matchOffsets = self.matchOffsets
    let presence = UnsafePointer(self.presence)
    var literal = UnsafeRawPointer(tokens.literals)
    var next = UnsafePointer(tokens.sequences)
    let end = next + tokens.sequenceCount
    while next < end {
      let sequence = next.pointee
      next += 1
      Self.writeRun(&literal, sequence.literals, codes, presence, to: &bits, group)
      let length = matchLengths[sequence.length]
      let offset = matchOffsets[sequence.symbol]
      let match = length.bits | offset.bits(sequence.offset) &<< UInt64(truncatingIfNeeded: length.length)
      bits.put(match, length.length &+ offset.length)
      bits.flush()
    }
    let rest = UnsafeRawPointer(tokens.literals) + tokens.literalCount - literal
    Self.writeRun(&literal, rest, codes, presence, to: &bits, group)
    writer = bits
  }

  /// Writes bytes as literals.
  func write(literals bytes: UnsafeRawBufferPointer, to writer: inout BitWriter) {
    guard let start = bytes.baseAddress else { return }
    var bits = writer
    let codes = literals.codes
    var i = 0
    while i &+ 3 <= bytes.count {
      bits.put(codes, start + i, 3)
      bits.flush()
      i &+= 3
    }
    while i < bytes.count {
      bits.write(codes[Int(start.load(fromByteOffset: i, as: UInt8.self))])
      i &+= 1
    }
    writer = bits
  }

  /// Writes a run of literals. The last group is written whole too, with empty codes for the literals that are not
  /// there, as the length of a run is hard to foresee.
  @inline(__always)
  private static func writeRun(
    _ literal: inout UnsafeRawPointer, _ count: Int, _ codes: UnsafePointer<Code>,
    _ presence: UnsafePointer<UInt32>, to bits: inout BitWriter,
    _ group: Int
  ) {
    var left = count
    while left > group {
      bits.put(codes, literal, group)
      bits.flush()
      literal += group
      left &-= group
    }
    var value: UInt64 = 0
    var length = 0
    for i in 0..<group {
      // A table, as the compiler makes a branch of any condition or sign trick.
      let code = Code(
        raw: codes[Int(literal.load(fromByteOffset: i, as: UInt8.self))].raw & presence[4 &* left &+ i])
      value |= code.bits &<< UInt64(truncatingIfNeeded: length)
      length &+= code.length
    }
    bits.put(value, length)
    bits.flush()
    literal += left
  }
}

/// A distance symbol's code and what follows it.
struct OffsetCode {
  /// Bits 0...7 hold the length with the extra bits, 8...15 without, 16...31 the code, 32...47 the mask that leaves
  /// the extra bits of a distance.
  private var raw: UInt64

  init(_ code: Code, extra: Int) {
    raw =
      UInt64(truncatingIfNeeded: code.length &+ extra) | UInt64(truncatingIfNeeded: code.length) &<< 8
      | code.bits &<< 16 | (1 &<< UInt64(truncatingIfNeeded: extra) &- 1) &<< 32
  }

  @inline(__always)
  var length: Int { Int(raw & 0xff) }

  /// The bits for the distance `offset + 1`, of which this is the symbol.
  @inline(__always)
  func bits(_ offset: UInt64) -> UInt64 {
    (raw &>> 16) & 0xffff | (offset & raw &>> 32) &<< ((raw &>> 8) & 0xff)
  }
}
