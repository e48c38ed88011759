import LoaderCore

/// Numbers the symbols that have a place: a bit each, and how many there are before each 64 of them.
final class PlacedRanks: @unchecked Sendable {
  private let bits: Table<UInt64>
  private let starts: Table<UInt32>
  var count: Int { Int(starts[bits.count]) }
  var view: View { View(bits: bits.base, starts: starts.base, count: bits.count) }
  /// Bytes of memory.
  var byteCount: Int { bits.byteCount + starts.byteCount }

  /// For the time the ranks live.
  struct View: @unchecked Sendable {
    var bits: UnsafePointer<UInt64>?
    var starts: UnsafePointer<UInt32>?
    var count = 0

    @inline(__always)
    func rank(_ s: SymbolID) -> Int? {
      let (w, bit) = (s.index >> 6, UInt64(1) << UInt64(s.index & 63))
      guard w < count, let bits, let starts, bits[w] & bit != 0 else { return nil }
      return Int(starts[w]) &+ (bits[w] & (bit &- 1)).nonzeroBitCount
    }
  }

  /// - Parameter words: `Addresses.packed`.
  init(_ words: UnsafePointer<UInt64>, count: Int) {
    let places = Places(words: words, count: count)
    let n = (count + 63) / 64
    bits = Table(uninitialized: n)
    starts = Table(uninitialized: n + 1)
    starts[0] = 0
    let (bits, starts) = (bits.base, starts.base)
    Chunks.run(n, grain: 1 << 10) { range in
      for w in range {
        var word: UInt64 = 0
        let symbols = places.words + 64 * w
        for k in 0..<min(64, places.count - 64 * w) where symbols[k] >> 48 != 0 { word |= 1 << UInt64(k) }
        bits[w] = word
        starts[w + 1] = UInt32(word.nonzeroBitCount)
      }
    }
    for w in 0..<n { starts[w + 1] &+= starts[w] }
  }

  private struct Places: @unchecked Sendable {
    let words: UnsafePointer<UInt64>
    let count: Int
  }

  func forEach(_ body: (_ symbol: Int, _ rank: Int) -> Void) {
    let (bits, starts, n) = (bits.base, starts.base, bits.count)
    Chunks.run(n, grain: 1 << 10) { range in
      for w in range {
        var (rest, rank) = (bits[w], Int(starts[w]))
        while rest != 0 {
          body(64 * w + rest.trailingZeroBitCount, rank)
          rest &= rest &- 1
          rank += 1
        }
      }
    }
  }
}
