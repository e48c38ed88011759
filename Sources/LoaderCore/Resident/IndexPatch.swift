/// Exchanges some objects of a resolved index for new versions of themselves.
///
/// The outcome is the index that resolving all objects anew would give, number for number (a test compares the
/// two): numbers are positions in load order, so what follows a changed object shifts. What is saved is all
/// looking-up. Every symbol of an unchanged object already says what it stands for: its *class*, here the number
/// it had. Definitions of the new versions find their classes by content or by name; those without one get
/// new classes; then one sweep in load order numbers the classes by first encounter, exactly as
/// `SymbolResolver` numbers slots.
///
/// What is rare is not patched: `apply` gives up, and the caller resolves anew. It gives up whenever the real
/// linker would report something, so that messages have one source.
struct IndexPatch: ~Copyable {
  let index: SymbolIndex
  let profile: ReleaseProfile
  let checkLinkname: Bool
  /// Whether objects have come or gone: then others may know them by another place (`ProgramMerge`).
  let isReshaped: Bool
  /// Objects whose symbols are others, as indices into `SymbolIndex.loaded`.
  let changed: [Int]
  let isChanged: [Bool]
  /// Objects that only say something else of the same symbols, or the same by other indices
  /// (`ObjectView.Likeness.symbols`): nothing is looked up for them.
  let recompiled: [Int]
  /// By position in `changed`, whether only contents are others (`ObjectView.Likeness.names`): names need not be looked
  /// up either.
  private(set) var isAligned: [Bool] = []
  /// By object, whether it has other names, or its names at other places.
  private(set) var isRenamed: [Bool]
  /// Index in `changed` of an object that is; -1 of the others.
  private let positions: [Int]
  /// By position in `changed`, the old version's first package definition: rising, as these come in load order.
  let firstDefinitions: [UInt32]

  /// Classes are the old symbols, then the new ones.
  let oldCount: Int
  var classCount: Int
  /// Number of a class after the sweep; 0 for none.
  var numbers: Table<UInt32>
  /// Old package definitions of changed objects.
  let wasDefined: Bitmap
  /// Where new classes have their names.
  var newPlaces: Table<ObjectSymbol>
  /// Whether a reference by name left the package position it had.
  var namesMoved = false
  /// By position in `changed`.
  var alignments: [DefinitionAlignment] = []
  /// Where old classes have their new names, for those that `reusePlaces` gave one.
  var renamed: [UInt32: ObjectSymbol] = [:]
  /// An undefined name's class that became a definition.
  var redirected: [(from: UInt32, to: UInt32)] = []

  /// The new versions, by position in `changed`: the symbols' classes first, their numbers later.
  var views: [LoadedObject] = []

  /// Not matched yet.
  private static let unmatched: UInt32 = .max

  init(
    index: SymbolIndex, profile: ReleaseProfile, checkLinkname: Bool, isReshaped: Bool, changed: [Int],
    recompiled: [Int], objects: [GoObject]
  ) {
    self.isReshaped = isReshaped
    self.recompiled = recompiled
    self.index = index
    self.profile = profile
    self.checkLinkname = checkLinkname
    self.changed = changed
    var flags = [Bool](repeating: false, count: index.loaded.count)
    var positions = [Int](repeating: -1, count: index.loaded.count)
    var firsts: [UInt32] = []
    var room = 0
    for (k, o) in changed.enumerated() {
      flags[o] = true
      positions[o] = k
      let old = index.loaded[o]
      firsts.append(old.view.packageDefs > 0 ? old.symbols[0] : firsts.last ?? 0)
      room += objects[o - 2].view.symbolCount
    }
    isChanged = flags
    isRenamed = flags
    self.positions = positions
    firstDefinitions = firsts
    oldCount = index.count
    classCount = index.count
    // References of unchanged objects by a name that went have classes of their own: few, so there is room to spare.
    room += 1 << 16
    numbers = Table(repeating: 0, count: index.count + room)
    wasDefined = Bitmap(count: index.count + room)
    newPlaces = Table(capacity: 256)
    for o in changed {
      let old = index.loaded[o]
      let new = objects[o - 2]
      let packages = UnsafeMutablePointer<UInt32>.allocate(capacity: max(new.packages.count, 1))
      packages.initialize(repeating: 0, count: max(new.packages.count, 1))
      let symbols = UnsafeMutablePointer<UInt32>.allocate(capacity: max(new.view.symbolCount, 1))
      let isAligned = new.view.likeness(to: old.view) != .nothing
      if isAligned {
        symbols.update(from: old.symbols, count: new.view.symbolCount)
      } else {
        symbols.initialize(repeating: Self.unmatched, count: max(new.view.symbolCount, 1))
      }
      self.isAligned.append(isAligned)
      isRenamed[o] = !isAligned
      views.append(
        LoadedObject(
          view: new.view, symbols: symbols, packages: packages, packageCount: new.packages.count,
          nameHashes: new.nameHashes, traits: new.traits, classes: new.classes, version: old.version,
          library: old.library, isExternal: false))
    }
  }

