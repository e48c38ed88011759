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
    for v in versions { refiled[v.object] = !v.old.pointee.view.hasFiles(like: v.new.pointee.view) }
    let comparisons = versions.filter { !refiled[$0.object] }.map {
      DefinitionComparison(
        $0, oldObjects: index.loaded.base, newObjects: after.base, builtins: index.builtins.base,
        builtinCount: index.builtins.count)
    }
    for v in versions where refiled[v.object] {
      for p in v.pairs.all { mark(v.new.pointee.symbols[Int(p.new)]) }
    }
    let (doubtful, parts) = Self.parts(of: comparisons)
    for c in Self.gather(doubtful, { $0.comparison.changed($0.slice, infos: $0.infos.classes) }) { mark(c) }
    // Passes keep of a function what they read of its auxiliary symbols.
    let direct = DefinitionComparison.Classes(words: touched.base, count: oldCount)
    for c in Self.gather(parts, { $0.comparison.changed($0.slice, through: direct) }) { mark(c) }
    withExtendedLifetime(after) {}
    return TouchedSymbols(symbols: touched, exchanged: exchanged, refiled: refiled)
  }

  /// A part of a comparison that is worth a turn on another core.
  private struct Part<Slice: Sendable>: Sendable {
    let comparison: DefinitionComparison
    let slice: Slice
    let infos: FuncInfos
  }

  private typealias PairsPart = Part<ArraySlice<DefinitionComparison.Pair>>
  private typealias RangePart = Part<Range<Int>>

  /// A set that parts of a comparison share.
  private final class FuncInfos: @unchecked Sendable {
    private let bits: Bitmap
    private let count: Int
    init(_ bits: consuming Bitmap, count: Int) {
      self.bits = bits
      self.count = count
    }
    var classes: DefinitionComparison.Classes { .init(words: bits.base, count: count) }
  }

  private static let partPairs = 4096

  private static func parts(
    of comparisons: [DefinitionComparison]
  ) -> (doubtful: [PairsPart], all: [RangePart]) {
    typealias Parts = (doubtful: [PairsPart], all: [RangePart])
    let found = Mutex([Parts](repeating: ([], []), count: comparisons.count))
    Chunks.each(comparisons.count) { k in
      var prepared = comparisons[k]
      let infos = FuncInfos(prepared.funcInfos(), count: prepared.definitions)
      prepared.prepare(infos.classes)
      let comparison = prepared
      let mine = (
        comparison.doubtfulSlices(of: partPairs / 16).map {
          PairsPart(comparison: comparison, slice: $0, infos: infos)
        },
        comparison.ranges(of: partPairs).map { RangePart(comparison: comparison, slice: $0, infos: infos) }
      )
      found.withLock { $0[k] = mine }
    }
    return found.withLock { found in (found.flatMap(\.doubtful), found.flatMap(\.all)) }
  }

  /// What parts of comparisons say, made side by side.
  private static func gather<Slice>(
    _ parts: [Part<Slice>], _ ask: @Sendable (Part<Slice>) -> [UInt32]
  ) -> [UInt32] {
    let all = Mutex([UInt32]())
    Chunks.each(parts.count) { k in
      let mine = ask(parts[k])
      if !mine.isEmpty { all.withLock { $0 += mine } }
    }
    return all.withLock { $0 }
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
      let new = packages.objects[o - 2]
      let mine: DefinitionComparison.Versions
      if !isChanged || isAligned[k] {
        let same = DefinitionComparison.Pairs(
          itself: Int(o), old: index.loaded.base + o, new: UnsafePointer(after.base + o),
          symbols: index.symbols.base)
        mine = compared(o, same, after, new, keepsContents: !isChanged)
      } else {
        let moved = differences.moved[differences.movedRanges[k]]
        let pairs = packagePairs(k, o) + moved.map { .init(old: $0.was, new: $0.place.local) }
        mine = compared(o, .init(pairs), after, new, keepsPlaces: false, keepsContents: false)
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

  private func compared(
    _ o: Int, _ pairs: DefinitionComparison.Pairs, _ after: borrowing Table<LoadedObject>, _ new: GoObject,
    keepsPlaces: Bool = true, keepsContents: Bool
  ) -> DefinitionComparison.Versions {
    let (was, now) = (index.loaded[o], after[o])
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
    return .init(
      object: o, old: index.loaded.base + o, new: UnsafePointer(after.base + o), functions: new.functions,
      pairs: pairs, keepsPlaces: keepsPlaces && !namesMoved && redirected.isEmpty,
      keepsContents: keepsContents, isSteady: steady, memo: new.versions,
      oldSerial: index.objects[o - 2].serial,
      differences: pairs.areAligned ? differences(of: new, from: index.objects[o - 2]) : nil)
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
