internal import Dispatch

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
    if let bad = index.corruptObject {
      throw .corrupt(file: bad.file.path, detail: "object contradicts itself")
    }
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
    var slots = try DefinitionSlots(index: index, bases: slotBases)
    var names = NameElection(index: index, profile: profile, strictDups: options.strictDups, bases: slotBases)
    // Names on this thread, content hashes beside it.
    let hashed = HashedElections(index: index, bases: slotBases, slots: slots.pointers)
    let group = DispatchGroup()
    DispatchQueue.global(qos: .userInitiated).async(group: group) { hashed.run() }
    let failure = names.run(slots.pointers)
    group.wait()
    if let failure { throw failure }
    number(&slots, &names)
    if options.checkLinkname {
      let check = LinknameCheck(index: index, blocked: profile.blockedLinknames)
      for v in names.linknameVars {
        try check.reference(from: v.object, name: v.name, to: slots.symbol(v.slot))
      }
    }
    try ReferenceResolution(index: index, profile: profile, checkLinkname: options.checkLinkname).run()
    for f in names.sizeFixups {
      let s = slots.symbol(f.slot)
      index.makeOwned(s)
      index.setSize(s, Int64(f.size))
    }
    if index.firstExternal.isNone { index.firstExternal = SymbolID(index.symbols.count) }
    index.isPatchable =
      names.sizeFixups.isEmpty && !names.hasShadowedNames && !options.strictDups && index.wasmExports.isEmpty
    index.countFree()
    index.seal()
    return names.warnings
  }

  // MARK: numbering

  /// Numbers package definitions of all objects, then the other definitions object by object.
  private func number(_ slots: inout DefinitionSlots, _ names: inout NameElection) {
    let p = slots.pointers
    index.symbols.reserve(slots.count / 2 + 4096)
    index.classes.reserve(slots.count / 2 + 4096)
    let objects = 2..<index.loaded.count
    let room = objects.reduce(0) { sum, o in
      let v = index.loaded[o].view
      return sum + NumberRoom.behind(v.packageDefs) + NumberRoom.behind(v.definitions - v.packageDefs)
    }
    index.alignments.grow(to: slots.count + 1 + room, with: 0)
    index.attributes.grow(to: slots.count + 1 + room, with: [])
    index.packageStarts = number(objects, p) { 0..<$0.packageDefs }
    index.othersStarts = number(objects, p) { $0.packageDefs..<$0.definitions }
    index.alignments.truncate(to: index.symbols.count)
    index.attributes.truncate(to: index.symbols.count)
    names.table.renumber { SymbolID(p.first[Int($0)]) }
    index.names = names.takeTable()
    for (builtin, slot) in names.builtins { index.builtins[builtin] = p.first[Int(slot)] }
  }

  /// Numbers some definitions of all objects.
  ///
  /// - Returns: the first number that each object's may have, and the end of them.
  private func number(
    _ objects: Range<Int>, _ p: DefinitionSlots.Pointers, _ definitions: (ObjectView) -> Range<Int>
  ) -> [UInt32] {
    var starts: [UInt32] = [0, 0]
    for o in objects {
      let first = index.symbols.count
      starts.append(UInt32(truncatingIfNeeded: first))
      number(o, p, definitions(index.loaded[o].view))
      index.leaveRoom(behind: index.symbols.count - first)
    }
    return starts + [UInt32(truncatingIfNeeded: index.symbols.count)]
  }

  /// Gives the definitions of one object their symbols; `first` turns from slots into symbols on the way:
  /// a repeat comes after what it repeats.
  private func number(_ object: Int, _ p: DefinitionSlots.Pointers, _ range: Range<Int>) {
    let o = index.loaded[object]
    let base = slotBases[object]
    for i in range {
      let slot = base &+ i
      let first = Int(p.first[slot])
      let s: UInt32
      if first == slot {
        s = UInt32(index.symbols.count)
        let winner = p.winner[slot]
        index.symbols.append(winner)
        index.classes.append(index.loaded[Int(winner.object)].classes[Int(winner.local)])
      } else {
        s = p.first[first]
      }
      p.first[slot] = s
      o.symbols[i] = s
      let traits = SymbolTraits(rawValue: o.traits[i])
      if traits.alignment > index.alignments[Int(s)] { index.alignments[Int(s)] = traits.alignment }
      if traits.hasFlags { note(traits, SymbolID(s)) }
    }
  }

  private func note(_ traits: SymbolTraits, _ s: SymbolID) {
    if traits.isLocal { index.attributes[s.index].insert(.local) }
    if traits.isUsedInIface { index.attributes[s.index].insert(.usedInIface) }
    if traits.isWasmExport { index.wasmExports.append(s) }
  }
}
