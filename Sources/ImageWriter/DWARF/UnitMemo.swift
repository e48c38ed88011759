import LoaderCore

/// What DWARF generation found out about one object, for as long as its source files are the same.
final class UnitMemo: @unchecked Sendable {
  /// The outcome of `UnitScan`, for the functions that were live.
  struct Scan {
    fileprivate(set) var functions: [SymbolID]
    fileprivate(set) var records: [FunctionDebugSymbols]
    fileprivate(set) var findings: UnitFindings
    /// Positions of references whose definition may be another.
    fileprivate var doubtful: [Int] = []
  }
  private(set) var scan: Scan?

  /// The head of its line table.
  var lineHead: ByteSink?
  var debuggerScript: [UInt8]?

  /// Local indices of the definitions that have a Go type, or are dictionaries of generic functions.
  private(set) var typedData: [UInt32]?

  // MARK: what was written

  /// Where the unit's parts of the last link's sections lie. Each is written by another thread.
  var info: WrittenInfo?
  var lines: WrittenPart?
  var locations: WrittenPart?
  var ranges: WrittenPart?

  /// The unit is not what it was; it is still known where its inlined functions were.
  private func spoil() {
    info?.isIntact = false
    lines = nil
    locations = nil
    ranges = nil
  }

  // MARK: the scan

  func keep(
    _ functions: UnsafeBufferPointer<SymbolID>, _ records: UnsafeBufferPointer<FunctionDebugSymbols>,
    _ findings: UnitFindings
  ) {
    scan = Scan(functions: Array(functions), records: Array(records), findings: findings)
    spoil()
  }

  /// The scan, if it is that of these functions of the object.
  func scan(
    of functions: UnsafeBufferPointer<SymbolID>, _ object: ObjectID, _ reader: SymbolReader
  ) -> Scan? {
    guard let scan, scan.functions.count == functions.count else { return nil }
    for i in 0..<functions.count {
      guard scan.functions[i] == functions[i], reader.place(functions[i]).object == object.raw else {
        return nil
      }
    }
    for i in scan.doubtful where !scan.findings.references[i].fits(reader) { return nil }
    return scan
  }

  // MARK: typed data

  func typedData(of view: ObjectView) -> [UInt32] {
    if let typedData { return typedData }
    var found: [UInt32] = []
    for i in 0..<UInt32(truncatingIfNeeded: view.definitions) {
      if view.symbolFlags(i).contains(.dict) {
        found.append(i)
        continue
      }
      let (base, count) = view.auxRecords(i)
      guard let base else { continue }
      for k in 0..<count
      where base.load(fromByteOffset: k * ObjectFormat.auxSize, as: UInt8.self) == AuxKind.goType {
        found.append(i)
        break
      }
    }
    let kept = Array(found)
    typedData = kept
    return kept
  }

  // MARK: following an exchange

  /// Forgets all that depends on the object's contents, or on its source files.
  func forget(_ change: IndexChange) {
    scan = nil
    spoil()
    info?.follow(change)
    lineHead = nil
    debuggerScript = nil
    typedData = nil
  }

  /// Forgets what depends on where the object has its definitions.
  func forgetPlaces() { typedData = nil }

  /// Renumbers what is kept of an object; drops what may be different now.
  func follow(_ change: IndexChange) {
    info?.follow(change)
    guard var s = scan else { return spoil() }
    scan = nil
    s.doubtful = []
    let isSame =
      Self.follow(change, &s.functions) && Self.follow(change, &s.records)
      && Self.follow(change, &s.findings.slots) && Self.follow(change, &s.findings.others)
      && Self.follow(change, &s.findings.references, &s.doubtful)
    if isSame { scan = s } else { spoil() }
  }

  /// False for a symbol that went, or whose definition may be another.
  @inline(__always)
  private static func follow(_ change: IndexChange, _ s: inout SymbolID) -> Bool {
    if s.isNone { return true }
    guard !change.isTouched(s), let now = change.number(s) else { return false }
    s = now
    return true
  }

  private static func follow(_ change: IndexChange, _ list: inout [SymbolID]) -> Bool {
    list.withUnsafeMutableBufferPointer { list in
      for i in 0..<list.count where !follow(change, &list[i]) { return false }
      return true
    }
  }

  private static func follow(_ change: IndexChange, _ list: inout [FunctionDebugSymbols]) -> Bool {
    list.withUnsafeMutableBufferPointer { list in
      for i in 0..<list.count {
        guard follow(change, &list[i].info), follow(change, &list[i].location),
          follow(change, &list[i].ranges), follow(change, &list[i].lines)
        else { return false }
      }
      return true
    }
  }

