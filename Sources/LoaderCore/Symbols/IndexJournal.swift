/// What a link does to a resolved index: kept so that it can be undone, and the next link of the same program
/// start from what was resolved instead of resolving again.
struct IndexJournal {
  /// Number of symbols when the index was resolved; 0 while it is being made.
  private(set) var symbolCount = 0
  private(set) var externalCount = 0
  fileprivate var owners: [(symbol: SymbolID, place: ObjectSymbol, class: UInt8)] = []
  fileprivate var alignments: [(symbol: SymbolID, old: UInt8)] = []
  fileprivate var names: [SymbolID] = []

  var isSealed: Bool { symbolCount > 0 }

  fileprivate mutating func seal(symbols: Int, externals: Int) {
    self = IndexJournal()
    symbolCount = symbols
    externalCount = externals
  }

  mutating func noteOwner(_ s: SymbolID, _ place: ObjectSymbol, class old: UInt8) {
    if s.index < symbolCount { owners.append((s, place, old)) }
  }

  mutating func noteAlignment(_ s: SymbolID, _ old: UInt8) {
    if s.index < symbolCount { alignments.append((s, old)) }
  }

  mutating func noteName(_ s: SymbolID) {
    if isSealed { names.append(s) }
  }

  /// The objects' symbols that became the linker's own.
  var owned: some Sequence<SymbolID> { owners.lazy.map(\.symbol) }
}

extension SymbolIndex {
  /// The objects' symbols that this link made its own so far: the next link may find them as they were, or change
  /// them in another way.
  package var ownedSymbols: [SymbolID] { Array(journal.owned) }

  /// Says that all inputs are resolved: from here on changes are the link's, and can be undone.
  func seal() { journal.seal(symbols: symbols.count, externals: externals.count) }

  /// Undoes what a link did: the index is again as `seal` left it, but for the attributes: `noteAttributes`.
  ///
  /// Before sealing, the linker's own symbols are the undefined ones only: nothing but their names is kept.
  func rewind() {
    for s in journal.names.reversed() {
      let r = reader
      let hash = NameTable.hash(NameHash.of(r.name(s)), version: r.version(s))
      let found = names.find(hash) { $0 == s }
      if !found.symbol.isNone { names.remove(at: found.slot) }
    }
    for o in journal.owners.reversed() {
      symbols[o.symbol.index] = o.place
      classes[o.symbol.index] = o.class
    }
    for a in journal.alignments.reversed() { alignments[a.symbol.index] = a.old }
    symbols.truncate(to: journal.symbolCount)
    classes.truncate(to: journal.symbolCount)
    alignments.truncate(to: journal.symbolCount)
    externals.truncate(to: journal.externalCount)
    for i in 0..<externals.count {
      externals[i] = ExternalSymbol(name: externals[i].name, version: externals[i].version, kind: .undefined)
    }
    restartStatics()
    arena = Arena()
    strictDupCount = 0
    seal()
  }

  /// Gathers the symbols' attributes from all objects, as resolving does.
  func noteAttributes() {
    attributes.removeAll()
    attributes.grow(to: symbols.count, with: [])
    for o in 2..<loaded.count {
      let notes = objects[o - 2].notes
      let (view, ids) = (loaded[o].view, loaded[o].symbols)
      for i in notes.flaggedDefinitions {
        let traits = SymbolTraits(rawValue: loaded[o].traits[Int(i)])
        if traits.isLocal { insert(.local, for: SymbolID(ids[Int(i)])) }
        if traits.isUsedInIface { insert(.usedInIface, for: SymbolID(ids[Int(i)])) }
      }
      for i in notes.flaggedReferences { note(view.symbolFlags(i), for: SymbolID(ids[Int(i)])) }
      noteReferenceFlags(ObjectID(UInt32(o)))
    }
  }
}
