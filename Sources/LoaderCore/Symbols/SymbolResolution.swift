/// Objects -> one index: numbers every definition, elects among duplicates, resolves references by name.
/// The rules are those of cmd/link/internal/loader/loader.go (addSym, preloadSyms, loadObjRefs); the
/// numbering stands at the head of `SymbolIndex`.
///
/// Who is whose duplicate does not depend on the numbers, so it is found first, on *slots* (numbers of
/// definitions over all objects in load order): names and content hashes are elections of their own, run side
/// by side. Then one pass over the slots numbers the symbols.
package struct SymbolResolver: ~Copyable {
  package struct Options: Sendable, Equatable {
    package var checkLinkname = true
    package var strictDups = false
    package init() {}
  }

  private let index: SymbolIndex
  private let profile: ReleaseProfile
  private let options: Options
  /// Slot of each object's first definition; indexed by ObjectID.
  private var slotBases: [Int] = []

  /// The index of a program.
  ///
  /// - Returns: the index, and what -strictdups prints on stderr.
  /// - Throws: `LinkFailure` in the real linker's words for duplicate definitions, blocked linknames,
  ///   references to packages that were not loaded, and impossible ABIs.
  package static func resolve(
    _ program: LoadedPackages, profile: ReleaseProfile, options: Options
  ) throws(LinkFailure) -> (index: SymbolIndex, warnings: String) {
    let index = SymbolIndex(
      libraries: program.libraries, objects: program.objects, builtinNames: profile.builtins)
    var resolver = SymbolResolver(index: index, profile: profile, options: options)
    resolver.addObjects(program)
    let warnings = try resolver.run()
    try index.checkObjects()
    return (index, warnings)
  }

  private init(index: SymbolIndex, profile: ReleaseProfile, options: Options) {
    self.index = index
    self.profile = profile
    self.options = options
  }

  private mutating func addObjects(_ program: LoadedPackages) {
    guard let empty = program.objects.first else { return }
    for k in 0..<2 {
      index.loaded.append(
        LoadedObject(
          view: empty.view, symbols: .allocate(capacity: 1), packages: .allocate(capacity: 1),
          packageCount: 0, nameHashes: empty.nameHashes, traits: empty.traits, classes: empty.classes,
          version: 0, library: 0,
          isExternal: k == 1))
    }
    slotBases = [0, 0]
    var slot = 0
    for (k, o) in program.objects.enumerated() {
      let symbols = UnsafeMutablePointer<UInt32>.allocate(capacity: max(o.view.symbolCount, 1))
      let packages = UnsafeMutablePointer<UInt32>.allocate(capacity: max(o.packages.count, 1))
      packages.initialize(repeating: 0, count: max(o.packages.count, 1))
      index.loaded.append(
        LoadedObject(
          view: o.view, symbols: symbols, packages: packages, packageCount: o.packages.count,
          nameHashes: o.nameHashes, traits: o.traits, classes: o.classes,
          version: Int32(10 + k),
          library: program.libraryOfObject[k], isExternal: false))
      slotBases.append(slot)
      slot += o.view.definitions
    }
    slotBases.append(slot)
  }

  private mutating func run() throws(LinkFailure) -> String {
    let slots = try DefinitionSlots(index: index, bases: slotBases)
    var names = NameElection(index: index, profile: profile, strictDups: options.strictDups, bases: slotBases)
    // Names on this thread, content hashes beside it.
    let hashed = HashedElections(index: index, bases: slotBases, slots: slots.pointers)
    var failure: LinkFailure?
    Chunks.beside {
      hashed.run()
    } _: {
      failure = names.run(slots.pointers)
    }
    if let failure { throw failure }
    let numbering = number(slots.pointers, &names)
    defer { withExtendedLifetime(slots) {} }
    if options.checkLinkname {
      let check = LinknameCheck(index: index, blocked: profile.blockedLinknames)
      for v in names.linknameVars {
        try check.reference(from: v.object, name: v.name, to: numbering.symbol(v.slot))
      }
    }
    try ReferenceResolution(index: index, profile: profile, checkLinkname: options.checkLinkname).run()
    for f in names.sizeFixups {
      let s = numbering.symbol(f.slot)
      index.makeOwned(s)
      index.setSize(s, Int64(f.size))
    }
    index.isPatchable =
      names.sizeFixups.isEmpty && !names.hasShadowedNames && !options.strictDups && index.wasmExports.isEmpty
    index.countFree()
    index.seal()
    return names.warnings
  }

  // MARK: numbering

  /// Numbers all definitions, and says what elections have found by numbers.
  private func number(_ slots: DefinitionSlots.Pointers, _ names: inout NameElection) -> FirstNumbering {
    let numbering = FirstNumbering(index, slots, bases: slotBases)
    numbering.run()
    names.table.renumber { numbering.symbol($0) }
    index.names = names.takeTable()
    for (builtin, slot) in names.builtins { index.builtins[builtin] = numbering.symbol(slot).raw }
    return numbering
  }
}
