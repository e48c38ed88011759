import LoaderCore

/// Goes over all functions once and hands out offsets in order of appearance: of names, source files, pc
/// tables and funcdata (cmd/link/internal/ld/pcln.go: walkFuncs, walkFilenames, generatePctab,
/// calculateFunctabSize and generateFuncdata, each of which is a walk of its own there).
struct FunctionWalk: ~Copyable {
  private let index: SymbolIndex
  private let reader: SymbolReader
  private var content: PCLineTable.Content
  /// What a symbol has been given so far, by symbol: a `Tag` in the low bits, its number or offset above.
  private let marks: Table<UInt32>
  /// The first symbol seen in two roles, which no compiler writes.
  private var conflict = SymbolID.none
  private var pcdata = Table<SymbolID>(capacity: 16)
  private var funcdata = Table<SymbolID>(capacity: 16)

  private enum Tag {
    static let none: UInt32 = 0
    static let name: UInt32 = 1
    static let pcTable: UInt32 = 2
    static let funcdata: UInt32 = 3
    static let mask: UInt32 = 3
    static let shift: UInt32 = 2
  }

  /// Index of the pc table of inlined calls (abi.PCDATA_InlTreeIndex).
  private static let inlineTreeIndex = 2
  /// Index of the tree of inlined calls (abi.FUNCDATA_InlTree).
  private static let inlineTree = 3
  /// Indices of what assembly may lack: abi.FUNCDATA_ArgsPointerMaps and _ArgInfo.
  private static let argsPointerMaps = 0
  private static let argInfo = 5
  /// No funcdata (runtime/symtab.go funcdata); also no unit.
  static let absent = UInt32.max

  init(_ index: SymbolIndex, paths: SourcePath, _ functions: Int) {
    self.index = index
    reader = index.reader
    marks = Table(repeating: 0, count: index.count)
    content = PCLineTable.Content(
      names: Table(capacity: functions + functions / 4), files: FileTables(index.reader, paths: paths),
      pcTables: Table(capacity: 4 * functions), records: Table(capacity: 24 * functions),
      starts: Table(capacity: functions), funcdata: Table(capacity: 2 * functions),
      placement: Table(), inlined: Table(capacity: 4 * functions))
  }

  // MARK: the walk

  /// Takes in the next function.
  mutating func visit(_ s: SymbolID) throws(LinkFailure) {
    let object = reader.unit(s)
    let unit = object.raw > 1 ? content.files.unit(of: object) : -1
    let name = nameIndex(s)
    let parts = readAuxiliaries(s)
    let calls = parts.info?.inlineCount ?? 0
    var pcCount = 0
    var dataCount = 0
    if parts.info != nil {
      pcCount = pcdata.count
      dataCount = funcdata.count
      if calls > 0 {
        pcCount = max(pcCount, Self.inlineTreeIndex + 1)
        dataCount = max(dataCount, Self.inlineTree + 1)
      }
    }
    guard dataCount <= 255, content.records.count &+ pcCount < PCLineTable.limit / 4 else { throw tooLarge }
    let at = content.records.count
    let words = PCLineTable.recordWords + pcCount + dataCount
    content.records.grow(to: at + (words + 1) & ~1, with: 0)
    content.starts.append(UInt32(at))
    content.records[at + 1] = content.names[name].offset
    content.records[at + 8] = unit < 0 ? Self.absent : UInt32(unit)
    content.records[at + 10] = UInt32(dataCount) << 24
    guard let info = parts.info else { return }
    content.names[name].startLine = info.startLine
    content.names[name].funcID = info.funcID
    content.names[name].isKnown = true
    let firstCall = content.inlined.count
    try visitFiles(info, unit: unit)
    writeRecord(at, info, pcCount: pcCount, parts)
    placeFuncdata(
      at + PCLineTable.recordWords + pcCount, count: dataCount, function: s,
      tree: calls > 0 ? (firstCall, calls) : nil)
  }

  private struct Parts {
    var info: FuncInfo?
    var pcsp = SymbolID.none
    var pcfile = SymbolID.none
    var pcline = SymbolID.none
    var pcinline = SymbolID.none
  }

