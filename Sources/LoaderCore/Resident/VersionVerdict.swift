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
    if pairs.areAligned { return partners.isEmpty ? (differing, []) : ([], pairs.all) }
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

/// Which symbols of an object are auxiliary to which definitions of it.
struct AuxiliaryTargets: Sendable {
  /// Local indices of the symbols, rising.
  private let targets: [UInt32]
  /// By position in `targets`, where its definitions begin in `owners`, and an end.
  private let starts: [UInt32]
  private let owners: [UInt32]
  /// Definitions with an auxiliary symbol that is not known by a local index, rising.
  private let foreign: [UInt32]

  init(_ view: ObjectView) {
    // The symbol in the high half, the definition in the low one.
    var pairs: [UInt64] = []
    var foreign: [UInt32] = []
    for i in 0..<UInt32(view.definitions) {
      let (base, count) = view.auxRecords(i)
      guard var at = base else { continue }
      var isForeign = false
      for _ in 0..<count {
        let ref = SymbolRef(
          package_: UInt32(littleEndian: at.loadUnaligned(fromByteOffset: 1, as: UInt32.self)),
          index: UInt32(littleEndian: at.loadUnaligned(fromByteOffset: 5, as: UInt32.self)))
        if let local = view.localIndex(ref), local < view.symbolCount {
          pairs.append(UInt64(UInt32(truncatingIfNeeded: local)) << 32 | UInt64(i))
        } else {
          isForeign = true
        }
        at += ObjectFormat.auxSize
      }
      if isForeign { foreign.append(i) }
    }
    pairs.sort()
    var (targets, starts): ([UInt32], [UInt32]) = ([], [])
    for (k, pair) in pairs.enumerated() {
      let target = UInt32(truncatingIfNeeded: pair >> 32)
      if targets.last == target { continue }
      targets.append(target)
      starts.append(UInt32(truncatingIfNeeded: k))
    }
    self.targets = targets
    self.starts = starts + [UInt32(truncatingIfNeeded: pairs.count)]
    owners = pairs.map { UInt32(truncatingIfNeeded: $0) }
    self.foreign = foreign
  }

  /// Definitions that may have an auxiliary symbol among these classes; some more than once.
  ///
  /// - Parameter symbols: classes, by local index.
  func owners(
    of classes: DefinitionComparison.Classes, _ symbols: UnsafePointer<UInt32>
  ) -> [UInt32] {
    var found = foreign
    for (k, target) in targets.enumerated() where classes.has(symbols[Int(target)]) {
      found += owners[Int(starts[k])..<Int(starts[k + 1])]
    }
    return found
  }
}
