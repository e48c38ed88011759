import Hashing

/// Where the search went in the last part of a block: what its table has for the next one follows from that.
///
/// The next block reaches 32 KiB back, so of the table only entries of these bytes count. Where they come from: the search
/// stores a position wherever it looks, and where it looks follows from the matches that it finds, each at a place and
/// at a distance, and from the bytes. So two searches of the same bytes that found the same matches from some place on,
/// and went on from there in the same way, leave the same entries of what lies behind it. (`Sequence` holds all that:
/// a match was found `back` bytes behind its start.)
///
/// From which match on two searches go on in the same way: they do behind the end of a match, unless a sparse search had
/// looked beyond that end when it found it. After less than 64 bytes without a match it looks at most 3 bytes ahead, and a
/// match has 4 from the place where it was found. (`Matcher.find`)
struct SearchTrail: BitwiseCopyable, Equatable {
  /// Of the sequences from the last such match before the last 32 KiB on.
  private let hash: SecretHash
  private let count: Int32
  /// Where the first of them starts in the block.
  private let start: Int32

  /// So few bytes without a match do not make a search sparse.
  private static let denseRun = 64

  /// - Parameters:
  ///   - tokens: what the search found.
  ///   - count: bytes of the block.
  init(_ tokens: borrowing BlockTokens, count: Int) {
    let sequences = UnsafePointer(tokens.sequences)
    let end = tokens.sequenceCount
    let reach = count &- Deflate.windowSize
    var first = 0
    var at = 0
    while first < end {
      let next = at &+ sequences[first].byteCount
      if next > reach { break }
      (first, at) = (first &+ 1, next)
    }
    while first > 0 {
      first &-= 1
      at &-= sequences[first].byteCount
      if Self.isDense(sequences, first, end) { break }
    }
    hash = SecretHash(
      UnsafeRawBufferPointer(UnsafeBufferPointer(start: sequences + first, count: end &- first)))
    self.count = Int32(truncatingIfNeeded: end &- first)
    start = Int32(truncatingIfNeeded: at)
  }

  /// Whether a match is whole, and was found by a search that was not sparse.
  private static func isDense(_ sequences: UnsafePointer<Sequence>, _ k: Int, _ end: Int) -> Bool {
    let s = sequences[k]
    return s.literals &+ s.back < denseRun && !isContinued(sequences, k &- 1, end)
      && !isContinued(sequences, k, end)
  }

  /// Whether a match may be a part of a split one of which the next sequence is another.
  private static func isContinued(_ sequences: UnsafePointer<Sequence>, _ k: Int, _ end: Int) -> Bool {
    k >= 0 && k &+ 1 < end && sequences[k &+ 1].literals == 0
      && sequences[k &+ 1].offset == sequences[k].offset
  }
}
