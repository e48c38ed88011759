/// Why two files could not be compared.
package enum ImageDiffError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String, reason: String)
  case notELF(path: String)
  case malformed(path: String, what: String)

  package var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): \(reason)"
    case .notELF(let path): "\(path): not a 64-bit little-endian ELF file"
    case .malformed(let path, let what): "\(path): malformed ELF file: \(what)"
    }
  }
}

/// One section header, with its name. Sizes and offsets in bytes.
package struct ELFSection: Sendable, Equatable {
  package var name: String
  package var type: UInt32
  package var flags: UInt64
  package var address: UInt64
  package var offset: Int
  package var size: UInt64
  package var link: UInt32
  package var info: UInt32
  package var alignment: UInt64
  package var entrySize: UInt64

  static let noBits: UInt32 = 8

  /// Bytes the section takes in the file: none for .bss and its like.
  package var fileSize: Int { type == Self.noBits ? 0 : ELFImage.position(size) }

  func contains(address a: UInt64) -> Bool { address != 0 && a >= address && a - address < size }
}

/// One program header.
package struct ELFSegment: Sendable, Equatable {
  package var type: UInt32
  package var flags: UInt32
  package var offset: UInt64
  package var address: UInt64
  package var physicalAddress: UInt64
  package var fileSize: UInt64
  package var memorySize: UInt64
  package var alignment: UInt64
}

/// The headers of a 64-bit little-endian ELF file. Every count and offset has been checked against the file's
/// length; what sections say about each other (links, addresses) has not.
package struct ELFImage: Sendable {
  package let bytes: FileBytes
  package let entry: UInt64
  package let sections: [ELFSection]
  package let segments: [ELFSegment]
  let segmentTableOffset: Int
  let sectionTableOffset: Int
  static let headerSize = 64
  static let segmentEntrySize = 56
  static let sectionEntrySize = 64

  package init(path: String) throws(ImageDiffError) { try self.init(bytes: FileBytes(path: path)) }

  /// Parses the headers. Throws `.notELF` for another kind of file and `.malformed` when a table or section
  /// does not lie inside the file.
  package init(bytes: FileBytes) throws(ImageDiffError) {
    func need<T>(_ value: T?, _ what: String) throws(ImageDiffError) -> T {
      guard let value else { throw .malformed(path: bytes.path, what: what) }
      return value
    }
    guard bytes.slice(at: 0, length: 6) == [0x7f, 0x45, 0x4c, 0x46, 2, 1], bytes.count >= Self.headerSize
    else {
      throw .notELF(path: bytes.path)
    }
    self.bytes = bytes
    entry = try need(bytes.integer(UInt64.self, at: 24), "header")
    let segmentOffset = Self.position(try need(bytes.integer(UInt64.self, at: 32), "header"))
    let sectionOffset = Self.position(try need(bytes.integer(UInt64.self, at: 40), "header"))
    let segmentCount = Int(try need(bytes.integer(UInt16.self, at: 56), "header"))
    let sectionCount = Int(try need(bytes.integer(UInt16.self, at: 60), "header"))
    let nameIndex = Int(try need(bytes.integer(UInt16.self, at: 62), "header"))
    segmentTableOffset = segmentOffset
    sectionTableOffset = sectionOffset
    guard
      Self.fits(segmentOffset, segmentCount * Self.segmentEntrySize, bytes.count),
      Self.fits(sectionOffset, sectionCount * Self.sectionEntrySize, bytes.count)
    else { throw .malformed(path: bytes.path, what: "a header table lies outside the file") }
    segments = (0..<segmentCount).map { Self.segment(bytes, segmentOffset + $0 * Self.segmentEntrySize) }
    let raw = (0..<sectionCount).map { Self.section(bytes, sectionOffset + $0 * Self.sectionEntrySize) }
    if sectionCount > 0, nameIndex >= sectionCount {
      throw .malformed(path: bytes.path, what: "section name table index \(nameIndex) of \(sectionCount)")
    }
    var named: [ELFSection] = []
    for (index, (section, nameOffset)) in raw.enumerated() {
      var section = section
      guard Self.fits(section.offset, section.fileSize, bytes.count) else {
        throw .malformed(path: bytes.path, what: "section \(index) lies outside the file")
      }
      let names = raw[nameIndex].0
      if index > 0 {
        let name = bytes.cString(at: names.offset + Int(nameOffset), end: names.offset + names.fileSize)
        section.name = try need(name, "name of section \(index)")
      }
      named.append(section)
    }
    sections = named
  }

  /// A size or offset from a file, cut to what can be added to another without overflow and is in no file.
  static func position(_ value: UInt64) -> Int { Int(min(value, 1 << 48)) }

  private static func fits(_ offset: Int, _ length: Int, _ count: Int) -> Bool {
    length == 0 || (offset >= 0 && length >= 0 && offset <= count && length <= count - offset)
  }

  private static func segment(_ bytes: FileBytes, _ at: Int) -> ELFSegment {
    func word(_ offset: Int) -> UInt64 { bytes.integer(UInt64.self, at: at + offset) ?? 0 }
    return ELFSegment(
      type: bytes.integer(UInt32.self, at: at) ?? 0, flags: bytes.integer(UInt32.self, at: at + 4) ?? 0,
      offset: word(8), address: word(16), physicalAddress: word(24), fileSize: word(32), memorySize: word(40),
      alignment: word(48))
  }

  private static func section(_ bytes: FileBytes, _ at: Int) -> (ELFSection, nameOffset: UInt32) {
    func word(_ offset: Int) -> UInt64 { bytes.integer(UInt64.self, at: at + offset) ?? 0 }
    func half(_ offset: Int) -> UInt32 { bytes.integer(UInt32.self, at: at + offset) ?? 0 }
    let section = ELFSection(
      name: "", type: half(4), flags: word(8), address: word(16), offset: ELFImage.position(word(24)),
      size: word(32), link: half(40), info: half(44), alignment: word(48), entrySize: word(56))
    return (section, half(0))
  }

  /// The first section of that name.
  package func section(_ name: String) -> ELFSection? { sections.first { $0.name == name } }

  func section(containingAddress address: UInt64) -> ELFSection? {
    sections.first { $0.contains(address: address) }
  }
}
