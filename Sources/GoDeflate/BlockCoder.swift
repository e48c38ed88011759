/// Chooses the form of each block and writes it: stored, with the fixed code, with the code of the block before, or
/// with a code of its own. (compress/flate/huffman_bit_writer.go writeBlockDynamic, writeBlockHuff)
///
/// A block whose code may serve the next one is left open: no end of block is written until another code or form
/// follows, and blocks that keep the code just go on. What carries over from block to block is `open`, the codes in
/// `code` if a block is open, and the bits that do not fill a byte.
struct BlockCoder: ~Copyable {
  /// Whether the last block written still lacks its end.
  enum Open {
    case none
    /// Its code has lengths and distances too. The header took so many bits.
    case full(header: Int)
    /// Its code has literals only.
    case literals(header: Int)

    var header: Int {
      switch self {
      case .none: 0
      case .full(let header), .literals(let header): header
      }
    }
  }

  /// Above so many tokens the fixed code is not considered. (huffman_bit_writer.go maxPredefinedTokens)
  private static let fixedLimit = 250
  /// A new code is charged 1/128 more than it seems to take. (deflate.go init, logNewTablePenalty)
  private static let penaltyShift = 7
  /// What the header of a literal code is taken to need, in bits.
  private static let guessedHeader = 70 * 8

  private(set) var open = Open.none
  /// Whether a block has been stored since this was set to false.
  var hasStored = false
  private var code = BlockCode()
  private var literalCode = PrefixCode(count: Deflate.literalAlphabet)
  private var header = TableHeader()
  private let fixed = BlockCode.fixed()
  private let scratch = CodeLengths()
  private let histogram = ByteHistogram()
  private let frequencies: UnsafeMutablePointer<UInt16>
  private let oneOffset: UnsafeMutablePointer<UInt8>

  init() {
    frequencies = .allocate(capacity: 257)
    oneOffset = .allocate(capacity: 1)
    oneOffset.initialize(to: 1)
  }

  deinit {
    frequencies.deallocate()
    oneOffset.deallocate()
  }

  /// Bytes of room that one block may need beyond its own length: an end of block, a header, rounding.
  static let headroom = 1024

  mutating func reset() {
    open = .none
  }

  /// What carries over to the next block.
  var state: CoderState {
    var state = CoderState()
    state.header = Int32(truncatingIfNeeded: open.header)
    switch open {
    case .none: break
    case .full:
      state.form = .full
      state.setLengths(code.literals.lengths, Deflate.literalSymbols, at: 0)
      state.setLengths(code.offsets.lengths, Deflate.offsetSymbols, at: Deflate.literalAlphabet)
    case .literals:
      state.form = .literals
      state.setLengths(code.literals.lengths, Deflate.endOfBlock + 1, at: 0)
    }
    return state
  }

  /// Takes up a state that some coder had.
  mutating func restore(_ state: borrowing CoderState) {
    switch state.form {
    case .closed: open = .none
    case .full: open = .full(header: Int(state.header))
    case .literals: open = .literals(header: Int(state.header))
    }
    if state.form != .closed { code.restore(state) }
  }
}

// MARK: - Forms

extension BlockCoder {
  /// Writes the end of an open block.
  private mutating func close(_ writer: inout BitWriter) {
    if case .none = open { return }
    writer.write(code.literals.codes[Deflate.endOfBlock])
    open = .none
  }

  /// Writes `bytes`, at most 65,535, as they are. (writeStoredHeader, writeBytes)
  mutating func store(_ bytes: UnsafeRawBufferPointer, to writer: inout BitWriter) {
    close(&writer)
    hasStored = true
    writer.write(0b000, 3)
    writer.align()
    writer.write(bytes.count, 16)
    writer.write(~bytes.count & 0xffff, 16)
    writer.append(bytes)
  }

  /// Writes the last block of the stream: empty, with the fixed code. (writeStoredHeader for length 0 at the end)
  mutating func finish(_ writer: inout BitWriter) {
    close(&writer)
    writer.write(0b011, 3)
    writer.write(0, 7)
    writer.align()
  }

  private mutating func writeFixed(_ tokens: borrowing BlockTokens, to writer: inout BitWriter) {
    close(&writer)
    writer.write(0b010, 3)
    fixed.write(tokens, to: &writer)
    writer.write(fixed.literals.codes[Deflate.endOfBlock])
  }

  /// Bits of the stored form, as Go counts them.
  private static func storedSize(_ bytes: UnsafeRawBufferPointer) -> Int {
    (bytes.count &+ 5) &* 8
  }
}

// MARK: - Blocks with matches

