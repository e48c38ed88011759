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
  /// By symbol, as far as it was needed.
  private var places: [UInt32: Int] = [:]
  private var hasPlaces = false
  /// Symbols that were looked for nearby in vain, in a row.
  private var misses = 0

  /// How far a symbol may have moved to be found without a table.
  private static let reach = 24

  init(_ old: UnsafePointer<ImageRecord>, _ range: Range<Int>) {
    self.old = old
    self.range = range
  }

  /// Matches the symbols of `new` with old records, rising.
  ///
  /// - Parameter isUsable: whether the symbol is still an object's.
  mutating func match(
    _ new: UnsafePointer<ImageRecord>, _ count: Int, into matches: UnsafeMutablePointer<RecordMatch>,
    isUsable: (UInt32) -> Bool
  ) {
    var next = range.lowerBound
    for i in 0..<count {
      matches[i] = .none
      let s = new[i].symbol
      guard isUsable(s) else { continue }
      while next < range.upperBound, old[next].symbol == 0 { next += 1 }
      if next < range.upperBound, old[next].symbol == s {
        misses = 0
        matches[i] = RecordMatch(next)
        next += 1
      } else if let found = find(s, from: next, followedBy: i + 1 < count ? new[i + 1].symbol : 0) {
        matches[i] = RecordMatch(found)
        next = found + 1
      }
    }
  }

  private mutating func find(_ s: UInt32, from next: Int, followedBy successor: UInt32) -> Int? {
    for k in next..<min(next + Self.reach, range.upperBound) where old[k].symbol == s { return k }
    misses += 1
    guard misses > Self.reach else { return nil }
    misses = 0
    if !hasPlaces {
      hasPlaces = true
      places.reserveCapacity(range.count)
      for k in range where old[k].symbol != 0 { places[old[k].symbol] = k }
    }
    // One that moved alone is no sign that all do.
    guard let k = places[s], k >= next, k + 1 == range.upperBound || old[k + 1].symbol == successor else {
      return nil
    }
    return k
  }
}
