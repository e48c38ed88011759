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
    var hashes: [SecretHash] = []
    var loaded: [UInt8] = []
    for member in outline.members {
      for range in member.loaded { loaded += file.slice(range.lowerBound, range.count).buffer }
      var at = member.bytes.lowerBound
      for hole in member.holes + [member.bytes.upperBound..<member.bytes.upperBound] {
        while at < hole.lowerBound {
          let count = min(Self.pieceBytes, hole.lowerBound - at)
          hashes.append(SecretHash(file.slice(at, count).buffer))
          at += count
        }
        at = hole.upperBound
      }
    }
    guard hashes.count <= Self.mostPieces, loaded.count <= Self.pieceBytes else { return nil }
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
