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
  /// Names in filetab.
  package let fileCount: Int

  /// Has the parts and their places. Its tables are this link's until the next one builds.
  let memory: FunctionMemory
  /// Bytes of the pieces' contents.
  let contentSizes: [Int]

  /// Number of functions with inlined calls.
  var inlineTreeCount: Int { memory.inlineTreeCount }

  /// Bytes of the header (runtime/symtab.go pcHeader).
  static let headerBytes = 72
  /// Bytes of one inlined call (runtime/symtabinl.go inlinedCall).
  static let inlinedCallBytes = 16
  /// A table beyond this is none that the runtime could read.
  static let limit = 1 << 30

  /// Bytes of functab before the first record: a pair of offsets per function, and the end of text.
  static func pairBytes(functions: Int) -> Int { 8 * functions + 8 }

  static var tooLarge: LinkFailure { .unsupported(reason: "function tables beyond 1 GiB") }

  /// Sizes the tables of the functions of `text`.
  ///
  /// - Parameter memory: has what the last link of the same program read, and keeps what this one reads. It
  ///   saves reading: an empty one gives the same tables.
  /// - Throws: `.corrupt` when an object contradicts itself; `.unsupported` where the real linker reports
  ///   an error or stops (no functions, funcdata without content, absurd sizes).
  package static func build(
    _ index: SymbolIndex, text: TextLayout, options: Options, memory: FunctionMemory = FunctionMemory()
  ) throws(LinkFailure) -> PCLineTable {
    guard let first = text.functions.first, let last = text.functions.last else {
      throw .unsupported(reason: "program without functions")
    }
    try memory.update(index, text.functions, goroot: options.goroot)
    return PCLineTable(
      memory: memory, functionCount: text.functions.count, firstFunction: first, lastFunction: last)
  }

  private init(
    memory: FunctionMemory, functionCount: Int, firstFunction: SymbolID, lastFunction: SymbolID
  ) {
    let sizes = memory.contentSizes
    let names = [
      "runtime.pcheader", "runtime.funcnametab", "runtime.cutab", "runtime.filetab", "runtime.pctab",
      "runtime.functab", "go:func.*",
    ]
    let alignments = [8, 1, 4, 1, 1, 4, memory.funcdataAlignment]
    var pieces: [Piece] = []
    var at = 0
    for k in names.indices {
      let size = (sizes[k] + 7) & ~7
      at = Int(UInt64(at).rounded(to: alignments[k] == 0 ? Self.defaultAlignment(size) : alignments[k]))
      pieces.append(Piece(name: names[k], offset: at, size: size, alignment: alignments[k]))
      at += size
    }
    self.pieces = pieces
    size = at
    alignment = max(8, memory.funcdataAlignment)
    contentSizes = sizes
    fileCount = memory.fileCount
    self.functionCount = functionCount
    self.firstFunction = firstFunction
    self.lastFunction = lastFunction
    self.memory = memory
  }

  /// What a symbol of `size` bytes without alignment gets (cmd/link/internal/ld/data.go symalign): the
  /// largest power of two not above its size, at most 32 bytes.
  static func defaultAlignment(_ size: Int) -> Int {
    var a = 32
    while a > size, a > 1 { a >>= 1 }
    return a
  }

  /// Calls `body` with every funcdata symbol and its place in go:func.*, in bytes.
  package func forEachFuncdata(_ body: (SymbolID, Int) -> Void) { memory.forEachFuncdata(body) }

  /// Keeps the funcdata symbols out of the data layout and out of .symtab: they have their place here.
  package func claimFuncdata(in index: SymbolIndex) {
    forEachFuncdata { s, _ in index.insert([.special, .notInSymbolTable], for: s) }
  }
}
