import LoaderCore

/// The type descriptors that reflection can find (those with the typelink flag), by type string
/// (cmd/link/internal/ld/data.go dodataSect).
package final class TypeStrings: @unchecked Sendable {
  /// By string; types of one string in no particular order.
  package let order: [SymbolID]
  /// 1 for the types with the smallest string, and so on; 0 for other symbols. Indexed by SymbolID.
  private let numbers: Table<UInt32>

  /// Of all live types.
  ///
  /// - Parameter memory: has the order of the last link, and keeps this one's. It saves comparisons.
  package convenience init(_ index: SymbolIndex, _ live: borrowing LiveSet, memory: LinkMemory) {
    let reader = index.reader
    var found: [SymbolID] = []
    for i in 1..<min(index.count, live.limit) {
      let s = SymbolID(i)
      if live.contains(s), reader.symbolClass(s).contains(.goType), Self.isListed(s, reader) {
        found.append(s)
      }
    }
    self.init(of: found, index, known: memory.typesByString)
    memory.typesByString = order
  }

  init(of found: [SymbolID], _ index: SymbolIndex, known: [SymbolID]) {
    let decoder = TypeDecoder(index.reader)
    // Numbers serve as marks first: 1 for a type still to be placed, 2 for one that is.
    numbers = Table(repeating: 0, count: index.count)
    for s in found { numbers[s.index] = 1 }
    // Started from the last link's order, which this one's nearly is, the sort compares neighbours only.
    var strings: [(text: ByteView, symbol: SymbolID)] = []
    strings.reserveCapacity(found.count)
    for s in known + found where s.index < numbers.count && numbers[s.index] == 1 {
      numbers[s.index] = 2
      strings.append((decoder.string(s), s))
    }
    strings.sort { $0.text < $1.text }
    var number: UInt32 = 0
    for (k, entry) in strings.enumerated() {
      if k == 0 || !(strings[k - 1].text == entry.text) { number += 1 }
      numbers[entry.symbol.index] = number
    }
    order = strings.map(\.symbol)
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
    guard let last = order.last else { return 0 }
    return number(last)
  }
}
