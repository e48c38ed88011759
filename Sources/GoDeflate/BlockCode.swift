/// The two codes of a Huffman block and what the writer derives from them.
struct BlockCode: ~Copyable {
  var literals = PrefixCode(count: Deflate.literalAlphabet)
  var offsets = PrefixCode(count: 32)
  /// For each length of a match less 3: the length symbol's code with the extra bits behind it.
  private let matchLengths: UnsafeMutablePointer<Code>

  init() {
    matchLengths = .allocate(capacity: 256)
    matchLengths.initialize(repeating: Code(raw: 0), count: 256)
  }

  deinit {
    matchLengths.deallocate()
  }

  /// The code every inflater knows: RFC 1951, section 3.2.6.
  static func fixed() -> BlockCode {
    var code = BlockCode()
    let lengths =
      [UInt8](repeating: 8, count: 144) + [UInt8](repeating: 9, count: 112) + [UInt8](repeating: 7, count: 24)
      + [UInt8](repeating: 8, count: 8)
    code.literals.assign(lengths)
    code.offsets.assign([UInt8](repeating: 5, count: 32))
    code.deriveMatchLengths()
    return code
  }

  /// Takes the best codes for the histograms. (compress/flate/huffman_bit_writer.go generate)
  mutating func build(_ tokens: borrowing BlockTokens, _ scratch: borrowing CodeLengths) {
    literals.build(tokens.literalFrequencies, count: Deflate.literalSymbols, maxLength: 15, scratch)
    offsets.build(tokens.offsetFrequencies, count: Deflate.offsetSymbols, maxLength: 15, scratch)
    deriveMatchLengths()
  }

  private mutating func deriveMatchLengths() {
    let tables = SymbolTables.shared
    for length in 0..<256 {
      let symbol = Int(tables.lengthSymbol[length])
      let code = literals.codes[Deflate.endOfBlock &+ 1 &+ symbol]
      let extra = UInt32(truncatingIfNeeded: length) &- UInt32(tables.lengthBase[symbol])
      let bits = code.raw &>> 8 | extra &<< UInt32(truncatingIfNeeded: code.length)
      matchLengths[length] = Code(raw: bits &<< 8 | (code.raw & 0xff) &+ UInt32(tables.lengthExtra[symbol]))
    }
  }

  /// Bits that the tokens take, without extra bits.
  /// (huffman_bit_writer.go dynamicReuseSize)
  func cost(_ tokens: borrowing BlockTokens) -> Int {
    literals.cost(tokens.literalFrequencies, count: Deflate.literalSymbols)
      &+ offsets.cost(tokens.offsetFrequencies, count: Deflate.offsetSymbols)
  }

  /// Writes the tokens of a block. (huffman_bit_writer.go writeTokens)
  func write(_ tokens: borrowing BlockTokens, to writer: inout BitWriter) {
    var bits = writer
    let matchLengths = self.matchLengths
    let offsetCodes = offsets.codes
    var literal = UnsafeRawPointer(tokens.literals)
    for i in 0..<tokens.sequenceCount {
      let sequence = tokens.sequences[i]
      writeRun(&literal, sequence.literals, to: &bits)
      let length = matchLengths[sequence.length]
      bits.put(length.bits, length.length)
      let symbol = sequence.symbol
      let code = offsetCodes[symbol]
      bits.put(code.bits, code.length)
      let extra = SymbolTables.offsetExtra(symbol)
      bits.put(sequence.offset & (1 &<< UInt64(truncatingIfNeeded: extra) &- 1), extra)
      bits.flush()
    }
    let end = UnsafeRawPointer(tokens.literals) + tokens.literalCount
    writeRun(&literal, end - literal, to: &bits)
    writer = bits
  }

  /// Writes bytes as literals.
  func write(literals bytes: UnsafeRawBufferPointer, to writer: inout BitWriter) {
    guard var literal = bytes.baseAddress else { return }
    var bits = writer
    writeRun(&literal, bytes.count, to: &bits)
    writer = bits
  }

  @inline(__always)
  private func writeRun(_ literal: inout UnsafeRawPointer, _ count: Int, to bits: inout BitWriter) {
    let codes = literals.codes
    var left = count
    while left >= 3 {
      for i in 0..<3 {
        let code = codes[Int(literal.load(fromByteOffset: i, as: UInt8.self))]
        bits.put(code.bits, code.length)
      }
      bits.flush()
      literal += 3
      left &-= 3
    }
    while left > 0 {
      let code = codes[Int(literal.load(as: UInt8.self))]
      bits.put(code.bits, code.length)
      bits.flush()
      literal += 1
      left &-= 1
    }
  }
}
