internal import Synchronization

/// Content-addressed definitions of new object versions -> classes of equal content.
///
/// Nearly all of an edited object's contents were in its old version: those are matched against it. The few
/// that were not are searched in all other objects by a sweep over their hashes, which costs milliseconds and
/// no memory between links.
extension IndexPatch {
  mutating func matchContents() {
    var short = HashElection(expected: 1024)
    var long = HashElection(expected: 1024)
    // Equal content has one class, whichever changed object had it.
    for o in changed where isRenamed[o] {
      let old = index.loaded[o]
      let v = old.view
      for i in 0..<v.hashed64Defs {
        _ = short.add(low: v.hash64(i), high: 0, slot: old.symbols[v.packageDefs &+ i], size: 0)
      }
      for i in 0..<v.hashedDefs {
        let key = v.hash(i)
        let c = old.symbols[v.packageDefs &+ v.hashed64Defs &+ i]
        _ = long.add(low: key.u64(0), high: key.u64(8), slot: c, size: 0)
      }
    }
    let firstNew = classCount
    for (k, o) in changed.enumerated() {
      let new = views[k]
      let v = new.view
      let (firstLong, end) = (v.packageDefs &+ v.hashed64Defs, v.definitions &- v.nonPackageDefs)
      for i in movable(k) where i < end {
        let at = Int(i)
        if at < firstLong {
          new.symbols[at] = enter(&short, v.hash64(at &- v.packageDefs), 0, o, at)
        } else {
          let key = v.hash(at &- firstLong)
          new.symbols[at] = enter(&long, key.u64(0), key.u64(8), o, at)
        }
      }
    }
    if classCount > firstNew { adoptExisting(firstNew) }
  }

  private mutating func enter(
    _ table: inout HashElection, _ low: UInt64, _ high: UInt64, _ object: Int, _ local: Int
  ) -> UInt32 {
    if let c = table.find(low: low, high: high) { return c }
    let c = newClass(object, local)
    _ = table.add(low: low, high: high, slot: c, size: 0)
    return c
  }

  /// Lets contents that an unchanged object has too be of that object's class.
  private mutating func adoptExisting(_ firstNew: Int) {
    let found = search(contents(from: firstNew))
    guard !found.isEmpty else { return }
    var classes = [UInt32](repeating: 0, count: classCount - firstNew)
    for f in found {
      classes[Int(f.new) - firstNew] = f.known
    }
    for (k, new) in views.enumerated() {
      let end = new.view.definitions - new.view.nonPackageDefs
      for i in movable(k) where i < end {
        let c = Int(new.symbols[Int(i)])
        if c >= firstNew, classes[c - firstNew] != 0 { new.symbols[Int(i)] = classes[c - firstNew] }
      }
    }
  }

  /// Hash and kind of the new classes so far.
  private func contents(from firstNew: Int) -> [ContentFilter.Content] {
    (firstNew..<classCount).map { c in
      let p = newPlaces[c - oldCount]
      let v = newView(of: Int(p.object))
      let at = Int(p.local) - v.packageDefs
      if at < v.hashed64Defs { return .init(low: v.hash64(at), high: 0, isShort: true, id: UInt32(c)) }
      let key = v.hash(at - v.hashed64Defs)
      return .init(low: key.u64(0), high: key.u64(8), isShort: false, id: UInt32(c))
    }
  }

  private func search(_ contents: [ContentFilter.Content]) -> [(new: UInt32, known: UInt32)] {
    let filter = ContentFilter(contents)
    let n = index.loaded.count - 2
    let all = Mutex([(new: UInt32, known: UInt32)]())
    let chunks = max(1, min(16, n / 32))
    let work = ContentSearch(
      objects: index.loaded.base, changed: isRenamed,
      mayHold: holders(of: contents.map { ContentTag($0.low, isShort: $0.isShort) }), short: filter.short,
      long: filter.long)
    Chunks.each(chunks) { k in
      let hits = work.run((2 + n * k / chunks)..<(2 + n * (k + 1) / chunks))
      if !hits.isEmpty { all.withLock { $0 += hits } }
    }
    return all.withLock { $0 }
  }
}

