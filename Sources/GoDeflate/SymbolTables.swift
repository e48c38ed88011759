/// The length and distance symbols of RFC 1951, section 3.2.5, worked out once.
struct SymbolTables: @unchecked Sendable {
  /// Length symbol (less 257) of a match of `index + 3` bytes.
  let lengthSymbol: UnsafePointer<UInt8>
  /// Distance symbol of `distance - 1`: at that index below 256, else at `256 + (distance - 1) >> 7`.
  let offsetSymbol: UnsafePointer<UInt8>
  /// Bits that follow a length symbol (less 257).
  let lengthExtra: UnsafePointer<UInt8>
  /// The shortest match, less 3, of a length symbol (less 257).
  let lengthBase: UnsafePointer<UInt8>

  static let shared = SymbolTables()

  private init() {
    let symbols = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    let extra = UnsafeMutablePointer<UInt8>.allocate(capacity: 32)
    let base = UnsafeMutablePointer<UInt8>.allocate(capacity: 32)
    extra.initialize(repeating: 0, count: 32)
    base.initialize(repeating: 0, count: 32)
    var length = 0
    for symbol in 0..<28 {
      let bits = symbol < 8 ? 0 : symbol / 4 - 1
      extra[symbol] = UInt8(bits)
      base[symbol] = UInt8(length)
      for _ in 0..<(1 << bits) where length < 256 {
        symbols[length] = UInt8(symbol)
        length += 1
      }
    }
    // 258 has a symbol of its own; the last value of symbol 284 stays unused.
    symbols[255] = 28
    base[28] = 255

    let offsets = UnsafeMutablePointer<UInt8>.allocate(capacity: 512)
    for index in 0..<256 {
      offsets[index] = Self.symbol(ofOffset: index)
      offsets[256 + index] = Self.symbol(ofOffset: index << 7)
    }
    lengthSymbol = UnsafePointer(symbols)
    offsetSymbol = UnsafePointer(offsets)
    lengthExtra = UnsafePointer(extra)
    lengthBase = UnsafePointer(base)
  }

  /// Extra bits of a distance symbol.
  @inline(__always)
  static func offsetExtra(_ symbol: Int) -> Int {
    symbol < 4 ? 0 : symbol &>> 1 &- 1
  }

  /// The symbol of `offset`, a distance less 1: its highest bit and the bit below it.
  private static func symbol(ofOffset offset: Int) -> UInt8 {
    guard offset > 1 else { return UInt8(offset) }
    let high = Int.bitWidth - 1 - offset.leadingZeroBitCount
    return UInt8(2 * high + (offset >> (high - 1)) & 1)
  }
}
