import LoaderCore
internal import Synchronization

/// The symbols that `ListedRelocation`s point at, by numbers that stay when objects are exchanged. They are dense, so
/// that the addresses of all targets lie in a few megabytes: of all symbols only a third has a place in the image.
struct TargetSlots: ~Copyable, Sendable {
  /// By number; 0 for a symbol that is gone.
  fileprivate var symbols = Table<UInt32>(capacity: 1)
  /// How many there were when the lists were new.
  private var freshCount = 0

  /// Marks a symbol whose definition may be another one than when it was last looked at.
  static let isTouched: UInt32 = 1 << 31

  var count: Int { symbols.count }
  var byteCount: Int { symbols.byteCount }
  /// Whether links have added so many that it is better to start anew.
  var isWasteful: Bool { symbols.count > freshCount + freshCount / 2 + 1 << 16 }

  mutating func removeAll() {
    symbols = Table(capacity: 1)
    freshCount = 0
  }

  /// Follows an exchange of objects.
  func follow(_ change: IndexChange) {
    let base = symbols.base
    Chunks.run(symbols.count, grain: 1 << 16) { range in
      for k in range where base[k] != 0 {
        let old = SymbolID(base[k] & ~Self.isTouched)
        let mark = change.isTouched(old) ? Self.isTouched : base[k] & Self.isTouched
        base[k] = change.number(old).map { $0.raw | mark } ?? 0
      }
    }
  }

  /// Takes the numbers of a link that began with these, or anew.
  mutating func take(_ targets: Targets) {
    if freshCount == 0 { freshCount = targets.count }
    symbols = targets.takeSlots()
    symbols.tighten()
  }
}

/// Where one link has put the targets of relocations, by their numbers in `TargetSlots`.
final class Targets: @unchecked Sendable {
  private var slots: Table<UInt32>
  private let table: Table<UInt64>
  private let places: TargetPlaces
  /// Numbers handed out.
  private let used: Atomic<Int>
  private let limit: Int
  private let ranks: PlacedRanks?

  /// What a worker adds to numbers at a time.
  private static let block = 256
  /// Room for what workers do not use of their last ones.
  static let spareRoom = 64 * block

  var count: Int { min(used.load(ordering: .relaxed), limit) }
  /// By number: section and address of a symbol with a place, as in `Addresses.packed`; 0 for one that is no part of
  /// the program; `TargetPlaces.odd` when the object's record must be looked at.
  var words: UnsafePointer<UInt64> { UnsafePointer(table.base) }

  /// The numbers are those of `known`, with room for `room` more.
  init(_ known: borrowing TargetSlots, room: Int, places: TargetPlaces) {
    let count = known.symbols.count
    limit = min(count + room, ListedRelocation.targetLimit)
    slots = Table(uninitialized: limit)
    table = Table(uninitialized: limit)
    self.places = places
    used = Atomic(count)
    ranks = nil
    let (from, slots, words) = (known.symbols.base, slots.base, table.base)
    Chunks.run(count, grain: 1 << 15) { range in
      for k in range {
        slots[k] = from[k]
        words[k] = places.word(&slots[k])
      }
    }
  }

  /// All symbols with a place get numbers, in their order; there is room for half as many others.
  init(places: TargetPlaces) {
    let ranks = PlacedRanks(places.words, count: places.count)
    limit = min(ranks.count + ranks.count / 2 + 1 << 14, ListedRelocation.targetLimit)
    slots = Table(uninitialized: limit)
    table = Table(uninitialized: limit)
    self.places = places
    self.ranks = ranks
    used = Atomic(min(ranks.count, limit))
    let (slots, words, limit) = (slots.base, table.base, limit)
    ranks.forEach { s, rank in
      guard rank < limit else { return }
      slots[rank] = UInt32(truncatingIfNeeded: s)
      words[rank] = places.words[s]
    }
  }

  /// The numbers, for the next link; these targets are of no use then.
  fileprivate func takeSlots() -> Table<UInt32> {
    let n = count
    var taken = Table<UInt32>(capacity: 1)
    swap(&taken, &slots)
    taken.truncate(to: n)
    return taken
  }

  /// What one worker finds numbers with.
  struct Finder {
    private let targets: Targets
    private let ranks: PlacedRanks.View
    private let limit: Int
    private var next = 0
    private var end = 0
    /// Symbols without a place that were seen lately, over their numbers.
    private let recent = UnsafeMutablePointer<UInt64>.allocate(capacity: Self.recentCount)
    private static let recentCount = 1 << 10

    init(_ targets: Targets) {
      self.targets = targets
      ranks = targets.ranks?.view ?? PlacedRanks.View()
      limit = targets.limit
      recent.initialize(repeating: 0, count: Self.recentCount)
    }

    func deallocate() { recent.deallocate() }

    /// The number of a symbol; nil when there are too many.
    @inline(__always)
    mutating func number(_ s: SymbolID) -> UInt32? {
      if let rank = ranks.rank(s) { return rank < limit ? UInt32(truncatingIfNeeded: rank) : nil }
      let slot = Int((s.raw &* 0x9e37_79b1) >> 22)
      if recent[slot] >> 32 == UInt64(s.raw) { return UInt32(truncatingIfNeeded: recent[slot]) }
      guard let made = add(s) else { return nil }
      recent[slot] = UInt64(s.raw) << 32 | UInt64(made)
      return made
    }

    @inline(never)
    private mutating func add(_ s: SymbolID) -> UInt32? {
      if next == end {
        next = targets.used.add(Targets.block, ordering: .relaxed).oldValue
        end = min(next + Targets.block, targets.limit)
        guard next < end else {
          end = next
          return nil
        }
        // Those of a block that stay unused are nobody's.
        (targets.slots.base + next).initialize(repeating: 0, count: end - next)
        (targets.table.base + next).initialize(repeating: TargetPlaces.odd, count: end - next)
      }
      var symbol = s.raw | TargetSlots.isTouched
      targets.table[next] = targets.places.word(&symbol)
      targets.slots[next] = symbol
      next += 1
      return UInt32(truncatingIfNeeded: next - 1)
    }
  }
}

/// Where symbols are, and why some have no place.
struct TargetPlaces: @unchecked Sendable {
  /// `Addresses.packed`, for symbols below `count`.
  let words: UnsafePointer<UInt64>
  let count: Int
  let reachable: UnsafePointer<UInt8>
  let reachableCount: Int
  let reader: SymbolReader
  /// The first symbol that no object defines.
  let firstExternal: UInt32

  static let odd: UInt64 = 0xffff << 48

  /// See `Targets.words`.
  ///
  /// - Parameter symbol: may be marked as touched; loses the mark when that was looked into.
  @inline(__always)
  func word(_ symbol: inout UInt32) -> UInt64 {
    let s = Int(symbol & ~TargetSlots.isTouched)
    let word = s < count ? words[s] : 0
    return word >> 48 != 0 ? word : unplaced(&symbol)
  }

  private func unplaced(_ symbol: inout UInt32) -> UInt64 {
    let s = SymbolID(symbol & ~TargetSlots.isTouched)
    if s.isNone || s.index >= reader.count { return Self.odd }
    if s.index < reachableCount, reachable[s.index] & 1 != 0 { return Self.odd }
    if symbol & TargetSlots.isTouched != 0 || s.raw >= firstExternal {
      let kind = reader.kind(s)
      if kind == .undefined || kind == .xref { return Self.odd }
      symbol = s.raw
    }
    return 0
  }
}
