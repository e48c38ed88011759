import LoaderCore

/// What the function tables are made of, in flat tables that stay from one link of a program to the next.
///
/// A function is a `_func` record whose offsets are still numbers of parts: names, pc tables and funcdata, each
/// of which many functions may share. An edit reads the functions of the exchanged objects again; offsets are
/// handed out anew in each link, by one sweep over the numbers (`PartPlacement`).
struct FunctionParts: ~Copyable {
  /// Without the last link's functions, everything is read.
  var isEmpty: Bool { functions.count <= 1 }

  /// Functions as they were read, and behind the last one where a next one would begin.
  var functions = Table<Function>()
  /// Their records as 32-bit words; see `Word`.
  var words = Table<UInt32>()
  /// Their trees of inlined calls.
  var calls = Table<InlinedCall>()
  /// The files that they use, in order, by number in the object; those next to each other differ.
  var files = Table<UInt32>()
  /// Functions that are read in each link: the linker's own, and those whose record depends on more than
  /// their object.
  var transient = Table<UInt32>()

  var names = SharedParts()
  /// By name.
  var facts = Table<NameFact>()
  var pcTables = SharedParts()
  var funcdata = SharedParts()
  /// By funcdata.
  var shapes = Table<FuncdataShape>()
  var sources: SourceFiles

  /// What the tables were made for.
  let goroot: String
  /// runtime.deferreturn.
  private(set) var deferReturn: SymbolID
  /// Symbols that the last link changed: what was read of them need not hold in the next.
  var owned: [SymbolID] = []

  /// The functions of the link at hand in address order: indices into `functions`.
  var order = Table<UInt32>()
  /// Their records' places in functab, in words, in the same order; behind them the length of all records.
  var starts = Table<UInt32>()
  /// Bytes of funcnametab and of pctab.
  var nameBytes = 0
  var pcBytes = 0
  /// Words of the records that `order` needs.
  var recordWords = 0
  var funcdataPlaces = FuncdataPlaces()

  struct Function: BitwiseCopyable {
    /// None for one that must be read again.
    var symbol: SymbolID
    /// Where its part of the tables begins; it ends where the next one's begins.
    var words: UInt32
    var calls: UInt32
    var files: UInt32
  }

  /// Words of a record. Those not named are as in the image (runtime/runtime2.go _func).
  enum Word {
    /// Instead of the entry: the pc table that the inlined calls' takes the place of.
    static let hidden = 0
    static let name = 1
    static let args = 2
    static let deferReturn = 3
    /// pcsp, pcfile and pcline.
    static let pcTables = 4..<7
    static let pcCount = 7
    /// Instead of the start of the unit's files: the object.
    static let object = 8
    static let startLine = 9
    /// Function id, flag, 0 and number of funcdata, from the lowest byte on.
    static let counts = 10
    /// Words before the pc tables that have numbers, then the funcdata.
    static let fixed = 11
  }

  struct InlinedCall: BitwiseCopyable {
    /// Number of the called function's name.
    var name: UInt32
    /// Offset in the function of an instruction that stands for the call.
    let parentPC: Int32
  }

  /// What the tree of inlined calls says of a called function.
  struct NameFact: BitwiseCopyable {
    var startLine: Int32 = 0
    var funcID: UInt8 = 0
    var isInlined = false
    /// `startLine` and `funcID` are read.
    var isKnown = false
  }

  struct FuncdataShape: BitwiseCopyable {
    /// A tree's first call in `calls`.
    var firstCall: UInt32
    var alignmentLog2: UInt8
  }

  init(goroot: String, deferReturn: SymbolID, objectCount: Int) {
    self.goroot = goroot
    self.deferReturn = deferReturn
    sources = SourceFiles(paths: SourcePath(goroot: goroot), objectCount: objectCount)
    functions.append(Function(symbol: .none, words: 0, calls: 0, files: 0))
    // Number 0 is none of its kind.
    names.add(.none, size: 0)
    facts.append(NameFact())
    pcTables.add(.none, size: 0)
    funcdata.add(.none, size: 0)
    shapes.append(FuncdataShape(firstCall: 0, alignmentLog2: 0))
  }

  // MARK: from one life of the daemon to the next

  /// Writes all but what belongs to one link.
  func write(to writer: SnapshotWriter) {
    writer.text(goroot)
    writer.array([deferReturn])
    writer.array(owned)
    writer.numbers(recordWords)
    writer.table(functions)
    writer.table(words)
    writer.table(calls)
    writer.table(files)
    writer.table(transient)
    writer.table(facts)
    writer.table(shapes)
    names.write(to: writer)
    pcTables.write(to: writer)
    funcdata.write(to: writer)
    sources.write(to: writer)
  }

  init(_ reader: inout SnapshotReader) {
    goroot = reader.text()
    let symbol: [SymbolID] = reader.array()
    deferReturn = symbol.first ?? .none
    owned = reader.array()
    recordWords = reader.numbers(1)[0]
    functions = reader.table()
    words = reader.table()
    calls = reader.table()
    files = reader.table()
    transient = reader.table()
    facts = reader.table()
    shapes = reader.table()
    names = SharedParts(&reader)
    pcTables = SharedParts(&reader)
    funcdata = SharedParts(&reader)
    sources = SourceFiles(&reader, paths: SourcePath(goroot: goroot))
    if functions.count == 0 || facts.count != names.count || shapes.count != funcdata.count { reader.fail() }
  }

  /// Whether tables made for one link serve another.
  func serves(goroot: String, deferReturn: SymbolID, objectCount: Int) -> Bool {
    self.goroot == goroot && self.deferReturn == deferReturn && sources.objectCount == objectCount
  }

