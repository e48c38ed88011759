import LoaderCore

/// runtime.firstmoduledata: what the runtime knows of the image (cmd/link/internal/ld/symtab.go symtab; the
/// field order is runtime/symtab.go's moduledata of Go 1.27).
package struct ModuleData: Sendable {
  private let symbol: SymbolID
  private var typelinkEndAt = 0
  private var itabOffsetAt = 0
  private var itabSizeAt = 0

  package init(
    _ index: SymbolIndex, _ live: inout LiveSet, module: SymbolID, initTasks: SymbolID,
    tables: FunctionTableSymbols, textSectionMap: SymbolID
  ) throws(LinkFailure) {
    symbol = module
    func address(_ s: SymbolID, _ addend: Int64 = 0) { index.addAddress(module, of: s, addend: addend) }
    func word(_ v: UInt64) { index.addUInt(module, v) }
    func named(_ name: String) { address(index.lookup(name)) }
    func slice(_ s: SymbolID, _ count: UInt64) {
      address(s)
      word(count)
      word(count)
    }
    address(tables.header)
    slice(tables.functionNames.symbol, tables.functionNames.size)
    slice(tables.units.symbol, tables.units.size / 4)
    slice(tables.files.symbol, tables.files.size)
    slice(tables.pcValues.symbol, tables.pcValues.size)
    slice(tables.functions.symbol, tables.functions.size)
    slice(tables.functions.symbol, UInt64(tables.functionCount) + 1)
    address(tables.findFunction)
    address(tables.firstFunction)
    address(tables.lastFunction, index.reader.size(tables.lastFunction))
    for name in [
      "text", "etext", "noptrdata", "enoptrdata", "data", "edata", "bss", "ebss", "noptrbss", "enoptrbss",
      "covctrs", "ecovctrs", "end", "gcdata", "gcbss", "types",
    ] { named("runtime." + name) }
    typelinkEndAt = Int(index.reader.size(module))
    word(0)
    named("runtime.etypes")
    itabOffsetAt = Int(index.reader.size(module))
    word(0)
    itabSizeAt = Int(index.reader.size(module))
    word(0)
    named("runtime.rodata")
    named("go:func.*")
    named("runtime.epclntab")
    slice(textSectionMap, 1)
    // Plugin tables, plugin path, package hashes: empty in an executable.
    for _ in 0..<(3 + 2 + 3) { word(0) }
    if initTasks.isNone {
      for _ in 0..<3 { word(0) }
    } else {
      slice(initTasks, UInt64(index.reader.size(initTasks) / 8))
    }
    // Module name and hashes of shared libraries: none.
    for _ in 0..<(2 + 3) { word(0) }
    // hasmain
    index.addUInt(module, UInt8(1))
    let type = index.lookup("type:runtime.moduledata")
    let size = TypeDecoder(index.reader).size(index.reader.data(type))
    guard !type.isNone, size >= index.reader.size(module) else {
      throw .unsupported(reason: "runtime.moduledata has \(size) bytes")
    }
    index.setBytes(
      module, at: Int(index.reader.size(module)),
      [UInt8](repeating: 0, count: Int(size - index.reader.size(module))))
    let last = LinkerSymbols(index).update("runtime.lastmoduledatap", &live)
    index.setKind(last, .noptrData)
    index.truncate(last)
    index.addAddress(last, of: module)
  }

  /// Fills in what only the order of the type descriptors tells.
  package func setTypes(_ types: TypeSectionLayout, _ index: SymbolIndex) {
    index.setUInt(symbol, at: typelinkEndAt, types.typelinkEnd)
    index.setUInt(symbol, at: itabOffsetAt, types.itabOffset)
    index.setUInt(symbol, at: itabSizeAt, types.itabSize)
  }
}

/// The symbols of the function tables, for moduledata.
package struct FunctionTableSymbols: Sendable {
  package struct Piece: Sendable {
    package let symbol: SymbolID
    /// Bytes.
    package let size: UInt64
    package init(symbol: SymbolID, size: UInt64) {
      self.symbol = symbol
      self.size = size
    }
  }
  package var header: SymbolID
  package var functionNames: Piece
  package var units: Piece
  package var files: Piece
  package var pcValues: Piece
  package var functions: Piece
  package var functionCount: Int
  package var findFunction: SymbolID
  package var firstFunction: SymbolID
  package var lastFunction: SymbolID
}
