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
  func withoutOwned(_ zeroBase: SymbolID, _ reader: SymbolReader) -> SizeOrder {
    filter { s, key in s != zeroBase && !reader.isExternal(s) && key < Self.largeKey }
  }

  private func filter(_ isKept: (SymbolID, UInt32) -> Bool) -> SizeOrder {
    var out = SizeOrder()
    out.symbols.reserveCapacity(symbols.count)
    out.keys.reserveCapacity(symbols.count)
    for (i, s) in symbols.enumerated() where isKept(s, keys[i]) { out.append(s, keys[i]) }
    return out
  }

  /// Follows an exchange of objects: what it touched must be looked at again.
  mutating func follow(_ change: IndexChange) {
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
  ///   - key: of a symbol that is not here.
  /// - Returns: nil when sorting them all is better.
  func merged(
    with wanted: [SymbolID], marks: UnsafeMutablePointer<UInt8>, reader: SymbolReader,
    key: (SymbolID) -> UInt64
  ) -> SizeOrder? {
    guard symbols.count > 64, symbols.count > wanted.count / 2 else { return nil }
    for s in wanted { marks[s.index] = Self.isWanted }
    var packed: [UInt64] = []
    packed.reserveCapacity(wanted.count)
    var last: UInt64 = 0
    for (i, s) in symbols.enumerated()
    where s.index < reader.count && marks[s.index] == Self.isWanted && !reader.isExternal(s) {
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
    order.withUnsafeMutableBufferPointer { GoSort.sort($0) { $0.key < $1.key } }
    positions = order.map(\.position)
  }

  var byteCount: Int { keys.count * 12 }
}
