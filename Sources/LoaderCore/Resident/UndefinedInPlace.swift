internal import Synchronization

/// Names that nobody defines, in an exchange whose symbols fit where those of their objects were (`NumbersInPlace`): a
/// package's new type is such a name, that of its debugging entry.
extension IndexPatch {
  /// Numbers the undefined names that a changed object is the first to refer to. After all definitions.
  ///
  /// - Returns: false when another object was the first to refer to one of them, or there is no room.
  func numberUndefined(_ o: Int, _ placed: inout NumbersInPlace) -> Bool {
    let (ids, v) = (newVersion(of: o).symbols, newView(of: o))
    let own = index.undefinedNumbers(of: o)
    var left = own
    for i in v.definitions..<v.symbolCount {
      let c = Int(ids[i])
      guard numbers[c] == 0 else {
        // Met in a later object so far.
        if Int(numbers[c]) >= own.upperBound { return false }
        continue
      }
      guard c >= oldCount || own.contains(c), let n = left.popFirst() else { return false }
      numbers[c] = UInt32(truncatingIfNeeded: n)
      let place = ObjectSymbol(object: UInt32(truncatingIfNeeded: o), local: UInt32(truncatingIfNeeded: i))
      placed.add(
        .init(
          class_: UInt32(truncatingIfNeeded: c), number: numbers[c], place: place, isOwn: c >= oldCount,
          isUndefined: true),
        isNew: c >= oldCount)
    }
    return true
  }

  /// Whether an object that has the names it had refers to one of these.
  func areReferredTo(_ names: [UInt32]) -> Bool {
    guard !names.isEmpty else { return false }
    let marks = Bitmap(count: oldCount)
    for c in names { marks[Int(c)] = true }
    let (some, loaded, isRenamed) = (BitmapView(marks), index.loaded.base, isRenamed)
    let found = Atomic(false)
    Chunks.run(isRenamed.count, grain: 32) { range in
      for o in range where o > 1 && !isRenamed[o] {
        let (ids, v) = (loaded[o].symbols, loaded[o].view)
        for i in v.definitions..<v.symbolCount where some.has(ids[i]) {
          return found.store(true, ordering: .relaxed)
        }
      }
    }
    withExtendedLifetime(marks) {}
    return found.load(ordering: .relaxed)
  }
}

extension SymbolIndex {
  /// Takes names out that nobody refers to any more; before the objects go that the names lie in.
  ///
  /// - Returns: the places among `externals` that they leave.
  func leave(_ names: [UInt32]) -> [UInt32] {
    names.map { c in
      let local = symbols[Int(c)].local
      let e = externals[Int(local)]
      let hash = NameTable.hash(NameHash.of(e.name), version: e.version)
      let found = self.names.find(hash) { $0.raw == c }
      if !found.symbol.isNone { self.names.remove(at: found.slot) }
      // Its memory goes.
      externals[Int(local)] = ExternalSymbol(name: .empty, version: 0, kind: .undefined)
      return local
    }
  }

  /// - Parameters:
  ///   - place: the first reference to a name that nobody defines.
  ///   - free: places among `externals` that are left.
  /// - Returns: the name's place there.
  func addUndefined(_ place: ObjectSymbol, _ free: inout [UInt32]) -> ObjectSymbol {
    let object = loaded[Int(place.object)]
    let abi = object.view.abi(place.local)
    let version = abi == ObjectFormat.abiStatic ? object.version : Int32(abi)
    let e = ExternalSymbol(name: object.view.name(place.local), version: version, kind: .undefined)
    guard let local = free.popLast() else {
      externals.append(e)
      return ObjectSymbol(object: 1, local: UInt32(truncatingIfNeeded: externals.count - 1))
    }
    externals[Int(local)] = e
    return ObjectSymbol(object: 1, local: local)
  }
}
