/// Names for addresses, from an ELF symbol table.
package struct SymbolNames: Sendable {
  private struct Entry {
    var address: UInt64
    var size: UInt64
    var nameOffset: Int
  }
  private var entries: [Entry] = []
  private var nameEnd = 0
  private let bytes: FileBytes

  package var isEmpty: Bool { entries.isEmpty }

  /// Reads .symtab of `image`; an image without one gives no names.
  package init(image: ELFImage) {
    bytes = image.bytes
    guard let table = image.section(".symtab"), Int(table.link) < image.sections.count else { return }
    let strings = image.sections[Int(table.link)]
    nameEnd = strings.offset + strings.fileSize
    let entrySize = 24
    entries.reserveCapacity(table.fileSize / entrySize)
    for at in stride(from: table.offset, to: table.offset + table.fileSize - entrySize + 1, by: entrySize) {
      let kind = (bytes.byte(at: at + 4) ?? 0) & 0xf
      let section = bytes.integer(UInt16.self, at: at + 6) ?? 0
      // Undefined, absolute, FILE and TLS symbols have no address of their own.
      guard section != 0, section < 0xff00, kind < 3, let name = bytes.integer(UInt32.self, at: at),
        let address = bytes.integer(UInt64.self, at: at + 8),
        let size = bytes.integer(UInt64.self, at: at + 16)
      else { continue }
      entries.append(Entry(address: address, size: size, nameOffset: strings.offset + Int(name)))
    }
    // A sized symbol behind the zero-sized markers of its address, so that it is the one that is found.
    entries.sort { ($0.address, $0.size) < ($1.address, $1.size) }
  }

  /// `name+0xOFFSET` of the last symbol that starts at or before `address`, if it is in the same section span
  /// (`from` is the section's start): says so when the address is behind the symbol's end.
  func describe(_ address: UInt64, from start: UInt64) -> String? {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let entry = entries[low - 1]
    guard entry.address >= start, let name = bytes.cString(at: entry.nameOffset, end: nameEnd) else {
      return nil
    }
    let offset = address - entry.address
    if offset == 0 { return name }
    if offset < entry.size { return "\(name)+\(hex(offset)) (of \(hex(entry.size)))" }
    return "\(hex(offset - entry.size)) behind the end of \(name)"
  }
}

func hex<T: BinaryInteger>(_ value: T) -> String { "0x" + String(value, radix: 16) }
