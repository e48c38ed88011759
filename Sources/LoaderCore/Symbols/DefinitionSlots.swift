/// For every definition of every object, in load order: what it is a repeat of, and whose content counts.
struct DefinitionSlots: ~Copyable {
  struct Pointers: @unchecked Sendable {
    /// The first slot with the same name or content, itself when it is the first. (`FirstNumbering` writes
    /// numbers there.)
    let first: UnsafeMutablePointer<UInt32>
    /// Of a first slot: the definition that was elected.
    let winner: UnsafeMutablePointer<ObjectSymbol>
  }

  let count: Int
  private let first: Table<UInt32>
  private let winner: Table<ObjectSymbol>

  /// - Throws: `.unsupported` beyond 2^30 definitions.
  init(index: SymbolIndex, bases: [Int]) throws(LinkFailure) {
    count = bases.last ?? 0
    guard count < 1 << 30 else { throw .unsupported(reason: "too many symbols") }
    first = Table(uninitialized: count)
    winner = Table(uninitialized: count)
  }

  var pointers: Pointers { Pointers(first: first.base, winner: winner.base) }
}

/// The elections among content-addressed definitions.
struct HashedElections: @unchecked Sendable {
  let index: SymbolIndex
  let bases: [Int]
  let slots: DefinitionSlots.Pointers

  /// The tables are larger than caches: so many definitions ahead, the place of one is brought near.
  private static let ahead = 8

  func run() {
    var short = 0
    var long = 0
    for o in index.objects {
      short += o.view.hashed64Defs
      long += o.view.hashedDefs
    }
    var shortHashes = HashElection(expected: short / 4)
    var hashes = HashElection(expected: long / 3)
    for o in 2..<index.loaded.count {
      let v = index.loaded[o].view
      for k in 0..<v.hashed64Defs {
        if k &+ Self.ahead < v.hashed64Defs { shortHashes.prefetch(low: v.hash64(k &+ Self.ahead), high: 0) }
        let i = v.packageDefs &+ k
        let slot = UInt32(truncatingIfNeeded: bases[o] &+ i)
        let size = v.size(UInt32(truncatingIfNeeded: i))
        take(shortHashes.add(low: v.hash64(k), high: 0, slot: slot, size: size), slot, o, i)
      }
      for k in 0..<v.hashedDefs {
        if k &+ Self.ahead < v.hashedDefs {
          let next = v.hash(k &+ Self.ahead)
          hashes.prefetch(low: next.u64(0), high: next.u64(8))
        }
        let i = v.packageDefs &+ v.hashed64Defs &+ k
        let slot = UInt32(truncatingIfNeeded: bases[o] &+ i)
        let key = v.hash(k)
        let size = v.size(UInt32(truncatingIfNeeded: i))
        take(hashes.add(low: key.u64(0), high: key.u64(8), slot: slot, size: size), slot, o, i)
      }
    }
  }

  @inline(__always)
  private func take(_ result: (first: UInt32, wins: Bool), _ slot: UInt32, _ object: Int, _ local: Int) {
    slots.first[Int(slot)] = result.first
    if result.wins {
      slots.winner[Int(result.first)] = ObjectSymbol(
        object: UInt32(truncatingIfNeeded: object), local: UInt32(truncatingIfNeeded: local))
    }
  }
}
