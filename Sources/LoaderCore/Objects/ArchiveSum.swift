import Hashing

/// What a link reads of an archive (`ArchiveOutline`), as hashes: of an archive and the one before it only the new one need
/// be read. Sums of one process, and of archives of the same shape, are worth comparing (`SecretHash`).
package struct ArchiveSum: Sendable {
  private let outline: ArchiveOutline
  private let pieceBytes: Int
  /// Of the pieces of what passes read, and of all of them.
  private let hashes: [SecretHash]
  private let linked: SecretHash
  private let loaded: SecretHash

  /// So many bytes are hashed at once at most.
  private static let mostBytes = 1 << 18
  /// Hashes that one hash can stand for.
  private static let mostPieces = 1 << 14
  /// Pieces that are worth a turn on another core.
  private static let grain = 32

  /// - Parameter pieceBytes: so many bytes are hashed at once, or more of a large archive: few enough to tell where two
  ///   differ.
  /// - Returns: nil for what is too large.
  package init?(_ file: ByteView, _ outline: ArchiveOutline, pieceBytes: Int = 1 << 12) {
    let pieces = Self.pieces(outline, pieceBytes)
    var loaded: [UInt8] = []
    for member in outline.members {
      for range in member.loaded { loaded += file.slice(range.lowerBound, range.count).buffer }
    }
    guard pieces.count <= Self.mostPieces, loaded.count <= Self.mostBytes else { return nil }
    hashes = [SecretHash](unsafeUninitializedCapacity: pieces.count) { hashes, count in
      Chunks.run(pieces.count, grain: Self.grain) { range in
        for k in range {
          let piece = file.slice(pieces[k].lowerBound, pieces[k].count)
          hashes.initializeElement(at: k, to: SecretHash(piece.buffer))
        }
      }
      count = pieces.count
    }
    self.outline = outline
    self.pieceBytes = pieceBytes
    linked = hashes.withUnsafeBytes { SecretHash($0) }
    self.loaded = loaded.withUnsafeBytes { SecretHash($0) }
  }

  /// What passes read, in pieces of about the same size: ranges of the file, rising.
  private static func pieces(_ outline: ArchiveOutline, _ pieceBytes: Int) -> [Range<Int>] {
    let size = outline.members.reduce(0) { $0 + $1.bytes.count }
    var bytes = pieceBytes
    while bytes < mostBytes, size / bytes > mostPieces / 2 { bytes *= 2 }
    var pieces: [Range<Int>] = []
    pieces.reserveCapacity(size / bytes + 8)
    for member in outline.members {
      var at = member.bytes.lowerBound
      for hole in member.holes + [member.bytes.upperBound..<member.bytes.upperBound] {
        while at < hole.lowerBound {
          let end = min(at + bytes, hole.lowerBound)
          pieces.append(at..<end)
          at = end
        }
        at = hole.upperBound
      }
    }
    return pieces
  }

  /// Where what passes read may differ from another archive: ranges of this one's file, rising; everywhere else both
  /// have the same bytes.
  ///
  /// - Returns: nil when the other has another shape.
  package func differences(from other: ArchiveSum) -> [Range<Int>]? {
    guard pieceBytes == other.pieceBytes, hashes.count == other.hashes.count,
      outline.isShaped(like: other.outline)
    else { return nil }
    var ranges: [Range<Int>] = []
    for (k, piece) in Self.pieces(outline, pieceBytes).enumerated() where hashes[k] != other.hashes[k] {
      if let last = ranges.last, last.upperBound == piece.lowerBound {
        ranges[ranges.count - 1] = last.lowerBound..<piece.upperBound
      } else {
        ranges.append(piece)
      }
    }
    return ranges
  }

  /// Whether two archives are the same to all that comes after loading the packages.
  package func isLinked(like other: ArchiveSum) -> Bool {
    linked == other.linked && outline.isShaped(like: other.outline)
  }

  /// Whether two archives are the same to a link.
  package func isTwin(of other: ArchiveSum) -> Bool { loaded == other.loaded && isLinked(like: other) }
}
