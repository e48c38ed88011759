import LoaderCore

/// A symbol in an image: where its bytes are, and how they are relocated.
struct ImageRecord: BitwiseCopyable {
  /// 0 when the next link can make no use of it.
  var symbol: UInt32
  /// In the file.
  var offset: UInt32
  /// Bytes of data; fewer than the symbol has room for, often.
  var count: UInt32
  /// In `RelocationLists`; `unlisted` when a relocation is of a rare sort.
  var list: UInt32
  var listCount: UInt32

  static let unlisted = UInt32.max
}

/// Symbols one behind the other in the image: the functions, or the data symbols of one kind.
struct ImageBlock {
  let kind: SymbolKind
  /// Places in the link's records.
  let records: Range<Int>
  /// The end of the room for the last symbol, as an offset in the file.
  let end: Int
  /// Address of the byte at offset 0 of the file, if it were in the same segment.
  let bias: UInt64
  /// What is between symbols.
  let filler: UInt8
}

/// What a link finds in the last one's records of the same symbols.
struct RecordMatch: BitwiseCopyable {
  private let raw: UInt32
  private static let inPlace: UInt32 = 1 << 31
  private static let joined: UInt32 = 1 << 30

  static let none = RecordMatch(raw: 0)
  private init(raw: UInt32) { self.raw = raw }
  @inline(__always) init(_ record: Int) { raw = UInt32(truncatingIfNeeded: record + 1) }

  /// Place in the last link's records.
  @inline(__always) var record: Int? {
    let n = raw & (Self.joined - 1)
    return n == 0 ? nil : Int(n) - 1
  }
  /// Whether the bytes of the last image are, or will be moved, where they belong.
  @inline(__always) var isInPlace: Bool { raw & Self.inPlace != 0 }
  /// Whether that goes for what is between this symbol and the next, too.
  @inline(__always) var isJoined: Bool { raw & Self.joined != 0 }

  @inline(__always) mutating func setInPlace() { self = RecordMatch(raw: raw | Self.inPlace) }
  @inline(__always) mutating func setJoined() { self = RecordMatch(raw: raw | Self.joined) }

  /// Records that can be told apart.
  static let limit = Int(joined) - 1
}

/// Finds the records of symbols among those of the last link, in one sweep: most symbols follow one another as they
/// did.
struct RecordMatcher {
  private let old: UnsafePointer<ImageRecord>
  private let range: Range<Int>
  /// All records by symbol, when there was reason to look for one far away.
  private var places: SymbolPlaces?
  /// Symbols that were looked for nearby in vain, less the records whose symbols are gone or changed: these are what
  /// a symbol may be new for.
  private var misses = 0

  /// How far a symbol may have moved to be found without a table, and how many may be missed.
  private static let reach = 24

  init(_ old: UnsafePointer<ImageRecord>, _ range: Range<Int>) {
    self.old = old
    self.range = range
  }

  /// Matches the symbols of `new` with old records, rising.
  ///
  /// - Parameter isUsable: whether the symbol is still an object's.
  @inline(__always)
  mutating func match(
    _ new: UnsafePointer<ImageRecord>, _ count: Int, into matches: UnsafeMutablePointer<RecordMatch>,
    isUsable: (UInt32) -> Bool
  ) {
    var next = range.lowerBound
    let end = range.upperBound
    for i in 0..<count {
      matches[i] = .none
      let s = new[i].symbol
      while next < end, old[next].symbol == 0 {
        next += 1
        misses -= 1
      }
      guard next < end, isUsable(s) else { continue }
      if old[next].symbol == s {
        matches[i] = RecordMatch(next)
        next += 1
      } else if let found = find(s, from: next, followedBy: i + 1 < count ? new[i + 1].symbol : 0) {
        matches[i] = RecordMatch(found)
        next = found + 1
      }
    }
  }

  @inline(never)
  private mutating func find(_ s: UInt32, from next: Int, followedBy successor: UInt32) -> Int? {
    for k in next..<min(next + Self.reach, range.upperBound) where old[k].symbol == s { return k }
    misses += 1
    guard misses > Self.reach else { return nil }
    misses = 0
    let table = places ?? SymbolPlaces(old, range)
    places = table
    // One that moved alone is no sign that all do.
    guard let k = table.place(of: s), k >= next,
      k + 1 == range.upperBound || old[k + 1].symbol == successor
    else { return nil }
    return k
  }
}

/// Places of records by symbol.
private struct SymbolPlaces {
  /// Symbol over place, in a slot by the symbol's hash or after it; 0 is free.
  private let slots: [UInt64]
  private let shift: UInt32

  init(_ records: UnsafePointer<ImageRecord>, _ range: Range<Int>) {
    let bits = UInt32(max(4, 64 - (2 * range.count).leadingZeroBitCount))
    shift = 32 - bits
    var slots = [UInt64](repeating: 0, count: 1 << Int(bits))
    for k in range where records[k].symbol != 0 {
      var at = Int((records[k].symbol &* 0x9e37_79b1) >> shift)
      while slots[at] != 0 { at = (at + 1) & (slots.count - 1) }
      slots[at] = UInt64(records[k].symbol) << 32 | UInt64(k)
    }
    self.slots = slots
  }

  func place(of s: UInt32) -> Int? {
    var at = Int((s &* 0x9e37_79b1) >> shift)
    while slots[at] != 0 {
      if slots[at] >> 32 == UInt64(s) { return Int(slots[at] & 0xffff_ffff) }
      at = (at + 1) & (slots.count - 1)
    }
    return nil
  }
}
