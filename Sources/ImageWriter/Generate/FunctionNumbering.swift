import LoaderCore

/// Brings the kept functions up to those of a link: finds the ones that are still good, has the others read on all
/// cores, and gives symbols that are new to the tables their numbers.
struct FunctionNumbering: ~Copyable {
  private let index: SymbolIndex
  private let reader: SymbolReader
  /// What is known of a symbol, by symbol. While functions are matched, its number among them plus 1; then a
  /// `Tag` in the low bits and the number of the part above.
  private let marks: Table<UInt32>
  /// The first symbol seen in two roles, which no compiler writes.
  private(set) var conflict = SymbolID.none
  /// Functions that were read.
  private(set) var readCount = 0

  private enum Tag {
    static let none: UInt32 = 0
    static let name: UInt32 = 1
    static let pcTable: UInt32 = 2
    static let funcdata: UInt32 = 3
    static let mask: UInt32 = 3
    static let shift: UInt32 = 2
  }

  /// Functions that are worth a turn on another core.
  private static let grain = 1024
  /// A function that is not known.
  private static let unknown = UInt32.max

  init(_ index: SymbolIndex) {
    self.index = index
    reader = index.reader
    marks = Table(repeating: 0, count: index.count)
  }

  /// Makes `parts` those of `functions`, in that order.
  mutating func update(_ parts: inout FunctionParts, to functions: [SymbolID]) throws(LinkFailure) {
    let owned = index.ownedSymbols
    let renewed = Bitmap(count: index.count)
    for s in owned + parts.owned where s.index < index.count { renewed[s.index] = true }
    parts.owned = owned
    let unread = match(&parts, functions, renewed)
    readCount = unread.count
    let scans = try scan(unread.map { functions[Int($0)] }, deferReturn: parts.deferReturn)
    if !parts.isEmpty { findKnown(parts, scans, renewed) }
    var next = 0
    reserve(scans, in: &parts)
    for scan in scans {
      let first = parts.functions.count - 1
      for k in 0..<scan.content.functions.count {
        parts.order[Int(unread[next])] = UInt32(first + k)
        next += 1
      }
      try append(scan.content, to: &parts)
    }
    measure(parts)
  }

  // MARK: which functions are known

  /// Sets `order`.
  ///
  /// - Returns: positions of the functions that must be read.
  private func match(
    _ parts: inout FunctionParts, _ functions: [SymbolID], _ renewed: borrowing Bitmap
  ) -> [UInt32] {
    parts.order.removeAll()
    parts.order.grow(to: functions.count, with: Self.unknown)
    guard !parts.isEmpty else { return Array(0..<UInt32(functions.count)) }
    let known = parts.functions.buffer
    for k in 0..<known.count { marks[known[k].symbol.index] = UInt32(k + 1) }
    marks[0] = 0
    var unread: [UInt32] = []
    for (k, s) in functions.enumerated() {
      let n = marks[s.index]
      if n != 0, !renewed[s.index] { parts.order[k] = n - 1 } else { unread.append(UInt32(k)) }
    }
    for k in 0..<known.count { marks[known[k].symbol.index] = 0 }
    return unread
  }

  // MARK: reading

  /// A scan's outcome, which only one thread has at a time.
  private final class Scanned: @unchecked Sendable {
    var content: FunctionScan
    init(_ content: consuming FunctionScan) { self.content = content }
  }

  private func scan(_ functions: [SymbolID], deferReturn: SymbolID) throws(LinkFailure) -> [Scanned] {
    let chunks = min((functions.count + Self.grain - 1) / Self.grain, 64)
    var results = [Result<Scanned, LinkFailure>?](repeating: nil, count: chunks)
    results.withUnsafeMutableBufferPointer { results in
      Chunks.run(chunks, grain: 1) { range in
        for k in range {
          let part = functions[(functions.count * k / chunks)..<(functions.count * (k + 1) / chunks)]
          results[k] = Result { () throws(LinkFailure) -> Scanned in
            var scan = FunctionScan(reader, deferReturn: deferReturn, functions: part.count)
            for s in part { try scan.add(s) }
            return Scanned(scan)
          }
        }
      }
    }
    var scans: [Scanned] = []
    for r in results { if let r { scans.append(try r.get()) } }
    return scans
  }

  // MARK: numbers

