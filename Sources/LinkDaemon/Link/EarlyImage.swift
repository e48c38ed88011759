import ImageWriter
import LoaderCore

/// What lies before DWARF in the file, written before it is known how long DWARF is.
struct EarlyImage: Sendable {
  let image: OutputImage
  /// Errors of relocations, in the real linker's words.
  let errors: Result<[String], LinkFailure>
  /// What `addTables` made.
  private(set) var tables: TableContents?

  /// Nil if there is no memory of an earlier image that should be large enough.
  init?(
    _ index: SymbolIndex, _ placement: DataPlacement, text: TextLayout, _ addresses: borrowing Addresses,
    _ live: borrowing LiveSet, _ plan: LinkPlan, _ memory: LinkMemory, _ images: ResultStore?
  ) {
    guard let image = Link.memoryBeforeDWARF(placement.layout, memory, plan, images) else { return nil }
    self.image = image
    do throws(LinkFailure) {
      let writer = SegmentWriter(
        index, placement.layout, into: image, last: Link.lastImage(memory, images, image),
        memory: memory.image)
      errors = .success(
        try writer.write(text: text, data: placement.data, addresses: addresses, live: live, isPIE: false))
    } catch {
      errors = .failure(error)
    }
  }

  /// Writes the rest of what lies before DWARF.
  mutating func addTables(
    _ index: SymbolIndex, _ placement: DataPlacement, _ tables: borrowing FunctionTables, fips: FIPSSymbols,
    _ addresses: borrowing Addresses, _ live: borrowing LiveSet, _ memory: LinkMemory
  ) {
    self.tables = TableContents(
      index, placement, tables, fips: fips, addresses, live, memory, into: image)
  }
}

/// Function tables and the FIPS checksum, which are written when the segments' other contents are there.
struct TableContents: Sendable {
  let written: Result<Void, LinkFailure>
  let fipsModule: Result<FIPSModule, LinkFailure>

  init(
    _ index: SymbolIndex, _ placement: DataPlacement, _ tables: borrowing FunctionTables, fips: FIPSSymbols,
    _ addresses: borrowing Addresses, _ live: borrowing LiveSet, _ memory: LinkMemory, into image: OutputImage
  ) {
    let (data, layout) = (placement.data, placement.layout)
    // The checksum is over final bytes: all but the tables' are.
    var module = Result<FIPSModule, LinkFailure>.failure(.unsupported(reason: "no FIPS checksum was made"))
    var written = Result<Void, LinkFailure>.success(())
    Chunks.beside {
      module = Result { () throws(LinkFailure) in
        try FIPSChecksum.write(fips, layout, addresses.view, into: image)
      }
    } _: {
      written = Result { () throws(LinkFailure) in
        try tables.write(
          into: image, section: data.bounds.pclntab, layout, index.reader, addresses, live,
          memory: memory.image)
      }
    }
    self.written = written
    fipsModule = module
  }
}
