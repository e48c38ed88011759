import LoaderCore

/// The data symbols of one kind in image order (cmd/link/internal/ld/data.go dodataSect).
package struct OrderedData: Sendable {
  package var symbols: [SymbolID] = []
  /// Bytes, by position in `symbols`; `unknownSize` for the linker's own symbols, which may still grow.
  package var sizes: [UInt64] = []
  static let unknownSize = UInt64.max
  /// Bytes, by position in `symbols`. Taken when the symbols are sorted: sizes that are found out later
  /// (GC programs) do not change it.
  package var alignments: [Int32] = []
  /// The largest of `alignments`, 0 when there are none.
  package var maxAlignment: Int32 = 0
}

/// What the order of type descriptors tells the runtime, in bytes from the start of .go.type.
package struct TypeSectionLayout: Sendable {
  /// End of the descriptors that reflection can find by string.
  package var typelinkEnd: UInt64 = 8
  package var itabOffset: UInt64 = 8
  package var itabSize: UInt64 = 0
}

package struct DataOrder: Sendable {
  package var byKind: [OrderedData]
  package var types = TypeSectionLayout()
  /// Errors in symbol sizes, in the real linker's words.
  package var errors: [String] = []

  package subscript(_ kind: SymbolKind) -> OrderedData { byKind[Int(kind.rawValue)] }

  /// - Parameter memory: has the last link's orders, and keeps this one's.
  package init(
    _ groups: SymbolGroups, _ index: SymbolIndex, _ strings: TypeStrings, memory: LinkMemory
  ) {
    let marks = Table<UInt8>(repeating: 0, count: index.count)
    let sorter = DataSorter(index: index, reader: index.reader, marks: marks.base)
    let n = groups.byKind.count
    let kept = memory.sizeOrders.count == n ? memory.sizeOrders : Array(repeating: SizeOrder(), count: n)
    let orders = PartialResults<SizeOrder>(count: n, empty: SizeOrder())
    let typeOrder = PartialResults<SortedTypes>(count: 1, empty: SortedTypes())
    let results = PartialResults<OrderedData>(count: n, empty: OrderedData())
    let problems = PartialResults<[String]>(count: n, empty: [])
    Chunks.each(n) { k in
      // Largest job first: the type descriptors need Go's own sort.
      let kind = k == 0 ? Int(SymbolKind.type.rawValue) : k == Int(SymbolKind.type.rawValue) ? 0 : k
      guard !groups.byKind[kind].isEmpty else { return }
      if kind == Int(SymbolKind.type.rawValue) {
        let sorted = sorter.sortTypes(groups.byKind[kind], strings, last: memory.types, others: kept[kind])
        results.set(kind, sorted.data)
        typeOrder.set(0, sorted.types)
        orders.set(kind, sorted.others)
      } else {
        let isPclntab = kind == Int(SymbolKind.pclntab.rawValue)
        let isGOT = kind == Int(SymbolKind.elfGOT.rawValue)
        let sorted = sorter.sort(groups.byKind[kind], keepOrder: isPclntab, byName: isGOT, known: kept[kind])
        results.set(kind, sorted.data)
        orders.set(kind, sorted.sizes)
      }
      problems.set(kind, sorter.sizeErrors(groups.byKind[kind]))
    }
    memory.sizeOrders = orders.all
    memory.types = typeOrder.all[0]
    _ = consume marks
    byKind = results.all
    types = memory.types.shape.layout
    errors = problems.all.flatMap { $0 }
  }
}

final class DataSorter: @unchecked Sendable {
  let index: SymbolIndex
  let reader: SymbolReader
  /// By symbol; each is sorted once.
  let marks: UnsafeMutablePointer<UInt8>
  let zeroBase: SymbolID
  private let own: OwnSymbols

  /// No symbol may be larger (data.go cutoff).
  private static let largest: Int64 = 1 << 50
  /// Data is aligned to no more than this unless an object asks for it (amd64/l.go maxAlign).
  private static let maxAlignment = 32

  init(index: SymbolIndex, reader: SymbolReader, marks: UnsafeMutablePointer<UInt8>) {
    self.index = index
    self.reader = reader
    self.marks = marks
    zeroBase = index.lookup("runtime.zerobase")
    own = OwnSymbols(index)
  }

