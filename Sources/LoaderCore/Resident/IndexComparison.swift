extension SymbolIndex {
  /// How this index differs from another of the same objects, in words; nil when it does not. For tests: a
  /// patched index must equal the one that resolving anew gives.
  package func difference(from other: SymbolIndex) -> String? {
    if count != other.count { return "\(count) symbols, not \(other.count)" }
    if loaded.count != other.loaded.count { return "\(loaded.count) objects, not \(other.loaded.count)" }
    if firstExternal != other.firstExternal {
      return "first external \(firstExternal.raw), not \(other.firstExternal.raw)"
    }
    for i in 0..<count {
      let (a, b) = (symbols[i], other.symbols[i])
      if a.object != b.object || a.local != b.local {
        return "symbol \(i) at \(a.object).\(a.local), not \(b.object).\(b.local)"
      }
      if classes[i] != other.classes[i] { return "class of symbol \(i)" }
      let s = SymbolID(i)
      if alignment(s) != other.alignment(s) { return "alignment of symbol \(i)" }
      if attributes(s) != other.attributes(s) { return "attributes of symbol \(i)" }
      if a.object == 1 {
        let (x, y) = (externals[Int(a.local)], other.externals[Int(b.local)])
        if !(x.name == y.name) || x.version != y.version { return "name of undefined symbol \(i)" }
      }
    }
    return differenceOfObjects(other) ?? differenceOfNames(other)
  }

  private func differenceOfObjects(_ other: SymbolIndex) -> String? {
    for o in 2..<loaded.count {
      let (a, b) = (loaded[o], other.loaded[o])
      if a.view.symbolCount != b.view.symbolCount { return "object \(o) is another" }
      for i in 0..<a.view.symbolCount where a.symbols[i] != b.symbols[i] {
        return "symbol \(i) of object \(o) is \(a.symbols[i]), not \(b.symbols[i])"
      }
      for i in 0..<a.packageCount where a.packages[i] != b.packages[i] {
        return "package \(i) of object \(o)"
      }
    }
    return nil
  }

  private func differenceOfNames(_ other: SymbolIndex) -> String? {
    for i in 0..<builtins.count where builtins[i] != other.builtins[i] { return "builtin \(i)" }
    if names.count != other.names.count { return "\(names.count) names, not \(other.names.count)" }
    let r = reader
    for i in 1..<count {
      let s = SymbolID(i)
      let (name, version) = (r.name(s), r.version(s))
      if name.isEmpty { continue }
      if lookup(name, version: version) != other.lookup(name, version: version) {
        return "the symbol named \(name.string)"
      }
    }
    return nil
  }
}
