internal import Synchronization

/// What an exchange of objects did to the symbols that there were: for passes that keep what they read of them.
struct TouchedSymbols: ~Copyable {
  /// Old symbols whose definition may say something else.
  let symbols: Bitmap
  /// By object, whether it was exchanged, and whether its list of source files is another.
  private(set) var exchanged: [Bool]
  private(set) var refiled: [Bool]

  init(symbols: consuming Bitmap, exchanged: [Bool], refiled: [Bool]) {
    self.symbols = symbols
    self.exchanged = exchanged
    self.refiled = refiled
  }

  /// Nothing was exchanged.
  init(none count: Int) {
    self.init(symbols: Bitmap(count: count), exchanged: [], refiled: [])
  }

  /// Says of the objects that stayed whether they are others, by their own numbers.
  mutating func close(_ merge: ProgramMerge) {
    func stayed(_ list: [Bool]) -> [Bool] {
      [false, false] + merge.slots.indices.compactMap { merge.slots[$0].new == nil ? nil : list[2 + $0] }
    }
    exchanged = stayed(exchanged)
    refiled = stayed(refiled)
  }
}

extension IndexPatch {
  /// Compares the old versions' definitions with the new ones'. Before the new versions are installed.
  func touchedSymbols(_ differences: MemberDifferences, _ packages: LoadedPackages) -> TouchedSymbols {
    let touched = Bitmap(count: oldCount)
    func mark(_ c: UInt32) {
      if Int(c) < oldCount { touched[Int(c)] = true }
    }
    for c in differences.loud { mark(c) }
    var (exchanged, refiled) = (isChanged, [Bool](repeating: false, count: index.loaded.count))
    for o in recompiled { exchanged[o] = true }
    let after = newVersions(packages)
    for (k, o) in changed.enumerated() where !isAligned[k] {
      for i in 0..<index.loaded[o].view.packageDefs where alignments[k].new[i] < 0 {
        mark(index.loaded[o].symbols[i])
      }
    }
    let versions = versions(differences, after, packages)
    for v in versions {
      refiled[v.object] = !v.memo.haveSameFiles(v.oldSerial) {
        v.old.pointee.view.hasFiles(like: v.new.pointee.view)
      }
    }
    let gone = Bitmap(count: oldCount)
    for c in reused { gone[Int(c)] = true }
    let comparisons = versions.filter { !refiled[$0.object] }.map {
      DefinitionComparison(
        $0, oldObjects: index.loaded.base, newObjects: after.base, builtins: index.builtins.base,
        builtinCount: index.builtins.count, reused: .init(words: gone.base, count: oldCount))
    }
    for v in versions where refiled[v.object] {
      for p in v.pairs.all { mark(v.new.pointee.symbols[Int(p.new)]) }
    }
    let prepared = Self.prepared(comparisons)
    for c in Self.differing(prepared) { mark(c) }
    // Passes keep of a function what they read of its auxiliary symbols.
    let direct = DefinitionComparison.Classes(words: touched.base, count: oldCount)
    for c in Self.changed(prepared, through: direct) { mark(c) }
    withExtendedLifetime(gone.base) {}
    withExtendedLifetime(after) {}
    return TouchedSymbols(symbols: touched, exchanged: exchanged, refiled: refiled)
  }

  /// A comparison, and the definitions that it takes for FuncInfos.
  private final class Prepared: @unchecked Sendable {
    let comparison: DefinitionComparison
    private let infos: Bitmap
    private let count: Int

    init(_ comparison: DefinitionComparison) {
      var prepared = comparison
      infos = prepared.prepare()
      count = prepared.doubtful.isEmpty ? 0 : prepared.definitions
      self.comparison = prepared
    }

    var classes: DefinitionComparison.Classes { .init(words: infos.base, count: count) }
  }

  /// Pairs that are worth a turn on another core.
  private static let partPairs = 4096

