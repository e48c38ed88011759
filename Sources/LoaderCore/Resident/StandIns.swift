internal import Synchronization

/// Objects of a resident program that serve in place of new ones, which differ from them in nothing that a link reads
/// once the packages are loaded: when a package that many import changes, most of these are compiled to what they
/// were, but for the fingerprints that only `PackageLoader` looks at.
enum StandIns {
  /// The objects of `new`, or those of a program that can stand in for them.
  ///
  /// - Parameters:
  ///   - mine: the program's, in the same order.
  ///   - asked: what the program's last link was asked for: where one of `mine` is another, it stands in already.
  static func objects(_ mine: [GoObject], asked: [GoObject], for new: [GoObject]) -> [GoObject] {
    guard mine.count == new.count, asked.count == new.count else { return new }
    var all = new
    var candidates: [Int] = []
    for (k, object) in new.enumerated() where object !== mine[k] {
      if object === asked[k] { all[k] = mine[k] } else { candidates.append(k) }
    }
    let same = Mutex([Int]())
    Chunks.each(candidates.count) { [candidates] i in
      let k = candidates[i]
      let isSame =
        mine[k].isKnownToBeLinked(like: new[k])
        || new[k].versions.isLinkedAlike(mine[k].serial) { mine[k].view.isLinked(like: new[k].view) }
      guard isSame, !mine[k].isCorrupt else { return }
      same.withLock { $0.append(k) }
    }
    for k in same.withLock({ $0 }) { all[k] = mine[k] }
    return all
  }
}

extension ObjectView {
  /// Whether two objects are equal but for the fingerprints of their packages and of those that these import
  /// (cmd/internal/goobj Header.Fingerprint, ImportedPkg).
  func isLinked(like other: ObjectView) -> Bool {
    let (start, end) = (block(.autolib), block(.autolib) + blockSize(.autolib))
    let sumEnd = ObjectFormat.magic.utf8CodeUnitCount + 8
    return bytes.count == other.bytes.count
      && bytes.slice(sumEnd, start - sumEnd) == other.bytes.slice(sumEnd, start - sumEnd)
      && bytes.slice(end, bytes.count - end) == other.bytes.slice(end, bytes.count - end)
  }
}
