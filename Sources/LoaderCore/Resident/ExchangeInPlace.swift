internal import Synchronization

/// What an exchange does to an index when all but a few numbers stay (`NumbersInPlace`).
extension IndexPatch {
  /// - Returns: nil when a rule is met that only resolving anew can report.
  consuming func exchangeInPlace(
    _ packages: LoadedPackages, _ differences: MemberDifferences, _ placed: NumbersInPlace
  ) -> IndexChange? {
    // The others have the symbols that they had.
    var isNew = [Bool](repeating: false, count: index.loaded.count)
    for (k, o) in changed.enumerated() { isNew[o] = hasOtherClasses(k) }
    let touched = touchedSymbols(differences, packages)
    let classes = classes(of: touched)
    let moved = movedDefinitions()
    let importers = importers(of: moved.map(\.object))
    let shifted = Bitmap(count: oldCount)
    for n in placed.ranges.joined() where numbers[n] != UInt32(n) { shifted[n] = true }
    let free = index.leave(placed.goneNames)
    install(packages)
    placed.install(in: index, free: free)
    for m in differences.moved { index.symbols[Int(numbers[Int(m.symbol)])] = m.place }
    guard let hits = renumberMembers(shifted, differences, isNew: isNew), elect(hits) else { return nil }
    renumberNames(placed)
    for i in 0..<index.builtins.count { index.builtins[i] = numbers[Int(index.builtins[i])] }
    for o in changed + recompiled { renameUndefined(o) }
    guard finish() else { return nil }
    let unlike = classes.filter { c, class_ in
      let n = Int(numbers[Int(c)])
      return n != 0 && index.classes[n] != class_
    }
    return IndexChange(
      index, numbers: numbers, oldCount: oldCount, touched: touched, unlike: unlike.map(\.symbol),
      moved: moved.flatMap(\.definitions), importers: importers, namesMoved: false,
      newCount: placed.newCount, goneCount: placed.goneCount,
      shifted: shifted, in: placed.ranges)
  }

  /// The `SymbolClass` of what is touched, as it was.
  private func classes(of touched: borrowing TouchedSymbols) -> [(symbol: UInt32, class_: UInt8)] {
    var all: [(symbol: UInt32, class_: UInt8)] = []
    touched.symbols.forEach { all.append((UInt32(truncatingIfNeeded: $0), index.classes[$0])) }
    return all
  }

  private func elect(_ hits: [MemberElection.Hit]) -> Bool {
    MemberElection(
      index: index, symbols: index.symbols.base, classes: index.classes.base,
      alignments: index.alignments.base, count: index.count
    ).elect(hits)
  }

  /// Gives all definitions and references their numbers.
  ///
  /// - Parameter isNew: by object, whether its symbols are classes that may be new ones.
  /// - Returns: the definitions whose classes are to be elected anew, in load order, package definitions first; nil when a
  ///   name of a changed package's own has another definition.
  private func renumberMembers(
    _ shifted: borrowing Bitmap, _ differences: MemberDifferences, isNew: [Bool]
  ) -> [MemberElection.Hit]? {
    let marks = shifted.union(differences.isLoud).union(wasDefined)
    let sweep = MemberSweep(
      objects: index.loaded.base, numbers: numbers.base, marks: BitmapView(marks),
      loud: BitmapView(differences.isLoud), wasDefined: BitmapView(wasDefined),
      arePackageNamesLoud: differences.loud.contains { $0 < index.othersStarts[2] })
    let runs = index.runsOfObjects()
    let found = Mutex([MemberElection.Findings](repeating: .init(), count: runs.count))
    Chunks.run(runs.count, grain: 1) { range in
      for k in range {
        var mine = MemberElection.Findings()
        for o in runs[k] { sweep.run(o, isNew: isNew[o], &mine) }
        let all = mine
        found.withLock { $0[k] = all }
      }
    }
    withExtendedLifetime(marks) {}
    return MemberElection.Findings.hits(found.withLock { $0 })
  }

  /// Lets the table of names know the new numbers.
  private func renumberNames(_ placed: NumbersInPlace) {
    var found: [(slot: Int, symbol: SymbolID)] = []
    // All are found before any is written: a number may be another class's.
    for e in placed.entries where e.class_ != e.number {
      let object = index.loaded[Int(e.place.object)]
      let (v, i) = (object.view, e.place.local)
      let abi = v.abi(i)
      guard !v.isHashed(i), abi != ObjectFormat.abiStatic || e.isUndefined else { continue }
      let version = abi == ObjectFormat.abiStatic ? object.version : Int32(abi)
      let hash = NameTable.hash(object.nameHashes[Int(i)], version: version)
      let entry = index.names.find(hash) { $0.raw == e.class_ }
      if !entry.symbol.isNone { found.append((entry.slot, SymbolID(e.number))) }
    }
    for (slot, symbol) in found { index.names.replace(symbol, at: slot) }
  }
}

/// A look at all symbols of objects, for those of a few classes.
private struct MemberSweep: @unchecked Sendable {
  let objects: UnsafeMutablePointer<LoadedObject>
  let numbers: UnsafePointer<UInt32>
  /// Classes to stop at.
  let marks: BitmapView
  let loud: BitmapView
  let wasDefined: BitmapView
  /// Whether package definitions may be to elect.
  let arePackageNamesLoud: Bool

  /// - Parameter isNew: whether the object's symbols are classes that may be new ones.
  func run(_ o: Int, isNew: Bool, _ found: inout MemberElection.Findings) {
    let (ids, v) = (objects[o].symbols, objects[o].view)
    let firstNamed = v.definitions - v.nonPackageDefs
    // Package definitions of other objects keep their numbers.
    let start = isNew || arePackageNamesLoud ? 0 : v.packageDefs
    for i in start..<v.symbolCount where marks.has(ids[i]) || isNew {
      let c = ids[i]
      ids[i] = numbers[Int(c)]
      guard i < v.definitions else { continue }
      if i >= firstNamed, wasDefined.has(c) { found.isDoubled = true }
      guard loud.has(c) else { continue }
      let place = ObjectSymbol(object: UInt32(truncatingIfNeeded: o), local: UInt32(truncatingIfNeeded: i))
      let hit = MemberElection.Hit(symbol: ids[i], place: place, isNamed: i >= firstNamed)
      if i < v.packageDefs { found.package_.append(hit) } else { found.others.append(hit) }
    }
  }
}
