import LoaderCore

/// Final addresses and file offsets of segments and sections
/// (cmd/link/internal/ld/data.go address, layout).
///
/// From here on nothing moves.
package struct ImageLayout: Sendable {
  /// As in `DataLayout.sections`, with virtual addresses.
  package private(set) var sections: [Section]
  /// Indexed by `Segment.Kind.rawValue`; a segment without sections has length 0.
  package private(set) var segments: [Segment]
  /// Bytes of the file up to the end of the last segment.
  package private(set) var fileLength: UInt64 = 0

  package subscript(_ kind: Segment.Kind) -> Segment { segments[kind.rawValue] }
  package func section(_ id: SectionID) -> Section { sections[id.index] }

  /// Bytes before the text segment's contents: headers and notes (amd64/obj.go, HEADR).
  package static let headerSize: UInt64 = 4096

  package struct Options: Sendable, Equatable {
    package var textAddress: UInt64 = 0x401000
    /// -R
    package var rounding = 4096
    /// -D
    package var dataAddress: UInt64?
    package init() {}
  }

  /// - Throws: "bad segment rounding" when -T and -D do not agree with -R.
  package init(_ data: DataLayout, options: Options, addresses: inout Addresses) throws(LinkFailure) {
    sections = data.sections
    segments = Segment.Kind.allCases.map { _ in Segment() }
    let offsets = sections
    var at = options.textAddress
    segments[Segment.Kind.text.rawValue].address = at
    assignLinear(.text, &at, access: [.read, .execute])
    for kind in [Segment.Kind.rodata, .relro] where sections.contains(where: { $0.segment == kind }) {
      if kind == .relro, !data.sections.dropFirst().contains(where: { $0.segment == .relro }) { continue }
      at = at.rounded(to: options.rounding)
      segments[kind.rawValue].address = at
      assignLinear(kind, &at, access: kind == .relro ? [.read, .write] : .read)
    }
    at = at.rounded(to: options.rounding)
    if let fixed = options.dataAddress { at = fixed }
    assignData(&at, offsets)
    at = at.rounded(to: options.rounding)
    segments[Segment.Kind.dwarf.rawValue].address = at
    for placed in data.placed {
      addresses.place(
        placed.symbols, at: placed.offsets, from: sections[placed.section.index].address, in: placed.section)
    }
    try assignFileOffsets(options.rounding)
  }

  /// Sections one behind the other, each rounded to its alignment.
  private mutating func assignLinear(_ kind: Segment.Kind, _ at: inout UInt64, access: Section.Access) {
    for i in sections.indices.dropFirst() where sections[i].segment == kind {
      at = at.rounded(to: sections[i].alignment)
      sections[i].address = at
      at &+= sections[i].length
    }
    segments[kind.rawValue].access = access
    segments[kind.rawValue].length = at &- segments[kind.rawValue].address
  }

  /// The data segment keeps the distances that filling gave; the file holds it up to .bss.
  private mutating func assignData(_ at: inout UInt64, _ offsets: [Section]) {
    let start = at
    let members = sections.indices.dropFirst().filter {
      sections[$0].segment == .data && sections[$0].name != ".tbss"
    }
    for (k, i) in members.enumerated() {
      sections[i].address = at
      at &+=
        k + 1 < members.count ? offsets[members[k + 1]].address &- offsets[i].address : sections[i].length
      if sections[i].name == ".bss" {
        segments[Segment.Kind.data.rawValue].fileLength = sections[i].address &- start
      }
    }
    segments[Segment.Kind.data.rawValue].access = [.read, .write]
    segments[Segment.Kind.data.rawValue].address = start
    segments[Segment.Kind.data.rawValue].length = at &- start
  }

  /// Adds the DWARF sections, one behind the other, and gives them their place in the file: the last segment
  /// of it.
  package mutating func place(_ debug: DebugSections, rounding: Int) throws(LinkFailure) {
    var at = segments[Segment.Kind.dwarf.rawValue].address
    for s in debug.sections {
      sections.append(
        Section(
          name: s.name, segment: .dwarf, access: .read, alignment: 1, address: at, length: UInt64(s.size),
          isCompressed: s.isCompressed))
      at &+= UInt64(s.size)
    }
    segments[Segment.Kind.dwarf.rawValue].length = at &- segments[Segment.Kind.dwarf.rawValue].address
    try assignFileOffsets(rounding)
  }

  private mutating func assignFileOffsets(_ rounding: Int) throws(LinkFailure) {
    var end: UInt64 = 0
    for kind in Segment.Kind.allCases {
      let hasSections = sections.dropFirst().contains { $0.segment == kind }
      guard hasSections || kind == .text || kind == .data || kind == .dwarf else { continue }
      var segment = segments[kind.rawValue]
      segment.fileOffset = kind == .text ? Self.headerSize : end.rounded(to: rounding)
      let mask = UInt64(rounding) - 1
      if kind != .text, segment.address & mask != segment.fileOffset & mask {
        throw .exit(
          message: "bad segment rounding (Vaddr=0x\(String(segment.address, radix: 16))"
            + " Fileoff=0x\(String(segment.fileOffset, radix: 16))"
            + " FlagRound=0x\(String(rounding, radix: 16)))")
      }
      if kind != .data { segment.fileLength = segment.length }
      end = segment.fileOffset &+ segment.fileLength
      segments[kind.rawValue] = segment
    }
    fileLength = end
  }
}
