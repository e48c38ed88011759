/// New numbers for an exchange whose symbols fit where those of their objects were: only the symbols of a few objects
/// get other numbers, all the others keep theirs.
struct NumbersInPlace {
  /// A class with a number that is given out again.
  struct Entry: BitwiseCopyable {
    let class_: UInt32
    let number: UInt32
    /// The definition that it was met with, or the reference.
    let place: ObjectSymbol
    /// Whether what counts of the class is that definition, and not what counted before.
    let isOwn: Bool
    /// Whether nobody defines it.
    var isUndefined = false
  }

  /// The numbers that are given out again, rising.
  private(set) var ranges: [Range<Int>] = []
  private(set) var entries: [Entry] = []
  /// Names that nobody refers to any more.
  private(set) var goneNames: [UInt32] = []
  /// How many symbols come and go.
  private(set) var newCount = 0
  private(set) var goneCount = 0

  fileprivate init(_ ranges: [Range<Int>]) {
    self.ranges = ranges.filter { !$0.isEmpty }.sorted { $0.lowerBound < $1.lowerBound }
  }

  mutating func add(_ entry: Entry, isNew: Bool) {
    entries.append(entry)
    if isNew { newCount += 1 }
  }

  fileprivate mutating func noteGone() { goneCount += 1 }

  mutating func noteGone(name c: UInt32) {
    goneNames.append(c)
    goneCount += 1
  }

  /// Writes what the new numbers stand for into the index, whose objects are the new versions by now.
  ///
  /// - Parameter free: the places that `goneNames` have left.
  func install(in index: SymbolIndex, free: [UInt32]) {
    var free = free
    let records = entries.map { e -> (place: ObjectSymbol, class_: UInt8, alignment: UInt8) in
      if e.isUndefined, e.isOwn { return (index.addUndefined(e.place, &free), 0, 0) }
      guard e.isOwn else {
        let c = Int(e.class_)
        return (index.symbols[c], index.classes[c], index.alignments[c])
      }
      let (object, i) = (index.loaded[Int(e.place.object)], Int(e.place.local))
      return (e.place, object.classes[i], SymbolTraits(rawValue: object.traits[i]).alignment)
    }
    for n in ranges.joined() {
      index.symbols[n] = NumberRoom.nobody
      index.classes[n] = 0
      index.alignments[n] = 0
    }
    for (e, record) in zip(entries, records) {
      let n = Int(e.number)
      index.symbols[n] = record.place
      index.classes[n] = record.class_
      index.alignments[n] = record.alignment
    }
    index.freeCount += goneCount - newCount
  }
}

extension IndexPatch {
  /// Numbers the classes of the objects that are affected behind their first numbers, and lets the others keep theirs. Before
  /// the new versions are installed.
  ///
  /// - Returns: nil, with no class numbered, when some object has no room, or a name has another first user or definition:
  ///   then all are numbered anew.
  func numbersInPlace(_ differences: MemberDifferences) -> NumbersInPlace? {
    guard !isReshaped, redirected.isEmpty, !namesMoved else { return nil }
    let objects = affectedObjects(differences)
    let renamed = objects.filter { isRenamed[$0] }
    var placed = NumbersInPlace(
      renamed.map(index.packageNumbers(of:)) + objects.map(index.othersNumbers(of:))
        + renamed.map(index.undefinedNumbers(of:)))
    guard placed.ranges.reduce(0, { $0 + $1.count }) * 4 < oldCount else { return nil }
    for c in 0..<oldCount { numbers[c] = UInt32(truncatingIfNeeded: c) }
    for n in placed.ranges.joined() { numbers[n] = 0 }
    if number(objects, &placed) { return placed }
    numbers.base.update(repeating: 0, count: numbers.count)
    return nil
  }

  private func number(_ objects: [Int], _ placed: inout NumbersInPlace) -> Bool {
    for o in objects where isRenamed[o] && !numberPackage(o, &placed) { return false }
    for o in objects where !numberOthers(o, &placed) { return false }
    for o in objects where isRenamed[o] && !numberUndefined(o, &placed) { return false }
    return countGone(&placed)
  }