/// The contents searched for.
private struct ContentFilter: ~Copyable {
  struct Content {
    let low: UInt64
    let high: UInt64
    let isShort: Bool
    let id: UInt32
  }

  let short: HashSieve
  let long: HashSieve

  init(_ contents: [Content]) {
    short = HashSieve(contents.filter(\.isShort).map { ($0.low, $0.high, $0.id) })
    long = HashSieve(contents.filter { !$0.isShort }.map { ($0.low, $0.high, $0.id) })
  }
}

/// A few hashes to be looked for among millions: a bit table in front of a sorted list.
private struct HashSieve: Sendable {
  private var bits: [UInt64]
  private let list: [(low: UInt64, high: UInt64, id: UInt32)]
  private let shift: UInt64

  init(_ hashes: [(UInt64, UInt64, UInt32)]) {
    list = hashes.map { (low: $0.0, high: $0.1, id: $0.2) }.sorted { ($0.low, $0.high) < ($1.low, $1.high) }
    var width: UInt64 = 12
    while width < 24, 1 << width < 32 * hashes.count { width += 1 }
    shift = 64 - width
    bits = Array(repeating: 0, count: 1 << Int(width - 6))
    for h in list {
      let at = Int(truncatingIfNeeded: (h.low &* 0x9e37_79b9_7f4a_7c15) >> shift)
      bits[at >> 6] |= 1 << UInt64(at & 63)
    }
  }

  /// Calls `body` with the places of the hashes that may be among these, rising.
  ///
  /// - Parameters:
  ///   - hashes: one behind the other, each of `stride` bytes, the low half first.
  @inline(__always)
  func forEachSuspect(_ hashes: ByteView, stride: Int, _ body: (Int) -> Void) {
    guard !list.isEmpty, let base = hashes.base else { return }
    bits.withUnsafeBufferPointer { bits in
      for i in 0..<hashes.count / stride {
        let low = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: i &* stride, as: UInt64.self))
        let at = Int(truncatingIfNeeded: (low &* 0x9e37_79b9_7f4a_7c15) >> shift)
        if bits[at >> 6] >> UInt64(truncatingIfNeeded: at & 63) & 1 != 0 { body(i) }
      }
    }
  }

  func find(_ low: UInt64, _ high: UInt64) -> UInt32? {
    var (a, b) = (0, list.count)
    while a < b {
      let m = (a + b) / 2
      if (list[m].low, list[m].high) < (low, high) { a = m + 1 } else { b = m }
    }
    return a < list.count && list[a].low == low && list[a].high == high ? list[a].id : nil
  }
}

private struct ContentSearch: @unchecked Sendable {
  let objects: UnsafeMutablePointer<LoadedObject>
  let changed: [Bool]
  /// By object, whether it may have one at all.
  let mayHold: [Bool]
  let short: HashSieve
  let long: HashSieve

  func run(_ range: Range<Int>) -> [(new: UInt32, known: UInt32)] {
    var hits: [(new: UInt32, known: UInt32)] = []
    for o in range where mayHold[o] && !changed[o] {
      let v = objects[o].view
      let symbols = objects[o].symbols
      short.forEachSuspect(v.shortHashes, stride: 8) { i in
        if let c = short.find(v.hash64(i), 0) { hits.append((c, symbols[v.packageDefs + i])) }
      }
      long.forEachSuspect(v.longHashes, stride: 16) { i in
        let key = v.hash(i)
        guard let c = long.find(key.u64(0), key.u64(8)) else { return }
        hits.append((c, symbols[v.packageDefs + v.hashed64Defs + i]))
      }
    }
    return hits
  }
}
