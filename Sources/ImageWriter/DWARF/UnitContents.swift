import LoaderCore

/// What a first look gave, unit by unit: functions, their symbols, address slots. A view of tables that the
/// `DebugInfo` owns, cheap to hand to other threads.
struct UnitTables: @unchecked Sendable {
  let reader: SymbolReader
  let count: Int
  private let units: UnsafePointer<DebugUnits.Unit>
  private let functions: UnsafePointer<SymbolID>
  fileprivate let records: UnsafePointer<FunctionDebugSymbols>
  private let ranges: UnsafePointer<DebugUnits.CodeRange>
  private let findings: [UnitFindings]
  private let places: UnsafePointer<UInt32>

  init(
    _ reader: SymbolReader, _ units: borrowing DebugUnits,
    _ records: borrowing Table<FunctionDebugSymbols>, _ findings: [UnitFindings],
    _ places: borrowing DebugPlaces
  ) {
    self.reader = reader
    count = units.units.count
    self.units = UnsafePointer(units.units.base)
    functions = UnsafePointer(units.functions.base)
    self.records = UnsafePointer(records.base)
    ranges = UnsafePointer(units.ranges.base)
    self.findings = findings
    self.places = UnsafePointer(places.base)
  }

  @inline(__always) func unit(_ u: Int) -> DebugUnits.Unit { units[u] }
  func firstFunction(_ u: Int) -> SymbolID { functions[units[u].firstFunction] }
  func findings(_ u: Int) -> UnitFindings { findings[u] }
  /// Functions in the order of the unit's addresses in .debug_addr.
  func slots(_ u: Int) -> [SymbolID] { findings[u].slots }
  func slot(_ f: SymbolID) -> UInt32 { places[f.index] &- 1 }

  func codeRanges(_ u: Int) -> UnsafeBufferPointer<DebugUnits.CodeRange> {
    UnsafeBufferPointer(start: ranges + units[u].firstRange, count: units[u].rangeCount)
  }

  // MARK: symbols by section, in order

  func functionIndices(_ u: Int) -> Range<Int> { units[u].functionIndices }
  @inline(__always) func function(_ i: Int) -> SymbolID { functions[i] }
  @inline(__always) func record(_ i: Int) -> FunctionDebugSymbols { records[i] }

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

/// Which symbols make up a unit's part of .debug_info besides the types.
struct UnitContents: @unchecked Sendable {
  let tables: UnitTables
  private let abstractFunctions: UnsafePointer<SymbolID>
  private let abstractRanges: [Range<Int>]
  /// By unit; mostly none.
  let constants: [SymbolID]
  private let variables: [[SymbolID]]
  private let typesUnit: Int

  init(_ tables: UnitTables, _ discovery: borrowing DebugDiscovery, typesUnit: Int?) {
    self.tables = tables
    abstractFunctions = UnsafePointer(discovery.abstractFunctions.base)
    abstractRanges = discovery.abstractRanges
    constants = discovery.constants
    variables = discovery.variables
    self.typesUnit = typesUnit ?? -1
  }

  func hasTypes(_ u: Int) -> Bool { u == typesUnit }
  func hasVariables(_ u: Int) -> Bool { !variables[u].isEmpty }

  /// Inlined functions, functions, constants, variables; types follow in the unit that has them.
  @inline(__always)
  func forEachInfo(_ u: Int, _ body: (SymbolID) -> Void) {
    for i in abstractRanges[u] { body(abstractFunctions[i]) }
    for i in tables.unit(u).functionIndices where !tables.records[i].info.isNone {
      body(tables.records[i].info)
    }
    forEachVariable(u, body)
  }

  /// The inlined functions.
  func abstracts(_ u: Int) -> UnsafeBufferPointer<SymbolID> {
    UnsafeBufferPointer(
      start: abstractFunctions + abstractRanges[u].lowerBound, count: abstractRanges[u].count)
  }

  func hasAbstracts(_ list: [SymbolID], _ u: Int) -> Bool { abstracts(u).elementsEqual(list) }

  /// What follows the entries of inlined functions and functions.
  @inline(__always)
  func forEachVariable(_ u: Int, _ body: (SymbolID) -> Void) {
    if !constants[u].isNone { body(constants[u]) }
    for s in variables[u] { body(s) }
  }

  /// Bytes of what `forEachInfo` gives.
  func infoSize(_ u: Int) -> Int {
    let reader = tables.reader
    var size = tables.findings(u).infoSize + Int(reader.size(constants[u]))
    for i in abstractRanges[u] { size += Int(reader.size(abstractFunctions[i])) }
    for s in variables[u] { size += Int(reader.size(s)) }
    return size
  }
}