  /// The objects whose symbols may get other numbers, in load order: those that are exchanged and have other symbols, and
  /// those that are no longer the first to have some content or name, or are now.
  private func affectedObjects(_ differences: MemberDifferences) -> [Int] {
    var affected: Set<Int> = []
    for (k, o) in changed.enumerated() where hasOtherClasses(k) { affected.insert(o) }
    guard differences.hasMovers else { return affected.sorted() }
    var known: [UInt32] = []
    differences.isMover.forEach { if $0 < oldCount { known.append(UInt32(truncatingIfNeeded: $0)) } }
    let holders = holders(ofClasses: known)
    var first = index.firstObjects(with: differences.isMover) { !isChanged[$0] && holders?[$0] != false }
    for (k, o) in changed.enumerated() {
      let (ids, v) = (views[k].symbols, views[k].view)
      for i in v.packageDefs..<v.definitions where differences.isMover[Int(ids[i])] {
        first[ids[i]] = min(first[ids[i]] ?? o, o)
      }
    }
    affected.formUnion(first.values)
    differences.isMover.forEach { if let o = differences.firstObject($0) { affected.insert(o) } }
    return affected.sorted()
  }

  private func numberPackage(_ o: Int, _ placed: inout NumbersInPlace) -> Bool {
    let (ids, count) = (newVersion(of: o).symbols, newView(of: o).packageDefs)
    let own = index.packageNumbers(of: o)
    guard count <= own.count else { return false }
    for i in 0..<count {
      let c = Int(ids[i])
      // A package definition that is no symbol of its own is for the sweep.
      guard numbers[c] == 0, c >= oldCount || own.contains(c) else { return false }
      place(c, own.lowerBound + i, o, i, isOwn: true, &placed)
    }
    return true
  }

  private func numberOthers(_ o: Int, _ placed: inout NumbersInPlace) -> Bool {
    let (ids, v) = (newVersion(of: o).symbols, newView(of: o))
    var left = index.othersNumbers(of: o)
    for i in v.packageDefs..<v.definitions {
      let c = Int(ids[i])
      // Nobody defined it so far.
      if c >= index.firstExternal.index, c < oldCount { return false }
      guard numbers[c] == 0 else { continue }
      guard let n = left.popFirst() else { return false }
      place(c, n, o, i, isOwn: c >= oldCount, &placed)
    }
    return true
  }

  private func place(
    _ c: Int, _ number: Int, _ o: Int, _ i: Int, isOwn: Bool, _ placed: inout NumbersInPlace
  ) {
    numbers[c] = UInt32(truncatingIfNeeded: number)
    let place = ObjectSymbol(object: UInt32(truncatingIfNeeded: o), local: UInt32(truncatingIfNeeded: i))
    placed.add(
      .init(class_: UInt32(truncatingIfNeeded: c), number: numbers[c], place: place, isOwn: isOwn),
      isNew: c >= oldCount)
  }

  /// Counts the symbols that nobody defines any more.
  ///
  /// - Returns: false when somebody may go on referring to one by its name.
  private func countGone(_ placed: inout NumbersInPlace) -> Bool {
    for c in placed.ranges.joined() where numbers[c] == 0 && index.hasSymbol(at: c) {
      let p = index.symbols[c]
      if c >= index.firstExternal.index {
        placed.noteGone(name: UInt32(truncatingIfNeeded: c))
        continue
      }
      let v = index.loaded[Int(p.object)].view
      // References to names of packages have been looked up anew.
      if Int(p.local) >= v.packageDefs, !v.isHashed(p.local), !v.name(p.local).isEmpty,
        v.abi(p.local) != ObjectFormat.abiStatic
      {
        return false
      }
      placed.noteGone()
    }
    return !areReferredTo(placed.goneNames)
  }
}
