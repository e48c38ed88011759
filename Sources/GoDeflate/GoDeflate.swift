enum Deflate {
  /// Bytes of input in a block; only the last block of a stream is shorter. It is the most that a stored block can
  /// hold, so that every block may fall back to being stored. (compress/flate/deflate.go maxStoreBlockSize)
  static let blockSize = 65535
  /// The farthest a match may reach back.
  static let windowSize = 32768
  /// A last block below this many bytes is not searched for matches. (deflate.go deflateFast)
  static let smallBlock = 128
  /// A last block of at most this many bytes is stored. (deflate.go deflateFast)
  static let tinyBlock = 32

  /// The symbol that ends a block.
  static let endOfBlock = 256
  /// Literal bytes, the end of a block and the 29 length symbols.
  static let literalSymbols = 286
  /// Room for the literal/length alphabet: two of its symbols exist in the fixed code only.
  static let literalAlphabet = 288
  /// Distance symbols.
  static let offsetSymbols = 30
  static let longestMatch = 258
  static let shortestMatch = 3
}
