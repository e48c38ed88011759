import LoaderCore

/// What `-c` prints (cmd/link/internal/ld/lib.go callgraph; asmb.go asmb2).
package enum CallGraph {
  /// Each direct call of each function, in text order and with repetitions.
  package static func calls(_ index: SymbolIndex, _ functions: [SymbolID]) -> String {
    let reader = index.reader
    var text = ""
    for s in functions {
      let relocations = reader.relocations(s)
      for i in 0..<relocations.count where RelocType.isDirectCall(relocations.type(i)) {
        let target = reader.target(relocations[i], in: relocations)
        guard !target.isNone, reader.kind(target).isText else { continue }
        text += "\(reader.name(s).string) calls \(reader.name(target).string)\n"
      }
    }
    return text
  }

  /// The sizes behind it: bytes in the file and, for the data segment, in memory.
  package static func sizes(_ layout: ImageLayout, symbolTable: SymbolTable?) -> String {
    // By then the text segment begins at the program headers (ld/elf.go asmbElf).
    let headers = ImageLayout.headerSize - UInt64(ELF.headerSize)
    let (text, data) = (layout[.text].fileLength &+ headers, layout[.data])
    let symbols = UInt64(symbolTable?.entryBytes ?? 0)
    return """
      textsize=\(text)
      datsize=\(data.fileLength)
      bsssize=\(data.length &- data.fileLength)
      symsize=\(symbols)
      lcsize=0
      total=\(text &+ data.length &+ symbols)

      """
  }
}