  private static func prepared(_ comparisons: [DefinitionComparison]) -> [Prepared] {
    let all = Mutex([Prepared?](repeating: nil, count: comparisons.count))
    Chunks.each(comparisons.count) { k in
      let mine = Prepared(comparisons[k])
      all.withLock { $0[k] = mine }
    }
    return all.withLock { $0.compactMap { $0 } }
  }

  /// The classes of definitions that say something else.
  private static func differing(_ all: [Prepared]) -> [UInt32] {
    let parts = all.indices.flatMap { k in
      all[k].comparison.doubtfulSlices(of: partPairs / 16).map { (comparison: k, slice: $0) }
    }
    let found = Mutex(all.map(\.comparison.known))
    Chunks.each(parts.count) { n in
      let (k, slice) = parts[n]
      let mine = all[k].comparison.changed(slice, infos: all[k].classes)
      if !mine.isEmpty { found.withLock { $0[k] += mine } }
    }
    var classes: [UInt32] = []
    for (k, differing) in found.withLock({ $0 }).enumerated() {
      let comparison = all[k].comparison
      if comparison.isForAll { comparison.keepVerdict(differing.sorted()) }
      classes += differing.compactMap(comparison.countingClass)
    }
    return classes
  }

  /// The classes of definitions with an auxiliary symbol among these.
  private static func changed(
    _ all: [Prepared], through direct: DefinitionComparison.Classes
  ) -> [UInt32] {
    let parts = Mutex([(comparison: DefinitionComparison, range: Range<Int>)]())
    let found = Mutex([UInt32]())
    Chunks.each(all.count) { k in
      let comparison = all[k].comparison
      if let mine = comparison.changedOwners(of: direct) {
        if !mine.isEmpty { found.withLock { $0 += mine } }
      } else {
        let mine = comparison.ranges(of: partPairs).map { (comparison, $0) }
        parts.withLock { $0 += mine }
      }
    }
    let ranges = parts.withLock { $0 }
    Chunks.each(ranges.count) { k in
      let mine = ranges[k].comparison.changed(ranges[k].range, through: direct)
      if !mine.isEmpty { found.withLock { $0 += mine } }
    }
    return found.withLock { $0 }
  }

  /// All objects as they will be, with classes for symbols.
  private func newVersions(_ packages: LoadedPackages) -> Table<LoadedObject> {
    var all = Table<LoadedObject>(capacity: index.loaded.count)
    for o in 0..<index.loaded.count { all.append(newVersion(of: o)) }
    for o in recompiled { all[o] = all[o].exchanged(for: packages.objects[o - 2]) }
    return all
  }

  /// What is to be compared of each exchanged object, made side by side.
  private func versions(
    _ differences: MemberDifferences, _ after: borrowing Table<LoadedObject>, _ packages: LoadedPackages
  ) -> [DefinitionComparison.Versions] {
    let all = Mutex([DefinitionComparison.Versions?](repeating: nil, count: changed.count + recompiled.count))
    Chunks.each(changed.count + recompiled.count) { k in
      let isChanged = k < changed.count
      let o = isChanged ? changed[k] : recompiled[k - changed.count]
      let mine: DefinitionComparison.Versions
      if !isChanged || isAligned[k] {
        let same = DefinitionComparison.Pairs(
          itself: Int(o), old: index.loaded.base + o, new: UnsafePointer(after.base + o),
          symbols: index.symbols.base)
        mine = compared(o, same, after, packages, keepsContents: !isChanged)
      } else {
        let moved = differences.moved[differences.movedRanges[k]]
        let pairs = packagePairs(k, o) + moved.map { .init(old: $0.was, new: $0.place.local) }
        mine = compared(o, .init(pairs), after, packages, keepsPlaces: false, keepsContents: false)
      }
      all.withLock { $0[k] = mine }
    }
    return all.withLock { $0.compactMap { $0 } }
  }

