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
  let isAligned: [Bool]
  /// By position in `changed`, of those: the definitions that are other contents, by local index.
  let otherContents: [[UInt32]]
  /// By object, whether it has other names, or its names at other places.
  let isRenamed: [Bool]
  /// Objects that came from another place of the row, and those places (`ProgramMerge`).
  let sources: [Int: Int]
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
  /// Those of them that go by another name now, or went, while others may refer to them by the old one.
  let hasLeft: Bitmap
  var haveNamesLeft = false
  /// Where new classes have their names.
  var newPlaces: Table<ObjectSymbol>
  /// Whether a reference by name left the package position it had.
  var namesMoved = false
  /// By position in `changed`.
  var alignments: [DefinitionAlignment] = []
  /// Where old classes have their new names: those that `reusePlaces` gave one, and those of `sources`.
  var renamed: [UInt32: ObjectSymbol] = [:]
  /// The old classes that `reusePlaces` let go on with another content or name.
  var reused: [UInt32] = []
  /// An undefined name's class that became a definition.
  var redirected: [(from: UInt32, to: UInt32)] = []

  /// The new versions, by position in `changed`: the symbols' classes first, their numbers later.
  var views: [LoadedObject] = []

  /// Not matched yet.
  private static let unmatched: UInt32 = .max

  init(
    index: SymbolIndex, profile: ReleaseProfile, checkLinkname: Bool, isReshaped: Bool,
    exchanged: [(object: Int, likeness: ObjectView.Likeness)], objects: [GoObject], sources: [Int: Int]
  ) {
    self.isReshaped = isReshaped
    self.sources = sources
    recompiled = exchanged.filter { $0.likeness == .symbols }.map(\.object)
    let others = exchanged.filter { $0.likeness != .symbols }
    changed = others.map(\.object)
    otherContents = others.map {
      if case .names(let contents) = $0.likeness { return contents }
      return []
    }
    isAligned = others.map { $0.likeness != .nothing }
    self.index = index
    self.profile = profile
    self.checkLinkname = checkLinkname
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
    for (k, o) in changed.enumerated() where isAligned[k] { flags[o] = false }
    isRenamed = flags
    self.positions = positions
    firstDefinitions = firsts
    oldCount = index.count
    classCount = index.count
    // References of unchanged objects by a name that went have classes of their own: few, so there is room to spare.
    room += 1 << 16
    numbers = Table(repeating: 0, count: index.count + room)
    wasDefined = Bitmap(count: index.count + room)
    hasLeft = Bitmap(count: index.count + room)
    newPlaces = Table(capacity: 256)
    for (k, o) in changed.enumerated() {
      let old = index.loaded[o]
      let new = objects[o - 2]
      let packages = UnsafeMutablePointer<UInt32>.allocate(capacity: max(new.packages.count, 1))
      packages.initialize(repeating: 0, count: max(new.packages.count, 1))
      if isAligned[k] {
        packages.update(from: old.packages, count: min(new.packages.count, old.packageCount))
      }
      let symbols = UnsafeMutablePointer<UInt32>.allocate(capacity: max(new.view.symbolCount, 1))
      if isAligned[k] {
        symbols.update(from: old.symbols, count: new.view.symbolCount)
      } else {
        symbols.initialize(repeating: Self.unmatched, count: max(new.view.symbolCount, 1))
      }
      views.append(
        LoadedObject(
          view: new.view, symbols: symbols, packages: packages, packageCount: new.packages.count,
          nameHashes: new.nameHashes, traits: new.traits, classes: new.classes, version: old.version,
          library: old.library, isExternal: false))
    }
  }

  /// Patches the index.
  ///
  /// - Parameter sources: places where objects were that came to another place.
  /// - Throws: when it must be resolved anew; the index is of no use then.
  static func apply(
    to index: SymbolIndex, _ packages: LoadedPackages,
    exchanged: [(object: Int, likeness: ObjectView.Likeness)], profile: ReleaseProfile, checkLinkname: Bool,
    isReshaped: Bool, sources: [Int: Int] = [:]
  ) throws(ExchangeRefusal) -> IndexChange {
    var patch = IndexPatch(
      index: index, profile: profile, checkLinkname: checkLinkname, isReshaped: isReshaped,
      exchanged: exchanged, objects: packages.objects, sources: sources)
    guard patch.isPossible() else {
      patch.discard()
      throw .builtins
    }
    patch.align()
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
    let differences = patch.memberDifferences()
    guard patch.classCount <= patch.numbers.count else {
      patch.discard()
      throw .much
    }
    guard let change = patch.run(packages, differences) else { throw .names }
    return change
  }

  /// Compares the definitions while the references get their classes.
  private mutating func memberDifferences() -> MemberDifferences {
    let objects = MemberDifferences.Objects(self)
    var found: MemberDifferences?
    Chunks.beside {
      found = MemberDifferences(objects)
    } _: {
      findReferences()
    }
    return found ?? MemberDifferences(objects)
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

  /// An object as it is in the program to come; as long as the new versions are not installed.
  func newVersion(of object: Int) -> LoadedObject {
    let k = positions[object]
    return k < 0 ? index.loaded[object] : views[k]
  }

  func newView(of object: Int) -> ObjectView { newVersion(of: object).view }

  /// The definitions that may be of another class than what was in their place, by local index: of those that contents and
  /// names tell apart.
  ///
  /// - Parameter k: position in `changed`.
  func movable(_ k: Int) -> [UInt32] {
    if isAligned[k] { return otherContents[k] }
    let v = views[k].view
    return Array(UInt32(v.packageDefs)..<UInt32(v.definitions))
  }

  /// Whether some of these are.
  func hasOtherClasses(_ k: Int) -> Bool {
    guard isAligned[k] else { return true }
    let (old, new) = (index.loaded[changed[k]].symbols, views[k].symbols)
    return otherContents[k].contains { old[Int($0)] != new[Int($0)] }
  }
}
