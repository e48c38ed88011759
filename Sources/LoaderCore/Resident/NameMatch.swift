internal import Synchronization

/// Names of an exchange of objects: what leaves the table of names, what comes, and what the references stand for.
extension IndexPatch {
  /// Finds out which package definitions of the old versions the new ones have.
  mutating func align() {
    let found = Mutex([DefinitionAlignment?](repeating: nil, count: changed.count))
    let work = AlignmentWork(old: changed.map { index.loaded[$0] }, new: views, isAligned: isAligned)
    Chunks.each(changed.count) { k in
      let mine = work.alignment(k)
      found.withLock { $0[k] = mine }
    }
    alignments = found.withLock { $0.compactMap { $0 } }
  }

  /// Takes the names that package definitions had, and do not have any more, out of the table.
  mutating func leaveNames() -> Bool {
    for (k, o) in changed.enumerated() where isRenamed[o] {
      let old = index.loaded[o]
      for i in 0..<UInt32(old.view.packageDefs) {
        let now = Int(alignments[k].new[Int(i)])
        if now >= 0, alignments[k].keepsName[now] { continue }
        let name = old.view.name(i)
        let abi = old.view.abi(i)
        // What somebody wrote over is no version of anything.
        guard NameHash.of(name) == old.nameHashes[Int(i)] else { return false }
        if name.isEmpty || abi == ObjectFormat.abiStatic { continue }
        let hash = NameTable.hash(old.nameHashes[Int(i)], version: Int32(abi))
        let id = SymbolID(old.symbols[Int(i)])
        let found = index.names.find(hash) { $0 == id }
        if found.symbol.isNone { return false }
        index.names.remove(at: found.slot)
        hasLeft[id.index] = true
        haveNamesLeft = true
      }
    }
    return true
  }

  /// The class that goes by that name, and its place in the table.
  private func find(_ name: ByteView, _ hash: UInt32, _ version: Int32) -> (slot: Int, symbol: SymbolID) {
    let r = index.reader
    return index.names.find(hash) { c in
      guard let (v, i) = newDefinition(c) else { return r.name(c) == name && r.version(c) == version }
      return v.name(i) == name && Int32(v.abi(i)) == version
    }
  }

  /// The new version's symbol that is of a class: of a new one, or of a package position.
  private func newDefinition(_ c: SymbolID) -> (ObjectView, UInt32)? {
    if c.index >= oldCount {
      let p = newPlaces[c.index - oldCount]
      return (newView(of: Int(p.object)), p.local)
    }
    if let p = renamed[c.raw] { return (newView(of: Int(p.object)), p.local) }
    guard wasDefined[c.index] else { return nil }
    // The last that begins no later; what has no package definitions begins where the one before did.
    var (a, b) = (0, changed.count)
    while a < b {
      let m = (a + b) / 2
      if firstDefinitions[m] <= c.raw { a = m + 1 } else { b = m }
    }
    while a > 0 {
      a -= 1
      let old = index.loaded[changed[a]].view
      guard old.packageDefs > 0 else { continue }
      let i = Int(c.raw &- firstDefinitions[a])
      guard i < old.packageDefs, alignments[a].new[i] >= 0 else { return nil }
      return (views[a].view, UInt32(alignments[a].new[i]))
    }
    return nil
  }

  /// Gives named definitions their classes: package definitions by likeness, the others by name.
  mutating func enterNames() -> Bool {
    for (k, o) in changed.enumerated() {
      let (new, old) = (views[k], index.loaded[o])
      if isAligned[k] { continue }
      for i in 0..<new.view.packageDefs {
        let was = alignments[k].old[i]
        new.symbols[i] = was >= 0 ? old.symbols[Int(was)] : 0
      }
      if let source = sources[o] { takeDefinitions(of: index.loaded[source], o, new) }
      for i in 0..<new.view.packageDefs where new.symbols[i] == 0 { new.symbols[i] = newClass(o, i) }
    }
    for k in changed.indices where !isAligned[k] && !enterPackageNames(k) { return false }
    for k in changed.indices where !isAligned[k] && !enterOtherNames(k) { return false }
    return true
  }

  /// Gives an object that came from another place the classes that its package definitions had there.
  private mutating func takeDefinitions(of source: LoadedObject, _ o: Int, _ new: LoadedObject) {
    guard source.view.packageDefs == new.view.packageDefs else { return }
    for i in 0..<new.view.packageDefs {
      new.symbols[i] = source.symbols[i]
      renamed[source.symbols[i]] = ObjectSymbol(object: UInt32(o), local: UInt32(truncatingIfNeeded: i))
    }
  }

  private mutating func enterPackageNames(_ k: Int) -> Bool {
    let new = views[k]
    // Whose name is the one it was has it in the table.
    for i in 0..<UInt32(new.view.packageDefs) where !alignments[k].keepsName[Int(i)] {
      let (name, abi) = (new.view.name(i), new.view.abi(i))
      if name.isEmpty || abi == ObjectFormat.abiStatic { continue }
      guard abi <= 1, !isBuiltin(name, new.nameHashes[Int(i)], abi, k) else { return false }
      let hash = NameTable.hash(new.nameHashes[Int(i)], version: Int32(abi))
      let found = find(name, hash, Int32(abi))
      let c = SymbolID(new.symbols[Int(i)])
      if found.symbol.isNone {
        index.names.insert(hash, c, at: found.slot)
      } else if found.symbol.index < oldCount, found.symbol.raw >= index.firstExternal.raw {
        redirected.append((found.symbol.raw, c.raw))
        index.names.replace(c, at: found.slot)
      } else {
        return false
      }
    }
    return true
  }

