internal import Synchronization

/// The sweep of a patch: classes get their numbers in load order, and the index its new tables.
extension IndexPatch {
  /// - Returns: nil when a rule is met that only resolving anew can report.
  consuming func run(_ packages: LoadedPackages, _ differences: MemberDifferences) -> IndexChange? {
    if !isReshaped, keepsShape(differences) { return exchangeContents(packages, differences) }
    if let placed = numbersInPlace(differences) {
      return exchangeInPlace(packages, differences, placed)
    }
    let touched = touchedSymbols(differences, packages)
    let before = index.symbolCount
    install(packages)
    let sweep = NumberingSweep(self, differences)
    guard sweep.numberDefinitions() else { return nil }
    for r in redirected { numbers[Int(r.from)] = numbers[Int(r.to)] }
    exchange(sweep)
    numberReferences()
    index.names.renumber(by: numbers.base)
    for i in 0..<index.builtins.count { index.builtins[i] = numbers[Int(index.builtins[i])] }
    // As objects know each other so far: `finish` tells them of packages that changed places.
    let moved = movedDefinitions()
    let importers = importers(of: moved.map(\.object))
    guard finish() else { return nil }
    var unlike: [UInt32] = []
    touched.symbols.forEach { c in
      let n = c < oldCount ? Int(numbers[c]) : 0
      if n != 0, index.classes[n] != sweep.tables.classes[c] { unlike.append(UInt32(truncatingIfNeeded: c)) }
    }
    let newCount = (oldCount..<classCount).count { numbers[$0] != 0 }
    index.countFree()
    return IndexChange(
      index, numbers: numbers, oldCount: oldCount, touched: touched, unlike: unlike,
      moved: moved.flatMap(\.definitions), importers: importers,
      namesMoved: namesMoved || !redirected.isEmpty, newCount: newCount,
      goneCount: before + newCount - index.symbolCount, isReshaped: isReshaped)
  }

  /// Whether the new versions have the same symbols at the same places.
  private func keepsShape(_ differences: MemberDifferences) -> Bool {
    guard differences.loud.isEmpty, redirected.isEmpty, !namesMoved else { return false }
    for (k, o) in changed.enumerated() {
      let (old, new) = (index.loaded[o], views[k])
      guard old.view.symbolCount == new.view.symbolCount, old.view.packageDefs == new.view.packageDefs,
        old.view.definitions == new.view.definitions
      else { return false }
      for i in 0..<new.view.symbolCount where new.symbols[i] != old.symbols[i] { return false }
    }
    return true
  }

  /// What remains to be done when no number changes: package definitions may be of another kind.
  private func exchangeContents(_ packages: LoadedPackages, _ differences: MemberDifferences) -> IndexChange?
  {
    var contents: [SymbolID]?
    var compared: TouchedSymbols?
    Chunks.beside {
      contents = changedContents(packages)
    } _: {
      compared = touchedSymbols(differences, packages)
    }
    guard let touched = compared.take() else { return nil }
    var unlike: [UInt32] = []
    install(packages)
    for o in changed {
      let object = index.loaded[o]
      for i in 0..<object.view.packageDefs {
        let s = Int(object.symbols[i])
        if index.classes[s] != object.classes[i] { unlike.append(UInt32(s)) }
        index.classes[s] = object.classes[i]
        index.alignments[s] = SymbolTraits(rawValue: object.traits[i]).alignment
      }
      renameUndefined(o)
    }
    for o in recompiled { renameUndefined(o) }
    guard finish(isOfContents: contents != nil) else { return nil }
    return IndexChange(sameSymbolsOf: index, touched: touched, unlike: unlike, contents: contents)
  }

  /// The symbols whose data the new versions change, when they change nothing else; nil otherwise.
  private func changedContents(_ packages: LoadedPackages) -> [SymbolID]? {
    var all: [SymbolID] = []
    for o in changed + recompiled {
      let (was, now) = (index.objects[o - 2], packages.objects[o - 2])
      guard was.packages == now.packages, was.imports.map(\.path) == now.imports.map(\.path),
        let some = ContentComparison(old: was.view, new: now.view).changedData()
      else { return nil }
      for i in some {
        let s = SymbolID(newVersion(of: o).symbols[Int(i)])
        // A definition that lost its election is nobody's.
        if index.symbols[s.index] == ObjectSymbol(object: UInt32(o), local: i) { all.append(s) }
      }
    }
    return all
  }

  /// Lets the names of undefined symbols lie in the new version: the old one's memory goes. They are those that the
  /// object is the first to refer to; the others lie in other objects.
  func renameUndefined(_ o: Int) {
    let (object, own) = (index.loaded[o], index.undefinedNumbers(of: o))
    for i in object.view.definitions..<object.view.symbolCount where own.contains(Int(object.symbols[i])) {
      let place = index.symbols[Int(object.symbols[i])]
      if place.object == 1 { index.externals[Int(place.local)].name = object.view.name(UInt32(i)) }
    }
  }

  /// Puts the new versions in the old ones' places; their symbols are still classes.
  func install(_ packages: LoadedPackages) {
    for (k, o) in changed.enumerated() {
      index.giveBack(index.loaded[o])
      index.loaded[o] = views[k]
    }
    for o in recompiled { index.loaded[o] = index.loaded[o].exchanged(for: packages.objects[o - 2]) }
    index.libraries = packages.libraries
    index.objects = packages.objects
    guard let first = packages.objects.first else { return }
    for k in 0..<2 {
      index.loaded[k] = index.loaded[k].seen(through: first)
    }
  }

  private func exchange(_ sweep: borrowing NumberingSweep) {
    sweep.tables.give(to: index)
    index.externals.removeAll()
    index.firstExternal = .none
    index.journal = IndexJournal()
    index.arena = Arena()
    index.restartStatics()
    index.attributes.removeAll()
  }