  /// Marks the symbols among those scanned that have numbers. Parts that are met again, or that links change,
  /// are to be measured again.
  private func findKnown(
    _ parts: borrowing FunctionParts, _ scans: [Scanned], _ renewed: borrowing Bitmap
  ) {
    let wanted = renewed.copy()
    for scan in scans {
      Records(scan.content.words.buffer).forEachPart { wanted[Int($0)] = true }
      for c in scan.content.calls.buffer { wanted[Int(c.name)] = true }
    }
    wanted[0] = false
    find(parts.names, Tag.name, wanted)
    find(parts.pcTables, Tag.pcTable, wanted)
    find(parts.funcdata, Tag.funcdata, wanted)
  }

  private func find(_ parts: borrowing SharedParts, _ tag: UInt32, _ wanted: borrowing Bitmap) {
    let symbols = parts.symbols.base
    let sizes = parts.sizes.base
    let marks = marks.base
    withBorrowed(wanted) { wanted in
      Chunks.run(parts.count, grain: 16384) { range in
        for k in range where wanted.pointee[symbols[k].index] {
          marks[symbols[k].index] = UInt32(k) << Tag.shift | tag
          sizes[k] = SharedParts.unread
        }
      }
    }
  }

  /// Makes room for what will be added, and for about as many parts as real programs have.
  private func reserve(_ scans: [Scanned], in parts: inout FunctionParts) {
    var (functions, words, calls, files) = (0, 0, 0, 0)
    for scan in scans {
      functions += scan.content.functions.count
      words += scan.content.words.count
      calls += scan.content.calls.count
      files += scan.content.files.count
    }
    parts.functions.makeRoom(for: functions)
    parts.words.makeRoom(for: words)
    parts.calls.makeRoom(for: calls)
    parts.files.makeRoom(for: files)
    guard parts.isEmpty else { return }
    parts.names.reserve(functions + functions / 8)
    parts.facts.reserve(functions + functions / 8)
    parts.pcTables.reserve(2 * functions)
    parts.funcdata.reserve(functions - functions / 4)
    parts.shapes.reserve(functions - functions / 4)
  }

  /// Adds functions at the end.
  private mutating func append(
    _ scan: borrowing FunctionScan, to parts: inout FunctionParts
  ) throws(LinkFailure) {
    let first = parts.functions.removeLast()
    guard parts.words.count + scan.words.count < PCLineTable.limit / 4,
      parts.calls.count + scan.calls.count < PCLineTable.limit / 16,
      parts.files.count + scan.files.count < PCLineTable.limit / 4
    else { throw PCLineTable.tooLarge }
    for k in scan.transient.buffer { parts.transient.append(UInt32(parts.functions.count) + k) }
    parts.words.append(from: scan.words.base, count: scan.words.count)
    parts.files.append(from: scan.files.base, count: scan.files.count)
    let known = scan.functions.buffer
    for k in 0..<known.count {
      let f = known[k]
      let end = k + 1 < known.count ? Int(known[k + 1].calls) : scan.calls.count
      let record = parts.words.base + Int(first.words + f.words)
      let calls = Int(f.calls)..<end
      add(
        FunctionParts.Function(
          symbol: f.symbol, words: first.words + f.words, calls: first.calls + f.calls,
          files: first.files + f.files), record, scan.calls, calls, &parts)
    }
    parts.functions.append(
      FunctionParts.Function(
        symbol: .none, words: UInt32(parts.words.count), calls: UInt32(parts.calls.count),
        files: UInt32(parts.files.count)))
  }

  /// Adds a function; the symbols in its record become numbers.
  @inline(__always)
  private mutating func add(
    _ f: FunctionParts.Function, _ record: UnsafeMutablePointer<UInt32>,
    _ called: borrowing Table<FunctionParts.InlinedCall>, _ calls: Range<Int>,
    _ parts: inout FunctionParts
  ) {
    typealias Word = FunctionParts.Word
    parts.functions.append(f)
    let name = nameNumber(f.symbol.raw, &parts)
    let counts = record[Word.counts]
    let pcCount = Int(record[Word.pcCount])
    record[Word.name] = name
    let object = ObjectID(record[Word.object])
    if object.raw != 0 { parts.sources.note(object, reader) }
    for k in calls {
      let callee = nameNumber(called[k].name, &parts)
      parts.facts.base[Int(callee)].isInlined = true
      parts.calls.append(FunctionParts.InlinedCall(name: callee, parentPC: called[k].parentPC))
    }
    record[Word.hidden] = number(record[Word.hidden], Tag.pcTable, &parts.pcTables)
    for k in Word.pcTables { record[k] = number(record[k], Tag.pcTable, &parts.pcTables) }
    for k in Word.fixed..<(Word.fixed + pcCount) {
      record[k] = number(record[k], Tag.pcTable, &parts.pcTables)
    }
    let funcdata = Word.fixed + pcCount
    for k in funcdata..<(funcdata + Int(counts >> 24)) {
      if record[k] == FunctionScan.tree {
        record[k] = UInt32(parts.funcdata.count)
        parts.funcdata.add(.none, size: UInt32(calls.count * PCLineTable.inlinedCallBytes))
        parts.shapes.append(.init(firstCall: f.calls, alignmentLog2: 2))
      } else {
        record[k] = number(record[k], Tag.funcdata, &parts.funcdata)
        if parts.shapes.count < parts.funcdata.count {
          parts.shapes.append(.init(firstCall: 0, alignmentLog2: 0))
        }
      }
    }
  }

