internal import Synchronization

/// The tables of the new numbering.
final class NumberedTables: @unchecked Sendable {
  fileprivate(set) var symbols: Table<ObjectSymbol>
  fileprivate(set) var classes: Table<UInt8>
  fileprivate(set) var alignments: Table<UInt8>

  init(capacity: Int) {
    symbols = Table(capacity: capacity)
    classes = Table(capacity: capacity)
    alignments = Table(capacity: capacity)
    symbols.append(ObjectSymbol(object: 0, local: 0))
    classes.append(0)
    alignments.append(0)
  }

  /// Leaves places for so many, which `copy` fills.
  fileprivate func extend(by count: Int) {
    symbols.extend(to: symbols.count + count)
    classes.extend(to: classes.count + count)
    alignments.extend(to: alignments.count + count)
  }

  /// Fills places with what old symbols had.
  fileprivate func copy(_ run: NumberingSweep.Run, of index: SymbolIndex) {
    let (from, to, count) = (run.from, run.to, run.count)
    (symbols.base + to).update(from: index.symbols.base + from, count: count)
    (classes.base + to).update(from: index.classes.base + from, count: count)
    (alignments.base + to).update(from: index.alignments.base + from, count: count)
  }

  fileprivate func leaveRoom(behind count: Int) {
    for _ in 0..<NumberRoom.behind(count) {
      symbols.append(NumberRoom.nobody)
      classes.append(0)
      alignments.append(0)
    }
  }

  func give(to index: SymbolIndex) {
    swap(&index.symbols, &symbols)
    swap(&index.classes, &classes)
    swap(&index.alignments, &alignments)
  }
}

/// Numbers definitions: package definitions of all objects, then the others object by object.
///
/// An unchanged object's package definitions keep their order, and so does what it is the first to have of the
/// others, unless that has a mover (`MemberDifferences`): such runs of numbers shift as a whole. Then all objects'
/// references to them are rewritten, on all cores.
final class NumberingSweep: @unchecked Sendable {
  let tables: NumberedTables
  private let index: SymbolIndex
  private let numbers: UnsafeMutablePointer<UInt32>
  private let wasDefined: BitmapView
  private let isChanged: [Bool]
  private let oldCount: Int
  private let differences: MemberDifferences
  /// What long runs of symbols had, still to be copied.
  private var runs: [Run] = []

  /// Symbols that follow one another as they did.
  fileprivate struct Run {
    /// The first one's old number, and the new one.
    let from: Int
    let to: Int
    let count: Int
  }

  /// Symbols that are worth to be copied later, on all cores.
  private static let longRun = 128

  init(_ patch: borrowing IndexPatch, _ differences: MemberDifferences) {
    index = patch.index
    numbers = patch.numbers.base
    wasDefined = BitmapView(patch.wasDefined)
    isChanged = patch.isChanged
    oldCount = patch.oldCount
    // With room behind all objects, and behind their undefined names.
    tables = NumberedTables(capacity: patch.classCount + patch.classCount / 16 + 4096)
    self.differences = differences
  }

  /// - Returns: false when an election fails, or a changed package's name has a second definition.
  func numberDefinitions() -> Bool {
    var last: UInt32 = 0
    index.packageStarts = number { numberPackage($0, &last) }
    let slow = objectsWithMovers()
    index.othersStarts = number { o in
      if slow[o] { return numberOthers(o) }
      var own = index.othersNumbers(of: o)
      while let last = own.last, !index.hasSymbol(at: last) { own.removeLast() }
      shift(own.lowerBound, own.count)
    }
    copyRuns()
    for m in differences.moved { tables.symbols[Int(numbers[Int(m.symbol)])] = m.place }
    guard let hits = renumberMembers() else { return false }
    return MemberElection(
      index: index, symbols: tables.symbols.base, classes: tables.classes.base,
      alignments: tables.alignments.base, count: tables.symbols.count
    ).elect(hits)
  }

  // MARK: numbers

  /// Numbers some definitions of all objects, and leaves room behind each object's.
  ///
  /// - Returns: the first number that each object's may have, and the end of them.
  private func number(_ some: (_ object: Int) -> Void) -> [UInt32] {
    var starts: [UInt32] = [0, 0]
    for o in 2..<index.loaded.count {
      let first = tables.symbols.count
      starts.append(UInt32(truncatingIfNeeded: first))
      some(o)
      tables.leaveRoom(behind: tables.symbols.count - first)
    }
    return starts + [UInt32(truncatingIfNeeded: tables.symbols.count)]
  }

