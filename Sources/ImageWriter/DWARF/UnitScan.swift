import LoaderCore

/// The DWARF symbols of one function; `.none` for those it does not have.
struct FunctionDebugSymbols: BitwiseCopyable {
  var info = SymbolID.none
  /// The location lists that the info refers to.
  var location = SymbolID.none
  var ranges = SymbolID.none
  var lines = SymbolID.none
}

/// What a first look at a unit's functions brings to light.
struct UnitFindings {
  /// What the functions' entries refer to, in order of the references, mostly without repeats: the order in
  /// which types are discovered.
  var references: [Reference] = []
  /// What else is referred to that other objects may define.
  var others: [SymbolID] = []
  /// Functions in the order of their slots in .debug_addr.
  var slots: [SymbolID] = []
  /// Bytes of the functions' symbols, by section.
  var infoSize = 0
  var lineSize = 0
  var rangeSize = 0
  var locationSize = 0
  /// Why the real linker would refuse the unit.
  var problem: String?

  struct Reference: BitwiseCopyable {
    private let raw: UInt32
    enum Kind: UInt32 {
      /// A type descriptor that must have an entry.
      case type
      /// The entry of a type: "go:info.T".
      case typeEntry
      /// The entry of a function that was inlined.
      case abstractFunction
    }
    init(_ s: SymbolID, _ kind: Kind) { raw = s.raw << 2 | kind.rawValue }
    var symbol: SymbolID { SymbolID(raw >> 2) }
    var kind: Kind { Kind(rawValue: raw & 3) ?? .type }

    /// Whether the symbol is still of a kind that makes such a reference.
    func fits(_ reader: SymbolReader) -> Bool {
      switch kind {
      case .type: true
      case .typeEntry: [.dwarfType, .undefined].contains(reader.kind(symbol))
      case .abstractFunction: reader.kind(symbol) == .dwarfAbstractFunction
      }
    }
  }

  /// Above this number of symbols a reference does not fit.
  static let largestSymbolCount = 1 << 30
}

/// Reads the relocations of all functions' DWARF symbols, unit by unit and in parallel
/// (dwarfVisitFunction and writedebugaddr, as far as they only look).
struct UnitScan {
  private let reader: SymbolReader
  private let unitOfObject: [Int32]
  private let places: UnsafeMutablePointer<UInt32>
  private let unit: Int
  private var findings = UnitFindings()
  /// References seen lately in this unit, by a hash: most are repeats.
  private let seen: UnsafeMutablePointer<UInt64>
  private static var seenCount: Int { 1024 }

  /// Fills `records`, one per function of `units`, and gives the functions their slots in `places`.
  static func run(
    _ index: SymbolIndex, _ units: borrowing DebugUnits, _ places: borrowing DebugPlaces,
    records: borrowing Table<FunctionDebugSymbols>, memory: DebugMemory
  ) -> [UnitFindings] {
    let reader = index.reader
    let unitOfObject = units.unitOfObject
    let list = units.units.base
    let functions = units.functions.base
    let records = records.base
    let places = places.base
    let memos = memory.units
    return [UnitFindings](unsafeUninitializedCapacity: units.units.count) { out, count in
      count = units.units.count
      guard let found = out.baseAddress else { return }
      Chunks.run(count, grain: 1) { range in
        let seen = UnsafeMutablePointer<UInt64>.allocate(capacity: seenCount)
        defer { seen.deallocate() }
        for u in range {
          let unit = list[u]
          let own = UnsafeBufferPointer(start: functions + unit.firstFunction, count: unit.functionCount)
          let ownRecords = records + unit.firstFunction
          let memo = memos[unit.object.index]
          if let known = memo.scan(of: own, unit.object, reader) {
            for (i, r) in known.records.enumerated() { ownRecords[i] = r }
            for (i, f) in known.findings.slots.enumerated() { places[f.index] = UInt32(i + 1) }
            (found + u).initialize(to: known.findings)
            continue
          }
          seen.initialize(repeating: .max, count: seenCount)
          var scan = UnitScan(
            reader: reader, unitOfObject: unitOfObject, places: places, unit: u, seen: seen)
          for i in list[u].functionIndices { records[i] = scan.visit(functions[i]) }
          if list[u].functionCount > 0 { scan.giveSlot(functions[list[u].firstFunction], limit: .max) }
          (found + u).initialize(to: scan.findings)
          memo.keep(own, UnsafeBufferPointer(start: ownRecords, count: own.count), scan.findings)
        }
      }
    }
  }

  private init(
    reader: SymbolReader, unitOfObject: [Int32], places: UnsafeMutablePointer<UInt32>, unit: Int,
    seen: UnsafeMutablePointer<UInt64>
  ) {
    self.reader = reader
    self.unitOfObject = unitOfObject
    self.places = places
    self.unit = unit
    self.seen = seen
  }

