internal import Synchronization

/// In what an object differs from versions that it took the place of, kept for the next program in which it does.
///
/// When a package changes, those that import it are compiled again, and mostly say the same of other indices. Test
/// binaries have hundreds of these in common, each of which would be compared for each of them. What can be told of the
/// bytes alone is found once: what the versions have in common as wholes, which definitions differ, or refer to a content
/// that does, and which refer to a package. All others say the same in every program in which the packages that they refer
/// to do.
final class VersionMemo: Sendable {
  /// What is known of an older version.
  private struct Known {
    /// `GoObject.serial`
    let serial: UInt64
    var likeness: ObjectView.Likeness?
    var isLinkedAlike: Bool?
    /// Whether `candidates` was asked about it.
    var isAsked = false
    /// Definitions that differ, rising.
    var differing: [UInt32]?
    var haveSameFiles: Bool?
    var verdict: VersionVerdict?
    /// Whether `verdict` was asked for.
    var isJudged = false
  }

  private struct State {
    /// In the order of their first use.
    var known: [Known] = []
    /// By index in the object's package list, the definitions that refer to that package; those that were asked for.
    var mentions: [UInt32: [UInt32]] = [:]
    var auxiliaryTargets: AuxiliaryTargets?
    var areTargetsAsked = false

    /// The place of an older version, which is added when it is new.
    mutating func place(_ serial: UInt64) -> Int {
      if let k = known.lastIndex(where: { $0.serial == serial }) { return k }
      if known.count == VersionMemo.limit { known.removeFirst() }
      known.append(Known(serial: serial))
      return known.count - 1
    }
  }

  /// Older versions that are remembered: programs may hold different ones, as long as not all were linked again.
  private static let limit = 4

  private let state = Mutex(State())

  /// `ObjectView.likeness`, to the version with that number.
  func likeness(to serial: UInt64, find: () -> ObjectView.Likeness) -> ObjectView.Likeness {
    if let known = known(serial)?.likeness { return known }
    let found = find()
    state.withLock { $0.known[$0.place(serial)].likeness = found }
    return found
  }

  /// `ObjectView.isLinked(like:)`, with the version of that number.
  func isLinkedAlike(_ serial: UInt64, find: () -> Bool) -> Bool {
    if let known = known(serial)?.isLinkedAlike { return known }
    let found = find()
    state.withLock { $0.known[$0.place(serial)].isLinkedAlike = found }
    return found
  }

  /// `ObjectView.hasFiles(like:)`, of the version with that number.
  func haveSameFiles(_ serial: UInt64, find: () -> Bool) -> Bool {
    if let known = known(serial)?.haveSameFiles { return known }
    let found = find()
    state.withLock { $0.known[$0.place(serial)].haveSameFiles = found }
    return found
  }

  /// What was found of this version and that older one when all that they refer to was as `circumstances` say, if it is
  /// known; and whether it is worth while to find it: another program asked, too.
  func verdict(
    on serial: UInt64, _ circumstances: [UInt64]
  ) -> (known: VersionVerdict?, isWanted: Bool) {
    state.withLock { s in
      let k = s.place(serial)
      defer { s.known[k].isJudged = true }
      let verdict = s.known[k].verdict
      return (verdict?.circumstances == circumstances ? verdict : nil, s.known[k].isJudged)
    }
  }

  func keep(_ verdict: VersionVerdict, on serial: UInt64) {
    state.withLock { $0.known[$0.place(serial)].verdict = verdict }
  }

  /// Of this version; nil for the first that asks, whom a look at the auxiliary symbols themselves costs less.
  ///
  /// - Parameter old: an older version that has the same.
  func auxiliaryTargets(after old: VersionMemo?, find: () -> AuxiliaryTargets) -> AuxiliaryTargets? {
    let (theirs, wereAsked) =
      old?.state.withLock { ($0.auxiliaryTargets, $0.areTargetsAsked) } ?? (nil, false)
    let (known, isWanted) = state.withLock { s in
      defer { s.areTargetsAsked = true }
      s.auxiliaryTargets = s.auxiliaryTargets ?? theirs
      return (s.auxiliaryTargets, s.areTargetsAsked || wereAsked)
    }
    if known != nil || !isWanted { return known }
    let found = find()
    state.withLock { $0.auxiliaryTargets = found }
    return found
  }

  private func known(_ serial: UInt64) -> Known? {
    state.withLock { s in s.known.last { $0.serial == serial } }
  }

  /// The definitions that may not say in one program what they said, rising: both versions have the same symbols at the
  /// same places, but for contents (`ObjectView.Likeness`).
  ///
  /// A build after an edit mostly changes few of an object's bytes: what refers to a package is known of all others as it
  /// was.
  ///
  /// - Parameter infos: `DefinitionComparison.funcInfos`.
  /// - Returns: nil when to find them is no less work than to compare those that count in one program.
  func candidates(
    _ versions: DefinitionComparison.Versions, infos: DefinitionComparison.Classes
  ) -> [UInt32]? {
    let old = versions.oldSerial
    let (known, mentions) = state.withLock { s in
      let k = s.place(old)
      defer { s.known[k].isAsked = true }
      return (s.known[k], s.mentions)
    }
    // Byte by byte, a comparison of the definitions that count finds as much.
    if !known.isAsked, versions.differences == nil { return nil }
    let unsteady = versions.isSteady.indices.filter { !versions.isSteady[$0] }.map { UInt32($0) }
    let unasked = unsteady.filter { mentions[$0] == nil }
    var lists: [[UInt32]] = unsteady.compactMap { mentions[$0] }
    if let differing = known.differing { lists.append(differing) }
    if known.differing == nil || !unasked.isEmpty {
      let scan = VersionScan(versions, infos, comparesBytes: known.differing == nil, packages: unasked)
      let found = scan.run(after: versions.oldMemo?.mentions(of: unasked))
      if known.differing == nil { lists.append(found.differing) }
      lists += found.mentions
      keep(found, of: old, unasked, definitions: scan.count)
    }
    return Self.union(lists)
  }

  /// The definitions that refer to each of some packages; nil when that is not known of one.
  private func mentions(of packages: [UInt32]) -> [[UInt32]]? {
    let lists = state.withLock { s in packages.compactMap { s.mentions[$0] } }
    return lists.count == packages.count ? lists : nil
  }

  private func keep(_ found: VersionScan.Findings, of old: UInt64, _ asked: [UInt32], definitions: Int) {
    state.withLock { s in
      let k = s.place(old)
      if s.known[k].differing == nil { s.known[k].differing = found.differing }
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
