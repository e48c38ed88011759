import LoaderCore

/// Which symbols make up a unit's part of each section, in order. A view of tables that the `DebugInfo`
/// owns, cheap to hand to other threads.
struct UnitContents: @unchecked Sendable {
  let reader: SymbolReader
  private let units: UnsafePointer<DebugUnits.Unit>
  private let functions: UnsafePointer<SymbolID>
  private let records: UnsafePointer<FunctionDebugSymbols>
  private let ranges: UnsafePointer<DebugUnits.CodeRange>
  private let abstractFunctions: UnsafePointer<SymbolID>
  private let abstractRanges: [Range<Int>]
  private let constants: [SymbolID]
  private let variables: [[SymbolID]]
  private let findings: [UnitFindings]
  private let places: UnsafePointer<UInt32>
  private let typesUnit: Int

  init(
    _ reader: SymbolReader, _ units: borrowing DebugUnits,
    _ records: borrowing Table<FunctionDebugSymbols>, _ discovery: borrowing DebugDiscovery,
    _ findings: [UnitFindings], _ places: borrowing DebugPlaces
  ) {
    self.reader = reader
    self.units = UnsafePointer(units.units.base)
    functions = UnsafePointer(units.functions.base)
    self.records = UnsafePointer(records.base)
    ranges = UnsafePointer(units.ranges.base)
    abstractFunctions = UnsafePointer(discovery.abstractFunctions.base)
    abstractRanges = discovery.abstractRanges
    constants = discovery.constants
    variables = discovery.variables
    self.findings = findings
    self.places = UnsafePointer(places.base)
    typesUnit = units.runtimeUnit ?? -1
  }

  @inline(__always) func unit(_ u: Int) -> DebugUnits.Unit { units[u] }
  func firstFunction(_ u: Int) -> SymbolID { functions[units[u].firstFunction] }
  func hasTypes(_ u: Int) -> Bool { u == typesUnit }
  func hasVariables(_ u: Int) -> Bool { !variables[u].isEmpty }

  /// Functions in the order of the unit's addresses in .debug_addr.
  func slots(_ u: Int) -> [SymbolID] { findings[u].slots }
  func slot(_ f: SymbolID) -> UInt32 { places[f.index] &- 1 }

  func codeRanges(_ u: Int) -> UnsafeBufferPointer<DebugUnits.CodeRange> {
    UnsafeBufferPointer(start: ranges + units[u].firstRange, count: units[u].rangeCount)
  }

  /// The room a symbol takes in its section, in bytes.
  @inline(__always) func size(_ s: SymbolID) -> Int { Int(reader.size(s)) }

  // MARK: symbols by section

  /// Entries: inlined functions, functions, constants, variables. Types follow in the unit that has them.
  @inline(__always)
  func forEachInfo(_ u: Int, _ body: (SymbolID) -> Void) {
    for i in abstractRanges[u] { body(abstractFunctions[i]) }
    for i in units[u].functionIndices where !records[i].info.isNone { body(records[i].info) }
    if !constants[u].isNone { body(constants[u]) }
    for s in variables[u] { body(s) }
  }

  @inline(__always)
  func forEachLines(_ u: Int, _ body: (SymbolID) -> Void) {
    for i in units[u].functionIndices where !records[i].lines.isNone { body(records[i].lines) }
  }

  @inline(__always)
  func forEachRanges(_ u: Int, _ body: (SymbolID) -> Void) {
    for i in units[u].functionIndices where !records[i].ranges.isNone { body(records[i].ranges) }
  }

  @inline(__always)
  func forEachLocation(_ u: Int, _ body: (SymbolID) -> Void) {
    for i in units[u].functionIndices where !records[i].location.isNone { body(records[i].location) }
  }
}