  private mutating func visit(_ f: SymbolID) -> FunctionDebugSymbols {
    var record = FunctionDebugSymbols()
    var location = SymbolID.none
    let auxiliaries = reader.auxiliaries(f)
    for i in 0..<auxiliaries.count {
      let kind = auxiliaries.kind(i)
      guard kind >= AuxKind.dwarfInfo, kind <= AuxKind.dwarfLines else { continue }
      let s = reader.resolve(auxiliaries.ref(i), in: auxiliaries.object)
      let expected: SymbolKind
      switch kind {
      case AuxKind.dwarfInfo: (record.info, expected) = (s, .dwarfFunction)
      case AuxKind.dwarfLoc: (location, expected) = (s, .dwarfLoc)
      case AuxKind.dwarfRanges: (record.ranges, expected) = (s, .dwarfRange)
      default: (record.lines, expected) = (s, .dwarfLines)
      }
      if reader.kind(s) != expected { auxiliaries.object.pointee.view.noteFault() }
    }
    if !record.info.isNone { record.location = visitInfo(record.info) }
    // All three may be the first to name a function; info was looked at already.
    if !record.ranges.isNone { visitSlots(record.ranges) }
    if !location.isNone { visitSlots(location) }
    // Without an entry of its own, the function's ranges are not listed either.
    if record.info.isNone { record.ranges = .none }
    findings.infoSize += Int(reader.size(record.info))
    findings.rangeSize += Int(reader.size(record.ranges))
    findings.lineSize += Int(reader.size(record.lines))
    return record
  }

  /// Notes what the entry refers to; gives the location lists it refers to first.
  private mutating func visitInfo(_ info: SymbolID) -> SymbolID {
    var location = SymbolID.none
    let relocs = reader.relocations(info)
    var last = SymbolRef(package_: 0, index: 0)
    for i in 0..<relocs.count {
      let r = relocs[i]
      switch r.type {
      case RelocType.dwarfSecRef:
        guard isNew(r.ref, isUse: false) else { continue }
        let s = reader.target(r, in: relocs)
        switch reader.kind(s) {
        case .dwarfAbstractFunction: findings.references.append(.init(s, .abstractFunction))
        case .dwarfType, .undefined: findings.references.append(.init(s, .typeEntry))
        case .dwarfLoc where location.isNone:
          location = s
          findings.locationSize += Int(reader.size(s))
        default: if r.ref.package_ != ObjectFormat.PackageIndex.own { findings.others.append(s) }
        }
      case RelocType.useType:
        guard isNew(r.ref, isUse: true) else { continue }
        let s = reader.target(r, in: relocs)
        if !s.isNone { findings.references.append(.init(s, .type)) }
      case RelocType.dwtxtAddrU1...RelocType.dwtxtAddrU4:
        if r.ref != last { visitSlot(r, relocs) }
        last = r.ref
      default: break
      }
    }
    return location
  }

  private mutating func visitSlots(_ s: SymbolID) {
    let relocs = reader.relocations(s)
    var last = SymbolRef(package_: 0, index: 0)
    for i in 0..<relocs.count {
      let r = relocs[i]
      guard r.ref != last, r.type >= RelocType.dwtxtAddrU1, r.type <= RelocType.dwtxtAddrU4 else { continue }
      visitSlot(r, relocs)
      last = r.ref
    }
  }

  /// Whether a reference has not been met lately; repeats may be taken for new.
  @inline(__always)
  private func isNew(_ ref: SymbolRef, isUse: Bool) -> Bool {
    let key = UInt64(ref.package_) << 33 | UInt64(ref.index) << 1 | (isUse ? 1 : 0)
    let at = Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> 54)
    if seen[at] == key { return false }
    seen[at] = key
    return true
  }

  private mutating func visitSlot(_ r: Relocation, _ relocs: Relocations) {
    let f = reader.target(r, in: relocs)
    guard reader.kind(f).isText, DebugUnits.unit(f, reader, unitOfObject) == unit else {
      findings.problem = "DWARF address of \(reader.name(f).string), which is no function of its unit"
      return
    }
    // Each form has 7 bits per byte (DwTxtAddrRelocParams).
    giveSlot(f, limit: 1 << (7 * (Int(r.type - RelocType.dwtxtAddrU1) + 1)) - 1)
  }

  /// - Parameter limit: the largest slot that fits the reference.
  private mutating func giveSlot(_ f: SymbolID, limit: Int) {
    guard places[f.index] == 0 else { return }
    if findings.slots.count > limit {
      findings.problem = "too many functions for the DWARF addresses of \(reader.name(f).string)"
    }
    findings.slots.append(f)
    places[f.index] = UInt32(findings.slots.count)
  }
}
