internal import Dispatch
import LoaderCore

/// The data symbols of one kind in image order (cmd/link/internal/ld/data.go dodataSect).
package struct OrderedData: Sendable {
  package var symbols: [SymbolID] = []
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

  package init(_ groups: SymbolGroups, _ index: SymbolIndex, _ strings: TypeStrings) {
    let sorter = DataSorter(index: index, reader: index.reader)
    let n = groups.byKind.count
    let results = PartialResults<OrderedData>(count: n, empty: OrderedData())
    let types = PartialResults<TypeSectionLayout>(count: 1, empty: TypeSectionLayout())
    let problems = PartialResults<[String]>(count: n, empty: [])
    DispatchQueue.concurrentPerform(iterations: n) { k in
      // Largest job first: the type descriptors need Go's own sort.
      let kind = k == 0 ? Int(SymbolKind.type.rawValue) : k == Int(SymbolKind.type.rawValue) ? 0 : k
      guard !groups.byKind[kind].isEmpty else { return }
      if kind == Int(SymbolKind.type.rawValue) {
        let (order, layout) = sorter.sortTypes(groups.byKind[kind], strings)
        results.set(kind, order)
        types.set(0, layout)
      } else {
        let isPclntab = kind == Int(SymbolKind.pclntab.rawValue)
        let isGOT = kind == Int(SymbolKind.elfGOT.rawValue)
        results.set(kind, sorter.sort(groups.byKind[kind], keepOrder: isPclntab, byName: isGOT))
      }
      problems.set(kind, groups.byKind[kind].compactMap(sorter.sizeError))
    }
    byKind = results.all
    self.types = types.all[0]
    errors = problems.all.flatMap { $0 }
  }
}

private struct DataSorter: @unchecked Sendable {
  let index: SymbolIndex
  let reader: SymbolReader
  let zeroBase: SymbolID

  /// No symbol may be larger (data.go cutoff).
  private static let largest: Int64 = 1 << 50
  /// Data is aligned to no more than this unless an object asks for it (amd64/l.go maxAlign).
  private static let maxAlignment = 32

  init(index: SymbolIndex, reader: SymbolReader) {
    self.index = index
    self.reader = reader
    zeroBase = index.lookup("runtime.zerobase")
  }

  func sizeError(_ s: SymbolID) -> String? {
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
  private func alignment(_ s: SymbolID, _ size: Int64) -> Int32 {
    let given = index.alignment(s)
    if given != 0 { return Int32(given) }
    var a = Self.maxAlignment
    while Int64(a) > size && a > 1 { a >>= 1 }
    return Int32(a)
  }

  private func finish(_ symbols: [SymbolID]) -> OrderedData {
    var out = OrderedData(symbols: symbols)
    out.alignments.reserveCapacity(symbols.count)
    for s in symbols {
      let a = alignment(s, reader.size(s))
      out.alignments.append(a)
      out.maxAlignment = max(out.maxAlignment, a)
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

  func sort(_ symbols: [SymbolID], keepOrder: Bool, byName: Bool) -> OrderedData {
    if keepOrder { return finish(symbols) }
    if byName {
      return finish(
        symbols.sorted {
          let (a, b) = (reader.name($0), reader.name($1))
          return a == b ? reader.rank($0) < reader.rank($1) : a < b
        })
    }
    return finish(sortedBySize(symbols))
  }

  private func sortedBySize(_ symbols: [SymbolID]) -> [SymbolID] {
    if let sorted = SizeSort.sorted(symbols, key: sizeKey) { return sorted }
    // Sizes below 2^32 pack into one word with the rank: a plain integer sort, without ties.
    var keys: [UInt64] = []
    var large: [SymbolID] = []
    keys.reserveCapacity(symbols.count)
    for s in symbols {
      let k = sizeKey(s)
      if k >> 32 == 0 { keys.append(k << 32 | UInt64(s.raw)) } else { large.append(s) }
    }
    keys.sort()
    large.sort { (sizeKey($0), reader.rank($0)) < (sizeKey($1), reader.rank($1)) }
    return keys.map { SymbolID(UInt32(truncatingIfNeeded: $0)) } + large
  }

  /// Descriptors with the typelink flag by type string, then other types, then itabs, both by size.
  ///
  /// Equal strings do occur and nothing breaks the tie, so the order among them is what Go's unstable sort
  /// makes of the whole list: it runs here on numbers that compare like the symbols do.
  func sortTypes(
    _ symbols: [SymbolID], _ strings: TypeStrings
  ) -> (OrderedData, TypeSectionLayout) {
    let star = index.lookup("type:*")
    var keys = [UInt64](repeating: 0, count: symbols.count)
    var rest: [SymbolID] = []
    var restAt: [UInt32: Int] = [:]
    for (i, s) in symbols.enumerated() where s != star {
      let number = strings.number(s)
      if number != 0 {
        keys[i] = UInt64(number)
      } else if TypeStrings.isListed(s, reader) {
        // Not marked as a type descriptor, and so not seen.
        let listed = symbols.filter { $0 != star && TypeStrings.isListed($0, reader) }
        return sortTypes(symbols, TypeStrings(of: listed, index, known: []))
      } else {
        rest.append(s)
        restAt[s.raw] = i
      }
    }
    var number = UInt64(strings.count)
    for s in sortedBySize(rest) {
      guard let at = restAt[s.raw] else { continue }
      number += 1
      keys[at] = number | (reader.symbolClass(s).contains(.itab) ? 1 << 40 : 1 << 39)
    }
    var order: [(key: UInt64, symbol: SymbolID)] = []
    order.reserveCapacity(symbols.count)
    for (i, s) in symbols.enumerated() { order.append((keys[i], s)) }
    order.withUnsafeMutableBufferPointer { GoSort.sort($0) { $0.key < $1.key } }
    let sorted = finish(order.map(\.symbol))
    return (sorted, layout(sorted, star, isTypelink: order.map { $0.key != 0 && $0.key >> 39 == 0 }))
  }

  private func layout(_ data: OrderedData, _ star: SymbolID, isTypelink: [Bool]) -> TypeSectionLayout {
    var out = TypeSectionLayout()
    var i = 0
    let n = data.symbols.count
    // The section begins with a hole of 8 bytes, so that no type has offset 0.
    var end: UInt64 = 8
    while i < n, data.symbols[i] == star || isTypelink[i] {
      if data.symbols[i] != star {
        end = end.rounded(to: Int(data.alignments[i])) &+ UInt64(reader.size(data.symbols[i]))
      }
      i += 1
    }
    out.typelinkEnd = end
    while i < n, !reader.symbolClass(data.symbols[i]).contains(.itab) {
      end = end.rounded(to: Int(data.alignments[i])) &+ UInt64(reader.size(data.symbols[i]))
      i += 1
    }
    if i < n { end = end.rounded(to: Int(data.alignments[i])) }
    out.itabOffset = end
    var size: UInt64 = 0
    while i < n {
      size = size.rounded(to: Int(data.alignments[i])) &+ UInt64(reader.size(data.symbols[i]))
      i += 1
    }
    out.itabSize = size
    return out
  }
}
