internal import Synchronization

/// An index between two states of a program with other packages: its objects in the row of a `ProgramMerge`, so that
/// `IndexPatch` can exchange those that come and go. Symbols keep their numbers in both steps here: objects
/// without symbols change none.
extension SymbolIndex {
  /// Puts the objects in their places of the row.
  ///
  /// - Parameters:
  ///   - packages: the row with the new state's packages, which objects belong to from now on.
  ///   - filler: the object without symbols, for places of objects to come.
  /// - Returns: false when the index makes no sense.
  func spread(_ merge: ProgramMerge, _ packages: LoadedPackages, filler: GoObject) -> Bool {
    var numbers = [UInt32](repeating: 0, count: loaded.count)
    numbers[1] = 1
    var row = Table<LoadedObject>(capacity: merge.slots.count + 2)
    for k in 0..<2 { row.append(loaded[k]) }
    var inputs: [GoObject] = []
    // An object to come has the numbers between its neighbours': none.
    var places: [Int] = []
    var next = 0
    for (k, slot) in merge.slots.enumerated() {
      places.append(2 + next)
      if let old = slot.old {
        numbers[2 + old] = UInt32(truncatingIfNeeded: 2 + k)
        row.append(loaded[2 + old].moved(toLibrary: packages.libraryOfObject[k], loaded[2 + old].version))
        inputs.append(objects[old])
        next = old + 1
      } else {
        // A version that no other object has, until it gets its own.
        let version = Int32(truncatingIfNeeded: 10 + loaded.count + k)
        row.append(Self.load(filler).moved(toLibrary: packages.libraryOfObject[k], version))
        inputs.append(filler)
      }
    }
    places.append(2 + next)
    takeStarts(places)
    objects = inputs
    libraries = packages.libraries
    swap(&loaded, &row)
    return renumberObjects(numbers)
  }

  /// Closes the gaps that objects left which went.
  ///
  /// - Parameter new: the new state.
  /// - Returns: false when something refers to an object that went, and the index is of no use.
  func close(_ merge: ProgramMerge, _ new: LoadedPackages) -> Bool {
    guard let first = new.objects.first else { return false }
    var versions: [Int32: Int32] = [:]
    var numbers = [UInt32](repeating: 0, count: loaded.count)
    numbers[1] = 1
    var row = Table<LoadedObject>(capacity: new.objects.count + 2)
    for k in 0..<2 { row.append(loaded[k].seen(through: first)) }
    var places: [Int] = []
    for (k, slot) in merge.slots.enumerated() {
      guard slot.new != nil else {
        giveBack(loaded[2 + k])
        continue
      }
      numbers[2 + k] = UInt32(truncatingIfNeeded: row.count)
      places.append(2 + k)
      // Counted in load order (cmd/link/internal/ld/link.go IncVersion).
      let (object, version) = (loaded[2 + k], Int32(truncatingIfNeeded: 10 + row.count - 2))
      if object.version != version { versions[object.version] = version }
      row.append(object.moved(toLibrary: object.library, version))
    }
    places.append(2 + merge.slots.count)
    takeStarts(places)
    adopt(new)
    renumberVersions(versions)
    swap(&loaded, &row)
    return renumberObjects(numbers)
  }

  /// - Parameter places: by new place of an object, the one whose numbers it has; one more at the end.
  private func takeStarts(_ places: [Int]) {
    packageStarts = [0, 0] + places.map { packageStarts[$0] }
    othersStarts = [0, 0] + places.map { othersStarts[$0] }
    undefinedStarts = [0, 0] + places.map { undefinedStarts[$0] }
  }

  /// Static names that nobody defines go by their object's version.
  private func renumberVersions(_ versions: [Int32: Int32]) {
    func hash(_ e: ExternalSymbol) -> UInt32 {
      NameTable.hash(NameHash.of(e.name), version: e.version)
    }
    var others: [(symbol: SymbolID, external: Int)] = []
    for i in firstExternal.index..<symbols.count where symbols[i].object == 1 {
      let k = Int(symbols[i].local)
      if versions[externals[k].version] != nil { others.append((SymbolID(i), k)) }
    }
    for (s, k) in others {
      let found = names.find(hash(externals[k])) { $0 == s }
      if !found.symbol.isNone { names.remove(at: found.slot) }
    }
    for (s, k) in others {
      externals[k].version = versions[externals[k].version] ?? externals[k].version
      names.insert(hash(externals[k]), s, at: names.find(hash(externals[k])) { _ in false }.slot)
    }
  }

  /// - Parameter numbers: new numbers by old ones; 0 for an object that went.
  private func renumberObjects(_ numbers: [UInt32]) -> Bool {
    let isGone = Atomic(false)
    let base = symbols.base
    Chunks.run(symbols.count, grain: 1 << 16) { range in
      numbers.withUnsafeBufferPointer { numbers in
        for i in range {
          let s = base[i]
          let n = numbers[Int(s.object)]
          if n == 0, s.object != 0 { return isGone.store(true, ordering: .relaxed) }
          if n != s.object { base[i] = ObjectSymbol(object: n, local: s.local) }
        }
      }
    }
    if isGone.load(ordering: .relaxed) { return false }
    return numbers.withUnsafeBufferPointer { numbers in
      for o in 2..<loaded.count {
        let object = loaded[o]
        for k in 0..<object.packageCount { object.packages[k] = numbers[Int(object.packages[k])] }
      }
      return true
    }
  }

  private static func load(_ o: GoObject) -> LoadedObject {
    let packages = UnsafeMutablePointer<UInt32>.allocate(capacity: max(o.packages.count, 1))
    packages.initialize(repeating: 0, count: max(o.packages.count, 1))
    return LoadedObject(
      view: o.view, symbols: .allocate(capacity: 1), packages: packages, packageCount: o.packages.count,
      nameHashes: o.nameHashes, traits: o.traits, classes: o.classes, version: 0, library: 0,
      isExternal: false)
  }
}

extension LoadedObject {
  fileprivate func moved(toLibrary library: UInt32, _ version: Int32) -> LoadedObject {
    LoadedObject(
      view: view, symbols: symbols, packages: packages, packageCount: packageCount, nameHashes: nameHashes,
      traits: traits, classes: classes, version: version, library: library, isExternal: isExternal)
  }

  /// The same, with another object's tables where there are none of its own.
  func seen(through o: GoObject) -> LoadedObject {
    LoadedObject(
      view: o.view, symbols: symbols, packages: packages, packageCount: 0, nameHashes: o.nameHashes,
      traits: o.traits, classes: o.classes, version: version, library: library, isExternal: isExternal)
  }
}
