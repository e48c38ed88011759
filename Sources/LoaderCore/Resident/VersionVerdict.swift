/// Which definitions of an object's new version do not say what those of an older one said.
///
/// In hundreds of programs an edit exchanges the same objects for the same others, and what a comparison of two versions
/// finds depends on few things: these two, and the two versions of each package that they refer to whose definitions are
/// not where they were. Two references that are told to mean the same mean it by a content's hash, by a name, or by a
/// place in two versions of one object (`DefinitionAlignment`); never by a class that went on with another content
/// (`IndexPatch.reusePlaces`), which may be otherwise in another program.
struct VersionVerdict: Sendable {
  /// What it depends on besides the two versions, in no order that matters (`IndexPatch.circumstances`).
  let circumstances: [UInt64]
  /// New definitions that differ, rising.
  let differing: [UInt32]
  /// By new definition, the old one that it was compared with, plus 1; 0 for none. Empty when each was compared with the
  /// one in its place.
  let partners: [UInt32]

  /// Splits what a program asks into the answer, and what remains to be compared.
  func answer(
    _ pairs: DefinitionComparison.Pairs
  ) -> (differing: [UInt32], unknown: [DefinitionComparison.Pair]) {
    // What was compared place by place says nothing of versions that are matched otherwise, and the other way round.
    guard pairs.areAligned == partners.isEmpty else { return ([], pairs.all) }
    if pairs.areAligned { return (differing, []) }
    var differs = [Bool](repeating: false, count: partners.count)
    for i in differing { differs[Int(i)] = true }
    var (found, unknown): ([UInt32], [DefinitionComparison.Pair]) = ([], [])
    for p in pairs.all {
      if Int(p.new) >= partners.count || partners[Int(p.new)] != p.old + 1 {
        unknown.append(p)
      } else if differs[Int(p.new)] {
        found.append(p.new)
      }
    }
    return (found, unknown)
  }
}
