import LoaderCore

/// The DWARF 5 of a program, sized and laid out, before the data has addresses
/// (cmd/link/internal/ld/dwarf.go dwarfGenerateDebugInfo and dwarfGenerateDebugSyms).
///
/// `generate` finds out what goes where; `write` copies the objects' parts and fills in addresses. What belongs
/// to one unit is kept apart (`UnitImage`), so that a unit can be redone alone.
///
/// What the real linker does to its symbol index meanwhile has no effect outside of DWARF: it makes
/// "go:info.T", ".debug_…" and unnamed symbols, all of which are kept out of the symbol table (not allowed
/// there, or a name that starts with a dot) and out of the data sorts, and symbols made later keep their
/// order among themselves. It makes nothing live that is not DWARF.
package struct DebugInfo: ~Copyable, @unchecked Sendable {
  package struct Options: Sendable {
    /// The GOROOT of the request; "" when unset or cleared by -trimpath.
    package var goroot = ""
    /// The release as in "Go cmd/compile go1.27.3".
    package var version: String
    package init(goroot: String, version: String) {
      self.goroot = goroot
      self.version = version
    }
  }

  package struct Section: Sendable {
    package enum Kind: Sendable { case abbrev, line, frame, gdbScripts, info, locLists, rngLists, addr }
    package let kind: Kind
    /// Bytes, uncompressed.
    package let size: Int

    package var name: String {
      switch kind {
      case .abbrev: ".debug_abbrev"
      case .line: ".debug_line"
      case .frame: ".debug_frame"
      case .gdbScripts: ".debug_gdb_scripts"
      case .info: ".debug_info"
      case .locLists: ".debug_loclists"
      case .rngLists: ".debug_rnglists"
      case .addr: ".debug_addr"
      }
    }
  }

  /// In the order of the file; all have alignment 1.
  package let sections: [Section]
  /// Whether the packages were compiled with different flags, which makes -strictdups lenient.
  package let hasFlagVariants: Bool

  let index: SymbolIndex
  let units: DebugUnits
  let records: Table<FunctionDebugSymbols>
  let discovery: DebugDiscovery
  let places: DebugPlaces
  let contents: UnitContents
  /// By unit.
  let images: [UnitImage]
  let types: [TypeChunk]
  /// Start of the types in .debug_info.
  let typesStart: Int
  let frames: [ByteSink]
  let gdbScript: [UInt8]

  /// Bytes before the units' parts: length, version, address and segment sizes, and a count of offsets that
  /// .debug_addr does not have.
  static let listHeaderSize = 12
  static let addressHeaderSize = 8

  /// Finds all entries and their places.
  ///
  /// - Throws: `.corrupt` for an object that contradicts itself; `.unsupported` where the real linker fails
  ///   too, in its own words.
  package static func generate(
    _ index: SymbolIndex, _ live: borrowing LiveSet, text: TextLayout, options: Options
  ) throws(LinkFailure) -> DebugInfo {
    guard index.count < UnitFindings.largestSymbolCount else {
      throw .unsupported(reason: "too many symbols for DWARF")
    }
    let places = try DebugPlaces(symbolCount: index.count)
    let units = try DebugUnits(index, text: text)
    let records = Table(repeating: FunctionDebugSymbols(), count: units.functions.count)
    let findings = UnitScan.run(index, units, places, records: records)
    var types = try DebugTypes(index, live, places)
    let discovery = try DebugDiscovery.run(index, live, units, findings, &types)
    try check(index)

    let offsets = Table<UInt32>(repeating: 0, count: types.entries.count)
    let chunks = TypeEncoder.encode(types, offsets: offsets.base)
    var typeBytes = 0
    for c in chunks {
      c.start = typeBytes
      typeBytes += c.bytes.count
      for i in c.first..<(c.first + c.count) { offsets[i] &+= UInt32(truncatingIfNeeded: c.start) }
    }
    let frames = try FrameEncoder.encode(text, index.reader)

    let contents = UnitContents(index.reader, units, records, discovery, findings, places)
    let builder = UnitImageBuilder(
      index: index, contents: contents, paths: SourcePath(goroot: options.goroot),
      version: options.version, typeBytes: typeBytes)
    var layout = DebugLayout(images: buildImages(builder, count: units.units.count), frames: frames)
    try layout.assignStarts(order: units.order)
    let typesStart = layout.typesStart(units.runtimeUnit, typeBytes)
    try layout.place(contents, places)
    layout.placeTypes(index, chunks, offsets, typesStart: typesStart, places)
    try check(index)
    return DebugInfo(
      sections: layout.sections, hasFlagVariants: builder.hasFlagVariants, index: index, units: units,
      records: records, discovery: discovery, places: places, contents: contents,
      images: layout.images, types: chunks, typesStart: typesStart, frames: frames,
      gdbScript: layout.gdbScript)
  }

  private static func check(_ index: SymbolIndex) throws(LinkFailure) {
    if let bad = index.corruptObject {
      throw .corrupt(file: bad.file.path, detail: "object contradicts itself")
    }
  }

  private static func buildImages(_ builder: UnitImageBuilder, count: Int) -> [UnitImage] {
    [UnitImage](unsafeUninitializedCapacity: count) { out, initialized in
      initialized = count
      guard let images = out.baseAddress else { return }
      Chunks.run(count, grain: 1) { range in
        for u in range { (images + u).initialize(to: builder.build(u)) }
      }
    }
  }
}
