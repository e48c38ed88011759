extension SymbolIndex {
  /// How this index differs from another of the same objects, in words; nil when it does not. For tests: a
  /// patched index must equal the one that resolving anew gives, symbol for symbol in the order of their numbers.
  package func difference(from other: SymbolIndex) -> String? {
    let (mine, theirs) = (SymbolRanks(self), SymbolRanks(other))
    if mine.symbols.count != theirs.symbols.count {
      return "\(mine.symbols.count) symbols, not \(theirs.symbols.count)"
    }
    if symbolCount != mine.symbols.count { return "\(symbolCount) symbols counted" }
    if loaded.count != other.loaded.count { return "\(loaded.count) objects, not \(other.loaded.count)" }
    if externalCount != other.externalCount { return "\(externalCount) external" }
    for (rank, (s, t)) in zip(mine.symbols, theirs.symbols).enumerated() {
      if let what = difference(of: s, from: other, t) { return "\(what) of symbol \(s.raw), rank \(rank)" }
    }
    return differenceOfObjects(other, mine, theirs) ?? differenceOfNames(other, mine, theirs)
  }

  private func difference(of s: SymbolID, from other: SymbolIndex, _ t: SymbolID) -> String? {
    let (a, b) = (symbols[s.index], other.symbols[t.index])
    if a.object != b.object || (a.object != 1 && a.local != b.local) {
      return "place \(a.object).\(a.local), not \(b.object).\(b.local),"
    }
    if classes[s.index] != other.classes[t.index] { return "class" }
    if alignment(s) != other.alignment(t) { return "alignment" }
    if attributes(s) != other.attributes(t) { return "attributes" }
    if a.object == 1 {
      let (x, y) = (externals[Int(a.local)], other.externals[Int(b.local)])
      if !(x.name == y.name) || x.version != y.version { return "undefined name" }
    }
    return nil
  }

  private func differenceOfObjects(
    _ other: SymbolIndex, _ mine: SymbolRanks, _ theirs: SymbolRanks
  ) -> String? {
    for o in 2..<loaded.count {
      let (a, b) = (loaded[o], other.loaded[o])
      if a.view.symbolCount != b.view.symbolCount { return "object \(o) is another" }
      for i in 0..<a.view.symbolCount {
        let (x, y) = (mine.rank(a.symbols[i]), theirs.rank(b.symbols[i]))
        if x == 0 || x != y { return "symbol \(i) of object \(o) is that of rank \(x), not \(y)" }
      }
      for i in 0..<a.packageCount where a.packages[i] != b.packages[i] {
        return "package \(i) of object \(o)"
      }
    }
    return nil
  }

  private func differenceOfNames(
    _ other: SymbolIndex, _ mine: SymbolRanks, _ theirs: SymbolRanks
  ) -> String? {
    for i in 0..<builtins.count
    where mine.rank(builtins[i]) != theirs.rank(other.builtins[i]) {
      return "builtin \(i)"
    }
    if names.count != other.names.count { return "\(names.count) names, not \(other.names.count)" }
    let r = reader
    for s in mine.symbols.dropFirst() {
      let (name, version) = (r.name(s), r.version(s))
      if name.isEmpty { continue }
      let (x, y) = (lookup(name, version: version), other.lookup(name, version: version))
      if mine.rank(x) != theirs.rank(y) { return "the symbol named \(name.string)" }
    }
    return nil
  }
}
