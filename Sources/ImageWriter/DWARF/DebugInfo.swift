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
  package struct Options: Sendable, Equatable {
    /// The GOROOT of the request; "" when unset or cleared by -trimpath.
    package var goroot = ""
    /// The release as in "Go cmd/compile go1.27.3".
    package var version: String
    /// Whether `countSymbols` will be asked.
    package var countsSymbols = false
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
  let index: SymbolIndex
  let units: DebugUnits
  let records: Table<FunctionDebugSymbols>
  let discovery: DebugDiscovery
  let places: DebugPlaces
  let contents: UnitContents
  /// By unit.
  let images: [UnitImage]
  let types: [TypeChunk]
  /// Offsets of the types' entries behind the first one.
  let typeOffsets: Table<UInt32>
  /// Where the types are; empty unless there is memory to keep it.
  let typePlaces: [WrittenDebug.TypePlace]
  /// Start of the types in .debug_info.
  let typesStart: Int
  let frames: [ByteSink]
  let gdbScript: [UInt8]
  /// Nil unless symbols are to be counted.
  let typeSymbols: DebugTypeSymbols?

  /// Bytes before the units' parts: length, version, address and segment sizes, and a count of offsets that
  /// .debug_addr does not have.
  static let listHeaderSize = 12
  static let addressHeaderSize = 8

  /// Finds all entries and their places.
  ///
  /// - Throws: `.corrupt` for an object that contradicts itself; `.unsupported` where the real linker fails
  ///   too, in its own words.
  package static func generate(
    _ index: SymbolIndex, _ live: borrowing LiveSet, text: TextLayout, options: Options,
    memory: LinkMemory? = nil
  ) throws(LinkFailure) -> DebugInfo {
    guard index.count < UnitFindings.largestSymbolCount else {
      throw .unsupported(reason: "too many symbols for DWARF")
    }
    let reader = index.reader
    let isKept = memory != nil
    let memory = memory?.debug ?? DebugMemory()
    memory.prepare(objectCount: reader.objectCount, goroot: options.goroot)
    let places = try DebugPlaces(symbolCount: index.count)
    let known = memory.frames.match(text.functions, reader)
    let facts = FunctionFact.gather(text.functions, reader, known, memory.frames)
    let units = try DebugUnits(index, text: text, facts: facts)
    let records = Table(repeating: FunctionDebugSymbols(), count: units.functions.count)
    let findings = UnitScan.run(index, units, places, records: records, memory: memory)
    let data = DebugDataSymbol.find(index, live, memory: memory)
    var types = try DebugTypes(index, live, places, memory: memory)
    types.promiseEntries(memory)

    // Discovery follows one reference after the other; what does not wait for it uses the other cores.
    let tables = UnitTables(reader, units, records, findings, places)
    let builder = UnitImageBuilder(
      index: index, tables: tables, paths: SourcePath(goroot: options.goroot), memory: memory)
    var images: [UnitImage] = []
    var frames: [ByteSink] = []
    let frameEnds = Table<UInt32>(uninitialized: text.functions.count)
    var discovered: Result<DebugDiscovery, LinkFailure>?
    Chunks.together {
      discovered = Result { () throws(LinkFailure) -> DebugDiscovery in
        try DebugDiscovery.run(index, units, findings, data: data, &types)
      }
    } _: {
      frames = FrameEncoder.encode(
        text, facts.base, reader, known: known.base, memory: memory.frames, ends: frameEnds.base)
      images = builder.build()
    }
    guard let discovery = try discovered.take()?.get() else {
      throw .unsupported(reason: "DWARF discovery did not run")
    }
    try check(index)
    memory.frames.keep(text.functions, facts, frameEnds, frames)

    let offsets = Table<UInt32>(repeating: 0, count: types.entries.count)
    memory.types.withdraw(places.base)
    let fields = memory.types.fields(of: types)
    let chunks = TypeEncoder.encode(types, fields: UnsafePointer(fields.base), offsets: offsets.base)
    memory.types.keep(types, fields)
    let contents = UnitContents(tables, discovery, typesUnit: units.runtimeUnit)
    let info = UnitInfoBuilder(
      index: index, contents: contents, version: options.version,
      typeBytes: TypeChunk.assignStarts(chunks, offsets))
    info.complete(images)
    var layout = DebugLayout(images: images, frames: frames)
    try layout.assignStarts(order: units.order)
    let typesStart = layout.typesStart(units.runtimeUnit, info.typeBytes)
    try layout.place(contents, places)
    layout.placeTypes(index, chunks, offsets, typesStart: typesStart, places)
    try check(index)
    let typePlaces =
      isKept ? Self.places(of: types, offsets, start: typesStart, bytes: info.typeBytes, places) : []
    return DebugInfo(
      sections: layout.sections, index: index, units: units, records: records,
      discovery: discovery, places: places, contents: contents,
      images: images, types: chunks, typeOffsets: offsets, typePlaces: typePlaces,
      typesStart: typesStart, frames: frames,
      gdbScript: layout.gdbScript,
      typeSymbols: options.countsSymbols ? DebugTypeSymbols(types, index) : nil)
  }

  /// Whether the packages were compiled with different flags, which makes -strictdups lenient. Found out for who asks:
  /// names are looked up for it.
  package var hasFlagVariants: Bool { UnitInfoBuilder.hasFlagVariants(index) }

  private static func check(_ index: SymbolIndex) throws(LinkFailure) {
    try index.checkObjects()
  }
}