  /// Reads the auxiliary symbols of `s`; those that come in numbers go to `pcdata` and `funcdata`.
  @inline(__always)
  private mutating func readAuxiliaries(_ s: SymbolID) -> Parts {
    let aux = reader.auxiliaries(s)
    var parts = Parts()
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

  /// Notes the files and the inlined functions of a function.
  @inline(__always)
  private mutating func visitFiles(_ info: FuncInfo, unit: Int) throws(LinkFailure) {
    guard unit >= 0 else { return }
    for k in 0..<info.fileCount { content.files.use(info.file(k), unit: unit) }
    guard content.inlined.count + info.inlineCount < PCLineTable.limit / 16 else { throw tooLarge }
    for k in 0..<info.inlineCount {
      let node = info.inlineNode(k)
      let callee = nameIndex(reader.resolve(node.function, in: info.object))
      content.names[callee].isInlined = true
      content.inlined.append(
        PCLineTable.InlinedCall(name: UInt32(callee), parentPC: node.parentPC))
      content.files.use(node.file, unit: unit)
    }
  }

  @inline(__always)
  private mutating func writeRecord(_ at: Int, _ info: FuncInfo, pcCount: Int, _ parts: Parts) {
    let pcsp = pcOffset(parts.pcsp)
    let pcfile = pcOffset(parts.pcfile)
    let pcline = pcOffset(parts.pcline)
    let words = content.records.base + at
    words[2] = info.args
    words[4] = pcsp
    words[5] = pcfile
    words[6] = pcline
    words[7] = UInt32(pcCount)
    words[9] = UInt32(bitPattern: info.startLine)
    words[10] |= UInt32(info.funcID) | UInt32(info.funcFlag) << 8
    for k in 0..<pcdata.count { words[PCLineTable.recordWords + k] = pcOffset(pcdata[k]) }
    if info.inlineCount > 0 {
      words[PCLineTable.recordWords + Self.inlineTreeIndex] = pcOffset(parts.pcinline)
    }
  }

  /// Writes the numbers of a function's funcdata to the record at `at`; offsets take their place when the
  /// order is known.
  @inline(__always)
  private mutating func placeFuncdata(
    _ at: Int, count: Int, function: SymbolID, tree: (firstCall: Int, calls: Int)?
  ) {
    for k in 0..<count {
      var number = Self.absent
      if k == Self.inlineTree, let tree {
        number = UInt32(content.funcdata.count)
        content.funcdata.append(
          PCLineTable.Funcdata(
            symbol: .none, size: UInt32(tree.calls * PCLineTable.inlinedCallBytes),
            firstCall: UInt32(tree.firstCall), alignmentLog2: 2))
      } else if k < funcdata.count, !funcdata[k].isNone {
        number = funcdataNumber(funcdata[k], k, of: function)
      }
      content.records[at + k] = number
    }
  }

  // MARK: first appearances

  private var tooLarge: LinkFailure { .unsupported(reason: "function tables beyond 1 GiB") }

  @inline(never)
  private mutating func noteConflict(_ s: SymbolID) {
    if conflict.isNone { conflict = s }
  }

  @inline(__always)
  private mutating func nameIndex(_ s: SymbolID) -> Int {
    let mark = marks[s.index]
    if mark & Tag.mask == Tag.name { return Int(mark >> Tag.shift) }
    let k = content.names.count
    if mark == Tag.none { marks[s.index] = UInt32(k) << Tag.shift | Tag.name } else { noteConflict(s) }
    content.names.append(
      PCLineTable.FunctionName(symbol: s, offset: UInt32(truncatingIfNeeded: content.nameBytes)))
    content.nameBytes &+= reader.name(s).count &+ 1
    return k
  }

  /// The offset in pctab; 0, which the runtime takes for none, when there is no table or an empty one.
  @inline(__always)
  private mutating func pcOffset(_ s: SymbolID) -> UInt32 {
    guard !s.isNone else { return 0 }
    let mark = marks[s.index]
    if mark & Tag.mask == Tag.pcTable { return mark >> Tag.shift }
    guard mark == Tag.none else {
      noteConflict(s)
      return 0
    }
    let size = Int(reader.size(s))
    guard size > 0 else {
      marks[s.index] = Tag.pcTable
      return 0
    }
    let offset = UInt32(truncatingIfNeeded: content.pcBytes)
    marks[s.index] = offset << Tag.shift | Tag.pcTable
    content.pcTables.append(PCLineTable.PCTable(symbol: s, offset: offset))
    content.pcBytes &+= size
    return offset
  }

  /// The number of the funcdata symbol; absent when it is none that counts: assembly functions name
  /// argument maps which only their Go declarations would have made.
  @inline(__always)
  private mutating func funcdataNumber(_ s: SymbolID, _ k: Int, of function: SymbolID) -> UInt32 {
    let mark = marks[s.index]
    if k == Self.argsPointerMaps || k == Self.argInfo, reader.isFromAssembly(function),
      reader.data(s).isEmpty
    {
      return Self.absent
    }
    if mark & Tag.mask == Tag.funcdata { return mark >> Tag.shift }
    guard mark == Tag.none else {
      noteConflict(s)
      return Self.absent
    }
    let number = UInt32(content.funcdata.count)
    marks[s.index] = number << Tag.shift | Tag.funcdata
    let size = Int(reader.size(s))
    let given = index.alignment(s)
    let alignment = given != 0 ? given : PCLineTable.defaultAlignment(size)
    content.funcdata.append(
      PCLineTable.Funcdata(
        symbol: s, size: UInt32(truncatingIfNeeded: size), firstCall: 0,
        alignmentLog2: UInt8(truncatingIfNeeded: alignment.trailingZeroBitCount)))
    return number
  }

  // MARK: finishing

  /// Places the funcdata and completes the records.
  consuming func finish(_ functions: [SymbolID]) throws(LinkFailure) -> PCLineTable.Content {
    content.files.finish()
    try place()
    if !conflict.isNone {
      throw .unsupported(reason: "\(reader.name(conflict).string) has two roles in the function tables")
    }
    guard content.pcBytes < PCLineTable.limit, content.nameBytes < PCLineTable.limit,
      content.funcdataBytes < PCLineTable.limit, content.files.nameBytes < PCLineTable.limit
    else { throw tooLarge }
    let completion = RecordCompletion(content, reader, functions, index)
    completion.run()
    if let bad = index.corruptObject {
      throw .corrupt(file: bad.file.path, detail: "object contradicts itself")
    }
    if let callee = completion.calleeWithoutInfo {
      throw .corrupt(
        file: index.packagePath(callee),
        detail: "inlined function \(reader.name(callee).string) missing func info")
    }
    return content
  }

  /// Orders the funcdata by falling alignment, those of one alignment by appearance, and hands out offsets.
  private mutating func place() throws(LinkFailure) {
    let n = content.funcdata.count
    var counts = [Int](repeating: 0, count: 256)
    for f in content.funcdata.buffer { counts[Int(f.alignmentLog2)] += 1 }
    // The real linker learns the largest alignment while it compares: not at all from a single symbol.
    if n > 1, let largest = counts.lastIndex(where: { $0 > 0 }) { content.funcdataAlignment = 1 << largest }
    var next = [Int](repeating: 0, count: 256)
    for a in stride(from: 254, through: 0, by: -1) { next[a] = next[a + 1] + counts[a + 1] }
    content.placement = Table(repeating: 0, count: n)
    for k in 0..<n {
      let a = Int(content.funcdata[k].alignmentLog2)
      content.placement[next[a]] = UInt32(k)
      next[a] += 1
    }
    var at = 0
    for k in content.placement.buffer {
      let f = content.funcdata[Int(k)]
      guard f.size > 0 else { throw .unsupported(reason: "funcdata without content") }
      let mask = (1 << Int(f.alignmentLog2)) - 1
      at = (at + mask) & ~mask
      content.funcdata[Int(k)].offset = UInt32(truncatingIfNeeded: at)
      at += Int(f.size)
    }
    content.funcdataBytes = at
  }
}
