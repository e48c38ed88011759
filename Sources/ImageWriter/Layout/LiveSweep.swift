import LoaderCore

extension LiveSet {
  /// Calls `body` with the reachable symbols of a range, rising.
  ///
  /// Most symbols are not live: they are passed by in eights.
  ///
  /// - Parameter reachable: as `reachableBits`.
  @inline(__always)
  static func forEach(in range: Range<Int>, _ reachable: UnsafePointer<UInt8>, _ body: (SymbolID) -> Void) {
    let eight: UInt64 = 0x0101_0101_0101_0101
    var i = range.lowerBound
    while i < range.upperBound {
      if i + 8 <= range.upperBound,
        UnsafeRawPointer(reachable + i).loadUnaligned(as: UInt64.self) & eight == 0
      {
        i += 8
        continue
      }
      if reachable[i] & 1 != 0 { body(SymbolID(i)) }
      i += 1
    }
  }

  /// Calls `body` with all reachable symbols below `limit`, rising.
  @inline(__always)
  borrowing func forEach(below limit: Int, _ body: (SymbolID) -> Void) {
    Self.forEach(in: 0..<min(limit, self.limit), reachableBits, body)
  }
}
