import LoaderCore

/// What stays of `Addresses` when a link is done: the words of the symbols that have a place. In a small program that is one
/// in ten, and the words of the others would be an eighth of all that is kept of it.
final class PlacedAddresses: Sendable {
  private let ranks: PlacedRanks
  /// By rank.
  private let words: Table<UInt64>

  init(_ addresses: borrowing Addresses) {
    ranks = PlacedRanks(addresses.packed, count: addresses.count)
    words = Table(uninitialized: ranks.count)
    let (from, to) = (addresses.packed, words.base)
    ranks.forEach { s, rank in to[rank] = from[s] }
  }

  /// For the time these live.
  var view: AddressView { AddressView(words: words.base, count: words.count, ranks: ranks.view) }

  /// Bytes of memory.
  var byteCount: Int { words.byteCount + ranks.byteCount }
}

/// Where symbols are, whichever way that is kept; whoever keeps it outlives the view.
package struct AddressView: @unchecked Sendable {
  private let words: UnsafePointer<UInt64>
  /// Of words.
  private let count: Int
  /// Nil when a symbol's number is the place of its word.
  private let ranks: PlacedRanks.View?

  init(words: UnsafePointer<UInt64>, count: Int, ranks: PlacedRanks.View? = nil) {
    self.words = words
    self.count = count
    self.ranks = ranks
  }

  /// Address and section as in `Addresses.packed`; 0 for a symbol without a place.
  @inline(__always)
  func word(_ s: SymbolID) -> UInt64 {
    guard let ranks else { return s.index < count ? words[s.index] : 0 }
    return ranks.rank(s).map { words[$0] } ?? 0
  }

  /// The virtual address; 0 when the symbol has none.
  subscript(_ s: SymbolID) -> UInt64 { word(s) & Addresses.addressMask }

  func section(of s: SymbolID) -> SectionID { SectionID(UInt16(truncatingIfNeeded: word(s) >> 48)) }
}
