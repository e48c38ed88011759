internal import Dispatch
internal import Synchronization

/// The tables of the new numbering.
final class NumberedTables {
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
  private let wasDefined: UnsafePointer<UInt64>
  private let isChanged: [Bool]
  private let oldCount: Int
  private let differences: MemberDifferences

  init(_ patch: borrowing IndexPatch, _ differences: MemberDifferences) {
    index = patch.index
    numbers = patch.numbers.base
    wasDefined = patch.wasDefined.base
    isChanged = patch.isChanged
    oldCount = patch.oldCount
    tables = NumberedTables(capacity: patch.classCount + 4096)
    self.differences = differences
  }

  @inline(__always)
  private static func has(_ words: UnsafePointer<UInt64>, _ c: UInt32) -> Bool {
    words[Int(c >> 6)] >> UInt64(c & 63) & 1 != 0
  }

  /// - Returns: false when an election fails, or a changed package's name has a second definition.
  func numberDefinitions() -> Bool {
    var last: UInt32 = 0
    for o in 2..<index.loaded.count { numberPackage(o, &last) }
    let slow = objectsWithMovers()
    var starts: [UInt32] = [0, 0]
    for o in 2..<index.loaded.count {
      starts.append(UInt32(truncatingIfNeeded: tables.symbols.count))
      if slow[o] {
        numberOthers(o)
      } else {
        shift(Int(index.othersStarts[o]), Int(index.othersStarts[o + 1] - index.othersStarts[o]))
      }
    }
    starts.append(UInt32(truncatingIfNeeded: tables.symbols.count))
    index.othersStarts = starts
    for m in differences.moved { tables.symbols[Int(numbers[Int(m.symbol)])] = m.place }
    guard let hits = renumberMembers() else { return false }
    return elect(hits)
  }

  // MARK: numbers

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
    for i in v.packageDefs..<v.definitions {
      let c = object.symbols[i]
      if numbers[Int(c)] == 0 { add(c, isOwn: Int(c) >= oldCount, object, o, i) }
    }
  }

  /// Gives a run of old symbols the next numbers.
  private func shift(_ first: Int, _ count: Int) {
    let n = tables.symbols.count
    for k in 0..<count { numbers[first &+ k] = UInt32(truncatingIfNeeded: n &+ k) }
    tables.symbols.append(from: index.symbols.base + first, count: count)
    tables.classes.append(from: index.classes.base + first, count: count)
    tables.alignments.append(from: index.alignments.base + first, count: count)
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

  /// A definition of a class that is elected anew.
  private struct Hit {
    let symbol: UInt32
    let place: ObjectSymbol
    let isNamed: Bool
  }

  /// Objects cut into runs of about as many definitions each.
  private func runs() -> [Range<Int>] {
    var total = 0
    for o in 2..<index.loaded.count { total += index.loaded[o].view.definitions }
    let part = max(total / 8, 1 << 14)
    var (runs, start, sum): ([Range<Int>], Int, Int) = ([], 2, 0)
    for o in 2..<index.loaded.count {
      sum += index.loaded[o].view.definitions
      if sum >= part || o == index.loaded.count - 1 {
        runs.append(start..<o + 1)
        (start, sum) = (o + 1, 0)
      }
    }
    return runs
  }

  /// By object, whether what it is the first to have must be numbered one by one.
  private func objectsWithMovers() -> [Bool] {
    guard differences.hasMovers else { return isChanged }
    let runs = runs()
    let found = Mutex([Int]())
    DispatchQueue.concurrentPerform(iterations: runs.count) { k in
      var mine: [Int] = []
      for o in runs[k] where hasMover(o) { mine.append(o) }
      found.withLock { $0 += mine }
    }
    var slow = isChanged
    for o in found.withLock({ $0 }) { slow[o] = true }
    return slow
  }

  private func hasMover(_ o: Int) -> Bool {
    let object = index.loaded[o]
    let movers = differences.isMover.base
    for i in object.view.packageDefs..<object.view.definitions where Self.has(movers, object.symbols[i]) {
      return true
    }
    return false
  }

  /// Gives all definitions their numbers.
  ///
  /// - Returns: those whose classes are to be elected anew, in load order, package definitions first; nil when a
  ///   name of a changed package's own has another definition.
  private func renumberMembers() -> [Hit]? {
    let runs = runs()
    let found = Mutex(
      [(package_: [Hit], others: [Hit], isDoubled: Bool)](repeating: ([], [], false), count: runs.count))
    DispatchQueue.concurrentPerform(iterations: runs.count) { k in
      var hits: (package_: [Hit], others: [Hit], isDoubled: Bool) = ([], [], false)
      for o in runs[k] {
        let v = index.loaded[o].view
        renumber(o, 0..<v.packageDefs, &hits.package_)
        if hasForeignName(o) { hits.isDoubled = true }
        renumber(o, v.packageDefs..<v.definitions, &hits.others)
      }
      let mine = hits
      found.withLock { $0[k] = mine }
    }
    return found.withLock { parts in
      parts.contains(where: \.isDoubled) ? nil : parts.flatMap(\.package_) + parts.flatMap(\.others)
    }
  }

  /// Whether a named definition is of a changed package's own name.
  private func hasForeignName(_ o: Int) -> Bool {
    let object = index.loaded[o]
    let v = object.view
    for i in (v.definitions - v.nonPackageDefs)..<v.definitions where Self.has(wasDefined, object.symbols[i])
    {
      return true
    }
    return false
  }

  private func renumber(_ o: Int, _ range: Range<Int>, _ hits: inout [Hit]) {
    let object = index.loaded[o]
    let ids = object.symbols
    let loud = differences.isLoud.base
    let firstNamed = object.view.definitions - object.view.nonPackageDefs
    for i in range {
      let c = ids[i]
      if Self.has(loud, c) {
        let place = ObjectSymbol(object: UInt32(truncatingIfNeeded: o), local: UInt32(truncatingIfNeeded: i))
        hits.append(Hit(symbol: numbers[Int(c)], place: place, isNamed: i >= firstNamed))
      }
      ids[i] = numbers[Int(c)]
    }
  }

  // MARK: elections

  private func elect(_ hits: [Hit]) -> Bool {
    let seen = Bitmap(count: tables.symbols.count)
    for h in hits {
      let n = Int(h.symbol)
      let object = index.loaded[Int(h.place.object)]
      let alignment = SymbolTraits(rawValue: object.traits[Int(h.place.local)]).alignment
      if !seen[n] {
        seen[n] = true
        take(n, h.place)
        tables.alignments[n] = alignment
        continue
      }
      if alignment > tables.alignments[n] { tables.alignments[n] = alignment }
      let old = tables.symbols[n]
      if h.isNamed {
        if !electNamed(n, old, h.place) { return false }
      } else if object.view.size(h.place.local) > index.loaded[Int(old.object)].view.size(old.local) {
        take(n, h.place)
      }
    }
    return true
  }

  private func electNamed(_ n: Int, _ old: ObjectSymbol, _ new: ObjectSymbol) -> Bool {
    do throws(LinkFailure) {
      let name = index.loaded[Int(new.object)].view.name(new.local)
      let verdict = try NamedDefinitions(index: index).elect(old: old, new: new, name)
      if verdict.newWins { take(n, new) }
      return verdict.size == nil
    } catch {
      return false
    }
  }

  private func take(_ n: Int, _ new: ObjectSymbol) {
    tables.symbols[n] = new
    tables.classes[n] = index.loaded[Int(new.object)].classes[Int(new.local)]
  }
}
