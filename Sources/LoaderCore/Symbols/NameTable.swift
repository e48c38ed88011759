internal import CPrefetch
internal import Synchronization

/// Symbols by name and version: open addressing over (hash, symbol), names compared where they lie.
struct NameTable: ~Copyable {
  /// Hash in the high half, SymbolID.raw in the low; 0 is free (no symbol has id 0).
  private var slots: Table<UInt64>
  private var mask: Int
  private(set) var count = 0

  var slotCount: Int { slots.count }

  /// Room for about `expected` names before the first rehash.
  init(expected: Int) {
    var n = 1024
    while n < expected * 2 { n *= 2 }
    slots = Table(repeating: 0, count: n)
    mask = n - 1
  }

  /// The table as an earlier life of the daemon left it.
  init(_ reader: inout SnapshotReader) {
    count = reader.numbers(1)[0]
    slots = reader.table()
    mask = slots.count - 1
    if slots.count.nonzeroBitCount != 1 || slots.count <= count { reader.fail() }
  }

  func write(to writer: SnapshotWriter) {
    writer.numbers(count)
    writer.table(slots)
  }

  @inline(__always)
  static func hash(_ nameHash: UInt32, version: Int32) -> UInt32 {
    nameHash &+ UInt32(bitPattern: version) &* 0x9e37_79b1
  }

  /// The slot of the first symbol for which `matches` holds, or the free slot where it would go.
  @inline(__always)
  func find(_ hash: UInt32, matches: (SymbolID) -> Bool) -> (slot: Int, symbol: SymbolID) {
    var i = Int(hash) & mask
    let base = slots.base
    while true {
      let e = base[i]
      if e == 0 { return (i, .none) }
      if UInt32(truncatingIfNeeded: e >> 32) == hash {
        let s = SymbolID(UInt32(truncatingIfNeeded: e))
        if matches(s) { return (i, s) }
      }
      i = (i &+ 1) & mask
    }
  }

  /// Has the slot brought near where a name is looked for soon.
  @inline(__always)
  func prefetch(_ hash: UInt32) { cprefetch(slots.base + (Int(hash) & mask)) }

  /// Fills a slot that `find` gave as free.
  @inline(__always)
  mutating func insert(_ hash: UInt32, _ s: SymbolID, at slot: Int) {
    slots[slot] = UInt64(hash) << 32 | UInt64(s.raw)
    count &+= 1
    if count &* 3 > slots.count &* 2 { grow() }
  }

  /// Lets an occupied slot name another symbol.
  mutating func replace(_ s: SymbolID, at slot: Int) {
    slots[slot] = (slots[slot] & ~0xffff_ffff) | UInt64(s.raw)
  }

  /// Replaces every entry's number less 1 by what `symbol` gives for it.
  mutating func renumber(_ symbol: (UInt32) -> SymbolID) {
    let slots = Slots(base: slots.base, count: slots.count)
    Chunks.run(slots.count, grain: 1 << 14) { part in
      for i in part where slots.base[i] != 0 {
        let old = UInt32(truncatingIfNeeded: slots.base[i]) &- 1
        slots.base[i] = (slots.base[i] & ~0xffff_ffff) | UInt64(symbol(old).raw)
      }
    }
  }

  /// Takes the entry in `slot` out; those behind it move up, as probing without tombstones asks for.
  mutating func remove(at slot: Int) {
    let base = slots.base
    var hole = slot
    var i = slot
    while true {
      i = (i &+ 1) & mask
      let e = base[i]
      if e == 0 { break }
      let home = Int(UInt32(truncatingIfNeeded: e >> 32)) & mask
      // The entry may fill the hole unless its home lies behind the hole.
      if (i &- home) & mask >= (i &- hole) & mask {
        base[hole] = e
        hole = i
      }
    }
    base[hole] = 0
    count &-= 1
  }

  /// Gives every entry the number that `new` has for its own; entries without one (0) go.
  mutating func renumber(by new: UnsafePointer<UInt32>) {
    let slots = Slots(base: slots.base, count: slots.count)
    let gone: UInt32 = .max
    let leave = Atomic(false)
    let symbols = Numbers(base: new)
    let parts = 8
    Chunks.each(parts) { k in
      var mustLeave = false
      for i in (slots.count * k / parts)..<(slots.count * (k + 1) / parts) where slots.base[i] != 0 {
        let s = symbols.base[Int(UInt32(truncatingIfNeeded: slots.base[i]))]
        if s == 0 { mustLeave = true }
        slots.base[i] = (slots.base[i] & ~0xffff_ffff) | UInt64(s == 0 ? gone : s)
      }
      if mustLeave { leave.store(true, ordering: .relaxed) }
    }
    guard leave.load(ordering: .relaxed) else { return }
    var i = 0
    while i < slots.count {
      if slots.base[i] != 0, UInt32(truncatingIfNeeded: slots.base[i]) == gone {
        remove(at: i)
      } else {
        i &+= 1
      }
    }
  }

  private struct Slots: @unchecked Sendable {
    let base: UnsafeMutablePointer<UInt64>
    let count: Int
  }

  private struct Numbers: @unchecked Sendable {
    let base: UnsafePointer<UInt32>
  }

  private mutating func grow() {
    let n = slots.count * 2
    let grown = Table<UInt64>(repeating: 0, count: n)
    mask = n - 1
    for e in slots.buffer where e != 0 {
      var i = Int(UInt32(truncatingIfNeeded: e >> 32)) & mask
      while grown[i] != 0 { i = (i &+ 1) & mask }
      grown[i] = e
    }
    slots = grown
  }
}
