/// Definitions by name: package definitions, which cannot be duplicates of each other, then the others, of
/// which one is elected per name and ABI (loader.go addSym). Runs on slots; see `SymbolResolver`.
struct NameElection: ~Copyable {
  private let index: SymbolIndex
  private let profile: ReleaseProfile
  private let strictDups: Bool
  private let bases: [Int]
  /// Slots plus 1, by name and version; symbols after `renumber`.
  var table: NameTable
  private(set) var linknameVars: [(object: ObjectID, name: ByteView, slot: UInt32)] = []
  /// A zeroed definition that lost was larger than the winner.
  private(set) var sizeFixups: [(slot: UInt32, size: UInt32)] = []
  private(set) var builtins: [(builtin: Int, slot: UInt32)] = []
  private(set) var warnings = ""
  /// Two package definitions have one name: the table names the later one only.
  private(set) var hasShadowedNames = false

  init(index: SymbolIndex, profile: ReleaseProfile, strictDups: Bool, bases: [Int]) {
    self.index = index
    self.profile = profile
    self.strictDups = strictDups
    self.bases = bases
    var named = 0
    for o in index.objects { named += o.view.packageDefs + o.view.nonPackageDefs }
    table = NameTable(expected: named / 2)
  }

  /// Hands the table over; an empty one stays.
  mutating func takeTable() -> NameTable {
    var taken = NameTable(expected: 0)
    swap(&taken, &table)
    return taken
  }

  /// - Returns: why the link cannot go on, in the real linker's words.
  mutating func run(_ slots: DefinitionSlots.Pointers) -> LinkFailure? {
    do throws(LinkFailure) {
      for o in 2..<index.loaded.count {
        try load(o, 0..<index.loaded[o].view.packageDefs, slots, isPackageDef: true)
      }
      for o in 2..<index.loaded.count {
        let v = index.loaded[o].view
        try load(o, (v.definitions - v.nonPackageDefs)..<v.definitions, slots, isPackageDef: false)
      }
      return nil
    } catch {
      return error
    }
  }

  /// The table is larger than caches: so many definitions ahead, the slot of one is brought near.
  private static let ahead = 8

  private mutating func load(
    _ object: Int, _ range: Range<Int>, _ slots: DefinitionSlots.Pointers, isPackageDef: Bool
  ) throws(LinkFailure) {
    guard !range.isEmpty else { return }
    let o = index.loaded.base + object
    let v = o.pointee.view
    let hashes = o.pointee.nameHashes
    let isRuntime = index.libraries[Int(o.pointee.library)].path == "runtime"
    for k in range {
      if k &+ Self.ahead < range.upperBound {
        let next = k &+ Self.ahead
        table.prefetch(
          NameTable.hash(hashes[next], version: Int32(v.abi(UInt32(truncatingIfNeeded: next)))))
      }
      let i = UInt32(truncatingIfNeeded: k)
      let slot = UInt32(truncatingIfNeeded: bases[object] &+ k)
      let place = ObjectSymbol(object: UInt32(truncatingIfNeeded: object), local: i)
      slots.first[Int(slot)] = slot
      slots.winner[Int(slot)] = place
      let name = v.name(i)
      if name.isEmpty { continue }
      let abi = v.abi(i)
      if abi == ObjectFormat.abiStatic { continue }
      guard abi <= 1 else { throw .fatal("invalid symbol ABI: \(abi)") }
      if isPackageDef {
        enter(name, hashes[k], abi, slot, slots)
      } else {
        try elect(name, hashes[k], abi, slot, place, slots)
        noteLinknameVar(ObjectID(place.object), v, i, name, slots.first[Int(slot)])
      }
      noteBuiltin(name, hashes[k], abi, isRuntime: isRuntime, slots.first[Int(slot)])
    }
  }

  /// The slot plus 1 under that name, and where in the table it is or would be.
  @inline(__always)
  private func find(
    _ name: ByteView, _ hash: UInt32, _ abi: UInt16, _ slots: DefinitionSlots.Pointers
  ) -> (slot: Int, symbol: SymbolID) {
    let objects = index.loaded.base
    return table.find(hash) { s in
      let p = slots.winner[Int(s.raw &- 1)]
      let w = objects + Int(p.object)
      return w.pointee.view.name(p.local) == name && w.pointee.view.abi(p.local) == abi
    }
  }

