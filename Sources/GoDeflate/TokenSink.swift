/// Where the search puts what it finds: the pointers of a `BlockTokens`, held in registers.
struct TokenSink {
  /// Bytes of a run that are copied at once.
  private static let chunk = 16

  private var sequence: UnsafeMutablePointer<Sequence>
  private var literal: UnsafeMutableRawPointer
  private let lengths: UnsafeMutablePointer<UInt16>
  private let offsets: UnsafeMutablePointer<UInt16>
  private let lengthSymbol: UnsafePointer<UInt8>
  private let offsetSymbol: UnsafePointer<UInt8>
  /// The last address from which a whole chunk may be read.
  private let lastChunk: UnsafeRawPointer

  /// - Parameter readable: the end of the memory that runs of literals lie in, at least one chunk long.
  init(_ tokens: borrowing BlockTokens, readable: UnsafeRawPointer) {
    sequence = tokens.sequences
    literal = tokens.literals
    lengths = tokens.literalFrequencies + Deflate.endOfBlock + 1
    offsets = tokens.offsetFrequencies
    lengthSymbol = SymbolTables.shared.lengthSymbol
    offsetSymbol = SymbolTables.shared.offsetSymbol
    lastChunk = readable - Self.chunk
  }

  func finish(_ tokens: inout BlockTokens) {
    tokens.sequenceCount = sequence - tokens.sequences
    tokens.literalCount = UnsafeRawPointer(literal) - UnsafeRawPointer(tokens.literals)
  }

  /// Copies a run of literals; most runs are short, and a chunk costs no more than a byte.
  @inline(__always)
  mutating func literals(_ from: UnsafeRawPointer, _ count: Int) {
    if count <= Self.chunk, from <= lastChunk {
      literal.storeBytes(of: from.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
    } else {
      literal.copyMemory(from: from, byteCount: count)
    }
    literal += count
  }

  /// Adds a run of literals and a match of `length` bytes, in pieces if it is longer than a match may be.
  ///
  /// - Parameter back: bytes of the match before the place where it was found.
  @inline(__always)
  mutating func match(_ from: UnsafeRawPointer, _ run: Int, offset: Int, _ length: Int, back: Int) {
    literals(from, run)
    let symbol = Int(offsetSymbol[offset < 256 ? offset : 256 &+ offset &>> 7])
    var left = length
    var (run, back) = (run, back)
    while left > Deflate.longestMatch {
      // The rest has to be a match of its own.
      let piece = left > Deflate.longestMatch + 3 ? Deflate.longestMatch : Deflate.longestMatch - 3
      add(run, offset, symbol, piece, back)
      (run, back) = (0, 0)
      left &-= piece
    }
    add(run, offset, symbol, left, back)
  }

  @inline(__always)
  private mutating func add(_ run: Int, _ offset: Int, _ symbol: Int, _ length: Int, _ back: Int) {
    let short = length &- Deflate.shortestMatch
    sequence.pointee = Sequence(literals: run, offset: offset, symbol: symbol, length: short, back: back)
    sequence += 1
    lengths[Int(lengthSymbol[short])] &+= 1
    offsets[symbol] &+= 1
  }
}
