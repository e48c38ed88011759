import LoaderCore

/// Symbols by size, then rank, as one link leaves them to the next.
struct SizeOrder: Sendable {
  private(set) var symbols: [SymbolID] = []
  /// What they are sorted by; `largeKey` for what does not fit.
  private(set) var keys: [UInt32] = []

  static let largeKey: UInt64 = 1 << 32 - 1
  /// The mark of a symbol that was found in the last link's order.
  static let isKnown: UInt8 = 2
  private static let isWanted: UInt8 = 1

  init() {}

  func write(to writer: SnapshotWriter) {
    writer.array(symbols)
    writer.array(keys)
  }

  init(_ reader: inout SnapshotReader) {
    symbols = reader.array()
    keys = reader.array()
    if keys.count != symbols.count { reader.fail() }
  }

  /// Of words with the key in the high half and the symbol in the low.
  init(packed: [UInt64]) {
    symbols = packed.map { SymbolID(UInt32(truncatingIfNeeded: $0)) }
    keys = packed.map { UInt32(truncatingIfNeeded: $0 >> 32) }
  }

  mutating func append(_ s: SymbolID, _ key: UInt32) {
    symbols.append(s)
    keys.append(key)
  }

  var byteCount: Int { symbols.count * 8 }

  /// The order without what a link may size differently from the last: the linker's own symbols.
  @inline(__always)
  func withoutOwned(_ zeroBase: SymbolID, _ isOwned: (SymbolID) -> Bool) -> SizeOrder {
    var out = SizeOrder()
    out.symbols.reserveCapacity(symbols.count)
    out.keys.reserveCapacity(symbols.count)
    for (i, s) in symbols.enumerated() where s != zeroBase && !isOwned(s) && keys[i] < Self.largeKey {
      out.append(s, keys[i])
    }
    return out
  }

  /// Follows an exchange of objects: what it touched must be looked at again.
  mutating func follow(_ change: IndexChange) {
    if change.keeps(symbols) { return }
    var out = SizeOrder()
    out.symbols.reserveCapacity(symbols.count)
    out.keys.reserveCapacity(symbols.count)
    for (i, s) in symbols.enumerated() where !change.isTouched(s) {
      if let n = change.number(s) { out.append(n, keys[i]) }
    }
    self = out
  }

  /// The order of `wanted`, of which most are in this one.
  ///
  /// - Parameters:
  ///   - marks: by symbol, 0 for all that are wanted.
  ///   - count: of all symbols.
  ///   - isOwned: whether a symbol is the linker's own.
  ///   - key: of a symbol that is not here.
  /// - Returns: nil when sorting them all is better.
  @inline(__always)
  func merged(
    with wanted: [SymbolID], marks: UnsafeMutablePointer<UInt8>, count: Int, isOwned: (SymbolID) -> Bool,
    key: (SymbolID) -> UInt64
  ) -> SizeOrder? {
    guard symbols.count > 64, symbols.count > wanted.count / 2 else { return nil }
    for s in wanted { marks[s.index] = Self.isWanted }
    var packed: [UInt64] = []
    packed.reserveCapacity(wanted.count)
    var last: UInt64 = 0
    for (i, s) in symbols.enumerated()
    where s.index < count && marks[s.index] == Self.isWanted && !isOwned(s) {
      let word = UInt64(keys[i]) << 32 | UInt64(s.raw)
      // Ranks may have changed places.
      guard word > last else { return nil }
      last = word
      marks[s.index] = Self.isKnown
      packed.append(word)
    }
    var fresh: [UInt64] = []
    for s in wanted where marks[s.index] != Self.isKnown {
      let k = key(s)
      guard k < Self.largeKey else { return nil }
      fresh.append(k << 32 | UInt64(s.raw))
    }
    fresh.sort()
    return SizeOrder(packed: Self.merge(packed, fresh))
  }

  private static func merge(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
    guard !b.isEmpty else { return a }
    var out: [UInt64] = []
    out.reserveCapacity(a.count + b.count)
    var k = 0
    for w in a {
      while k < b.count, b[k] < w {
        out.append(b[k])
        k += 1
      }
      out.append(w)
    }
    return out + b[k...]
  }
}

/// Bytes of symbols, as one link leaves them to the next.
struct SymbolSizes: Sendable {
  /// A symbol over its size, rising.
  private var words: [UInt64] = []

  init() {}

  /// - Parameter symbols: rising.
  init(_ symbols: [SymbolID], _ sizes: [UInt64], isKept: (SymbolID) -> Bool) {
    words.reserveCapacity(symbols.count)
    for (i, s) in symbols.enumerated() where isKept(s) && sizes[i] <= UInt64(UInt32.max) {
      words.append(UInt64(s.raw) << 32 | sizes[i])
    }
  }

  var byteCount: Int { words.count * 8 }

  /// Follows an exchange of objects: what it touched must be looked at again.
  mutating func follow(_ change: IndexChange) {
    var out: [UInt64] = []
    out.reserveCapacity(words.count)
    var isSorted = true
    for w in words {
      let s = SymbolID(UInt32(truncatingIfNeeded: w >> 32))
      guard !change.isTouched(s), let n = change.number(s) else { continue }
      let word = UInt64(n.raw) << 32 | w & 0xffff_ffff
      isSorted = isSorted && out.last ?? 0 <= word
      out.append(word)
    }
    if !isSorted { out.sort() }
    words = out
  }

  /// The sizes of `symbols`, which are rising, as far as they are known.
  func find(_ symbols: [SymbolID], _ found: (_ position: Int, _ size: UInt64) -> Void) {
    var k = 0
    for (i, s) in symbols.enumerated() {
      while k < words.count, words[k] >> 32 < UInt64(s.raw) { k += 1 }
      guard k < words.count else { return }
      if words[k] >> 32 == UInt64(s.raw) { found(i, words[k] & 0xffff_ffff) }
    }
  }
}

/// What Go's sort makes of the type descriptors: a permutation that the numbers they compare by decide.
package struct TypeOrder: Sendable {
  let keys: [UInt64]
  /// By place in the image, the place in rank order.
  package let positions: [UInt32]

  init() {
    keys = []
    positions = []
  }

  func write(to writer: SnapshotWriter) {
    writer.array(keys)
    writer.array(positions)
  }

  init(_ reader: inout SnapshotReader) {
    keys = reader.array()
    positions = reader.array()
    if keys.count != positions.count { reader.fail() }
  }

  package init(_ keys: [UInt64]) {
    self.keys = keys
    var order: [(key: UInt64, position: UInt32)] = []
    order.reserveCapacity(keys.count)
    for (i, k) in keys.enumerated() { order.append((k, UInt32(truncatingIfNeeded: i))) }
    order.withUnsafeMutableBufferPointer { GoSort.sort($0, isShared: true) { $0.key < $1.key } }
    positions = order.map(\.position)
  }

  var byteCount: Int { keys.count * 12 }
}
