internal import Synchronization

/// Contents and names that took the place of others in a changed object.
///
/// A constant or a string literal that is edited is another content, or another name, where one went. If nobody else
/// has what went, the class goes on with what came: it would get the same number, so that an edit of this kind
/// moves none at all. A function literal is a content too, and another one when the lines above it move: its class
/// goes on by its name, so that what is known of it need not be forgotten.
extension IndexPatch {
  /// After all definitions have classes, and before references look for names.
  mutating func reusePlaces() {
    let found = placesTaken()
    guard !found.isEmpty else { return }
    let others = members(among: found)
    var classes: [UInt32: UInt32] = [:]
    for p in found where !others.contains(p.old) {
      classes[p.new] = p.old
      reused.append(p.old)
      rename(p)
    }
    guard !classes.isEmpty else { return }
    for (k, new) in views.enumerated() {
      for i in movable(k).map(Int.init) where Int(new.symbols[i]) >= oldCount {
        if let c = classes[new.symbols[i]] { new.symbols[i] = c }
      }
    }
  }

  /// A new class whose first definition is where one was that no changed object has any more.
  private struct Taken {
    let old: UInt32
    let new: UInt32
    let object: Int
    let local: Int
  }

  private func placesTaken() -> [Taken] {
    // What is where it was in an aligned object, `members` finds.
    let isUsed = Bitmap(count: oldCount)
    for (k, new) in views.enumerated() {
      for i in movable(k).map(Int.init) where Int(new.symbols[i]) < oldCount {
        isUsed[Int(new.symbols[i])] = true
      }
    }
    var found: [Taken] = []
    for (k, o) in changed.enumerated() where o + 1 < index.othersStarts.count {
      let (old, new) = (index.loaded[o], views[k])
      let own = index.othersStarts[o]..<index.othersStarts[o + 1]
      func isFirst(_ i: Int) -> Bool {
        guard Int(new.symbols[i]) >= oldCount else { return false }
        return newPlaces[Int(new.symbols[i]) - oldCount]
          == ObjectSymbol(object: UInt32(o), local: UInt32(truncatingIfNeeded: i))
      }
      func take(_ i: Int, _ was: UInt32) {
        isUsed[Int(was)] = true
        found.append(Taken(old: was, new: new.symbols[i], object: o, local: i))
      }
      if old.view.hasBlocks(like: new.view) {
        for i in movable(k).map(Int.init) where isFirst(i) {
          let was = old.symbols[i]
          if own.contains(was), !isUsed[Int(was)] { take(i, was) }
        }
        continue
      }
      let contents = old.view.packageDefs..<(old.view.definitions - old.view.nonPackageDefs)
      var left = DefinitionsByName(old, contents) {
        own.contains(old.symbols[$0]) && !isUsed[Int(old.symbols[$0])]
      }
      guard !left.isEmpty else { continue }
      for i in new.view.packageDefs..<(new.view.definitions - new.view.nonPackageDefs) where isFirst(i) {
        // A content may have had several names, of which only one goes on with its class.
        if let was = left.take(new.view.name(UInt32(i))), !isUsed[Int(was)] { take(i, was) }
      }
    }
    return found
  }

  /// Those old classes that objects define or refer to whose symbols are where they were.
  private func members(among taken: [Taken]) -> Set<UInt32> {
    let wanted = Bitmap(count: oldCount)
    var (low, high) = (UInt32.max, UInt32.min)
    for p in taken {
      wanted[Int(p.old)] = true
      (low, high) = (min(low, p.old), max(high, p.old))
    }
    var aligned: [Int: UnsafePointer<UInt32>] = [:]
    for (k, o) in changed.enumerated() where isAligned[k] { aligned[o] = UnsafePointer(views[k].symbols) }
    let search = MemberSearch(
      objects: index.loaded.base, changed: isRenamed,
      mayHold: holders(ofClasses: taken.map(\.old)), low: low, width: high &- low,
      wanted: wanted.base, aligned: aligned)
    let n = index.loaded.count - 2
    let chunks = max(1, min(16, n / 32))
    let all = Mutex(Set<UInt32>())
    Chunks.each(chunks) { k in
      let hits = search.run((2 + n * k / chunks)..<(2 + n * (k + 1) / chunks))
      if !hits.isEmpty { all.withLock { $0.formUnion(hits) } }
    }
    return all.withLock { $0 }
  }

  /// Lets the name table know an old class by its new name. (Contents are not known by theirs, and may have been at
  /// another place.)
  private mutating func rename(_ p: Taken) {
    let (old, new) = (index.loaded[p.object], newVersion(of: p.object))
    guard !new.view.isHashed(UInt32(truncatingIfNeeded: p.local)) else { return }
    if let hash = Self.nameHash(old, p.local) {
      let entry = index.names.find(hash) { $0.raw == p.old }
      if !entry.symbol.isNone { index.names.remove(at: entry.slot) }
    }
    if let hash = Self.nameHash(new, p.local) {
      let entry = index.names.find(hash) { $0.raw == p.new }
      if !entry.symbol.isNone { index.names.replace(SymbolID(p.old), at: entry.slot) }
    }
    renamed[p.old] = ObjectSymbol(object: UInt32(p.object), local: UInt32(p.local))
  }

  /// The hash that the name table has a definition under; nil for one without a name, or a static one.
  private static func nameHash(_ object: LoadedObject, _ local: Int) -> UInt32? {
    let v = object.view
    let abi = v.abi(UInt32(local))
    guard local >= v.definitions - v.nonPackageDefs, !v.name(UInt32(local)).isEmpty,
      abi != ObjectFormat.abiStatic
    else { return nil }
    return NameTable.hash(object.nameHashes[local], version: Int32(abi))
  }
}

/// Looks for classes among what objects define and refer to whose names are where they were.
private struct MemberSearch: @unchecked Sendable {
  let objects: UnsafeMutablePointer<LoadedObject>
  let changed: [Bool]
  /// By object, whether it may have one at all; nil when that is not known.
  let mayHold: [Bool]?
  /// Where the classes are that are looked for.
  let low: UInt32
  let width: UInt32
  let wanted: UnsafePointer<UInt64>
  /// The classes of objects that have other contents, by object.
  let aligned: [Int: UnsafePointer<UInt32>]

  func run(_ range: Range<Int>) -> Set<UInt32> {
    var hits: Set<UInt32> = []
    for o in range where !changed[o] && mayHold?[o] != false {
      let symbols = aligned[o] ?? UnsafePointer(objects[o].symbols)
      for i in objects[o].view.packageDefs..<objects[o].view.symbolCount {
        let c = symbols[i]
        if c &- low <= width, wanted[Int(c >> 6)] >> UInt64(c & 63) & 1 != 0 { hits.insert(c) }
      }
    }
    return hits
  }
}

extension ObjectView {
  /// Whether both have as many definitions of each sort.
  func hasBlocks(like other: ObjectView) -> Bool {
    packageDefs == other.packageDefs && hashed64Defs == other.hashed64Defs
      && hashedDefs == other.hashedDefs && nonPackageDefs == other.nonPackageDefs
  }
}
