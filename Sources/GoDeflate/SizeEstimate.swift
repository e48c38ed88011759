/// Guesses and bounds that decide between the forms of a block. Go's own arithmetic, in Go's order: a bit of
/// difference in a float would choose another block.
enum SizeEstimate {
  /// Bits of a block with the best code for it, header not included.
  ///
  /// The entropy of the two alphabets from an approximate logarithm, at least 1 and at most 15 bits per symbol; 15 for
  /// the end of the block; extra bits exactly. All in single precision, with one rounding per operation (no fused
  /// multiply and add: the linker is built for the first amd64 level).
  /// (compress/flate/token.go EstimatedBits)
  /// - Parameter tokenCount: literals and matches, and the end of the block if it is among the tokens.
  static func freshBits(_ tokens: borrowing BlockTokens, tokenCount: Int) -> Int {
    let tables = SymbolTables.shared.lengthExtra
    let literals = tokens.literalFrequencies
    var entropy: Float = 0
    var extra = 0
    var matches = 0
    if tokenCount > 0 {
      let scale = 1 / Float(tokenCount)
      for symbol in 0..<256 where literals[symbol] != 0 {
        add(literals[symbol], scale, &entropy)
      }
      entropy += 15
      let lengths = literals + Deflate.endOfBlock + 1
      for symbol in 0..<29 where lengths[symbol] != 0 {
        add(lengths[symbol], scale, &entropy)
        extra &+= Int(tables[symbol]) &* Int(lengths[symbol])
        matches &+= Int(lengths[symbol])
      }
    }
    if matches > 0 {
      let scale = 1 / Float(matches)
      let offsets = tokens.offsetFrequencies
      for symbol in 0..<Deflate.offsetSymbols where offsets[symbol] != 0 {
        add(offsets[symbol], scale, &entropy)
        extra &+= SymbolTables.offsetExtra(symbol) &* Int(offsets[symbol])
      }
    }
    return Int(entropy) &+ extra
  }

  @inline(__always)
  private static func add(_ frequency: UInt16, _ scale: Float, _ entropy: inout Float) {
    let n = Float(frequency)
    let bits = -approximateLog2(n * scale)
    entropy += min(15, max(1, bits)) * n
  }

  /// The exponent and a parabola through the mantissa. (token.go mFastLog2)
  @inline(__always)
  private static func approximateLog2(_ value: Float) -> Float {
    let pattern = value.bitPattern
    let exponent = Float(Int32((pattern &>> 23) & 255) &- 128)
    let mantissa = Float(bitPattern: pattern & 0x807f_ffff &+ 127 &<< 23)
    return exponent + (((-0.34484843) * mantissa + 2.02466578) * mantissa - 0.67487759)
  }
}
