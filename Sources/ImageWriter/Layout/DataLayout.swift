import LoaderCore

/// Data symbols -> sections, with offsets inside their segments; addresses come with `ImageLayout`
/// (cmd/link/internal/ld/data.go allocateDataSections).
package struct DataLayout: Sendable {
  /// In creation order; `SectionID` k is `sections[k]`, 0 is unused.
  package fileprivate(set) var sections: [Section]
  /// Symbols in the order of the data sections, for writing.
  package fileprivate(set) var placed: [PlacedKind] = []
  package fileprivate(set) var bounds = Bounds()
  package let types: TypeSectionLayout
  /// Errors in the real linker's words; the link goes on.
  package fileprivate(set) var errors: [String] = []

  /// Symbols of one kind, in address order within their section.
  package struct PlacedKind: Sendable {
    package let kind: SymbolKind
    package let symbols: [SymbolID]
    /// Bytes from the section's start, by position in `symbols`.
    package let offsets: [UInt64]
    package let section: SectionID
  }

  /// Sections that boundary symbols name, and offsets in them.
  package struct Bounds: Sendable {
    package var noptrData = SectionID.none
    package var data = SectionID.none
    package var bss = SectionID.none
    package var noptrBss = SectionID.none
    package var rodata = SectionID.none
    package var pclntab = SectionID.none
    package var types = SectionID.none
    package var fuzzCounters = SectionID.none
    /// Offset of runtime.gcmask.* in .noptrbss.
    package var gcMask: UInt64 = 0
    /// Offset and bytes of the coverage counters in .noptrbss.
    package var coverageStart: UInt64 = 0
    package var coverageLength: UInt64 = 0
  }
}

/// The symbols of a section that a GC program is for, with their offsets.
package struct GCRegion: Sendable {
  /// runtime.gcdata or runtime.gcbss: what the program is the contents of.
  package let target: SymbolID
  /// In order.
  package let symbols: [SymbolID]
  package let offsets: [UInt64]
  /// The section's end.
  package let end: UInt64
}

/// Fills in the contents of the targets; gives errors in the real linker's words.
package typealias GCProgramMaker = (_ regions: [GCRegion]) throws(LinkFailure) -> [String]