  private mutating func enterOtherNames(_ k: Int) -> Bool {
    let new = views[k]
    let v = new.view
    // Nobody else has a part in their classes: any new definition can go on with one.
    let old = index.loaded[changed[k]]
    let others = (old.view.definitions - old.view.nonPackageDefs)..<old.view.definitions
    var statics = DefinitionsByName(old, others) {
      old.view.abi(UInt32($0)) == ObjectFormat.abiStatic
    }
    var known = NamesInStep(old, others, new)
    for i in (v.definitions - v.nonPackageDefs)..<v.definitions {
      if let c = known.take(i), !wasDefined[Int(c)] {
        new.symbols[i] = c
        continue
      }
      let (name, abi) = (v.name(UInt32(i)), v.abi(UInt32(i)))
      if name.isEmpty || abi == ObjectFormat.abiStatic {
        new.symbols[i] = statics.take(name) ?? newClass(changed[k], i)
        continue
      }
      guard abi <= 1, !isBuiltin(name, new.nameHashes[i], abi, k) else { return false }
      let hash = NameTable.hash(new.nameHashes[i], version: Int32(abi))
      let found = find(name, hash, Int32(abi))
      if found.symbol.isNone {
        let c = newClass(changed[k], i)
        new.symbols[i] = c
        index.names.insert(hash, SymbolID(c), at: found.slot)
        continue
      }
      let c = found.symbol.index
      // A name of a changed package's own that another definition wants too.
      if c < oldCount, wasDefined[c] { return false }
      new.symbols[i] = found.symbol.raw
    }
    return true
  }

  /// Whether the definition would be taken for a builtin; types are, in package runtime only.
  private func isBuiltin(_ name: ByteView, _ hash: UInt32, _ abi: UInt16, _ k: Int) -> Bool {
    if name.hasPrefix("type:"), index.libraries[Int(views[k].library)].path != "runtime" { return false }
    return profile.builtins.find(name, hash: hash, abi: abi) != nil
  }

  /// References by name: of the new versions, and of all that went by a package position of a changed object.
  /// A name that nobody defines has a class too.
  mutating func findReferences() {
    for (k, new) in views.enumerated() where !isAligned[k] {
      let old = index.loaded[changed[k]]
      var known = NamesInStep(old, old.view.definitions..<old.view.symbolCount, new)
      for i in new.view.definitions..<new.view.symbolCount {
        // A name that nobody defined may have a definition now.
        if let c = known.take(i), !wasDefined[Int(c)],
          c < index.firstExternal.raw || !redirected.contains(where: { $0.from == c })
        {
          new.symbols[i] = c
        } else {
          new.symbols[i] = refer(new, changed[k], i)
        }
      }
    }
    guard haveNamesLeft else { return }
    for (o, locals) in referencesToNamesLeft() {
      let object = newVersion(of: o)
      for i in locals {
        let c = object.symbols[i]
        object.symbols[i] = refer(object, o, i)
        if object.symbols[i] != c { namesMoved = true }
      }
    }
  }

  /// The references that went by a package position whose name is another one now, in load order, by object: of all
  /// objects whose references were not looked up anew.
  private func referencesToNamesLeft() -> [(object: Int, locals: [Int])] {
    let marks = BitmapView(hasLeft)
    let found = Mutex([(object: Int, locals: [Int])]())
    Chunks.run(index.loaded.count, grain: 64) { range in
      for o in range where o >= 2 && !isRenamed[o] {
        let object = newVersion(of: o)
        let locals = (object.view.definitions..<object.view.symbolCount).filter {
          marks.has(object.symbols[$0])
        }
        if !locals.isEmpty { found.withLock { $0.append((o, locals)) } }
      }
    }
    return found.withLock { $0.sorted { $0.object < $1.object } }
  }

  private mutating func refer(_ object: LoadedObject, _ o: Int, _ i: Int) -> UInt32 {
    let v = object.view
    let abi = v.abi(UInt32(i))
    let version = abi == ObjectFormat.abiStatic ? object.version : Int32(abi)
    let hash = NameTable.hash(object.nameHashes[i], version: version)
    let found = find(v.name(UInt32(i)), hash, version)
    guard found.symbol.isNone else { return found.symbol.raw }
    let c = newClass(o, i)
    index.names.insert(hash, SymbolID(c), at: found.slot)
    return c
  }
}

/// Aligns versions of objects on several threads.
private struct AlignmentWork: @unchecked Sendable {
  let old: [LoadedObject]
  let new: [LoadedObject]
  let isAligned: [Bool]

  func alignment(_ k: Int) -> DefinitionAlignment {
    isAligned[k] ? DefinitionAlignment(alike: new[k]) : DefinitionAlignment(old[k], new[k])
  }
}
