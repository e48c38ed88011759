/// References by name -> symbols; a name that nobody defines becomes an undefined symbol of the linker's own
/// (loader.go loadObjRefs).
struct ReferenceResolution {
  let index: SymbolIndex
  let profile: ReleaseProfile
  let checkLinkname: Bool

  func run() throws(LinkFailure) {
    findDefined()
    let byPackage = index.objectsByPackage()
    let check = LinknameCheck(index: index, blocked: profile.blockedLinknames)
    try index.numberUndefined { o throws(LinkFailure) in
      try loadReferences(ObjectID(UInt32(o)), check)
      try index.setPackages(ObjectID(UInt32(o)), byPackage)
      index.noteReferenceFlags(ObjectID(UInt32(o)))
    }
  }

  /// Looks up all references among the definitions, on all cores; what is not found is left at none.
  private func findDefined() {
    let n = index.loaded.count - 2
    let reader = index.reader
    let chunks = max(1, min(64, n / 8))
    let table = NameTableView(index)
    Chunks.each(chunks) { k in
      for o in (2 + n * k / chunks)..<(2 + n * (k + 1) / chunks) {
        let object = reader.objects[o]
        let v = object.view
        func hash(_ i: UInt32) -> (UInt32, version: Int32) {
          let abi = v.abi(i)
          let version = abi == ObjectFormat.abiStatic ? object.version : Int32(abi)
          return (NameTable.hash(object.nameHashes[Int(i)], version: version), version)
        }
        for i in UInt32(v.definitions)..<UInt32(v.symbolCount) {
          // The table is larger than caches: a slot is brought near some references ahead.
          if Int(i) + 8 < v.symbolCount { table.index.names.prefetch(hash(i + 8).0) }
          let (h, version) = hash(i)
          let name = v.name(i)
          let s = table.index.names.find(h) { reader.name($0) == name && reader.version($0) == version }
          object.symbols[Int(i)] = s.symbol.raw
        }
      }
    }
  }

  /// Shares the index with the workers, which only read.
  private struct NameTableView: @unchecked Sendable {
    let index: SymbolIndex
    init(_ index: SymbolIndex) { self.index = index }
  }

  private func loadReferences(_ object: ObjectID, _ check: LinknameCheck) throws(LinkFailure) {
    let o = index.loaded.base + object.index
    let v = o.pointee.view
    let notes = index.objects[object.index - 2].notes
    if let bad = notes.badReference { throw .fatal("invalid symbol ABI: \(v.abi(bad))") }
    for i in UInt32(v.definitions)..<UInt32(v.symbolCount) where o.pointee.symbols[Int(i)] == 0 {
      let abi = v.abi(i)
      _ = create(v, i, abi == ObjectFormat.abiStatic ? o.pointee.version : Int32(abi), o)
    }
    if checkLinkname {
      for i in notes.linknameReferences {
        try check.reference(from: object, name: v.name(i), to: SymbolID(o.pointee.symbols[Int(i)]))
      }
    }
    for i in notes.flaggedReferences {
      index.note(v.symbolFlags(i), for: SymbolID(o.pointee.symbols[Int(i)]))
    }
  }

  /// Another object may have made the symbol since the look-up.
  private func create(
    _ v: ObjectView, _ i: UInt32, _ version: Int32, _ o: UnsafeMutablePointer<LoadedObject>
  ) -> SymbolID {
    let name = v.name(i)
    let h = NameTable.hash(o.pointee.nameHashes[Int(i)], version: version)
    let r = index.reader
    let found = index.names.find(h) { r.name($0) == name && r.version($0) == version }
    let s =
      found.symbol.isNone ? index.create(name, version: version, hash: h, slot: found.slot) : found.symbol
    o.pointee.symbols[Int(i)] = s.raw
    return s
  }
}

/// What resolving takes from an object's references, apart from the symbols.
extension SymbolIndex {
  /// Package path prefix -> the first object of that package.
  func objectsByPackage() -> [String: UInt32] {
    var first: [String: UInt32] = [:]
    for o in 2..<loaded.count {
      let prefix = PackagePath.prefix(library(of: ObjectID(UInt32(o))).path)
      if first[prefix] == nil { first[prefix] = UInt32(o) }
    }
    return first
  }

  func setPackages(_ object: ObjectID, _ byPackage: [String: UInt32]) throws(LinkFailure) {
    let packages = objects[object.index - 2].packages
    for i in packages.indices.dropFirst() {
      guard let o = byPackage[packages[i]] else {
        throw .fatal("\(library(of: object).path): reference to nonexistent package \(packages[i])")
      }
      loaded[object.index].packages[i] = o
    }
  }

  func note(_ flags: SymbolFlags, for s: SymbolID) {
    if flags.contains(.local) { insert(.local, for: s) }
    if flags.contains(.usedInIface) { insert(.usedInIface, for: s) }
  }

  func noteReferenceFlags(_ object: ObjectID) {
    let o = UnsafePointer(loaded.base + object.index)
    let r = reader
    for k in 0..<o.pointee.view.refFlagCount {
      let (ref, flags) = o.pointee.view.refFlags(k)
      guard flags.contains(.usedInIface) else { continue }
      let s = r.resolve(ref, in: o)
      if !s.isNone { insert(.usedInIface, for: s) }
    }
  }
}
