internal import Synchronization

extension SymbolIndex {
  /// The inputs cut into runs of about as many definitions each.
  func runsOfObjects() -> [Range<Int>] {
    var total = 0
    for o in 2..<loaded.count { total += loaded[o].view.definitions }
    let part = max(total / 8, 1 << 14)
    var (runs, start, sum): ([Range<Int>], Int, Int) = ([], 2, 0)
    for o in 2..<loaded.count {
      sum += loaded[o].view.definitions
      if sum >= part || o == loaded.count - 1 {
        runs.append(start..<o + 1)
        (start, sum) = (o + 1, 0)
      }
    }
    return runs
  }

  /// The first objects with a definition of some classes, other than package definitions, by class.
  ///
  /// - Parameter isAsked: which objects are looked at.
  func firstObjects(
    with classes: borrowing Bitmap, among isAsked: @Sendable (Int) -> Bool
  ) -> [UInt32: Int] {
    let runs = runsOfObjects()
    let found = Mutex([UInt32: Int]())
    let (members, loaded) = (BitmapView(classes), loaded.base)
    Chunks.run(runs.count, grain: 1) { range in
      var mine: [UInt32: Int] = [:]
      for o in runs[range].joined() where isAsked(o) {
        let (ids, v) = (loaded[o].symbols, loaded[o].view)
        for i in v.packageDefs..<v.definitions where members.has(ids[i]) && mine[ids[i]] == nil {
          mine[ids[i]] = o
        }
      }
      let all = mine
      found.withLock { $0.merge(all, uniquingKeysWith: min) }
    }
    return found.withLock { $0 }
  }

  /// The objects with a definition of some classes, other than package definitions; in no order.
  func objects(with classes: borrowing Bitmap) -> [Int] {
    let runs = runsOfObjects()
    let found = Mutex([Int]())
    let (members, loaded) = (BitmapView(classes), loaded.base)
    Chunks.run(runs.count, grain: 1) { range in
      for o in runs[range].joined() {
        let (ids, v) = (loaded[o].symbols, loaded[o].view)
        guard (v.packageDefs..<v.definitions).contains(where: { members.has(ids[$0]) }) else { continue }
        found.withLock { $0.append(o) }
      }
    }
    return found.withLock { $0 }
  }
}
