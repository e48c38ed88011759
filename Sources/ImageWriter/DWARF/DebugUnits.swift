import LoaderCore

/// The compilation units, one per object, with their functions and the address ranges of their code.
struct DebugUnits: ~Copyable, @unchecked Sendable {
  struct Unit: BitwiseCopyable {
    let object: ObjectID
    /// Index into the index's libraries.
    let library: Int
    /// Whether it is the first of its package, which carries the package's constants.
    let isFirst: Bool
    /// Range in `functions`.
    var firstFunction = 0
    var functionCount = 0
    /// Range in `ranges`.
    var firstRange = 0
    var rangeCount = 0

    var functionIndices: Range<Int> { firstFunction..<(firstFunction + functionCount) }
  }

  /// Addresses relative to the unit's first function; below zero for what was moved before it.
  struct CodeRange: BitwiseCopyable {
    var start: Int64
    var end: Int64
  }

  /// In the packages' dependency order (the real linker's compUnits before sorting).
  let units: Table<Unit>
  /// Functions by unit, in the order they were placed, which is not that of addresses where the FIPS
  /// functions were moved.
  let functions: Table<SymbolID>
  let ranges: Table<CodeRange>
  /// Object index -> unit index, -1 for none.
  let unitOfObject: [Int32]
  /// The unit that carries the types: the last of package runtime.
  let runtimeUnit: Int?
  /// Unit indices in the order of the sections.
  let order: [Int]

  /// - Throws: `.unsupported` where the real linker would crash: a unit whose functions all lack metadata.
  init(
    _ index: SymbolIndex, text: TextLayout, facts: borrowing Table<FunctionFact>
  ) throws(LinkFailure) {
    var units = Table<Unit>(capacity: index.objectCount)
    var unitOfObject = [Int32](repeating: -1, count: index.objectCount)
    var runtimeUnit: Int?
    for k in text.order.libraries {
      let library = index.libraries[k]
      for (i, o) in library.objects.enumerated() {
        unitOfObject[Int(o)] = Int32(units.count)
        if library.path == "runtime" { runtimeUnit = units.count }
        units.append(Unit(object: ObjectID(o), library: k, isFirst: i == 0))
      }
    }
    let reader = index.reader
    functions = Self.group(text.order.functions, reader, unitOfObject, units)
    ranges = Self.measure(text, facts, reader, unitOfObject, units, functions)
    order = try Self.sorted(units, ranges, index)
    self.units = units
    self.unitOfObject = unitOfObject
    self.runtimeUnit = runtimeUnit
  }

  /// The unit of each function, -1 for none. Read on all cores: each is a look at another place in memory.
  private static func numbers(
    of functions: [SymbolID], _ reader: SymbolReader, _ unitOfObject: [Int32]
  ) -> Table<Int32> {
    let numbers = Table<Int32>(uninitialized: functions.count)
    let base = numbers.base
    Chunks.run(functions.count, grain: 1 << 12) { range in
      for i in range { base[i] = unit(functions[i], reader, unitOfObject).map { Int32($0) } ?? -1 }
    }
    return numbers
  }

  @inline(__always)
  static func unit(_ s: SymbolID, _ reader: SymbolReader, _ unitOfObject: [Int32]) -> Int? {
    let o = reader.unit(s).index
    guard o < unitOfObject.count, unitOfObject[o] >= 0 else { return nil }
    return Int(unitOfObject[o])
  }

  /// A stable counting sort of the functions by unit.
  private static func group(
    _ all: [SymbolID], _ reader: SymbolReader, _ unitOfObject: [Int32], _ units: borrowing Table<Unit>
  ) -> Table<SymbolID> {
    let numbers = numbers(of: all, reader, unitOfObject)
    for u in numbers.buffer where u >= 0 { units.base[Int(u)].functionCount += 1 }
    var total = 0
    for u in 0..<units.count {
      units.base[u].firstFunction = total
      total += units.base[u].functionCount
      units.base[u].functionCount = 0
    }
    let grouped = Table<SymbolID>(repeating: .none, count: total)
    for (i, s) in all.enumerated() where numbers[i] >= 0 {
      let u = Int(numbers[i])
      grouped[units.base[u].firstFunction + units.base[u].functionCount] = s
      units.base[u].functionCount += 1
    }
    return grouped
  }

  /// A unit's code in address order, cut only where another unit's functions lie between
  /// (calcCompUnitRanges). Functions without metadata count for nothing.
  private static func measure(
    _ text: TextLayout, _ facts: borrowing Table<FunctionFact>, _ reader: SymbolReader,
    _ unitOfObject: [Int32], _ units: borrowing Table<Unit>, _ functions: borrowing Table<SymbolID>
  ) -> Table<CodeRange> {
    let numbers = numbers(of: text.functions, reader, unitOfObject)
    var origin = [UInt64](repeating: 0, count: units.count)
    for (i, s) in text.functions.enumerated() where numbers[i] >= 0 {
      let u = Int(numbers[i])
      if functions[units[u].firstFunction] == s { origin[u] = text.starts[i] }
    }
    var found: [(unit: Int, range: CodeRange)] = []
    var previous = -1
    for i in text.functions.indices where facts[i].hasMetadata && numbers[i] >= 0 {
      let u = Int(numbers[i])
      let start = Int64(bitPattern: text.starts[i] &- origin[u])
      if previous != u {
        found.append((u, CodeRange(start: start, end: start)))
        units.base[u].rangeCount += 1
        previous = u
      }
      found[found.count - 1].range.end = start &+ Int64(facts[i].size)
    }
    var total = 0
    for u in 0..<units.count {
      units.base[u].firstRange = total
      total += units.base[u].rangeCount
      units.base[u].rangeCount = 0
    }
    let ranges = Table<CodeRange>(repeating: CodeRange(start: 0, end: 0), count: total)
    for f in found {
      ranges[units.base[f.unit].firstRange + units.base[f.unit].rangeCount] = f.range
      units.base[f.unit].rangeCount += 1
    }
    return ranges
  }

  /// By the start of the first range, units without text last and by package path
  /// (compilationUnitByStartPCCmp). The starts are relative, so nearly all are equal, and Go's unstable sort
  /// decides.
  private static func sorted(
    _ units: borrowing Table<Unit>, _ ranges: borrowing Table<CodeRange>, _ index: SymbolIndex
  ) throws(LinkFailure) -> [Int] {
    struct Key {
      let unit: Int
      let hasText: Bool
      let start: Int64
    }
    var keys: [Key] = []
    keys.reserveCapacity(units.count)
    for u in 0..<units.count {
      let unit = units[u]
      let hasText = unit.functionCount > 0
      if hasText && unit.rangeCount == 0 {
        throw .unsupported(
          reason: "no function metadata in \(index.libraries[unit.library].path)")
      }
      keys.append(Key(unit: u, hasText: hasText, start: hasText ? ranges[unit.firstRange].start : 0))
    }
    let paths = index.libraries.map { Array($0.path.utf8) }
    let libraryOf = (0..<units.count).map { units[$0].library }
    GoSort.sort(&keys) { a, b in
      if a.hasText != b.hasText { return a.hasText }
      if a.hasText { return a.start < b.start }
      return paths[libraryOf[a.unit]].lexicographicallyPrecedes(paths[libraryOf[b.unit]])
    }
    return keys.map(\.unit)
  }
}
