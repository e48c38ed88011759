import LoaderCore

/// The type descriptors that reflection can find (those with the typelink flag), by type string
/// (cmd/link/internal/ld/data.go dodataSect).
package final class TypeStrings: @unchecked Sendable {
  private let sorted: SortedStrings
  /// 1 for the types with the smallest string, and so on; 0 for other symbols. Indexed by SymbolID.
  private let numbers: Table<UInt32>

  /// Of all live types.
  ///
  /// - Parameter memory: has the last link's order, and keeps this one's.
  package convenience init(_ index: SymbolIndex, _ live: borrowing LiveSet, memory: LinkMemory) {
    let reader = index.reader
    memory.listing.grow(to: index.count, with: 0)
    var found: [SymbolID] = []
    let (classes, listing) = (reader.classes, memory.listing.base)
    live.forEach(below: index.count) { s in
      let i = s.index
      guard SymbolClass(rawValue: classes[i]).contains(.goType) else { return }
      if listing[i] == 0 { listing[i] = Self.isListed(s, reader) ? Self.listed : Self.unlisted }
      if listing[i] == Self.listed { found.append(s) }
    }
    self.init(of: found, index, known: memory.typeStrings)
    memory.typeStrings = sorted
  }

  private static let listed: UInt8 = 1
  private static let unlisted: UInt8 = 2

  init(of found: [SymbolID], _ index: SymbolIndex, known: SortedStrings = SortedStrings()) {
    let decoder = TypeDecoder(index.reader)
    let numbers = Table<UInt32>(repeating: 0, count: index.count)
    // Numbers serve as marks first: 1 for a type still to be placed, 2 for one that is.
    for s in found { numbers[s.index] = 1 }
    let kept = known.filtered { s in
      guard s.index < numbers.count, numbers[s.index] == 1 else { return false }
      numbers[s.index] = 2
      return true
    }
    var fresh: [SortedStrings.Fresh] = []
    for s in found where numbers[s.index] == 1 {
      fresh.append(.init(text: decoder.string(s), symbol: s, name: decoder.stringSymbol(s)))
    }
    fresh.sort { $0.text < $1.text }
    sorted = kept.merged(with: fresh) { decoder.string($0) }
    var number: UInt32 = 0
    for (k, s) in sorted.symbols.enumerated() {
      if !sorted.repeatsLast[k] { number += 1 }
      numbers[s.index] = number
    }
    self.numbers = numbers
  }

  @inline(__always)
  static func isListed(_ s: SymbolID, _ reader: SymbolReader) -> Bool {
    let flags = reader.flags(s)
    return flags.contains(.typelink) && !flags.contains(.itab)
  }

  /// The number of the type's string among all, from 1; 0 for other symbols.
  @inline(__always)
  func number(_ s: SymbolID) -> UInt32 { s.index < numbers.count ? numbers[s.index] : 0 }

  /// The largest number.
  var count: UInt32 {
    guard let last = sorted.symbols.last else { return 0 }
    return number(last)
  }
}

/// Types by string; types of one string in no particular order.
package struct SortedStrings: Sendable {
  package private(set) var symbols: [SymbolID] = []
  /// Whether the string is that of the type before.
  package private(set) var repeatsLast: [Bool] = []
  /// The symbols in which the strings lie.
  private var names: [SymbolID] = []

  package struct Fresh {
    package let text: ByteView
    let symbol: SymbolID
    let name: SymbolID

    package init(text: ByteView, symbol: SymbolID, name: SymbolID) {
      self.text = text
      self.symbol = symbol
      self.name = name
    }
  }

  package init() {}

  func write(to writer: SnapshotWriter) {
    writer.array(symbols)
    writer.array(names)
    writer.array(repeatsLast)
  }

  init(_ reader: inout SnapshotReader) {
    symbols = reader.array()
    names = reader.array()
    repeatsLast = reader.array()
    if names.count != symbols.count || repeatsLast.count != symbols.count { reader.fail() }
  }

  var byteCount: Int { symbols.count * 9 }

  private func emptyWithRoom(for count: Int) -> SortedStrings {
    var out = SortedStrings()
    out.symbols.reserveCapacity(count)
    out.repeatsLast.reserveCapacity(count)
    out.names.reserveCapacity(count)
    return out
  }

  private mutating func append(_ s: SymbolID, _ name: SymbolID, repeatsLast repeats: Bool) {
    symbols.append(s)
    names.append(name)
    repeatsLast.append(repeats)
  }

  /// What is left of the order when others are taken out.
  func filtered(_ isKept: (SymbolID) -> Bool) -> SortedStrings { mapped { isKept($0) ? ($0, $1) : nil } }

  /// What is left after an exchange of objects: types that are what they were, with their names.
  func following(_ change: IndexChange) -> SortedStrings {
    if change.keeps(symbols), change.keeps(names) { return self }
    return mapped { s, name in
      guard !change.isTouched(s), !change.isTouched(name), let n = change.number(s),
        let m = change.number(name)
      else { return nil }
      return (n, m)
    }
  }

  /// What is left when types and their names get other numbers, or none.
  package func mapped(_ numbers: (SymbolID, SymbolID) -> (SymbolID, SymbolID)?) -> SortedStrings {
    var out = emptyWithRoom(for: symbols.count)
    // A type repeats the one before that is left if all between repeat each other.
    var repeats = true
    for (k, s) in symbols.enumerated() {
      repeats = repeats && repeatsLast[k]
      guard let (n, name) = numbers(s, names[k]) else { continue }
      out.append(n, name, repeatsLast: repeats && !out.symbols.isEmpty)
      repeats = true
    }
    return out
  }

  /// The order with other types, sorted by string, in their places.
  package func merged(with fresh: [Fresh], string: (SymbolID) -> ByteView) -> SortedStrings {
    guard !fresh.isEmpty else { return self }
    var out = emptyWithRoom(for: symbols.count + fresh.count)
    var at = 0
    var k = 0
    while k < fresh.count {
      let text = fresh[k].text
      let place = lowerBound(text, from: at, string)
      while at < place {
        out.append(symbols[at], names[at], repeatsLast: repeatsLast[at])
        at += 1
      }
      var repeats = false
      while k < fresh.count, fresh[k].text == text {
        out.append(fresh[k].symbol, fresh[k].name, repeatsLast: repeats)
        repeats = true
        k += 1
      }
      if at < symbols.count, string(symbols[at]) == text {
        out.append(symbols[at], names[at], repeatsLast: true)
        at += 1
      }
    }
    while at < symbols.count {
      out.append(symbols[at], names[at], repeatsLast: repeatsLast[at])
      at += 1
    }
    return out
  }

  /// The first place, from `start` on, whose string is not smaller.
  private func lowerBound(_ text: ByteView, from start: Int, _ string: (SymbolID) -> ByteView) -> Int {
    var (a, b) = (start, symbols.count)
    while a < b {
      let m = (a + b) / 2
      if string(symbols[m]) < text { a = m + 1 } else { b = m }
    }
    return a
  }
}
