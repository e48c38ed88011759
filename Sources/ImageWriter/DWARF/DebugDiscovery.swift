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

  static func run(
    _ index: SymbolIndex, _ live: borrowing LiveSet, _ units: borrowing DebugUnits,
    _ findings: [UnitFindings], _ types: inout DebugTypes
  ) throws(LinkFailure) -> DebugDiscovery {
    var pass = DebugDiscovery(index, unitCount: units.units.count)
    types.promiseEntries()
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
    try pass.visitData(index, live, units, &types)
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

  // MARK: variables and dictionaries

  /// A live symbol whose type must be known.
  private struct DataSymbol: BitwiseCopyable {
    let symbol: SymbolID
    /// None for a dictionary.
    let type: SymbolID
  }

  private mutating func visitData(
    _ index: SymbolIndex, _ live: borrowing LiveSet, _ units: borrowing DebugUnits,
    _ types: inout DebugTypes
  ) throws(LinkFailure) {
    for group in Self.findData(index, live) {
      for d in group {
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

  /// Variables of Go and dictionaries, in index order, in groups that were searched in parallel.
  private static func findData(_ index: SymbolIndex, _ live: borrowing LiveSet) -> [[DataSymbol]] {
    let reader = index.reader
    let end = index.firstExternal.index
    let reachable = live.reachableBits
    let limit = min(live.limit, end)
    let grain = 1 << 15
    let groups = max(1, (limit + grain - 1) / grain)
    return [[DataSymbol]](unsafeUninitializedCapacity: groups) { out, count in
      count = groups
      guard let found = out.baseAddress else { return }
      Chunks.run(groups, grain: 1) { range in
        for g in range {
          var group: [DataSymbol] = []
          for i in max(1, g * grain)..<max(1, min(limit, (g + 1) * grain)) where reachable[i] & 1 != 0 {
            let s = SymbolID(i)
            guard isData(reader.kind(s)), !index.attributes(s).contains(.notInSymbolTable),
              !reader.isFileLocal(s)
            else { continue }
            let type = reader.goType(s)
            if !type.isNone || (reader.kind(s) == .rodata && reader.flags(s).contains(.dict)) {
              group.append(DataSymbol(symbol: s, type: type))
            }
          }
          (found + g).initialize(to: group)
        }
      }
    }
  }

  private static func isData(_ kind: SymbolKind) -> Bool {
    switch kind {
    case .type, .bss, .noptrBss, .tlsBss, .moduleData: true
    default: kind.isRodata || kind.isSData || kind.isNoptrData
    }
  }
}
