/// Finds the classes of an object's names in its old version, where most come in the same order: a look at two names side
/// by side instead of one into the table of all.
struct NamesInStep {
  private let old: LoadedObject
  private let new: LoadedObject
  private var next: Int
  private let end: Int
  /// So many names that went are passed over at once.
  private static let reach = 16

  init(_ old: LoadedObject, _ range: Range<Int>, _ new: LoadedObject) {
    self.old = old
    self.new = new
    (next, end) = (range.lowerBound, range.upperBound)
  }

  /// The class that the old version has for the name of the new one's symbol; nil when that is not next, or has no name
  /// that others can know.
  mutating func take(_ i: Int) -> UInt32? {
    let hash = new.nameHashes[i]
    for k in next..<min(next + Self.reach, end) where old.nameHashes[k] == hash {
      let abi = new.view.abi(UInt32(i))
      let name = new.view.name(UInt32(i))
      guard abi != ObjectFormat.abiStatic, abi == old.view.abi(UInt32(k)), !name.isEmpty,
        name == old.view.name(UInt32(k))
      else { continue }
      next = k + 1
      return old.symbols[k]
    }
    return nil
  }
}
