/// How many symbols of which kind a program has, as the loader tells them (loader.go Stat).
package struct SymbolStatistics: Equatable, Sendable {
  /// All, the none symbol included.
  package let all: Int
  /// Package definitions of the objects, with the none symbol.
  package let packageSymbols: Int
  /// Known by their content.
  package let hashed: Int
  /// The objects' other definitions.
  package let nonPackage: Int
  /// References that no object defines, and what the linker made.
  package let external: Int
}

extension SymbolIndex {
  /// Counts; takes a look at every symbol of the objects.
  package func statistics() -> SymbolStatistics {
    let r = reader
    let defined = firstExternal.index
    var packageSymbols = 1
    for o in 2..<max(2, loaded.count) { packageSymbols += loaded[o].view.packageDefs }
    var hashed = 0
    let others = Int(othersStarts.dropFirst(2).first ?? 0)
    for i in min(others, defined)..<defined where r.isContentHashed(SymbolID(i)) { hashed += 1 }
    let external = externalCount
    return SymbolStatistics(
      all: symbolCount, packageSymbols: packageSymbols, hashed: hashed,
      nonPackage: symbolCount - external - packageSymbols - hashed, external: external)
  }
}