  /// - Parameter last: the highest old number so far.
  private func numberPackage(_ o: Int, _ last: inout UInt32) {
    let object = index.loaded[o]
    let ids = object.symbols
    let n = object.view.packageDefs
    guard n > 0 else { return }
    if !isChanged[o], ids[0] > last, Int(ids[n - 1]) == Int(ids[0]) + n - 1 {
      last = ids[n - 1]
      return shift(Int(ids[0]), n)
    }
    for i in 0..<n where numbers[Int(ids[i])] == 0 {
      add(ids[i], isOwn: isChanged[o], object, o, i)
      if Int(ids[i]) < oldCount, ids[i] > last, !isChanged[o] { last = ids[i] }
    }
  }

  private func numberOthers(_ o: Int) {
    let object = index.loaded[o]
    let v = object.view
    // Old symbols that follow one another, as most do, shift together.
    var run = 0..<0
    for i in v.packageDefs..<v.definitions {
      let c = Int(object.symbols[i])
      if c == run.upperBound, c < oldCount, numbers[c] == 0 {
        run = run.lowerBound..<(c + 1)
        continue
      }
      if !run.isEmpty { shift(run.lowerBound, run.count) }
      run = c..<c
      if numbers[c] != 0 { continue }
      if c < oldCount {
        run = c..<(c + 1)
      } else {
        add(object.symbols[i], isOwn: true, object, o, i)
      }
    }
    if !run.isEmpty { shift(run.lowerBound, run.count) }
  }

  /// Gives a run of old symbols the next numbers.
  private func shift(_ first: Int, _ count: Int) {
    let n = tables.symbols.count
    for k in 0..<count { numbers[first &+ k] = UInt32(truncatingIfNeeded: n &+ k) }
    if count >= Self.longRun {
      runs.append(Run(from: first, to: n, count: count))
      return tables.extend(by: count)
    }
    tables.symbols.append(from: index.symbols.base + first, count: count)
    tables.classes.append(from: index.classes.base + first, count: count)
    tables.alignments.append(from: index.alignments.base + first, count: count)
  }

  private func copyRuns() {
    let (runs, tables, index) = (runs, tables, index)
    Chunks.run(runs.count, grain: 32) { range in
      for run in runs[range] { tables.copy(run, of: index) }
    }
  }

  /// The next number, for the class of the `i`-th definition of an object.
  private func add(_ c: UInt32, isOwn: Bool, _ object: LoadedObject, _ o: Int, _ i: Int) {
    guard isOwn else { return shift(Int(c), 1) }
    numbers[Int(c)] = UInt32(truncatingIfNeeded: tables.symbols.count)
    tables.symbols.append(
      ObjectSymbol(object: UInt32(truncatingIfNeeded: o), local: UInt32(truncatingIfNeeded: i)))
    tables.classes.append(object.classes[i])
    tables.alignments.append(SymbolTraits(rawValue: object.traits[i]).alignment)
  }

  // MARK: all members

  /// By object, whether what it is the first to have must be numbered one by one.
  private func objectsWithMovers() -> [Bool] {
    guard differences.hasMovers else { return isChanged }
    var slow = isChanged
    for o in index.objects(with: differences.isMover) { slow[o] = true }
    return slow
  }

  /// Gives all definitions their numbers.
  ///
  /// - Returns: those whose classes are to be elected anew, in load order, package definitions first; nil when a
  ///   name of a changed package's own has another definition.
  private func renumberMembers() -> [MemberElection.Hit]? {
    let runs = index.runsOfObjects()
    let found = Mutex([MemberElection.Findings](repeating: .init(), count: runs.count))
    Chunks.each(runs.count) { k in
      var hits = MemberElection.Findings()
      for o in runs[k] {
        let v = index.loaded[o].view
        renumber(o, 0..<v.packageDefs, &hits.package_)
        if hasForeignName(o) { hits.isDoubled = true }
        renumber(o, v.packageDefs..<v.definitions, &hits.others)
      }
      let mine = hits
      found.withLock { $0[k] = mine }
    }
    return MemberElection.Findings.hits(found.withLock { $0 })
  }

  /// Whether a named definition is of a changed package's own name.
  private func hasForeignName(_ o: Int) -> Bool {
    let object = index.loaded[o]
    let v = object.view
    for i in (v.definitions - v.nonPackageDefs)..<v.definitions where wasDefined.has(object.symbols[i]) {
      return true
    }
    return false
  }

  private func renumber(_ o: Int, _ range: Range<Int>, _ hits: inout [MemberElection.Hit]) {
    let object = index.loaded[o]
    let ids = object.symbols
    let loud = BitmapView(differences.isLoud)
    let firstNamed = object.view.definitions - object.view.nonPackageDefs
    for i in range {
      let c = ids[i]
      if loud.has(c) {
        let place = ObjectSymbol(object: UInt32(truncatingIfNeeded: o), local: UInt32(truncatingIfNeeded: i))
        hits.append(.init(symbol: numbers[Int(c)], place: place, isNamed: i >= firstNamed))
      }
      ids[i] = numbers[Int(c)]
    }
  }
}