  /// Whether the symbol is the linker's own.
  @inline(__always)
  func isOwned(_ s: SymbolID) -> Bool { own.contains(s) }

  /// Errors in symbols that were not looked at in the last link, which had none.
  func sizeErrors(_ symbols: [SymbolID]) -> [String] {
    symbols.compactMap { marks[$0.index] == SizeOrder.isKnown ? nil : sizeError($0) }
  }

  private func sizeError(_ s: SymbolID) -> String? {
    let size = reader.size(s)
    let data = reader.data(s).count
    guard size < data || size < 0 || size > Self.largest else { return nil }
    let name = reader.name(s).string
    if size < data { return "\(name): initialize bounds (\(size) < \(data))\n" }
    if size < 0 { return "\(name): negative size (\(size) bytes)\n" }
    return "\(name): symbol too large (\(size) bytes)\n"
  }

  /// The objects' alignment, else the largest power of two that is not larger than the symbol (symalign).
  @inline(__always)
  func alignment(_ s: SymbolID, _ size: Int64) -> Int32 {
    let given = index.alignment(s)
    if given != 0 { return Int32(given) }
    var a = Self.maxAlignment
    while Int64(a) > size && a > 1 { a >>= 1 }
    return Int32(a)
  }

  private func finish(_ symbols: [SymbolID], _ size: (Int, SymbolID) -> Int64) -> OrderedData {
    var out = OrderedData(symbols: symbols)
    out.alignments.reserveCapacity(symbols.count)
    out.sizes.reserveCapacity(symbols.count)
    for (i, s) in symbols.enumerated() {
      let bytes = size(i, s)
      let a = alignment(s, bytes)
      out.alignments.append(a)
      out.maxAlignment = max(out.maxAlignment, a)
      out.sizes.append(isOwned(s) ? OrderedData.unknownSize : UInt64(bitPattern: bytes))
    }
    return out
  }

  /// By size, then rank. runtime.zerobase comes right behind the symbols without size, so that these have
  /// its address.
  private func sizeKey(_ s: SymbolID) -> UInt64 {
    if s == zeroBase { return 1 }
    let size = UInt64(bitPattern: reader.size(s))
    return size == 0 ? 0 : size &+ 1
  }

  func sort(
    _ symbols: [SymbolID], keepOrder: Bool, byName: Bool, known: SizeOrder
  ) -> (data: OrderedData, sizes: SizeOrder) {
    if keepOrder { return (finish(symbols) { reader.size($1) }, SizeOrder()) }
    if byName {
      let sorted = symbols.sorted {
        let (a, b) = (reader.name($0), reader.name($1))
        return a == b ? reader.rank($0) < reader.rank($1) : a < b
      }
      return (finish(sorted) { reader.size($1) }, SizeOrder())
    }
    let order = sortedBySize(symbols, known)
    let data = finish(order.symbols) { i, s in
      let key = order.keys[i]
      return s == zeroBase || key == SizeOrder.largeKey ? reader.size(s) : Int64(key == 0 ? 0 : key - 1)
    }
    return (data, order.withoutOwned(zeroBase, isOwned))
  }

  func sortedBySize(_ symbols: [SymbolID], _ known: SizeOrder) -> SizeOrder {
    known.merged(with: symbols, marks: marks, count: reader.count, isOwned: isOwned, key: sizeKey)
      ?? sortedAnew(symbols)
  }

  private func sortedAnew(_ symbols: [SymbolID]) -> SizeOrder {
    if let sorted = SizeSort.sorted(symbols, key: sizeKey) { return sorted }
    // Sizes below 2^32 pack into one word with the rank: a plain integer sort, without ties.
    var keys: [UInt64] = []
    var large: [SymbolID] = []
    keys.reserveCapacity(symbols.count)
    for s in symbols {
      let k = sizeKey(s)
      if k < SizeOrder.largeKey { keys.append(k << 32 | UInt64(s.raw)) } else { large.append(s) }
    }
    keys.sort()
    large.sort { (sizeKey($0), reader.rank($0)) < (sizeKey($1), reader.rank($1)) }
    var order = SizeOrder(packed: keys)
    for s in large { order.append(s, UInt32(SizeOrder.largeKey)) }
    return order
  }
}
