import LoaderCore

/// Reads functions: their records, trees of inlined calls and files. Parts are still symbols.
///
/// What the real linker learns in five walks over all functions (cmd/link/internal/ld/pcln.go: walkFuncs,
/// walkFilenames, generatePctab, calculateFunctabSize and generateFuncdata).
struct FunctionScan: ~Copyable {
  typealias Word = FunctionParts.Word

  private(set) var functions: Table<FunctionParts.Function>
  private(set) var words: Table<UInt32>
  /// Called functions by symbol.
  private(set) var calls: Table<FunctionParts.InlinedCall>
  private(set) var files: Table<UInt32>
  /// Functions to be read again in the next link.
  private(set) var transient = Table<UInt32>()
  private let reader: SymbolReader
  private let deferReturn: SymbolID
  private var pcdata = Table<SymbolID>(capacity: 16)
  private var funcdata = Table<SymbolID>(capacity: 16)

  /// Index of the pc table of inlined calls (abi.PCDATA_InlTreeIndex).
  static let inlineTreeIndex = 2
  /// Index of the tree of inlined calls (abi.FUNCDATA_InlTree).
  private static let inlineTree = 3
  /// Indices of what assembly may lack: abi.FUNCDATA_ArgsPointerMaps and _ArgInfo.
  private static let argsPointerMaps = 0
  private static let argInfo = 5
  /// Stands for the tree among funcdata symbols.
  static let tree = UInt32.max

  init(_ reader: SymbolReader, deferReturn: SymbolID, functions n: Int) {
    self.reader = reader
    self.deferReturn = deferReturn
    functions = Table(capacity: n)
    words = Table(capacity: 24 * n)
    calls = Table(capacity: 2 * n)
    files = Table(capacity: 4 * n)
  }

  /// Takes in the next function.
  mutating func add(_ s: SymbolID) throws(LinkFailure) {
    let object = reader.unit(s)
    let parts = readAuxiliaries(s)
    let callCount = parts.info?.inlineCount ?? 0
    var pcCount = 0
    var dataCount = 0
    if parts.info != nil {
      pcCount = pcdata.count
      dataCount = funcdata.count
      if callCount > 0 {
        pcCount = max(pcCount, Self.inlineTreeIndex + 1)
        dataCount = max(dataCount, Self.inlineTree + 1)
      }
    }
    guard dataCount <= 255, words.count &+ pcCount < PCLineTable.limit / 4,
      calls.count &+ callCount < PCLineTable.limit / 16
    else { throw PCLineTable.tooLarge }
    if reader.isExternal(s) { transient.append(UInt32(functions.count)) }
    let at = words.count
    functions.append(
      FunctionParts.Function(
        symbol: s, words: UInt32(at), calls: UInt32(calls.count),
        files: UInt32(truncatingIfNeeded: files.count)))
    words.grow(to: at + Word.fixed + pcCount + dataCount, with: 0)
    let record = words.base + at
    record[Word.name] = s.raw
    record[Word.deferReturn] = deferReturnOffset(s)
    record[Word.object] = object.raw > 1 ? object.raw : 0
    record[Word.counts] = UInt32(dataCount) << 24
    guard let info = parts.info else { return }
    record[Word.args] = info.args
    record[Word.pcTables.lowerBound] = parts.pcsp.raw
    record[Word.pcTables.lowerBound + 1] = parts.pcfile.raw
    record[Word.pcTables.lowerBound + 2] = parts.pcline.raw
    record[Word.pcCount] = UInt32(pcCount)
    record[Word.startLine] = UInt32(bitPattern: info.startLine)
    record[Word.counts] |= UInt32(info.funcID) | UInt32(info.funcFlag) << 8
    for k in 0..<pcdata.count { record[Word.fixed + k] = pcdata[k].raw }
    if callCount > 0 {
      record[Word.hidden] = record[Word.fixed + Self.inlineTreeIndex]
      record[Word.fixed + Self.inlineTreeIndex] = parts.pcinline.raw
    }
    addFuncdata(s, to: record + Word.fixed + pcCount)
    if callCount > 0 { record[Word.fixed + pcCount + Self.inlineTree] = Self.tree }
    if object.raw > 1 { addFiles(info, reader.object(object).pointee.view) }
  }

