import ImageDiff
import Testing

/// A small ELF file made of named sections, for tests.
struct TinyELF {
  struct Section {
    var name: String
    var type: UInt32 = 1
    var flags: UInt64 = 2
    var address: UInt64 = 0
    var bytes: [UInt8]
    var link: UInt32 = 0
    /// For a section without bytes in the file.
    var memorySize: UInt64?
  }
  var sections: [Section]

  static func words(_ values: [UInt64]) -> [UInt8] {
    values.flatMap { v in (0..<8).map { UInt8(truncatingIfNeeded: v >> (8 * $0)) } }
  }
  static func halves(_ values: [UInt32]) -> [UInt8] {
    values.flatMap { v in (0..<4).map { UInt8(truncatingIfNeeded: v >> (8 * $0)) } }
  }
  static func shorts(_ values: [UInt16]) -> [UInt8] {
    values.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
  }

  /// Header, section headers, then the sections' bytes, each on a multiple of 8.
  func file(_ path: String = "file") -> FileBytes {
    var names: [UInt8] = [0]
    var body: [UInt8] = []
    var headers: [UInt8] = Array(repeating: 0, count: 64)
    let all = sections + [Section(name: ".shstrtab", type: 3, flags: 0, bytes: [])]
    let start = 64 + 64 * (all.count + 1)
    for section in all {
      let nameOffset = UInt32(names.count)
      names += Array(section.name.utf8) + [0]
      while body.count % 8 != 0 { body.append(0) }
      let bytes = section.name == ".shstrtab" ? names : section.bytes
      headers += Self.halves([nameOffset, section.type])
      headers += Self.words([
        section.flags, section.address, UInt64(start + body.count), section.memorySize ?? UInt64(bytes.count),
      ])
      headers += Self.halves([section.link, 0]) + Self.words([8, 0])
      body += bytes
    }
    let identity: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    let header =
      identity + Self.shorts([2, 62]) + Self.halves([1]) + Self.words([0x401000, 64, 64])
      + Self.halves([0]) + Self.shorts([64, 56, 0, 64, UInt16(all.count + 1), UInt16(all.count)])
    return FileBytes(path: path, bytes: header + headers + body)
  }

  /// .text of 64 bytes with a symbol for each half, .data of 16 and .bss.
  static func withSymbols() -> TinyELF {
    let strings = Array("\0first\0second\0table\0".utf8)
    func symbol(_ name: UInt32, _ kind: UInt8, _ section: UInt16, _ value: UInt64, _ size: UInt64) -> [UInt8]
    {
      halves([name]) + [kind, 0] + shorts([section]) + words([value, size])
    }
    let symbols =
      symbol(0, 0, 0, 0, 0) + symbol(1, 2, 1, 0x401000, 0x20) + symbol(7, 2, 1, 0x401020, 0x10)
      + symbol(14, 1, 2, 0x402000, 0x10)
    return TinyELF(sections: [
      Section(name: ".text", flags: 6, address: 0x401000, bytes: (0..<64).map { UInt8($0) }),
      Section(name: ".data", flags: 3, address: 0x402000, bytes: words([0x401020, 0])),
      Section(name: ".bss", type: 8, flags: 3, address: 0x403000, bytes: [], memorySize: 0x1000),
      Section(name: ".symtab", type: 2, flags: 0, bytes: symbols, link: 5),
      Section(name: ".strtab", type: 3, flags: 0, bytes: strings),
    ])
  }

  /// .text with two functions and a .gopclntab that names them.
  static func withFunctionTable() -> TinyELF {
    let names = Array("main.first\0main.second\0".utf8) + [0]
    let functions = 2
    let unit = 72 + names.count
    let file = unit + 4
    let pc = file + 12
    let table = pc + 12
    let records = (functions * 8 + 4 + 7) / 8 * 8
    func record(_ entry: UInt32, _ name: UInt32) -> [UInt8] {
      halves([entry, name, 8, 0, 1, 2, 3, 0, 0, 10]) + [0, 0, 0, 0] + halves([0])
    }
    var bytes = halves([0xffff_fff1, 0x0801_0000])
    bytes += words([2, 1, 0, 72, UInt64(unit), UInt64(file), UInt64(pc), UInt64(table)])
    bytes +=
      names + halves([0]) + Array("main.go\0".utf8) + halves([0]) + [0, 2, 1, 0, 2, 1, 0, 2, 1, 0, 0, 0]
    bytes += halves([0, UInt32(records), 0x20, UInt32(records + 48), 0x40, 0])
    bytes += record(0, 0) + record(0x20, 11)
    return TinyELF(sections: [
      Section(name: ".text", flags: 6, address: 0x401000, bytes: (0..<64).map { UInt8($0) }),
      Section(name: ".gopclntab", address: 0x403000, bytes: bytes),
    ])
  }
}

extension TinyELF: CustomTestStringConvertible {
  var testDescription: String { sections.map(\.name).joined(separator: " ") }
}