extension BlockCoder {
  /// Writes a block from its tokens, or stored if that is no longer.
  /// - Parameters:
  ///   - tokens: what the matcher made of `bytes`; this adds the counts of literals and of the end of block.
  ///   - isLast: whether no data follows, so that the block has to be closed.
  mutating func encode(
    _ tokens: borrowing BlockTokens, _ bytes: UnsafeRawBufferPointer, isLast: Bool, to writer: inout BitWriter
  ) {
    count(tokens)
    // A code of literals only is not taken up again, nor one that lacks a symbol.
    if case .literals = open { close(&writer) }
    if case .full = open, !covers(tokens) { close(&writer) }
    let declared = declaredSymbols(tokens)
    let extra = extraBits(tokens)
    let total = tokens.tokenCount &+ (isLast ? 1 : 0)
    let stored = Self.storedSize(bytes)
    let fixedSize =
      total < Self.fixedLimit ? 3 &+ fixed.cost(tokens) &+ extra : Int.max &- 64

    if case .full(let headerBits) = open {
      let kept = code.cost(tokens) &+ extra
      let fresh = freshSize(tokens, total, headerBits)
      if fresh < kept { close(&writer) }
      let size = min(fresh, kept)
      if fixedSize &+ 7 < size {
        stored <= size ? store(bytes, to: &writer) : writeFixed(tokens, to: &writer)
        return
      }
      if stored <= size {
        store(bytes, to: &writer)
        return
      }
    }

    if case .none = open {
      code.build(tokens, scratch)
      header.prepare(
        code.literals.lengths, declared.literals, code.offsets.lengths, declared.offsets, scratch)
      let size = header.size &+ code.cost(tokens) &+ extra
      if fixedSize <= size {
        stored <= fixedSize ? store(bytes, to: &writer) : writeFixed(tokens, to: &writer)
        return
      }
      if stored <= size {
        store(bytes, to: &writer)
        return
      }
      header.write(to: &writer)
      open = .full(header: header.size)
    }
    code.write(tokens, to: &writer)
    if isLast { close(&writer) }
  }

  /// Completes the histograms with the literals and one end of block. There is a match, so distances need nothing.
  /// (indexTokens)
  private func count(_ tokens: borrowing BlockTokens) {
    histogram.count(
      UnsafeRawBufferPointer(start: tokens.literals, count: tokens.literalCount),
      to: tokens.literalFrequencies)
    tokens.literalFrequencies[Deflate.endOfBlock] = 1
  }

  private func covers(_ tokens: borrowing BlockTokens) -> Bool {
    code.offsets.covers(tokens.offsetFrequencies, count: Deflate.offsetSymbols)
      && code.literals.covers(tokens.literalFrequencies, count: Deflate.literalSymbols)
  }

  /// How many symbols of each alphabet the header has to declare.
  private func declaredSymbols(_ tokens: borrowing BlockTokens) -> (literals: Int, offsets: Int) {
    var literals = Deflate.literalSymbols
    while tokens.literalFrequencies[literals &- 1] == 0 {
      literals &-= 1
    }
    var offsets = Deflate.offsetSymbols
    while offsets > 0, tokens.offsetFrequencies[offsets &- 1] == 0 {
      offsets &-= 1
    }
    return (literals, offsets)
  }

  /// (extraBitSize)
  private func extraBits(_ tokens: borrowing BlockTokens) -> Int {
    let lengthExtra = SymbolTables.shared.lengthExtra
    var total = 0
    for symbol in 0..<29 {
      total &+= Int(tokens.literalFrequencies[Deflate.endOfBlock &+ 1 &+ symbol]) &* Int(lengthExtra[symbol])
    }
    for symbol in 0..<Deflate.offsetSymbols {
      total &+= Int(tokens.offsetFrequencies[symbol]) &* SymbolTables.offsetExtra(symbol)
    }
    return total
  }

  /// What a code of its own is taken to cost: the last header again, the estimate, the end that is owed, the penalty.
  private func freshSize(_ tokens: borrowing BlockTokens, _ total: Int, _ headerBits: Int) -> Int {
    let size = headerBits &+ SizeEstimate.freshBits(tokens, tokenCount: total)
    return size &+ Int(code.literals.lengths[Deflate.endOfBlock]) &+ size &>> Self.penaltyShift
  }
}

// MARK: - Blocks without matches

extension BlockCoder {
  /// Writes a block as literals, or stored if little is gained.
  mutating func encodeLiterals(_ bytes: UnsafeRawBufferPointer, isLast: Bool, to writer: inout BitWriter) {
    histogram.count(bytes, to: frequencies)
    frequencies[Deflate.endOfBlock] = 1
    if bytes.count > 1024, isFlat(bytes.count) {
      store(bytes, to: &writer)
      return
    }
    let symbols = Deflate.endOfBlock + 1
    literalCode.build(frequencies, count: symbols, maxLength: 15, scratch)
    var fresh = literalCode.cost(frequencies, count: symbols)
    if case .none = open { fresh &+= Self.guessedHeader } else { fresh &+= open.header }
    fresh &+= fresh &>> Self.penaltyShift
    if Self.storedSize(bytes) <= fresh {
      store(bytes, to: &writer)
      return
    }
    if case .none = open {
    } else if !code.literals.covers(frequencies, count: 256)
      || fresh < code.literals.cost(frequencies, count: 256)
    {
      close(&writer)
    }
    if case .none = open {
      swap(&code.literals, &literalCode)
      header.prepare(code.literals.lengths, symbols, oneOffset, 1, scratch)
      header.write(to: &writer)
      open = .literals(header: header.size)
    }
    code.write(literals: bytes, to: &writer)
    if isLast { close(&writer) }
  }

  /// Whether all bytes occur about equally often, as in random data: the squared distances from the mean, summed, are
  /// below twice the number of bytes. Go sums in doubles, which hold these values exactly; here all is times 65,536.
  private func isFlat(_ count: Int) -> Bool {
    var sum = 0
    for byte in 0..<256 {
      let distance = 256 &* Int(frequencies[byte]) &- count
      sum &+= distance &* distance
    }
    return sum < count &* 2 &* 65536
  }
}