  private mutating func enter(
    _ name: ByteView, _ nameHash: UInt32, _ abi: UInt16, _ slot: UInt32, _ slots: DefinitionSlots.Pointers
  ) {
    let h = NameTable.hash(nameHash, version: Int32(abi))
    let (at, old) = find(name, h, abi, slots)
    if old.isNone {
      table.insert(h, SymbolID(slot &+ 1), at: at)
    } else {
      hasShadowedNames = true
      table.replace(SymbolID(slot &+ 1), at: at)
    }
  }

  private mutating func elect(
    _ name: ByteView, _ nameHash: UInt32, _ abi: UInt16, _ slot: UInt32, _ new: ObjectSymbol,
    _ slots: DefinitionSlots.Pointers
  ) throws(LinkFailure) {
    let h = NameTable.hash(nameHash, version: Int32(abi))
    let (at, found) = find(name, h, abi, slots)
    guard !found.isNone else {
      table.insert(h, SymbolID(slot &+ 1), at: at)
      return
    }
    let old = found.raw &- 1
    slots.first[Int(slot)] = old
    let oldPlace = slots.winner[Int(old)]
    if strictDups, isDupOK(new), isDupOK(oldPlace) {
      checkDuplicate(name, ObjectID(new.object), new.local, oldPlace)
    }
    let verdict = try NamedDefinitions(index: index).elect(old: oldPlace, new: new, name)
    if verdict.newWins { slots.winner[Int(old)] = new }
    if let size = verdict.size { sizeFixups.append((old, size)) }
  }

  private func isDupOK(_ p: ObjectSymbol) -> Bool {
    index.loaded[Int(p.object)].view.symbolFlags(p.local).contains(.dupOK)
  }

  /// -strictdups: two duplicates that may differ must not (loader.go checkdup).
  private mutating func checkDuplicate(
    _ name: ByteView, _ object: ObjectID, _ i: UInt32, _ p: ObjectSymbol
  ) {
    let a = index.loaded[object.index].view
    let b = index.loaded[Int(p.object)].view
    let data = a.data(i)
    let oldData = b.data(p.local)
    var reason = "same length but different contents"
    if data.count != oldData.count {
      reason = "new length \(data.count) != old length \(oldData.count)"
    } else if data == oldData {
      if a.size(i) == b.size(p.local) { return }
      reason = "different sizes: new size \(a.size(i)) != old size \(b.size(p.local))"
    }
    warnings +=
      "cmd/link: while reading object for '\(index.library(of: object).path)': duplicate symbol"
      + " '\(name.string)', previous def at '\(index.library(of: ObjectID(p.object)).path)',"
      + " with mismatched payload: \(reason)\n"
    let isTolerated =
      name.hasPrefix("go:info.go.interface") || name.hasPrefix("go:info.go.builtin")
      || name.hasPrefix("go:debuglines")
    if !isTolerated { index.strictDupCount += 1 }
  }

  /// A `//go:linkname` variable without content is a pull; whether it may is known once all are loaded.
  private mutating func noteLinknameVar(
    _ object: ObjectID, _ v: ObjectView, _ i: UInt32, _ name: ByteView, _ slot: UInt32
  ) {
    guard !v.symbolFlags(i).isDisjoint(with: [.linkname, .linknameStd]), v.dataCount(i) == 0,
      name.contains(0x2e)
    else { return }
    linknameVars.append((object, name, slot))
  }

  @inline(__always)
  private mutating func noteBuiltin(
    _ name: ByteView, _ hash: UInt32, _ abi: UInt16, isRuntime: Bool, _ slot: UInt32
  ) {
    guard name.count > 5, let base = name.base else { return }
    // "runtime." as a little-endian word: nearly every name fails this one compare.
    let isCandidate =
      (name.count > 8 && base.loadUnaligned(as: UInt64.self).littleEndian == 0x2e65_6d69_746e_7572)
      || (isRuntime && name.hasPrefix("type:"))
    guard isCandidate, let b = profile.builtins.find(name, hash: hash, abi: abi) else { return }
    builtins.append((b, slot))
  }
}
