import LoaderCore

/// The function tables of the image, .gopclntab up to and with go:func.*: function names, source files,
/// line and stack tables, and what the garbage collector knows of frames
/// (cmd/link/internal/ld/pcln.go; read by runtime/symtab.go).
///
/// `build` sizes everything and depends only on which functions there are and in which order; `write`
/// makes the bytes. Of these, the following depend on addresses:
/// - functab holds offsets of functions from the start of text;
/// - go:func.* holds offsets of data and functions from the start of their sections, wherever a funcdata
///   symbol has a relocation. This is the only part that needs the data layout.
/// Everything else (pcheader included) is relative to the table itself.
package struct PCLineTable: ~Copyable, @unchecked Sendable {
  package struct Options: Sendable {
    /// What "$GOROOT" in file names stands for; "" leaves it.
    package var goroot = ""
    package init() {}
  }

  /// One part of the table, which becomes a symbol of its own.
  package struct Piece: Equatable, Sendable {
    /// The linker symbol's name.
    package let name: String
    /// Bytes from the start of runtime.pclntab, the carrier.
    package let offset: Int
    /// Bytes; a multiple of 8.
    package let size: Int
    /// Bytes; 0 leaves it to the size, as for any data (a table with a single funcdata symbol).
    package let alignment: Int
    /// Only go:func.* appears in .symtab.
    package var isInSymbolTable: Bool { name == "go:func.*" }
  }

  package enum PieceIndex {
    package static let header = 0
    package static let functionNames = 1
    package static let unitFiles = 2
    package static let files = 3
    package static let pcTables = 4
    package static let functions = 5
    package static let funcdata = 6
  }

  /// In the order in which the real linker makes their symbols; see `PieceIndex`.
  package let pieces: [Piece]
  /// Bytes of all pieces with what lies between them.
  package let size: Int
  /// Bytes: alignment of the carrier, runtime.pclntab.
  package let alignment: Int

  /// Functions in address order.
  package let functionCount: Int
  package let firstFunction: SymbolID
  package let lastFunction: SymbolID
  /// Entries of cutab, 4 bytes each.
  package var unitFileCount: Int { content.files.entryCount }
  /// Names in filetab.
  package var fileCount: Int { content.files.nameCount }
  /// Objects that have functions, by their first function (the compilation units' PclnIndex).
  package var units: [ObjectID] { content.files.units }

  let content: Content

  /// The sized parts; see `FunctionWalk`, which fills them.
  struct Content: ~Copyable, @unchecked Sendable {
    var names: Table<FunctionName>
    /// Bytes of funcnametab.
    var nameBytes = 0
    var files: FileTables
    /// Tables in pctab, by offset.
    var pcTables: Table<PCTable>
    /// Bytes of pctab.
    var pcBytes = 1
    /// The `_func` records as 32-bit words, each padded to 8 bytes; the entry offset is 0 until written.
    var records: Table<UInt32>
    /// Index into `records`, by function.
    var starts: Table<UInt32>
    /// In order of appearance.
    var funcdata: Table<Funcdata>
    /// Indices into `funcdata`, in order of placement.
    var placement: Table<UInt32>
    /// Bytes of go:func.*.
    var funcdataBytes = 0
    /// Bytes; 0 when fewer than two symbols gave none.
    var funcdataAlignment = 0
    /// Tree after tree.
    var inlined: Table<InlinedCall>
  }

  struct FunctionName: BitwiseCopyable {
    let symbol: SymbolID
    /// In funcnametab.
    let offset: UInt32
    var startLine: Int32 = 0
    var funcID: UInt8 = 0
    var isInlined = false
    /// `startLine` and `funcID` are read.
    var isKnown = false
  }

  struct PCTable: BitwiseCopyable {
    let symbol: SymbolID
    /// In pctab.
    let offset: UInt32
  }

  struct InlinedCall: BitwiseCopyable {
    /// Index of the called function in `Content.names`.
    let name: UInt32
    /// Offset in the function of an instruction that stands for the call.
    let parentPC: Int32
  }

  struct Funcdata: BitwiseCopyable {
    /// None for a tree of inlined calls.
    let symbol: SymbolID
    let size: UInt32
    /// A tree's first call in `inlined`.
    let firstCall: UInt32
    let alignmentLog2: UInt8
    /// In go:func.*.
    var offset: UInt32 = 0
  }

  /// Words of a `_func` record before its offsets of pc tables and funcdata (runtime/runtime2.go _func).
  static let recordWords = 11
  /// Bytes of the header (runtime/symtab.go pcHeader).
  static let headerBytes = 72
  /// Bytes of one inlined call (runtime/symtabinl.go inlinedCall).
  static let inlinedCallBytes = 16
  /// A table beyond this is none that the runtime could read.
  static let limit = 1 << 30

  /// Bytes of functab before the first record: a pair of offsets per function, and the end of text.
  static func pairBytes(functions: Int) -> Int { 8 * functions + 8 }

  /// Sizes the tables of the functions of `text`.
  ///
  /// - Throws: `.corrupt` when an object contradicts itself; `.unsupported` where the real linker reports
  ///   an error or stops (no functions, funcdata without content, absurd sizes).
  package static func build(_ index: SymbolIndex, text: TextLayout, options: Options) throws(LinkFailure)
    -> PCLineTable
  {
    guard let first = text.functions.first, let last = text.functions.last else {
      throw .unsupported(reason: "program without functions")
    }
    var walk = FunctionWalk(index, paths: SourcePath(goroot: options.goroot), text.functions.count)
    for s in text.functions { try walk.visit(s) }
    let content = try walk.finish(text.functions)
    return PCLineTable(
      content: content, functionCount: text.functions.count, firstFunction: first, lastFunction: last)
  }

  private init(
    content: consuming Content, functionCount: Int, firstFunction: SymbolID, lastFunction: SymbolID
  ) {
    let functabBytes = Self.pairBytes(functions: functionCount) + 4 * content.records.count
    let parts: [(name: String, size: Int, alignment: Int)] = [
      ("runtime.pcheader", Self.headerBytes, 8),
      ("runtime.funcnametab", content.nameBytes, 1),
      ("runtime.cutab", 4 * content.files.entryCount, 4),
      ("runtime.filetab", content.files.nameBytes, 1),
      ("runtime.pctab", content.pcBytes, 1),
      ("runtime.functab", functabBytes, 4),
      ("go:func.*", content.funcdataBytes, content.funcdataAlignment),
    ]
    var pieces: [Piece] = []
    var at = 0
    for p in parts {
      let size = (p.size + 7) & ~7
      at = Int(UInt64(at).rounded(to: p.alignment == 0 ? Self.defaultAlignment(size) : p.alignment))
      pieces.append(Piece(name: p.name, offset: at, size: size, alignment: p.alignment))
      at += size
    }
    self.pieces = pieces
    size = at
    alignment = max(8, content.funcdataAlignment)
    self.functionCount = functionCount
    self.firstFunction = firstFunction
    self.lastFunction = lastFunction
    self.content = content
  }

  /// What a symbol of `size` bytes without alignment gets (cmd/link/internal/ld/data.go symalign): the
  /// largest power of two not above its size, at most 32 bytes.
  static func defaultAlignment(_ size: Int) -> Int {
    var a = 32
    while a > size, a > 1 { a >>= 1 }
    return a
  }

  // MARK: funcdata

  /// Funcdata symbols and trees of inlined calls, which have no symbol.
  package var funcdataCount: Int { content.placement.count }

  /// The `k`-th of go:func.*: its symbol (none for a tree of inlined calls), offset and size in bytes.
  package func funcdata(_ k: Int) -> (symbol: SymbolID, offset: Int, size: Int) {
    let f = content.funcdata[Int(content.placement[k])]
    return (f.symbol, Int(f.offset), Int(f.size))
  }

  /// Keeps the funcdata symbols out of the data layout and out of .symtab: they have their place here.
  package func claimFuncdata(in index: SymbolIndex) {
    for f in content.funcdata.buffer where !f.symbol.isNone {
      index.insert([.special, .notInSymbolTable], for: f.symbol)
    }
  }
}