  private static func follow(
    _ change: IndexChange, _ list: inout [UnitFindings.Reference], _ doubtful: inout [Int]
  ) -> Bool {
    list.withUnsafeMutableBufferPointer { list in
      for i in 0..<list.count {
        let s = list[i].symbol
        guard let now = change.number(s) else { return false }
        if change.isTouched(s) { doubtful.append(i) }
        list[i] = .init(now, list[i].kind)
      }
      return true
    }
  }

  // MARK: from one life of the daemon to the next

  /// All memos of a program, list by list.
  static func write(_ units: [UnitMemo], to writer: SnapshotWriter) {
    func concatenated<T: BitwiseCopyable>(_ list: (Scan) -> [T]) {
      var all: [T] = []
      for u in units { if let scan = u.keptScan { all += list(scan) } }
      writer.array(all)
    }
    writer.array(units.flatMap(\.numbers))
    concatenated(\.functions)
    concatenated(\.records)
    concatenated(\.findings.references)
    concatenated(\.findings.others)
    concatenated(\.findings.slots)
    concatenated(\.doubtful)
    writer.array(units.flatMap { $0.typedData ?? [] })
    writer.array(units.flatMap { unit in unit.keptHead.map { Array($0.bytes) } ?? [] })
  }

  /// A scan that found something wrong is made again.
  private var keptScan: Scan? { scan?.findings.problem == nil ? scan : nil }

  /// The script is found with the head, and few units have one.
  private var keptHead: ByteSink? { debuggerScript == nil ? lineHead : nil }

  private static let numberCount = 13

  private var numbers: [Int] {
    let s = keptScan ?? Scan(functions: [], records: [], findings: UnitFindings())
    let f = s.findings
    return [
      keptScan == nil ? 0 : 1, s.functions.count, s.records.count, f.references.count, f.others.count,
      f.slots.count, s.doubtful.count, typedData?.count ?? -1, keptHead?.count ?? -1, f.infoSize, f.lineSize,
      f.rangeSize, f.locationSize,
    ]
  }

  static func read(_ reader: inout SnapshotReader) -> [UnitMemo] {
    let numbers: [Int] = reader.array()
    var functions = Pieces<SymbolID>(&reader)
    var records = Pieces<FunctionDebugSymbols>(&reader)
    var references = Pieces<UnitFindings.Reference>(&reader)
    var others = Pieces<SymbolID>(&reader)
    var slots = Pieces<SymbolID>(&reader)
    var doubtful = Pieces<Int>(&reader)
    var typed = Pieces<UInt32>(&reader)
    var heads = Pieces<UInt8>(&reader)
    var units: [UnitMemo] = []
    for start in stride(from: 0, to: numbers.count - Self.numberCount + 1, by: Self.numberCount) {
      let n = numbers[start..<start + Self.numberCount].map { $0 }
      let unit = UnitMemo()
      var findings = UnitFindings()
      let (mine, symbols) = (functions.next(n[1]), records.next(n[2]))
      findings.references = references.next(n[3])
      findings.others = others.next(n[4])
      findings.slots = slots.next(n[5])
      (findings.infoSize, findings.lineSize) = (n[9], n[10])
      (findings.rangeSize, findings.locationSize) = (n[11], n[12])
      let scan = Scan(
        functions: mine, records: symbols, findings: findings, doubtful: doubtful.next(n[6]))
      if n[0] != 0 { unit.scan = scan }
      if n[7] >= 0 { unit.typedData = typed.next(n[7]) }
      if n[8] >= 0 { unit.lineHead = ByteSink(copying: heads.next(n[8])) }
      units.append(unit)
    }
    return units
  }

  /// A long list, cut up.
  private struct Pieces<T: BitwiseCopyable> {
    private let all: UnsafeMutableBufferPointer<T>
    private var at = 0

    init(_ reader: inout SnapshotReader) { all = reader.memory(of: T.self) }

    mutating func next(_ count: Int) -> [T] {
      let n = max(0, min(count, all.count - at))
      defer { at += n }
      return Array(all[at..<at + n])
    }
  }

  /// Bytes of memory.
  var byteCount: Int {
    var n = (lineHead?.room ?? 0) + (typedData?.capacity ?? 0) * 4
    if let scan {
      n += scan.functions.capacity * 4 + scan.records.capacity * MemoryLayout<FunctionDebugSymbols>.stride
      n += scan.findings.references.capacity * 4 + scan.findings.slots.capacity * 4
      n += scan.findings.others.capacity * 4
    }
    n += (info?.byteCount ?? 0) + (lines?.addresses.capacity ?? 0) * 4
    return n
  }
}
