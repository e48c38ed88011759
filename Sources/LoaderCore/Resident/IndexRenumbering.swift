/// The sweep of a patch: classes get their numbers in load order, and the index its new tables.
extension IndexPatch {
  /// - Returns: nil when a rule is met that only resolving anew can report.
  consuming func run(_ packages: LoadedPackages) -> IndexChange? {
    install(packages)
    let sweep = NumberingSweep(self)
    guard sweep.numberDefinitions() else { return nil }
    for r in redirected { numbers[Int(r.from)] = numbers[Int(r.to)] }
    exchange(sweep)
    index.names.renumber(by: numbers.base)
    let namesMoved = numberReferences() || !redirected.isEmpty
    for i in 0..<index.builtins.count { index.builtins[i] = numbers[Int(index.builtins[i])] }
    if index.firstExternal.isNone { index.firstExternal = SymbolID(index.symbols.count) }
    guard finish() else { return nil }
    for i in 0..<oldCount where wasDefined[i] { touched[i] = true }
    let unlike = unlike(sweep)
    return IndexChange(
      numbers: numbers, oldCount: oldCount, touched: touched, unlike: unlike, namesMoved: namesMoved,
      exchanged: isChanged)
  }

  /// Puts the new versions in the old ones' places; their symbols are still classes.
  private func install(_ packages: LoadedPackages) {
    for (k, o) in changed.enumerated() {
      index.loaded[o].symbols.deallocate()
      index.loaded[o].packages.deallocate()
      index.loaded[o] = views[k]
    }
    index.libraries = packages.libraries
    index.objects = packages.objects
    guard let first = packages.objects.first else { return }
    for k in 0..<2 {
      let old = index.loaded[k]
      index.loaded[k] = LoadedObject(
        view: first.view, symbols: old.symbols, packages: old.packages, packageCount: 0,
        nameHashes: first.nameHashes, traits: first.traits, classes: first.classes, version: old.version,
        library: old.library, isExternal: old.isExternal)
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

  /// The touched classes that are not of their old kind any more, or that went while others may still refer to
  /// them: by package position. (Who refers to a content or a name has a member in its class.)
  private func unlike(_ sweep: borrowing NumberingSweep) -> [UInt32] {
    var list: [UInt32] = []
    for c in 0..<oldCount where touched[c] {
      let n = Int(numbers[c])
      if n == 0 ? wasDefined[c] : index.classes[n] != sweep.tables.classes[c] { list.append(UInt32(c)) }
    }
    return list
  }

  /// References: to a class that has a number, else to a name that nobody defines.
  ///
  /// - Returns: whether an unchanged object's reference by name left the package position it had.
  private func numberReferences() -> Bool {
    var moved = false
    for o in 2..<index.loaded.count {
      let object = index.loaded[o]
      let v = object.view
      for i in v.definitions..<v.symbolCount {
        let c = object.symbols[i]
        let isNamed = c == Self.byName || (Int(c) < oldCount && wasDefined[Int(c)] && !isChanged[o])
        if !isNamed, numbers[Int(c)] != 0 {
          object.symbols[i] = numbers[Int(c)]
          continue
        }
        let s = lookUp(v, object, i)
        if c != Self.byName {
          if isNamed, numbers[Int(c)] != s { moved = true }
          if !isNamed { numbers[Int(c)] = s }
        }
        object.symbols[i] = s
      }
    }
    return moved
  }

  private func lookUp(_ v: ObjectView, _ object: LoadedObject, _ i: Int) -> UInt32 {
    let abi = v.abi(UInt32(i))
    let version = abi == ObjectFormat.abiStatic ? object.version : Int32(abi)
    let name = v.name(UInt32(i))
    let r = index.reader
    let hash = NameTable.hash(object.nameHashes[i], version: version)
    let found = index.names.find(hash) { r.name($0) == name && r.version($0) == version }.symbol
    return found.isNone ? index.create(name, version: version).raw : found.raw
  }

  /// What resolving does besides numbering; false when it would report something.
  private func finish() -> Bool {
    do throws(LinkFailure) {
      let byPackage = index.objectsByPackage()
      for o in changed { try index.setPackages(ObjectID(UInt32(o)), byPackage) }
      index.noteAttributes()
      try checkLinknames()
    } catch {
      return false
    }
    guard index.corruptObject == nil else { return false }
    for o in changed {
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

  private func checkLinknames() throws(LinkFailure) {
    guard checkLinkname else { return }
    let check = LinknameCheck(index: index, blocked: profile.blockedLinknames)
    for o in 2..<index.loaded.count {
      let notes = index.objects[o - 2].notes
      for i in notes.linknameVariables + notes.linknameReferences {
        let s = SymbolID(index.loaded[o].symbols[Int(i)])
        try check.reference(from: ObjectID(UInt32(o)), name: index.loaded[o].view.name(i), to: s)
      }
    }
  }
}

/// The tables of the new numbering.
final class NumberedTables {
  fileprivate var symbols: Table<ObjectSymbol>
  fileprivate var classes: Table<UInt8>
  fileprivate var alignments: Table<UInt8>

  init(capacity: Int) {
    symbols = Table(capacity: capacity)
    classes = Table(capacity: capacity)
    alignments = Table(capacity: capacity)
    symbols.append(ObjectSymbol(object: 0, local: 0))
    classes.append(0)
    alignments.append(0)
  }

  fileprivate func give(to index: SymbolIndex) {
    swap(&index.symbols, &symbols)
    swap(&index.classes, &classes)
    swap(&index.alignments, &alignments)
  }
}

/// Numbers definitions: package definitions of all objects, then the others object by object.
private struct NumberingSweep {
  let index: SymbolIndex
  let numbers: UnsafeMutablePointer<UInt32>
  let touched: UnsafePointer<UInt64>
  let wasDefined: UnsafePointer<UInt64>
  let isChanged: [Bool]
  let oldCount: Int
  let tables: NumberedTables

  init(_ patch: borrowing IndexPatch) {
    index = patch.index
    numbers = patch.numbers.base
    touched = patch.touched.base
    wasDefined = patch.wasDefined.base
    isChanged = patch.isChanged
    oldCount = patch.oldCount
    tables = NumberedTables(capacity: patch.classCount + 4096)
  }

  @inline(__always)
  private func isTouched(_ c: UInt32) -> Bool { touched[Int(c >> 6)] >> UInt64(c & 63) & 1 != 0 }

  /// - Returns: false when an election fails, or a changed package's name has a second definition.
  func numberDefinitions() -> Bool {
    for o in 2..<index.loaded.count { numberPackage(o) }
    for o in 2..<index.loaded.count where !numberOthers(o) { return false }
    return true
  }

  private func numberPackage(_ o: Int) {
    let object = UnsafePointer(index.loaded.base + o)
    let ids = object.pointee.symbols
    for i in 0..<object.pointee.view.packageDefs {
      let c = ids[i]
      ids[i] = add(c, isNew: isChanged[o] || isTouched(c), object, o, i)
    }
  }

  private func numberOthers(_ o: Int) -> Bool {
    let object = UnsafePointer(index.loaded.base + o)
    let v = object.pointee.view
    let ids = object.pointee.symbols
    let firstNamed = v.definitions - v.nonPackageDefs
    for i in v.packageDefs..<v.definitions {
      let c = ids[i]
      // A name of a changed package's own that another package defines too.
      if i >= firstNamed, wasDefined[Int(c >> 6)] >> UInt64(c & 63) & 1 != 0 { return false }
      let n = numbers[Int(c)]
      if n == 0 {
        ids[i] = add(c, isNew: isTouched(c), object, o, i)
        continue
      }
      ids[i] = n
      if isTouched(c), !elect(Int(n), object, o, i, isNamed: i >= firstNamed) { return false }
    }
    return true
  }

  /// The next number, for the class of the `i`-th definition of an object.
  @inline(__always)
  private func add(_ c: UInt32, isNew: Bool, _ object: UnsafePointer<LoadedObject>, _ o: Int, _ i: Int)
    -> UInt32
  {
    let n = UInt32(truncatingIfNeeded: tables.symbols.count)
    numbers[Int(c)] = n
    if isNew || Int(c) >= oldCount {
      tables.symbols.append(
        ObjectSymbol(object: UInt32(truncatingIfNeeded: o), local: UInt32(truncatingIfNeeded: i)))
      tables.classes.append(object.pointee.classes[i])
      tables.alignments.append(SymbolTraits(rawValue: object.pointee.traits[i]).alignment)
    } else {
      tables.symbols.append(index.symbols[Int(c)])
      tables.classes.append(index.classes[Int(c)])
      tables.alignments.append(index.alignments[Int(c)])
    }
    return n
  }

  /// A further definition of a class that must be elected anew.
  @inline(__always)
  private func elect(
    _ n: Int, _ object: UnsafePointer<LoadedObject>, _ o: Int, _ i: Int, isNamed: Bool
  ) -> Bool {
    let alignment = SymbolTraits(rawValue: object.pointee.traits[i]).alignment
    if alignment > tables.alignments[n] { tables.alignments[n] = alignment }
    let old = tables.symbols[n]
    let new = ObjectSymbol(object: UInt32(truncatingIfNeeded: o), local: UInt32(truncatingIfNeeded: i))
    guard !isNamed else { return electNamed(n, old, new) }
    let place = UnsafePointer(index.loaded.base + Int(old.object))
    if object.pointee.view.size(new.local) > place.pointee.view.size(old.local) { take(n, new) }
    return true
  }

  private func electNamed(_ n: Int, _ old: ObjectSymbol, _ new: ObjectSymbol) -> Bool {
    do throws(LinkFailure) {
      let name = index.loaded[Int(new.object)].view.name(new.local)
      let verdict = try NamedDefinitions(index: index).elect(old: old, new: new, name)
      if verdict.newWins { take(n, new) }
      return verdict.size == nil
    } catch {
      return false
    }
  }

  private func take(_ n: Int, _ new: ObjectSymbol) {
    tables.symbols[n] = new
    tables.classes[n] = index.loaded[Int(new.object)].classes[Int(new.local)]
  }
}
