/// Where the section offsets are in a unit's part of .debug_info, 4 bytes each, in two bytes each: there are millions of
/// them in a large program.
struct OffsetFields {
  /// What an offset names.
  enum Kind: UInt16 {
    /// An entry of .debug_info: a type, an inlined function, or a function.
    case info
    /// The unit's own location lists, or range lists.
    case locations, ranges
  }

  /// `Kind` in the two highest bits, over the distance from the field before, or from the start. Three is no field but a
  /// step of the largest distance.
  fileprivate(set) var words: [UInt16] = []

  fileprivate static let step: UInt16 = 3
  fileprivate static let distanceBits: UInt16 = 14
  fileprivate static let largest = 1 << 14 - 1

  /// Calls `body` with each field's offset in the part, rising, until it says false.
  ///
  /// - Returns: whether it never did.
  @inline(__always)
  func forEach(_ body: (_ offset: Int, _ kind: Kind) -> Bool) -> Bool {
    words.withUnsafeBufferPointer { words in
      var at = 0
      for w in words {
        at &+= Int(w) & Self.largest
        guard let kind = Kind(rawValue: w >> Self.distanceBits) else { continue }
        if !body(at, kind) { return false }
      }
      return true
    }
  }
}

/// Notes fields while they are written.
struct OffsetFieldWriter {
  private var fields = OffsetFields()
  private var last = 0
  private(set) var isGood = true

  mutating func add(_ offset: Int, _ kind: OffsetFields.Kind) {
    guard offset >= last else { return fail() }
    while offset &- last > OffsetFields.largest {
      fields.words.append(OffsetFields.step << OffsetFields.distanceBits | UInt16(OffsetFields.largest))
      last &+= OffsetFields.largest
    }
    fields.words.append(
      kind.rawValue << OffsetFields.distanceBits | UInt16(truncatingIfNeeded: offset &- last))
    last = offset
  }

  mutating func fail() { isGood = false }

  /// The fields in memory of just their size; nil when there was something that they cannot say.
  func finish() -> OffsetFields? {
    guard isGood else { return nil }
    var exact = OffsetFields()
    exact.words.reserveCapacity(fields.words.count)
    exact.words += fields.words
    return exact
  }
}
