import Hashing

/// What a link reads of an archive (`ArchiveOutline`), as hashes: of an archive and the one before it only the new one need
/// be read. Sums of one process, and of archives of the same shape, are worth comparing (`SecretHash`).
package struct ArchiveSum: Sendable {
  private let outline: ArchiveOutline
  private let linked: SecretHash
  private let loaded: SecretHash

  /// So many bytes are hashed at once.
  private static let pieceBytes = 1 << 17
  /// Hashes that one hash can stand for.
  private static let mostPieces = 1 << 14

  /// - Returns: nil for what is too large.
  package init?(_ file: ByteView, _ outline: ArchiveOutline) {
    var pieces: [Range<Int>] = []
    var loaded: [UInt8] = []
    for member in outline.members {
      for range in member.loaded { loaded += file.slice(range.lowerBound, range.count).buffer }
      var at = member.bytes.lowerBound
      for hole in member.holes + [member.bytes.upperBound..<member.bytes.upperBound] {
        while at < hole.lowerBound {
          let end = min(at + Self.pieceBytes, hole.lowerBound)
          pieces.append(at..<end)
          at = end
        }
        at = hole.upperBound
      }
    }
    guard pieces.count <= Self.mostPieces, loaded.count <= Self.pieceBytes else { return nil }
    let hashes = [SecretHash](unsafeUninitializedCapacity: pieces.count) { hashes, count in
      Chunks.run(pieces.count, grain: 1) { range in
        for k in range {
          let piece = file.slice(pieces[k].lowerBound, pieces[k].count)
          hashes.initializeElement(at: k, to: SecretHash(piece.buffer))
        }
      }
      count = pieces.count
    }
    self.outline = outline
    linked = hashes.withUnsafeBytes { SecretHash($0) }
    self.loaded = loaded.withUnsafeBytes { SecretHash($0) }
  }

  /// Whether two archives are the same to all that comes after loading the packages.
  package func isLinked(like other: ArchiveSum) -> Bool {
    linked == other.linked && outline.isShaped(like: other.outline)
  }

  /// Whether two archives are the same to a link.
  package func isTwin(of other: ArchiveSum) -> Bool { loaded == other.loaded && isLinked(like: other) }
}
