import LoaderCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// One number per symbol, for what DWARF needs to know of it; 0 is nothing. Whoever uses an entry knows
/// its symbol's kind, so one table serves all:
/// - a function: its slot in the unit's part of .debug_addr, plus 1;
/// - a DWARF symbol of an object: its offset in its section, plus 1;
/// - a type descriptor: the index of its entry among the types, plus 1;
/// - "go:info.T", which objects refer to and nobody defines: first `promise` and the descriptor `type:T`,
///   and when everything has its place, the section offset of T's entry, plus 1.
struct DebugPlaces: ~Copyable, @unchecked Sendable {
  let base: UnsafeMutablePointer<UInt32>
  let count: Int

  /// Marks an entry that names a type descriptor instead of a place.
  static let promise: UInt32 = 0x8000_0000
  /// Larger section offsets are refused, so that they are not taken for promises.
  static let largestOffset = 0x7fff_fff0

  init(symbolCount: Int) throws(LinkFailure) {
    // Zeroed lazily by the system: most symbols have no place here.
    guard let p = calloc(max(symbolCount, 1), 4) else {
      throw .unsupported(reason: "out of memory for \(symbolCount) DWARF places")
    }
    base = p.assumingMemoryBound(to: UInt32.self)
    count = symbolCount
  }

  deinit { free(base) }

  @inline(__always)
  subscript(_ s: SymbolID) -> UInt32 {
    get { s.index < count ? base[s.index] : 0 }
    nonmutating set { if s.index < count { base[s.index] = newValue } }
  }
}
