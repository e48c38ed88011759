/// Some definitions of an object's old version, by name, for new ones to go on with their classes.
struct DefinitionsByName {
  private let object: LoadedObject
  /// Local indices by hash of the name, the last first.
  private var left: [UInt32: [Int]] = [:]

  /// - Parameter isWanted: of a local index in `range`.
  init(_ object: LoadedObject, _ range: Range<Int>, where isWanted: (Int) -> Bool) {
    self.object = object
    for i in range.reversed() where isWanted(i) {
      let name = object.view.name(UInt32(truncatingIfNeeded: i))
      if !name.isEmpty { left[NameHash.of(name), default: []].append(i) }
    }
  }

  var isEmpty: Bool { left.isEmpty }

  /// The class of the first of a name that is left.
  mutating func take(_ name: ByteView) -> UInt32? {
    guard !left.isEmpty, !name.isEmpty else { return nil }
    let hash = NameHash.of(name)
    guard let i = left[hash]?.last, object.view.name(UInt32(truncatingIfNeeded: i)) == name else {
      return nil
    }
    left[hash]?.removeLast()
    return object.symbols[i]
  }
}