  /// Follows an exchange of objects.
  ///
  /// - Returns: false when everything must be read again.
  mutating func follow(_ change: IndexChange) -> Bool {
    // Records do not say by which name they found their parts.
    guard !change.namesMoved else { return false }
    if !deferReturn.isNone {
      guard let s = change.number(deferReturn) else { return false }
      deferReturn = s
    }
    let functions = functions.buffer
    let words = words.base
    // As long as objects and symbols keep their numbers, only what was touched is to be found.
    let isSteady = change.keepsNumbers && !change.isReshaped && !change.hasRefiled
    Chunks.run(functions.count, grain: 16384) { range in
      if isSteady {
        for k in range where !functions[k].symbol.isNone && change.isTouched(functions[k].symbol) {
          functions[k].symbol = .none
        }
        return
      }
      for k in range where !functions[k].symbol.isNone {
        let s = functions[k].symbol
        let word = Int(functions[k].words) + Word.object
        guard !change.isTouched(s), let object = change.number(of: ObjectID(words[word])),
          !change.isRefiled(object)
        else {
          functions[k].symbol = .none
          continue
        }
        words[word] = object.raw
        functions[k].symbol = change.number(s) ?? .none
      }
    }
    for k in transient.buffer { functions[Int(k)].symbol = .none }
    transient.removeAll()
    names.follow(change)
    pcTables.follow(change)
    funcdata.follow(change)
    sources.follow(change)
    owned = owned.compactMap(change.number)
    return true
  }

  /// Parts that nobody has any more stay: whether there are too many of them. (To read all functions again takes as long as
  /// half of an edit's link, and an edit may leave a thirtieth of them behind.)
  var isWasteful: Bool { words.count > 2 * recordWords + 4096 }

  mutating func tighten() {
    functions.tighten()
    words.tighten()
    calls.tighten()
    files.tighten()
    facts.tighten()
    shapes.tighten()
    names.tighten()
    pcTables.tighten()
    funcdata.tighten()
    sources.tighten()
  }

  var byteCount: Int {
    functions.byteCount + words.byteCount + calls.byteCount + files.byteCount + transient.byteCount
      + names.byteCount + facts.byteCount + pcTables.byteCount + funcdata.byteCount + shapes.byteCount
      + order.byteCount + starts.byteCount + owned.count * 4 + sources.byteCount
  }
}

/// Symbols of one role in the function tables, by the numbers that records know them by; 0 is none.
struct SharedParts: ~Copyable {
  /// None for what is no symbol (a tree of inlined calls) or is gone.
  var symbols = Table<SymbolID>()
  /// Bytes in the table.
  var sizes = Table<UInt32>()
  /// Place in the table of the link at hand, in bytes.
  var offsets = Table<UInt32>()
  /// Place in the table of the last image, of parts that say what they said; `unplaced` for the others.
  private(set) var keptOffsets = Table<UInt32>()
  /// Bytes of the table up to the end of the last of them.
  private(set) var keptEnd = 0

  /// Size of a part that must be looked at again.
  static let unread = UInt32.max
  /// Size of a part whose symbol is no more.
  static let gone = UInt32.max - 1
  /// The largest size: there is no room for that anyway.
  static let largest = UInt32.max - 2
  /// Offset of a part that no function of this link has.
  static let unplaced = UInt32.max - 1

  init() {}

  func write(to writer: SnapshotWriter) {
    writer.table(symbols)
    writer.table(sizes)
  }

  init(_ reader: inout SnapshotReader) {
    symbols = reader.table()
    sizes = reader.table()
    if symbols.count == 0 || sizes.count != symbols.count { reader.fail() }
  }

  var count: Int { symbols.count }

  var buffers: (symbols: UnsafeMutableBufferPointer<SymbolID>, sizes: UnsafeMutablePointer<UInt32>) {
    (symbols.buffer, sizes.base)
  }

  mutating func reserve(_ n: Int) {
    symbols.reserve(n)
    sizes.reserve(n)
  }

  mutating func add(_ s: SymbolID, size: UInt32) {
    symbols.append(s)
    sizes.append(size)
  }

  mutating func follow(_ change: IndexChange) {
    // (The first is none.)
    if change.keeps(UnsafeBufferPointer(symbols.buffer)) { return }
    let symbols = symbols.base
    let sizes = sizes.base
    let (kept, keptCount) = (keptOffsets.base, keptOffsets.count)
    Chunks.run(count, grain: 16384) { range in
      for k in range where !symbols[k].isNone {
        let s = symbols[k]
        let now = change.number(s)
        symbols[k] = now ?? .none
        guard now == nil || change.isTouched(s) else { continue }
        sizes[k] = now == nil ? Self.gone : Self.unread
        if k < keptCount { kept[k] = Self.unplaced }
      }
    }
  }

  /// Keeps the places as those of the last image.
  mutating func keepOffsets() {
    keptOffsets.removeAll()
    keptOffsets.append(from: offsets.base, count: offsets.count)
    keptEnd = 0
    for k in 0..<count where offsets[k] != Self.unplaced {
      keptEnd = max(keptEnd, Int(offsets[k]) &+ Int(sizes[k]))
    }
  }

  /// Takes all parts from their places; none of the role is at `none`.
  mutating func lift(none: UInt32) {
    offsets.removeAll()
    offsets.grow(to: count, with: Self.unplaced)
    offsets[0] = none
  }

  mutating func tighten() {
    symbols.tighten()
    sizes.tighten()
    offsets.tighten()
  }

  var byteCount: Int { symbols.byteCount + sizes.byteCount + offsets.byteCount + keptOffsets.byteCount }
}