package struct DataLayoutBuilder: ~Copyable {
  private let index: SymbolIndex
  private let reader: SymbolReader
  private let order: DataOrder
  private var addresses: Addresses
  private var layout: DataLayout
  /// Bytes of the segment so far.
  private var size: UInt64 = 0

  package struct Options: Sendable, Equatable {
    /// No dynamic section: -d, or a static executable.
    package var isStatic = true
    /// Read-only data with relocations gets a segment of its own (position-independent code).
    package var useRelro = false
    package init() {}
  }

  /// Lays out everything behind the text.
  package static func run(
    _ index: SymbolIndex, _ order: DataOrder, text: TextLayout, addresses: inout Addresses,
    options: Options, pclntab: (size: UInt64, alignment: Int), gcPrograms: GCProgramMaker
  ) throws(LinkFailure) -> DataLayout {
    var builder = DataLayoutBuilder(index, order, text, addresses)
    addresses = Addresses(symbolCount: 0)
    try builder.writable(options, gcPrograms)
    builder.readOnly(options, pclntab)
    return builder.finish(into: &addresses)
  }

  private init(
    _ index: SymbolIndex, _ order: DataOrder, _ text: TextLayout, _ addresses: consuming Addresses
  ) {
    self.index = index
    reader = index.reader
    self.order = order
    self.addresses = addresses
    self.addresses.grow(to: index.count)
    let none = Section(name: "", segment: .text, access: [], alignment: 0, address: 0, length: 0)
    let textSection = Section(
      name: ".text", segment: .text, access: [.read, .execute], alignment: text.alignment,
      address: text.start, length: text.length)
    layout = DataLayout(sections: [none, textSection], types: order.types)
  }

  private consuming func finish(into result: inout Addresses) -> DataLayout {
    result = addresses
    return layout
  }

  // MARK: primitives

  private mutating func add(
    _ name: String, _ segment: Segment.Kind, _ access: Section.Access, alignment: Int
  ) -> SectionID {
    size = size.rounded(to: alignment)
    layout.sections.append(
      Section(
        name: name, segment: segment, access: access, alignment: alignment, address: size, length: 0))
    return SectionID(UInt16(layout.sections.count - 1))
  }

  /// A section for symbols of these kinds: one kind decides the alignment alone, several are at least 8
  /// (allocateNamedDataSection).
  private mutating func add(
    _ name: String, _ segment: Segment.Kind, _ access: Section.Access, kinds: [SymbolKind]
  ) -> SectionID {
    var alignment = kinds.count == 1 ? 0 : 8
    for k in kinds { alignment = max(alignment, Int(order[k].maxAlignment)) }
    return add(name, segment, access, alignment: alignment)
  }

  /// Puts the symbols of `kind` at the end of `section` (assignToSection).
  private mutating func assign(_ kind: SymbolKind, to section: SectionID) {
    let data = order[kind]
    let start = layout.sections[section.index].address
    var offsets: [UInt64] = []
    offsets.reserveCapacity(data.symbols.count)
    for i in data.symbols.indices {
      size = size.rounded(to: Int(data.alignments[i]))
      offsets.append(size &- start)
      let bytes = data.sizes[i]
      size &+= bytes == OrderedData.unknownSize ? UInt64(bitPattern: reader.size(data.symbols[i])) : bytes
    }
    layout.sections[section.index].length = size &- start
    place(kind, data.symbols, offsets, in: section)
  }

  /// The same, and looks how much there is by then, which the real linker does but for a section's first kind
  /// (assignToSection, allocateNamedSectionAndAssignSyms).
  private mutating func assignChecking(_ kind: SymbolKind, to section: SectionID) {
    assign(kind, to: section)
    check(kind)
  }

  /// Bytes that a segment of data may have (data.go cutoff).
  private static let largest: UInt64 = 2_000_000_000

  /// checkdatsize
  private mutating func check(_ kind: SymbolKind) {
    guard size > Self.largest else { return }
    layout.errors.append(
      "too much data, last section \(kind.goName) (\(Int64(bitPattern: size)), over 2e+09 bytes)\n")
  }

  private mutating func place(
    _ kind: SymbolKind, _ symbols: [SymbolID], _ offsets: [UInt64], in section: SectionID
  ) {
    guard !symbols.isEmpty else { return }
    layout.placed.append(
      DataLayout.PlacedKind(kind: kind, symbols: symbols, offsets: offsets, section: section))
  }

  /// A section of its own for each symbol of `kind`, named after it (allocateSingleSymSections).
  private mutating func assignSingles(
    _ kind: SymbolKind, _ segment: Segment.Kind, _ access: Section.Access, name: String? = nil
  ) {
    let data = order[kind]
    for i in data.symbols.indices {
      let s = data.symbols[i]
      var title = name ?? reader.name(s).string
      if title.hasPrefix("go:") { title = ".go." + title.dropFirst(3) }
      let section = add(title, segment, access, alignment: Int(data.alignments[i]))
      size &+= UInt64(bitPattern: reader.size(s))
      layout.sections[section.index].length = size &- layout.sections[section.index].address
      place(kind, [s], [0], in: section)
    }
    check(kind)
  }

  // MARK: the writable segment

  private mutating func writable(_ options: Options, _ gcPrograms: GCProgramMaker) throws(LinkFailure) {
    let rw: Section.Access = [.read, .write]
    for kind in [SymbolKind.buildInfo, .fipsInfo, .elfSect, .macho, .windows] {
      assignSingles(kind, .data, rw)
    }
    if !order[.moduleData].symbols.isEmpty { assignSingles(.moduleData, .data, rw, name: ".go.module") }
    if !order[.elfGOT].symbols.isEmpty {
      let got = add(".got", .data, rw, kinds: [.elfGOT])
      assign(.elfGOT, to: got)
    }
    let noptrData = add(".noptrdata", .data, rw, kinds: [.noptrData])
    assign(.noptrData, to: noptrData)
    for kind in [SymbolKind.noptrDataFIPSStart, .noptrDataFIPS, .noptrDataFIPSEnd, .noptrDataEnd] {
      assignChecking(kind, to: noptrData)
    }
    let data = add(".data", .data, rw, kinds: [.data])
    assign(.data, to: data)
    for kind in [SymbolKind.dataFIPSStart, .dataFIPS, .dataFIPSEnd, .dataEnd] {
      assignChecking(kind, to: data)
    }
    let dataEnd = size &- layout.sections[data.index].address
    // After what only AIX has, and as a whole.
    for kind in [SymbolKind.xcoffTOC, .data] { check(kind) }
    let bss = add(".bss", .data, rw, kinds: [.bss])
    assign(.bss, to: bss)
    let bssEnd = size &- layout.sections[bss.index].address
    layout.errors += try gcPrograms(
      gcRegion("runtime.gcdata", .data, dataEnd) + gcRegion("runtime.gcbss", .bss, bssEnd))
    let noptrBss = add(".noptrbss", .data, rw, kinds: [.noptrBss])
    assign(.noptrBss, to: noptrBss)
    layout.bounds.gcMask = layout.sections[noptrBss.index].length
    assignChecking(.gcMask, to: noptrBss)
    placeCoverageCounters(in: noptrBss)
    if !order[.libfuzzerCounter].symbols.isEmpty {
      let fuzz = add(".go.fuzzcntrs", .data, rw, kinds: [.libfuzzerCounter])
      assign(.libfuzzerCounter, to: fuzz)
      layout.bounds.fuzzCounters = fuzz
    }
    layout.bounds.noptrData = noptrData
    layout.bounds.data = data
    layout.bounds.bss = bss
    layout.bounds.noptrBss = noptrBss
    placeThreadLocals(options)
  }

  private func gcRegion(_ name: String, _ kind: SymbolKind, _ end: UInt64) -> [GCRegion] {
    let target = index.lookup(name)
    guard !target.isNone else { return [] }
    let placed = layout.placed.last { $0.kind == kind }
    return [
      GCRegion(target: target, symbols: placed?.symbols ?? [], offsets: placed?.offsets ?? [], end: end)
    ]
  }

  /// Coverage counters stay in one block, which the runtime reads as 4-byte words.
  private mutating func placeCoverageCounters(in section: SectionID) {
    var start = layout.sections[section.index].length
    assignChecking(.coverageCounter, to: section)
    var length = layout.sections[section.index].length &- start
    start &+= length % 4
    length &-= length % 4
    layout.bounds.coverageStart = start
    layout.bounds.coverageLength = length
  }

  private mutating func placeThreadLocals(_ options: Options) {
    let data = order[.tlsBss]
    guard !data.symbols.isEmpty else { return }
    var section = SectionID.none
    if !options.isStatic {
      layout.sections.append(
        Section(
          name: ".tbss", segment: .data, access: [.read, .write], alignment: 8, address: 0, length: 0))
      section = SectionID(UInt16(layout.sections.count - 1))
    }
    var offset: UInt64 = 0
    for i in data.symbols.indices {
      offset = offset.rounded(to: Int(data.alignments[i]))
      addresses.place(data.symbols[i], at: offset, in: section)
      offset &+= UInt64(bitPattern: reader.size(data.symbols[i]))
    }
    if section != .none { layout.sections[section.index].length = offset }
    size = offset
    check(.tlsBss)
  }

  // MARK: the read-only segments

  private mutating func readOnly(_ options: Options, _ tables: (size: UInt64, alignment: Int)) {
    size = 0
    for kind in [SymbolKind.elfRXSect, .machoPLT] { assignSingles(kind, .text, [.read, .execute]) }
    let kinds: [SymbolKind] = [
      .string, .goString, .gcBits, .rodata, .rodataFIPSStart, .rodataFIPS, .rodataFIPSEnd, .rodataEnd,
    ]
    let rodata = add(".rodata", .rodata, .read, kinds: kinds)
    for kind in kinds { assignChecking(kind, to: rodata) }
    layout.bounds.rodata = rodata
    // The function tables are not symbols here: one block, aligned like its most demanding part.
    let pclntab = add(".gopclntab", .rodata, .read, alignment: tables.alignment)
    size &+= tables.size
    layout.sections[pclntab.index].length = tables.size
    layout.bounds.pclntab = pclntab
    assignSingles(.elfROSect, .rodata, .read)
    relocatable(options)
  }

  /// What holds addresses: plain read-only data, or a segment that the dynamic linker protects after
  /// relocation.
  private mutating func relocatable(_ options: Options) {
    let segment: Segment.Kind = options.useRelro ? .relro : .rodata
    let access: Section.Access = options.useRelro ? [.read, .write] : .read
    let prefix = options.useRelro ? ".data.rel.ro" : ""
    if options.useRelro { size = 0 }
    if !order[.rodataRelro].symbols.isEmpty {
      let s = add(options.useRelro ? prefix : ".rodata", segment, access, kinds: [.rodataRelro])
      assignChecking(.rodataRelro, to: s)
    }
    let types = add(prefix + ".go.type", segment, access, kinds: [.type])
    // No type may have offset 0.
    size &+= 8
    assignChecking(.type, to: types)
    layout.bounds.types = types
    let functions = add(prefix + ".go.func", segment, access, kinds: [.goFunc])
    assignChecking(.goFunc, to: functions)
    for kind in [SymbolKind.elfRelroSect, .machoRelroSect] { assignSingles(kind, segment, access) }
    // The tables have offsets of four bytes.
    if size > UInt64(UInt32.max) {
      layout.errors.append("read-only data segment too large: \(Int64(bitPattern: size))\n")
    }
  }
}
