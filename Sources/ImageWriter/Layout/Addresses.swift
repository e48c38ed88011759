import LoaderCore

/// Where every symbol ends up: its virtual address, and the section it is in. Indexed by symbol; text
/// layout fills in functions, data layout the rest. Symbols without a place have section 0.
///
/// One word a symbol, because relocation reads nothing else of most targets: the address in the low 48 bits,
/// the section in the high 16.
package struct Addresses: ~Copyable, @unchecked Sendable {
  private var words: Table<UInt64>
  package static let addressMask: UInt64 = (1 << 48) - 1

  package init(symbolCount: Int) {
    // Room for the symbols that the linker makes on the way: growing moves all.
    words = Table(repeating: 0, count: symbolCount, spare: symbolCount / 64 + 4096)
  }

  package mutating func grow(to symbolCount: Int) { words.grow(to: symbolCount, with: 0) }

  /// The virtual address; 0 when the symbol has none.
  @inline(__always)
  package subscript(_ s: SymbolID) -> UInt64 {
    get { s.index < words.count ? words[s.index] & Self.addressMask : 0 }
    set { place(s, at: newValue, in: section(of: s)) }
  }

  @inline(__always)
  package func section(of s: SymbolID) -> SectionID {
    SectionID(s.index < words.count ? UInt16(truncatingIfNeeded: words[s.index] >> 48) : 0)
  }

  package mutating func place(_ s: SymbolID, at address: UInt64, in section: SectionID) {
    grow(to: s.index + 1)
    words[s.index] = (address & Self.addressMask) | UInt64(section.raw) << 48
  }

  /// Places symbols, all below `count`, at `offsets` from `start`, on all cores.
  mutating func place(
    _ symbols: [SymbolID], at offsets: [UInt64], from start: UInt64, in section: SectionID
  ) {
    let (base, limit, bits) = (words.base, words.count, UInt64(section.raw) << 48)
    symbols.withUnsafeBufferPointer { symbols in
      offsets.withUnsafeBufferPointer { offsets in
        Chunks.run(min(symbols.count, offsets.count), grain: 8192) { range in
          for i in range where symbols[i].index < limit {
            base[symbols[i].index] = (start &+ offsets[i]) & Self.addressMask | bits
          }
        }
      }
    }
  }

  /// Address and section of every symbol, as stored.
  @inline(__always) package var packed: UnsafePointer<UInt64> { UnsafePointer(words.base) }
  package var count: Int { words.count }
  /// For the time they live and do not grow.
  package var view: AddressView { AddressView(words: packed, count: count) }
}

/// A section of the image: an index into the section list, in creation order; 0 is none.
package struct SectionID: Hashable, Sendable, BitwiseCopyable {
  package let raw: UInt16
  @inline(__always) package init(_ raw: UInt16) { self.raw = raw }
  package static let none = SectionID(0)
  /// .text is always made first.
  package static let text = SectionID(1)
  @inline(__always) package var index: Int { Int(raw) }
}

extension UInt64 {
  /// Rounded up to a multiple of `alignment`, a power of two; 0 and 1 leave it alone.
  @inline(__always)
  package func rounded(to alignment: Int) -> UInt64 {
    guard alignment > 1 else { return self }
    let a = UInt64(alignment)
    return (self &+ a &- 1) & ~(a &- 1)
  }
}
