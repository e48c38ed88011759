/// Which symbols of an object are auxiliary to which definitions of it.
struct AuxiliaryTargets: Sendable {
  /// Local indices of the symbols, rising.
  private let targets: [UInt32]
  /// By position in `targets`, where its definitions begin in `owners`, and an end.
  private let starts: [UInt32]
  private let owners: [UInt32]
  /// Definitions with an auxiliary symbol that is not known by a local index, rising.
  private let foreign: [UInt32]

  init(_ view: ObjectView) {
    // The symbol in the high half, the definition in the low one.
    var pairs: [UInt64] = []
    var foreign: [UInt32] = []
    for i in 0..<UInt32(view.definitions) {
      let (base, count) = view.auxRecords(i)
      guard var at = base else { continue }
      var isForeign = false
      for _ in 0..<count {
        let ref = SymbolRef(
          package_: UInt32(littleEndian: at.loadUnaligned(fromByteOffset: 1, as: UInt32.self)),
          index: UInt32(littleEndian: at.loadUnaligned(fromByteOffset: 5, as: UInt32.self)))
        if let local = view.localIndex(ref), local < view.symbolCount {
          pairs.append(UInt64(UInt32(truncatingIfNeeded: local)) << 32 | UInt64(i))
        } else {
          isForeign = true
        }
        at += ObjectFormat.auxSize
      }
      if isForeign { foreign.append(i) }
    }
    pairs.sort()
    var (targets, starts): ([UInt32], [UInt32]) = ([], [])
    for (k, pair) in pairs.enumerated() {
      let target = UInt32(truncatingIfNeeded: pair >> 32)
      if targets.last == target { continue }
      targets.append(target)
      starts.append(UInt32(truncatingIfNeeded: k))
    }
    self.targets = targets
    self.starts = starts + [UInt32(truncatingIfNeeded: pairs.count)]
    owners = pairs.map { UInt32(truncatingIfNeeded: $0) }
    self.foreign = foreign
  }

  /// Definitions that may have an auxiliary symbol among these classes; some more than once.
  ///
  /// - Parameter symbols: classes, by local index.
  func owners(
    of classes: DefinitionComparison.Classes, _ symbols: UnsafePointer<UInt32>
  ) -> [UInt32] {
    var found = foreign
    for (k, target) in targets.enumerated() where classes.has(symbols[Int(target)]) {
      found += owners[Int(starts[k])..<Int(starts[k + 1])]
    }
    return found
  }
}
