import LoaderCore

/// Completes the function records with what does not depend on their order, on all cores: offsets of
/// funcdata and of the unit's files, and where a function calls runtime.deferreturn.
///
/// Works on the tables in place; each index is written by one thread only.
struct RecordCompletion {
  private let records: UnsafeMutablePointer<UInt32>
  private let starts: UnsafeMutablePointer<UInt32>
  private let names: UnsafeMutablePointer<PCLineTable.FunctionName>
  private let nameCount: Int
  private let funcdata: UnsafeMutablePointer<PCLineTable.Funcdata>
  private let entryStarts: [UInt32]
  private let functions: [SymbolID]
  private let reader: SymbolReader
  private let deferReturn: SymbolID

  init(
    _ content: borrowing PCLineTable.Content, _ reader: SymbolReader, _ functions: [SymbolID],
    _ index: SymbolIndex
  ) {
    records = content.records.base
    starts = content.starts.base
    names = content.names.base
    nameCount = content.names.count
    funcdata = content.funcdata.base
    entryStarts = content.files.entryStarts
    self.functions = functions
    self.reader = reader
    deferReturn = index.lookup("runtime.deferreturn", version: 1)
  }

  func run() {
    Chunks.run(functions.count, grain: 2048) { range in
      for k in range { complete(k) }
    }
    Chunks.run(nameCount, grain: 4096) { range in
      for k in range where names[k].isInlined && !names[k].isKnown { readInfo(k) }
    }
  }

  /// A function that was inlined somewhere, but says nothing of itself: the real linker stops.
  var calleeWithoutInfo: SymbolID? {
    for k in 0..<nameCount where names[k].isInlined && !names[k].isKnown { return names[k].symbol }
    return nil
  }

  private func complete(_ k: Int) {
    let words = records + Int(starts[k])
    words[3] = deferReturnOffset(functions[k])
    if words[8] != FunctionWalk.absent { words[8] = entryStarts[Int(words[8])] }
    let first = PCLineTable.recordWords + Int(words[7])
    for i in first..<(first + Int(words[10] >> 24)) where words[i] != FunctionWalk.absent {
      words[i] = funcdata[Int(words[i])].offset
    }
  }

  private func readInfo(_ k: Int) {
    guard let info = reader.funcInfo(names[k].symbol) else { return }
    names[k].startLine = info.startLine
    names[k].funcID = info.funcID
    names[k].isKnown = true
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