  /// The package definitions that both versions of an object have.
  private func packagePairs(_ k: Int, _ o: Int) -> [DefinitionComparison.Pair] {
    alignments[k].old.indices.compactMap { i in
      let was = alignments[k].old[i]
      return was < 0 ? nil : .init(old: UInt32(was), new: UInt32(truncatingIfNeeded: i))
    }
  }

  private func differences(of new: GoObject, from old: GoObject) -> [Range<Int>]? {
    guard let known = new.differences, known.serial == old.serial, new.view.hasLayout(of: old.view) else {
      return nil
    }
    return known.ranges
  }

  /// See `DefinitionComparison.Versions.oldMemo`.
  private func memo(of old: GoObject, for new: GoObject) -> VersionMemo? {
    old.packages == new.packages && old.functions == new.functions && new.view.hasAuxiliaries(of: old.view)
      ? old.versions : nil
  }

  private func compared(
    _ o: Int, _ pairs: DefinitionComparison.Pairs, _ after: borrowing Table<LoadedObject>,
    _ packages: LoadedPackages, keepsPlaces: Bool = true, keepsContents: Bool
  ) -> DefinitionComparison.Versions {
    let (was, now, new) = (index.loaded[o], after[o], packages.objects[o - 2])
    let names = index.objects[o - 2].packages
    if !keepsContents {
      // The new version's list has no numbers yet; 0 for what the old one does not have.
      let isSame = names == new.packages
      var known: [String: UInt32] = [:]
      if !isSame { for (k, name) in names.enumerated() { known[name] = was.packages[k] } }
      for (k, name) in new.packages.enumerated() {
        now.packages[k] = isSame ? was.packages[k] : known[name] ?? 0
      }
    }
    let steady = (0..<min(was.packageCount, now.packageCount)).map { k in
      k == 0 || (was.packages[k] == now.packages[k] && !isRenamed[Int(was.packages[k])])
    }
    let differences = pairs.areAligned ? differences(of: new, from: index.objects[o - 2]) : nil
    return .init(
      object: o, old: index.loaded.base + o, new: UnsafePointer(after.base + o), functions: new.functions,
      pairs: pairs, keepsPlaces: keepsPlaces && !namesMoved && redirected.isEmpty,
      keepsContents: keepsContents, isSteady: steady, memo: new.versions,
      oldSerial: index.objects[o - 2].serial,
      oldMemo: differences == nil ? nil : memo(of: index.objects[o - 2], for: new),
      differences: differences,
      circumstances: circumstances(was, now, steady, packages, keepsPlaces, keepsContents))
  }

  /// What a comparison of two versions depends on: how references by themselves are to be taken, and by index of the
  /// package list the versions of each package whose definitions may be elsewhere.
  private func circumstances(
    _ was: LoadedObject, _ now: LoadedObject, _ steady: [Bool], _ packages: LoadedPackages,
    _ keepsPlaces: Bool, _ keepsContents: Bool
  ) -> [UInt64]? {
    guard !namesMoved, redirected.isEmpty, !isReshaped, was.packageCount == now.packageCount else {
      return nil
    }
    var all: [UInt64] = [keepsPlaces ? 1 : 0, keepsContents ? 1 : 0]
    for k in steady.indices where !steady[k] {
      let number = Int(was.packages[k])
      guard number == now.packages[k] else { return nil }
      // A package that no object has.
      guard number > 1 else { continue }
      all += [UInt64(k), index.objects[number - 2].serial, packages.objects[number - 2].serial]
    }
    return all
  }
}

extension LoadedObject {
  /// A new version with the same symbols.
  func exchanged(for o: GoObject) -> LoadedObject {
    LoadedObject(
      view: o.view, symbols: symbols, packages: packages, packageCount: packageCount,
      nameHashes: o.nameHashes, traits: o.traits, classes: o.classes, version: version, library: library,
      isExternal: isExternal)
  }
}
