import LoaderCore

/// The contents of .gopclntab: the function tables and behind them the address look-up table, with the
/// symbols that stand for their parts (cmd/link/internal/ld/pcln.go pclntab, findfunctab).
package struct FunctionTables: ~Copyable {
  /// Bytes of the section.
  package let size: UInt64
  /// Bytes.
  package let alignment: Int
  package let symbols: FunctionTableSymbols
  private let table: PCLineTable
  private let lookUp: FindFuncTable
  private let lookUpOffset: Int
  private let text: TextLayout
  private let carrier: SymbolID
  private let pieces: [SymbolID]

  /// - Parameters:
  ///   - memory: what the last link of the program kept of them.
  ///   - meanwhile: what else there is to do that only reads the index: not all of this is for several cores.
  package init(
    _ index: SymbolIndex, _ live: inout LiveSet, text: TextLayout, goroot: String,
    memory: LinkMemory, meanwhile: (SymbolIndex, borrowing LiveSet) -> Void
  ) throws(LinkFailure) {
    var options = PCLineTable.Options()
    options.goroot = goroot
    var built: Result<PCLineTable, LinkFailure>?
    withBorrowed(live) { live in
      Chunks.beside {
        meanwhile(index, live.pointee)
      } _: {
        built = Result { () throws(LinkFailure) -> PCLineTable in
          try PCLineTable.build(index, text: text, options: options, memory: memory.functions)
        }
      }
    }
    guard let table = try built.take()?.get() else {
      throw .unsupported(reason: "function tables were not made")
    }
    let linker = LinkerSymbols(index)
    func make(_ name: String, _ live: inout LiveSet, isListed: Bool = true) -> SymbolID {
      let s = linker.update(name, &live)
      index.setKind(s, .pclntab)
      index.insert(isListed ? [.special, .local] : [.special, .local, .notInSymbolTable], for: s)
      return s
    }
    carrier = make("runtime.pclntab", &live)
    var pieces: [SymbolID] = []
    for (k, p) in table.pieces.enumerated() {
      // Tools look for go:func.*, which once lay elsewhere; the other parts are the table's own business.
      let s = make(p.name, &live, isListed: k == PCLineTable.PieceIndex.funcdata)
      index.setSize(s, Int64(p.size))
      pieces.append(s)
    }
    table.claimFuncdata(in: index)
    let lookUp = FindFuncTable(text: text, lastSize: index.reader.size(table.lastFunction))
    let find = make("runtime.findfunctab", &live)
    index.setSize(find, Int64(lookUp.size))
    lookUpOffset = Int(UInt64(table.size).rounded(to: FindFuncTable.alignment))
    size = UInt64(lookUpOffset + lookUp.size)
    var alignment = max(table.alignment, FindFuncTable.alignment)
    for p in table.pieces {
      alignment = max(
        alignment, p.alignment == 0 ? PCLineTable.defaultAlignment(p.size) : p.alignment)
    }
    self.alignment = alignment
    func piece(_ k: Int) -> FunctionTableSymbols.Piece {
      FunctionTableSymbols.Piece(symbol: pieces[k], size: UInt64(table.pieces[k].size))
    }
    typealias Index = PCLineTable.PieceIndex
    symbols = FunctionTableSymbols(
      header: pieces[Index.header], functionNames: piece(Index.functionNames),
      units: piece(Index.unitFiles), files: piece(Index.files), pcValues: piece(Index.pcTables),
      functions: piece(Index.functions), functionCount: table.functionCount, findFunction: find,
      firstFunction: table.firstFunction, lastFunction: table.lastFunction)
    self.pieces = pieces
    self.table = table
    self.lookUp = lookUp
    self.text = text
  }

  /// Number of functions into which others were inlined: the real linker makes a symbol for what it lists of each.
  package var inlineTreeCount: Int {
    table.inlineTreeCount
  }

  /// Gives the parts, and the funcdata in them, their addresses.
  package func place(section: SectionID, _ layout: ImageLayout, _ addresses: inout Addresses) {
    let start = layout.section(section).address
    addresses.place(carrier, at: start, in: section)
    for (p, s) in zip(table.pieces, pieces) {
      addresses.place(s, at: start &+ UInt64(p.offset), in: section)
    }
    let funcdata = start &+ UInt64(table.pieces[PCLineTable.PieceIndex.funcdata].offset)
    table.forEachFuncdata { s, offset in
      addresses.place(s, at: funcdata &+ UInt64(offset), in: section)
    }
    addresses.place(symbols.findFunction, at: start &+ UInt64(lookUpOffset), in: section)
  }

  /// Writes the section into `image`, after the segments' other contents.
  ///
  /// - Parameter memory: has the image before, if it is known.
  package func write(
    into image: OutputImage, section: SectionID, _ layout: ImageLayout, _ reader: SymbolReader,
    _ addresses: borrowing Addresses, _ live: borrowing LiveSet, memory: ImageMemory
  ) throws(LinkFailure) {
    defer { memory.end() }
    let place = layout.section(section)
    let segment = layout[place.segment]
    let offset = Int(segment.fileOffset &+ (place.address &- segment.address))
    guard let window = image.window(offset, Int(size)) else {
      throw .unsupported(reason: "function tables do not fit the image")
    }
    let placement = PCLineTable.Placement(
      addresses: addresses, live: live, sectionStarts: layout.sections.map(\.address))
    try table.write(
      into: UnsafeMutableRawBufferPointer(rebasing: window[0..<table.size]), reader: reader, text: text,
      placement: placement, kept: table.kept(of: memory.previous, at: offset, in: image))
    table.noteWritten(at: offset, number: memory.number)
    lookUp.write(into: UnsafeMutableRawBufferPointer(rebasing: window[lookUpOffset...]), text: text)
  }
}
