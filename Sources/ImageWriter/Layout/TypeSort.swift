import LoaderCore

/// The order of type descriptors, as one link leaves it to the next.
struct SortedTypes: Sendable {
  var order = TypeOrder()
  var sizes = SymbolSizes()
  var shape = TypeShape()

  var byteCount: Int { order.byteCount + sizes.byteCount + shape.byteCount }

  /// Follows an exchange of objects: order and shape are compared with what they are made of.
  mutating func follow(_ change: IndexChange) { sizes.follow(change) }
}

/// Sizes and alignments of the descriptors, and what follows from them and from the order.
struct TypeShape: Sendable {
  /// By rank: bytes, log2 of the alignment, and whether the symbol is the linker's own.
  var words: [UInt64] = []
  /// By place in the image, as `OrderedData` has them.
  var sizes: [UInt64] = []
  var alignments: [Int32] = []
  var maxAlignment: Int32 = 0
  var layout = TypeSectionLayout()

  var byteCount: Int { words.count * 20 }
}

extension DataSorter {
  private enum Key {
    /// Of descriptors that reflection cannot find; the typelinks' numbers are below.
    static let unlisted: UInt64 = 1 << 39
    static let itab: UInt64 = 1 << 40
  }

  /// Descriptors with the typelink flag by type string, then other types, then itabs, both by size.
  ///
  /// Equal strings do occur and nothing breaks the tie, so the order among them is what Go's unstable sort
  /// makes of the whole list: it runs here on numbers that compare like the symbols do. Where the numbers are the
  /// last link's, so is the order.
  ///
  /// - Parameter others: the order by size of what is not listed.
  func sortTypes(
    _ symbols: [SymbolID], _ strings: TypeStrings, last: SortedTypes, others: SizeOrder
  ) -> (data: OrderedData, types: SortedTypes, others: SizeOrder) {
    let star = index.lookup("type:*")
    var found: Measures?
    var keyed: (keys: [UInt64], others: SizeOrder)?
    Chunks.beside {
      found = Measures(of: symbols, last.sizes, self)
    } _: {
      keyed = keys(symbols, star, strings, others)
    }
    guard let keyed else {
      // Not marked as a type descriptor, and so not seen.
      let listed = symbols.filter { $0 != star && TypeStrings.isListed($0, reader) }
      return sortTypes(symbols, TypeStrings(of: listed, index), last: SortedTypes(), others: SizeOrder())
    }
    let measures = found ?? Measures(of: symbols, last.sizes, self)
    measures.markKnown(symbols, marks)
    let isKnown = last.order.keys == keyed.keys
    let order = isKnown ? last.order : TypeOrder(keyed.keys)
    let shape = shape(measures, order, isKnown ? last.shape : TypeShape())
    let data = OrderedData(
      symbols: order.positions.map { symbols[Int($0)] }, sizes: shape.sizes, alignments: shape.alignments,
      maxAlignment: shape.maxAlignment)
    let sizes = SymbolSizes(symbols, measures.bytes) { !isOwned($0) }
    return (
      data, SortedTypes(order: order, sizes: sizes, shape: shape),
      keyed.others.withoutOwned(zeroBase, isOwned)
    )
  }

  /// The numbers that descriptors are sorted by, and the order of those that are sorted by size; nil when a listed one has
  /// no number.
  private func keys(
    _ symbols: [SymbolID], _ star: SymbolID, _ strings: TypeStrings, _ others: SizeOrder
  ) -> (keys: [UInt64], others: SizeOrder)? {
    var keys = [UInt64](repeating: 0, count: symbols.count)
    // Listed or not, by position; then the others by size.
    var rest: [SymbolID] = []
    for (i, s) in symbols.enumerated() where s != star {
      let number = strings.number(s)
      if number != 0 {
        keys[i] = UInt64(number)
      } else if reader.symbolClass(s).isDisjoint(with: [.goType, .itab]), TypeStrings.isListed(s, reader) {
        return nil
      } else {
        rest.append(s)
      }
    }
    let bySize = sortedBySize(rest, others)
    // By symbol; only those of `rest` are written, and read.
    let restNumbers = Table<UInt32>(uninitialized: index.count)
    for (k, s) in bySize.symbols.enumerated() { restNumbers[s.index] = UInt32(truncatingIfNeeded: k + 1) }
    for (i, s) in symbols.enumerated() where keys[i] == 0 && s != star {
      let number = UInt64(strings.count) + UInt64(restNumbers[s.index])
      keys[i] = number | (reader.symbolClass(s).contains(.itab) ? Key.itab : Key.unlisted)
    }
    return (keys, bySize)
  }