  /// The old package definitions that went or moved while others may still refer to them: by their place in the
  /// package. (Who refers to a content or a name has a member in its class.)
  func movedDefinitions() -> [(object: Int, definitions: [UInt32])] {
    let left = Set(sources.values)
    return alignments.enumerated().compactMap { k, alignment in
      // The package is found where it is now, and has them where it had them.
      if left.contains(changed[k]) { return nil }
      let moved = alignment.new.indices.filter { Int(alignment.new[$0]) != $0 }
      guard !moved.isEmpty else { return nil }
      return (changed[k], moved.map { firstDefinitions[k] &+ UInt32(truncatingIfNeeded: $0) })
    }
  }

  /// The unchanged objects that name the package of one of these.
  func importers(of some: [Int]) -> [Int] {
    guard !some.isEmpty else { return [] }
    let isMoved = Set(some.map { UInt32($0) })
    var isExchanged = isChanged
    for o in recompiled { isExchanged[o] = true }
    return (2..<index.loaded.count).filter { o in
      let object = index.loaded[o]
      return !isExchanged[o] && (0..<object.packageCount).contains { isMoved.contains(object.packages[$0]) }
    }
  }

  /// References: to a class that has a number, else to a name that nobody defines, which gets one.
  private func numberReferences() {
    let (numbers, objects) = (numbers.base, index.loaded.base)
    var undefined = [[ObjectSymbol]](repeating: [], count: index.loaded.count)
    undefined.withUnsafeMutableBufferPointer { undefined in
      Chunks.run(undefined.count, grain: 16) { range in
        for o in range where o > 1 {
          let (ids, v) = (objects[o].symbols, objects[o].view)
          for i in v.definitions..<v.symbolCount {
            let n = numbers[Int(ids[i])]
            if n != 0 {
              ids[i] = n
            } else {
              undefined[o].append(ObjectSymbol(object: UInt32(o), local: UInt32(truncatingIfNeeded: i)))
            }
          }
        }
      }
    }
    // In load order: each gets its number where it is met first.
    var first = Table<ObjectSymbol>(capacity: 4096)
    index.numberUndefined { o in
      let ids = objects[o].symbols
      for place in undefined[o] {
        let c = Int(ids[Int(place.local)])
        if numbers[c] == 0 {
          numbers[c] = index.appendUndefined(.empty, version: 0).raw
          first.append(place)
        }
        ids[Int(place.local)] = numbers[c]
      }
    }
    nameUndefined(first.buffer)
  }

  /// Gives the names that nobody defines, in order, what their first references say.
  private func nameUndefined(_ first: UnsafeMutableBufferPointer<ObjectSymbol>) {
    let (externals, objects) = (index.externals.base, index.loaded.base)
    Chunks.run(min(first.count, index.externals.count), grain: 1024) { range in
      for k in range {
        let object = objects[Int(first[k].object)]
        let abi = object.view.abi(first[k].local)
        externals[k].name = object.view.name(first[k].local)
        externals[k].version = abi == ObjectFormat.abiStatic ? object.version : Int32(abi)
      }
    }
  }

  /// What resolving does besides numbering; false when it would report something.
  ///
  /// - Parameter isOfContents: no more than contents are others. Symbols' attributes are left to the program then
  ///   (`ResidentProgram.update`).
  func finish(isOfContents: Bool = false) -> Bool {
    do throws(LinkFailure) {
      try setPackages()
      var check = Result<Void, LinkFailure>.success(())
      if !isOfContents {
        Chunks.beside {
          check = Result { () throws(LinkFailure) in try checkLinknames(2..<index.loaded.count) }
        } _: {
          index.noteAttributes()
        }
        try check.get()
      } else {
        // What the others refer to is defined as it was, if all definitions are where they were.
        let all = isAligned.contains(false)
        try checkLinknames(all ? Array(2..<index.loaded.count) : changed + recompiled)
      }
    } catch {
      return false
    }
    guard index.corruptObject == nil else { return false }
    for o in changed + recompiled {
      let notes = index.objects[o - 2].notes
      if notes.badReference != nil { return false }
      let traits = index.loaded[o].traits
      for i in notes.flaggedDefinitions where SymbolTraits(rawValue: traits[Int(i)]).isWasmExport {
        return false
      }
    }
    index.seal()
    return true
  }

  /// Finds the packages of objects whose lists of them may be others than they were.
  private func setPackages() throws(LinkFailure) {
    // Versions whose symbols are where they were have the same list (`ObjectView.Likeness`).
    let others =
      isReshaped
      ? Array(2..<index.loaded.count) : zip(changed, isAligned).filter { !$0.1 }.map(\.0)
    guard !others.isEmpty else { return }
    let byPackage = index.objectsByPackage()
    let failure = Mutex<LinkFailure?>(nil)
    Chunks.run(others.count, grain: 32) { [index] range in
      do throws(LinkFailure) {
        for o in others[range] { try index.setPackages(ObjectID(UInt32(o)), byPackage) }
      } catch {
        failure.withLock { $0 = error }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  private func checkLinknames(_ objects: some Sequence<Int>) throws(LinkFailure) {
    guard checkLinkname else { return }
    let check = LinknameCheck(index: index, blocked: profile.blockedLinknames)
    for o in objects {
      let notes = index.objects[o - 2].notes
      for i in notes.linknameVariables + notes.linknameReferences {
        let s = SymbolID(index.loaded[o].symbols[Int(i)])
        try check.reference(from: ObjectID(UInt32(o)), name: index.loaded[o].view.name(i), to: s)
      }
    }
  }
}
