/// Names for addresses, from an ELF symbol table.
package struct SymbolNames: Sendable {
  private struct Entry {
    var address: UInt64
    var size: UInt64
    var nameOffset: Int
  }
  private var entries: [Entry] = []
  private var nameEnd = 0
  private let image: ELFImage
  private var bytes: FileBytes { image.bytes }

  package var isEmpty: Bool { entries.isEmpty }

  /// Reads .symtab of `image`; an image without one gives no names.
  package init(image: ELFImage) {
    self.image = image
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

  /// `name+0xOFFSET` of the last symbol of the section of that name that starts at or before `offset`, or how far
  /// behind the symbol's end it is. The section may lie at another address than in the file in question.
  func describe(section name: String, offset: Int) -> String? {
    guard let section = image.section(name), section.address != 0 else { return nil }
    let address = section.address &+ UInt64(offset)
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let entry = entries[low - 1]
    guard entry.address >= section.address, let name = bytes.cString(at: entry.nameOffset, end: nameEnd)
    else {
      return nil
    }
    let offset = address - entry.address
    if offset == 0 { return name }
    if offset < entry.size { return "\(name)+\(hex(offset)) (of \(hex(entry.size)))" }
    return "\(hex(offset - entry.size)) behind the end of \(name)"
  }
}

func hex<T: BinaryInteger>(_ value: T) -> String { "0x" + String(value, radix: 16) }
