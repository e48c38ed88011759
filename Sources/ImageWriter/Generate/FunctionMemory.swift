import LoaderCore

/// The parts of a program's function tables, which stay from one link to the next.
package final class FunctionMemory: @unchecked Sendable {
  private(set) var parts: FunctionParts
  /// Functions that the last link read; it knew the others.
  package private(set) var readCount = 0

  /// Where the last image has what the parts' kept offsets tell of.
  private(set) var written: WrittenTables?

  package init() { parts = Self.nothing }

  func keep(_ written: WrittenTables) {
    self.written = written
    parts.names.keepOffsets()
    parts.pcTables.keepOffsets()
  }

  func write(to writer: SnapshotWriter) { parts.write(to: writer) }

  init(_ reader: inout SnapshotReader) { parts = FunctionParts(&reader) }

  private static var nothing: FunctionParts { FunctionParts(goroot: "", deferReturn: .none, objectCount: 0) }

  /// Follows an exchange of objects; nil forgets everything.
  package func follow(_ change: IndexChange?) {
    guard !parts.isEmpty else { return }
    guard let change, parts.follow(change) else {
      parts = Self.nothing
      return
    }
  }

  /// Number of functions with inlined calls, in the link at hand.
  var inlineTreeCount: Int {
    parts.order.buffer.count { f in
      parts.functions[Int(f) + 1].calls > parts.functions[Int(f)].calls
    }
  }

  /// Bytes of memory.
  package var byteCount: Int { parts.byteCount }

  /// Makes the parts those of `functions` and places them.
  func update(_ index: SymbolIndex, _ functions: [SymbolID], goroot: String) throws(LinkFailure) {
    let deferReturn = index.lookup("runtime.deferreturn", version: 1)
    let objectCount = index.objectCount
    if !parts.isEmpty, !parts.isWasteful,
      parts.serves(goroot: goroot, deferReturn: deferReturn, objectCount: objectCount)
    {
      do throws(LinkFailure) {
        try attempt(index, functions)
        return
      } catch {
        // Whatever is wrong is told by reading everything.
      }
    }
    parts = FunctionParts(goroot: goroot, deferReturn: deferReturn, objectCount: objectCount)
    try attempt(index, functions)
    parts.tighten()
  }

  private func attempt(_ index: SymbolIndex, _ functions: [SymbolID]) throws(LinkFailure) {
    var numbering = FunctionNumbering(index)
    try numbering.update(&parts, to: functions)
    readCount = numbering.readCount
    try parts.place()
    if !numbering.conflict.isNone {
      let name = index.reader.name(numbering.conflict).string
      throw .unsupported(reason: "\(name) has two roles in the function tables")
    }
    guard contentSizes.allSatisfy({ $0 < PCLineTable.limit }) else { throw PCLineTable.tooLarge }
    try index.checkObjects()
    if let callee = parts.calleeWithoutInfo {
      throw .corrupt(
        file: index.packagePath(callee),
        detail: "inlined function \(index.reader.name(callee).string) missing func info")
    }
  }

  // MARK: what the table asks

  /// Bytes of the pieces' contents, by `PCLineTable.PieceIndex`.
  var contentSizes: [Int] {
    let n = parts.order.count
    let records = n < parts.starts.count ? Int(parts.starts[n]) : 0
    return [
      PCLineTable.headerBytes, parts.nameBytes, 4 * parts.sources.entryCount, parts.sources.nameBytes,
      parts.pcBytes, PCLineTable.pairBytes(functions: n) + 4 * records, parts.funcdataPlaces.bytes,
    ]
  }

  var funcdataAlignment: Int { parts.funcdataPlaces.alignment }
  var fileCount: Int { parts.sources.nameCount }

  /// Calls `body` with every funcdata symbol and its place in go:func.*, in bytes.
  func forEachFuncdata(_ body: (SymbolID, Int) -> Void) {
    let (symbols, offsets) = (parts.funcdata.symbols.buffer, parts.funcdata.offsets.base)
    for k in 1..<symbols.count where !symbols[k].isNone && offsets[k] != SharedParts.unplaced {
      body(symbols[k], Int(offsets[k]))
    }
  }
}

extension FunctionParts {
  /// The first function that was inlined somewhere, but says nothing of itself: the real linker stops.
  fileprivate var calleeWithoutInfo: SymbolID? {
    var first: (offset: UInt32, symbol: SymbolID)?
    for k in 0..<names.count where facts[k].isInlined && !facts[k].isKnown {
      let offset = names.offsets[k]
      if offset != SharedParts.unplaced, offset < first?.offset ?? .max { first = (offset, names.symbols[k]) }
    }
    return first?.symbol
  }
}
