/// The static non-package definitions of an object's old version, by name. Nobody else has a part in their classes, so
/// that any new definition can go on with one; that of the same name has most in common with it.
struct StaticDefinitions {
  private let object: LoadedObject
  /// Local indices by hash of the name, the last first.
  private var left: [UInt32: [Int]] = [:]

  init(_ object: LoadedObject) {
    self.object = object
    let v = object.view
    for i in ((v.definitions - v.nonPackageDefs)..<v.definitions).reversed() {
      guard v.abi(UInt32(i)) == ObjectFormat.abiStatic, !v.name(UInt32(i)).isEmpty else { continue }
      left[object.nameHashes[i], default: []].append(i)
    }
  }

  /// The class of the first of a name that is left.
  mutating func take(_ name: ByteView, _ hash: UInt32) -> UInt32? {
    guard !name.isEmpty, let i = left[hash]?.last, object.view.name(UInt32(i)) == name else { return nil }
    left[hash]?.removeLast()
    return object.symbols[i]
  }
}
