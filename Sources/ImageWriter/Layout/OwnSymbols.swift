import LoaderCore

/// Which symbols are the linker's own: those that no object defines, and those of objects that passes have changed. To be
/// asked of all symbols in turn, without a look at each one's place (`SymbolReader.isExternal`).
final class OwnSymbols: Sendable {
  private let changed: Bitmap
  private let firstExternal: UInt32

  init(_ index: SymbolIndex) {
    changed = Bitmap(count: index.count)
    for s in index.ownedSymbols { changed[s.index] = true }
    firstExternal = index.firstExternal.isNone ? .max : index.firstExternal.raw
  }

  @inline(__always)
  func contains(_ s: SymbolID) -> Bool { s.raw >= firstExternal || changed[s.index] }
}
