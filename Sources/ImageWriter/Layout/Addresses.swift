import LoaderCore

/// Where every symbol ends up: its virtual address, and the section it is in. Indexed by symbol; text
/// layout fills in functions, data layout the rest. Symbols without a place have section 0.
package struct Addresses: ~Copyable, @unchecked Sendable {
  private var values: Table<UInt64>
  private var sections: Table<UInt16>

  package init(symbolCount: Int) {
    values = Table(repeating: 0, count: symbolCount)
    sections = Table(repeating: 0, count: symbolCount)
  }

  package mutating func grow(to symbolCount: Int) {
    values.grow(to: symbolCount, with: 0)
    sections.grow(to: symbolCount, with: 0)
  }

  /// The virtual address; 0 when the symbol has none.
  @inline(__always)
  package subscript(_ s: SymbolID) -> UInt64 {
    get { s.index < values.count ? values[s.index] : 0 }
    set {
      grow(to: s.index + 1)
      values[s.index] = newValue
    }
  }

  @inline(__always)
  package func section(of s: SymbolID) -> SectionID {
    SectionID(s.index < sections.count ? sections[s.index] : 0)
  }

  package mutating func place(_ s: SymbolID, at address: UInt64, in section: SectionID) {
    grow(to: s.index + 1)
    values[s.index] = address
    sections[s.index] = section.raw
  }

  @inline(__always) package var addressBase: UnsafePointer<UInt64> { UnsafePointer(values.base) }
  @inline(__always) package var sectionBase: UnsafePointer<UInt16> { UnsafePointer(sections.base) }
  package var count: Int { values.count }
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