  /// - Parameter last: of the same order; of no symbols when there is none.
  private func shape(_ measures: Measures, _ order: TypeOrder, _ last: TypeShape) -> TypeShape {
    var made = TypeShape(words: measures.words)
    let bytes = measures.bytes
    if made.words == last.words { return last }
    made.sizes.reserveCapacity(bytes.count)
    made.alignments.reserveCapacity(bytes.count)
    for p in order.positions {
      let word = made.words[Int(p)]
      let alignment = Int32(1) << Int32(word >> 1 & 0x7f)
      made.sizes.append(word & 1 != 0 ? OrderedData.unknownSize : bytes[Int(p)])
      made.alignments.append(alignment)
      made.maxAlignment = max(made.maxAlignment, alignment)
    }
    made.layout = Self.layout(order, bytes, made.alignments)
    return made
  }

  /// - Parameters:
  ///   - bytes: by rank.
  ///   - alignments: by place in the image.
  private static func layout(_ order: TypeOrder, _ bytes: [UInt64], _ alignments: [Int32])
    -> TypeSectionLayout
  {
    var out = TypeSectionLayout()
    func key(_ i: Int) -> UInt64 { order.keys[Int(order.positions[i])] }
    func size(_ i: Int) -> UInt64 { bytes[Int(order.positions[i])] }
    var i = 0
    let n = order.positions.count
    // The section begins with a hole of 8 bytes, so that no type has offset 0.
    var end: UInt64 = 8
    while i < n, key(i) < Key.unlisted {
      // type:* has key 0, and no part in this.
      if key(i) != 0 { end = end.rounded(to: Int(alignments[i])) &+ size(i) }
      i += 1
    }
    out.typelinkEnd = end
    while i < n, key(i) < Key.itab {
      end = end.rounded(to: Int(alignments[i])) &+ size(i)
      i += 1
    }
    if i < n { end = end.rounded(to: Int(alignments[i])) }
    out.itabOffset = end
    var length: UInt64 = 0
    while i < n {
      length = length.rounded(to: Int(alignments[i])) &+ size(i)
      i += 1
    }
    out.itabSize = length
    return out
  }
}

/// Sizes and alignments of symbols, in rank order.
private struct Measures {
  private(set) var bytes: [UInt64]
  /// `TypeShape.words`
  private(set) var words: [UInt64] = []
  /// Whose size the last link knew.
  private var isKnown: [Bool]

  /// What the last link knew need not be looked at again.
  init(of symbols: [SymbolID], _ known: SymbolSizes, _ sorter: DataSorter) {
    bytes = Array(repeating: 0, count: symbols.count)
    isKnown = Array(repeating: false, count: symbols.count)
    known.find(symbols) { i, size in
      guard !sorter.isOwned(symbols[i]) else { return }
      bytes[i] = size
      isKnown[i] = true
    }
    words.reserveCapacity(symbols.count)
    for (i, s) in symbols.enumerated() {
      if !isKnown[i] { bytes[i] = UInt64(bitPattern: sorter.reader.size(s)) }
      let alignment = UInt64(sorter.alignment(s, Int64(bitPattern: bytes[i])).trailingZeroBitCount)
      words.append(bytes[i] << 8 | alignment << 1 | (sorter.isOwned(s) ? 1 : 0))
    }
  }

  /// Their sizes need not be checked again.
  func markKnown(_ symbols: [SymbolID], _ marks: UnsafeMutablePointer<UInt8>) {
    for (i, s) in symbols.enumerated() where isKnown[i] { marks[s.index] = SizeOrder.isKnown }
  }
}
