internal import Synchronization

/// In what an object differs from the version that it took the place of, kept for the next program in which it does.
///
/// When a package changes, those that import it are compiled again, and mostly say the same of other indices. Test
/// binaries have hundreds of these in common, each of which would be compared for each of them. What can be told of the
/// bytes alone is found once: which definitions differ in them, or refer to a content that does, and which refer to a
/// package. All others say the same in every program in which the packages that they refer to do.
final class VersionMemo: Sendable {
  private struct State {
    /// `GoObject.serial` of the older version that the object was last asked about.
    var asked: UInt64 = 0
    /// The same, of the version that `differing` is about.
    var old: UInt64 = 0
    var differing: [UInt32] = []
    /// By index in the object's package list, the definitions that refer to that package; those that were asked for.
    var mentions: [UInt32: [UInt32]] = [:]
  }
  private let state = Mutex(State())

  /// The definitions that may not say in one program what they said, rising: both versions have the same symbols at the
  /// same places, but for contents (`ObjectView.Likeness`).
  ///
  /// What one program asks for costs less to find than what any may: of all definitions it is found the second time.
  ///
  /// - Parameter infos: `DefinitionComparison.funcInfos`.
  func candidates(
    _ versions: DefinitionComparison.Versions, infos: DefinitionComparison.Classes
  ) -> [UInt32]? {
    let old = versions.oldSerial
    let (known, isFirst) = state.withLock { s in
      defer { s.asked = old }
      return (s, s.asked != old)
    }
    // Byte by byte, a comparison of the definitions that count finds as much.
    if isFirst, versions.differences == nil { return nil }
    let unsteady = versions.isSteady.indices.filter { !versions.isSteady[$0] }.map { UInt32($0) }
    let unasked = unsteady.filter { known.mentions[$0] == nil }
    var lists: [[UInt32]] = unsteady.compactMap { known.mentions[$0] }
    if known.old == old { lists.append(known.differing) }
    if known.old != old || !unasked.isEmpty {
      let scan = VersionScan(versions, infos, comparesBytes: known.old != old, packages: unasked)
      let found = isFirst ? scan.run(versions.pairs.map(\.new)) : scan.run()
      if known.old != old { lists.append(found.differing) }
      lists += found.mentions
      if !isFirst { keep(found, old, unasked, definitions: scan.count) }
    }
    return Self.union(lists)
  }

  private func keep(_ found: VersionScan.Findings, _ old: UInt64, _ asked: [UInt32], definitions: Int) {
    state.withLock { s in
      if s.old != old { (s.old, s.differing) = (old, found.differing) }
      for (package, list) in zip(asked, found.mentions) { s.mentions[package] = list }
      // No more memory than for some tables by definition.
      if s.mentions.values.reduce(0, { $0 + $1.count }) > 2 * definitions { s.mentions = [:] }
    }
  }

  private static func union(_ lists: [[UInt32]]) -> [UInt32] {
    var all = Array(lists.joined())
    all.sort()
    var last: UInt32?
    return all.filter { i in
      defer { last = i }
      return i != last
    }
  }
}