  /// Patches the index.
  ///
  /// - Throws: when it must be resolved anew; the index is of no use then.
  static func apply(
    to index: SymbolIndex, _ packages: LoadedPackages, changed: [Int], recompiled: [Int],
    profile: ReleaseProfile, checkLinkname: Bool, isReshaped: Bool = false
  ) throws(ExchangeRefusal) -> IndexChange {
    var patch = IndexPatch(
      index: index, profile: profile, checkLinkname: checkLinkname, isReshaped: isReshaped,
      changed: changed, recompiled: recompiled, objects: packages.objects)
    guard patch.isPossible() else {
      patch.discard()
      throw .builtins
    }
    guard patch.leaveNames() else {
      patch.discard()
      throw .names
    }
    patch.matchContents()
    guard patch.enterNames() else {
      patch.discard()
      throw .names
    }
    patch.reusePlaces()
    patch.findReferences()
    guard patch.classCount <= patch.numbers.count else {
      patch.discard()
      throw .much
    }
    guard let change = patch.run(packages) else { throw .names }
    return change
  }

  /// Gives back what a patch that is not made had allocated.
  func discard() {
    for v in views {
      v.symbols.deallocate()
      v.packages.deallocate()
    }
  }

  /// A class of its own for a definition of a new version.
  mutating func newClass(_ object: Int, _ local: Int) -> UInt32 {
    let c = UInt32(truncatingIfNeeded: classCount)
    newPlaces.append(ObjectSymbol(object: UInt32(object), local: UInt32(truncatingIfNeeded: local)))
    classCount += 1
    return c
  }

  // MARK: what leaves

  /// Builtins are found by number from everywhere; a change to one is not patched.
  private func isPossible() -> Bool {
    for (a, b) in zip(firstDefinitions, firstDefinitions.dropFirst()) where a > b { return false }
    let isBuiltin = Bitmap(count: oldCount)
    for b in index.builtins.buffer where Int(b) < oldCount { isBuiltin[Int(b)] = true }
    isBuiltin[0] = false
    for o in changed where isRenamed[o] {
      let old = index.loaded[o]
      for i in 0..<old.view.packageDefs { wasDefined[Int(old.symbols[i])] = true }
      for i in 0..<old.view.definitions where isBuiltin[Int(old.symbols[i])] { return false }
    }
    return true
  }

  /// Takes the names of the old package definitions out of the table.
  private mutating func leaveNames() -> Bool {
    for o in changed where isRenamed[o] {
      let old = index.loaded[o]
      for i in 0..<UInt32(old.view.packageDefs) {
        let name = old.view.name(i)
        let abi = old.view.abi(i)
        if name.isEmpty || abi == ObjectFormat.abiStatic { continue }
        let hash = NameTable.hash(old.nameHashes[Int(i)], version: Int32(abi))
        let id = SymbolID(old.symbols[Int(i)])
        let found = index.names.find(hash) { $0 == id }
        if found.symbol.isNone { return false }
        index.names.remove(at: found.slot)
      }
    }
    return true
  }

  // MARK: what comes

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
      guard i < old.packageDefs, a < alignments.count, alignments[a].new[i] >= 0 else { return nil }
      return (views[a].view, UInt32(alignments[a].new[i]))
    }
    return nil
  }

  /// An object as it is in the program to come; as long as the new versions are not installed.
  func newVersion(of object: Int) -> LoadedObject {
    let k = positions[object]
    return k < 0 ? index.loaded[object] : views[k]
  }

  func newView(of object: Int) -> ObjectView { newVersion(of: object).view }

  /// Gives named definitions their classes: package definitions by likeness, the others by name.
  private mutating func enterNames() -> Bool {
    for (k, o) in changed.enumerated() {
      let (new, old) = (views[k], index.loaded[o])
      if isAligned[k] {
        alignments.append(DefinitionAlignment(alike: new))
        continue
      }
      let alignment = DefinitionAlignment(old, new)
      for i in 0..<new.view.packageDefs {
        let was = alignment.old[i]
        new.symbols[i] = was >= 0 ? old.symbols[Int(was)] : newClass(o, i)
      }
      alignments.append(alignment)
    }
    for k in changed.indices where !isAligned[k] && !enterPackageNames(k) { return false }
    for k in changed.indices where !isAligned[k] && !enterOtherNames(k) { return false }
    return true
  }

  private mutating func enterPackageNames(_ k: Int) -> Bool {
    let new = views[k]
    for i in 0..<UInt32(new.view.packageDefs) {
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
    var statics = StaticDefinitions(index.loaded[changed[k]])
    for i in (v.definitions - v.nonPackageDefs)..<v.definitions {
      let (name, abi) = (v.name(UInt32(i)), v.abi(UInt32(i)))
      if name.isEmpty || abi == ObjectFormat.abiStatic {
        new.symbols[i] = statics.take(name, new.nameHashes[i]) ?? newClass(changed[k], i)
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
  private mutating func findReferences() {
    for (k, new) in views.enumerated() where !isAligned[k] {
      for i in new.view.definitions..<new.view.symbolCount { new.symbols[i] = refer(new, changed[k], i) }
    }
    for o in 2..<index.loaded.count where !isRenamed[o] {
      let object = newVersion(of: o)
      for i in object.view.definitions..<object.view.symbolCount {
        let c = object.symbols[i]
        guard wasDefined[Int(c)] else { continue }
        object.symbols[i] = refer(object, o, i)
        if object.symbols[i] != c { namesMoved = true }
      }
    }
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