  @inline(__always)
  private mutating func nameNumber(_ symbol: UInt32, _ parts: inout FunctionParts) -> UInt32 {
    let n = number(symbol, Tag.name, &parts.names)
    if parts.facts.count < parts.names.count { parts.facts.append(.init()) }
    return n
  }

  @inline(__always)
  private mutating func number(_ symbol: UInt32, _ tag: UInt32, _ parts: inout SharedParts) -> UInt32 {
    guard symbol != 0 else { return 0 }
    let mark = marks[Int(symbol)]
    if mark & Tag.mask == tag { return mark >> Tag.shift }
    guard mark == Tag.none else {
      if conflict.isNone { conflict = SymbolID(symbol) }
      return 0
    }
    let n = UInt32(parts.count)
    marks[Int(symbol)] = n << Tag.shift | tag
    parts.add(SymbolID(symbol), size: SharedParts.unread)
    return n
  }

  // MARK: sizes

  /// Reads what is not known of parts: sizes, alignments, and what trees say of called functions.
  private func measure(_ parts: borrowing FunctionParts) {
    let (names, facts) = (parts.names.buffers, parts.facts.base)
    Chunks.run(names.symbols.count, grain: 8192) { range in
      for k in range where names.sizes[k] == SharedParts.unread {
        names.sizes[k] = Self.size(Int64(reader.name(names.symbols[k]).count + 1))
        facts[k].isKnown = false
      }
      for k in range where facts[k].isInlined && !facts[k].isKnown { readFact(names.symbols[k], &facts[k]) }
    }
    let pcTables = parts.pcTables.buffers
    Chunks.run(pcTables.symbols.count, grain: 8192) { range in
      for k in range where pcTables.sizes[k] == SharedParts.unread {
        pcTables.sizes[k] = Self.size(reader.size(pcTables.symbols[k]))
      }
    }
    let (funcdata, shapes) = (parts.funcdata.buffers, parts.shapes.base)
    Chunks.run(funcdata.symbols.count, grain: 8192) { range in
      for k in range where funcdata.sizes[k] == SharedParts.unread {
        let s = funcdata.symbols[k]
        let size = reader.size(s)
        let given = index.alignment(s)
        let alignment = given != 0 ? given : PCLineTable.defaultAlignment(Int(size))
        funcdata.sizes[k] = Self.size(size)
        shapes[k].alignmentLog2 = UInt8(truncatingIfNeeded: alignment.trailingZeroBitCount)
      }
    }
  }

  private func readFact(_ s: SymbolID, _ fact: inout FunctionParts.NameFact) {
    guard let info = reader.funcInfo(s) else { return }
    fact.startLine = info.startLine
    fact.funcID = info.funcID
    fact.isKnown = true
  }

  private static func size(_ size: Int64) -> UInt32 {
    UInt32(clamping: min(size, Int64(SharedParts.largest)))
  }
}

/// The records of a scan, one behind the other.
private struct Records {
  private let words: UnsafeMutableBufferPointer<UInt32>

  init(_ words: UnsafeMutableBufferPointer<UInt32>) { self.words = words }

  /// Calls `body` with the symbol of every name, pc table and funcdata.
  func forEachPart(_ body: (UInt32) -> Void) {
    typealias Word = FunctionParts.Word
    var at = 0
    while at < words.count {
      body(words[at + Word.hidden])
      body(words[at + Word.name])
      for k in Word.pcTables { body(words[at + k]) }
      let end = at + Word.fixed + Int(words[at + Word.pcCount]) + Int(words[at + Word.counts] >> 24)
      for k in (at + Word.fixed)..<end where words[k] != FunctionScan.tree { body(words[k]) }
      at = end
    }
  }
}