  private struct Auxiliary {
    var info: FuncInfo?
    var pcsp = SymbolID.none
    var pcfile = SymbolID.none
    var pcline = SymbolID.none
    var pcinline = SymbolID.none
  }

  /// Reads the auxiliary symbols of `s`; those that come in numbers go to `pcdata` and `funcdata`.
  @inline(__always)
  private mutating func readAuxiliaries(_ s: SymbolID) -> Auxiliary {
    let aux = reader.auxiliaries(s)
    var parts = Auxiliary()
    pcdata.removeAll()
    funcdata.removeAll()
    for i in 0..<aux.count {
      let ref = aux.ref(i)
      switch aux.kind(i) {
      case AuxKind.funcInfo:
        guard parts.info == nil else { continue }
        let view = aux.object.pointee.view
        parts.info = FuncInfo(data: view.data(ref.index), object: aux.object)
        if parts.info == nil { view.noteFault() }
      case AuxKind.funcdata: funcdata.append(reader.resolve(ref, in: aux.object))
      case AuxKind.pcsp: parts.pcsp = reader.resolve(ref, in: aux.object)
      case AuxKind.pcfile: parts.pcfile = reader.resolve(ref, in: aux.object)
      case AuxKind.pcline: parts.pcline = reader.resolve(ref, in: aux.object)
      case AuxKind.pcinline: parts.pcinline = reader.resolve(ref, in: aux.object)
      case AuxKind.pcdata: pcdata.append(reader.resolve(ref, in: aux.object))
      default: break
      }
    }
    return parts
  }

  /// Funcdata symbols; none for those that do not count: assembly functions name argument maps which only
  /// their Go declarations would have made, in another object.
  @inline(__always)
  private mutating func addFuncdata(_ s: SymbolID, to record: UnsafeMutablePointer<UInt32>) {
    var isAssembly: Bool?
    for k in 0..<funcdata.count where !funcdata[k].isNone {
      if k == Self.argsPointerMaps || k == Self.argInfo {
        if isAssembly == nil {
          isAssembly = reader.isFromAssembly(s)
          if isAssembly == true { transient.append(UInt32(functions.count - 1)) }
        }
        if isAssembly == true, reader.data(funcdata[k]).isEmpty { continue }
      }
      record[k] = funcdata[k].raw
    }
  }

  /// Files and inlined functions, in the order in which the real linker comes upon them.
  @inline(__always)
  private mutating func addFiles(_ info: FuncInfo, _ view: ObjectView) {
    let limit = UInt32(truncatingIfNeeded: view.fileCount)
    var last = UInt32.max
    for k in 0..<info.fileCount { use(info.file(k), &last, limit, view) }
    for k in 0..<info.inlineCount {
      let node = info.inlineNode(k)
      let callee = reader.resolve(node.function, in: info.object)
      calls.append(FunctionParts.InlinedCall(name: callee.raw, parentPC: node.parentPC))
      use(node.file, &last, limit, view)
    }
  }

  /// A file that the object does not have marks it as corrupt.
  @inline(__always)
  private mutating func use(_ file: UInt32, _ last: inout UInt32, _ limit: UInt32, _ view: ObjectView) {
    guard file != last else { return }
    guard file < limit else {
      view.noteFault()
      return
    }
    files.append(file)
    last = file
  }

  /// The offset of the first call of runtime.deferreturn: of the instruction, which begins one byte before
  /// the field on amd64 (cmd/link/internal/ld/pcln.go computeDeferReturn). 0 when there is none.
  @inline(__always)
  private func deferReturnOffset(_ s: SymbolID) -> UInt32 {
    guard !deferReturn.isNone else { return 0 }
    let relocations = reader.relocations(s)
    for i in 0..<relocations.count {
      guard RelocType.isDirectCall(relocations.type(i)) else { continue }
      let r = relocations[i]
      if reader.target(r, in: relocations) == deferReturn {
        return UInt32(truncatingIfNeeded: r.offset) &- 1
      }
    }
    return 0
  }
}
