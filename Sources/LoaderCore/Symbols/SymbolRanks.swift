/// The symbols of an index in the order of their numbers, without the numbers that are free (`NumberRoom`): a symbol's
/// rank is the number that it has in the real linker, which some messages tell.
package struct SymbolRanks {
  /// By rank; none has rank 0.
  package let symbols: [SymbolID]
  private let byNumber: [Int]

  package init(_ index: SymbolIndex) {
    var found: [SymbolID] = []
    var byNumber = [Int](repeating: 0, count: index.count)
    for i in 0..<index.count where i == 0 || index.hasSymbol(at: i) {
      byNumber[i] = found.count
      found.append(SymbolID(i))
    }
    (symbols, self.byNumber) = (found, byNumber)
  }

  /// 0 for a number that is free; a symbol that was made since has one after all these.
  package func rank(_ s: SymbolID) -> Int {
    s.index < byNumber.count ? byNumber[s.index] : s.index - byNumber.count + symbols.count
  }

  func rank(_ number: UInt32) -> Int { rank(SymbolID(number)) }
}
