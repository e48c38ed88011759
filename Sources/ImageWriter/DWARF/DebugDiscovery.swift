import LoaderCore

/// Which entries each unit gets besides its functions', and through them all types of the program
/// (cmd/link/internal/ld/dwarf.go dwarfGenerateDebugInfo).
///
/// The order of discovery is the order of the types in the file: units in dependency order, in each first
/// its constants, then what its functions' entries refer to, where an inlined function brings its own
/// references when it is met first; then variables and generic dictionaries by symbol index.
struct DebugDiscovery: ~Copyable {
  /// Entries of inlined functions, by unit; each in the first unit that refers to it.
  private(set) var abstractFunctions: Table<SymbolID>
  /// Ranges in `abstractFunctions`, by unit.
  private(set) var abstractRanges: [Range<Int>] = []
  /// The entry of the constants, by unit; mostly none.
  private(set) var constants: [SymbolID]
  /// Entries of variables, by unit.
  private(set) var variables: [[SymbolID]]

  private let reader: SymbolReader
  private var met: Bitmap

  /// - Parameter data: what `DebugDataSymbol.find` gave.
  static func run(
    _ index: SymbolIndex, _ units: borrowing DebugUnits, _ findings: [UnitFindings],
    data: [DebugDataSymbol], _ types: inout DebugTypes
  ) throws(LinkFailure) -> DebugDiscovery {
    var pass = DebugDiscovery(index, unitCount: units.units.count)
    for u in 0..<units.units.count {
      let start = pass.abstractFunctions.count
      let unit = units.units[u]
      if unit.isFirst {
        let name = "go:constinfo." + index.libraries[unit.library].path
        let s = index.lookup(name)
        if !s.isNone {
          pass.constants[u] = s
          try pass.importEntry(s, &types)
        }
      }
      if let problem = findings[u].problem { throw .unsupported(reason: problem) }
      try pass.visit(findings[u].references, &types)
      pass.abstractRanges.append(start..<pass.abstractFunctions.count)
    }
    try pass.visit(data, units, &types)
    try TypeSynthesis.run(&types)
    return pass
  }

  private init(_ index: SymbolIndex, unitCount: Int) {
    reader = index.reader
    abstractFunctions = Table(capacity: 1 << 12)
    constants = Array(repeating: .none, count: unitCount)
    variables = Array(repeating: [], count: unitCount)
    met = Bitmap(count: index.count)
  }

  private mutating func visit(
    _ references: [UnitFindings.Reference], _ types: inout DebugTypes
  ) throws(LinkFailure) {
    for r in references {
      let s = r.symbol
      switch r.kind {
      case .type: _ = try types.define(s)
      case .typeEntry: try types.define(entry: s)
      case .abstractFunction:
        if met[s.index] { continue }
        met[s.index] = true
        abstractFunctions.append(s)
        try importEntry(s, &types)
      }
    }
  }

  /// Defines the types that constants or an inlined function refer to (importInfoSymbol).
  private func importEntry(_ s: SymbolID, _ types: inout DebugTypes) throws(LinkFailure) {
    let kind = reader.kind(s)
    guard kind == .dwarfConst || kind == .dwarfAbstractFunction else {
      throw .unsupported(reason: "DWARF info symbol \(reader.name(s).string) of another kind")
    }
    let relocs = reader.relocations(s)
    var last = SymbolRef(package_: 0, index: 0)
    for i in 0..<relocs.count {
      let r = relocs[i]
      guard r.type == RelocType.dwarfSecRef, r.ref != last else { continue }
      last = r.ref
      try types.define(entry: reader.target(r, in: relocs))
    }
  }

  private mutating func visit(
    _ data: [DebugDataSymbol], _ units: borrowing DebugUnits, _ types: inout DebugTypes
  ) throws(LinkFailure) {
    for d in data {
      if d.type.isNone {
        let relocs = reader.relocations(d.symbol)
        for i in 0..<relocs.count where relocs[i].type == RelocType.useIface {
          _ = try types.define(reader.target(relocs[i], in: relocs))
        }
        continue
      }
      // Objects compiled without DWARF have variables without entries.
      let entry = reader.auxiliary(d.symbol, AuxKind.dwarfInfo)
      guard !entry.isNone else { continue }
      guard reader.kind(entry) == .dwarfVar,
        let u = DebugUnits.unit(d.symbol, reader, units.unitOfObject)
      else {
        throw .unsupported(reason: "DWARF entry of variable \(reader.name(d.symbol).string)")
      }
      _ = try types.define(d.type)
      variables[u].append(entry)
    }
  }
}

/// A live symbol whose type must be known: a Go variable, or a dictionary of a generic function.
struct DebugDataSymbol: BitwiseCopyable {
  let symbol: SymbolID
  /// None for a dictionary.
  let type: SymbolID

  /// All of them in index order.
  static func find(
    _ index: SymbolIndex, _ live: borrowing LiveSet, memory: DebugMemory
  ) -> [DebugDataSymbol] {
    let reader = index.reader
    let reachable = live.reachableBits
    let limit = min(live.limit, index.firstExternal.index)
    let memos = memory.units
    let firstObject = ObjectID.firstInput.index
    let found = PartialResults<[DebugDataSymbol]>(count: memos.count, empty: [])
    Chunks.run(max(0, reader.objectCount - firstObject), grain: 16) { range in
      for o in (range.lowerBound + firstObject)..<(range.upperBound + firstObject) {
        let object = reader.object(ObjectID(UInt32(truncatingIfNeeded: o)))
        var list: [DebugDataSymbol] = []
        for local in memos[o].typedData(of: object.pointee.view) {
          let s = SymbolID(object.pointee.symbols[Int(local)])
          guard s.index < limit, reachable[s.index] & 1 != 0, isDefined(s, o, local, reader) else { continue }
          let kind = reader.kind(s)
          guard isData(kind), !reader.isFileLocal(s), !index.attributes(s).contains(.notInSymbolTable)
          else { continue }
          let type = reader.goType(s)
          if !type.isNone || (kind == .rodata && reader.flags(s).contains(.dict)) {
            list.append(DebugDataSymbol(symbol: s, type: type))
          }
        }
        found.set(o, list)
      }
    }
    // Mostly in order already.
    return found.all.flatMap { $0 }.sorted { $0.symbol.raw < $1.symbol.raw }
  }

  /// Whether the symbol's content, or what the linker made it from, is that definition.
  @inline(__always)
  private static func isDefined(_ s: SymbolID, _ object: Int, _ local: UInt32, _ reader: SymbolReader) -> Bool
  {
    let place = reader.place(s)
    if Int(place.object) == object { return place.local == local }
    guard place.object == ObjectID.external.raw else { return false }
    let external = reader.external(s).pointee
    return Int(external.origin) == object && external.originLocal == local
  }

  private static func isData(_ kind: SymbolKind) -> Bool {
    switch kind {
    case .type, .bss, .noptrBss, .tlsBss, .moduleData: true
    default: kind.isRodata || kind.isSData || kind.isNoptrData
    }
  }
}
