import LoaderCore

/// The sections by which the dynamic linker loads a position-independent executable
/// (cmd/link/internal/ld/elf.go doelf, elfdynhash, elfadddynsym; amd64/asm.go elfsetupplt).
///
/// No dynamic symbol is ever imported: what needs one is left to the real linker. Their symbols are made
/// before the text is laid out, their contents come with the dynamic relocations, before data is laid out.
package struct DynamicSections: Sendable {
  package struct Options: Sendable {
    /// Addresses are relative to where the program is loaded.
    package var isPIE = true
    /// -bindnow
    package var bindNow = false
    /// -r: DT_RUNPATH, empty for none.
    package var runPath = ""
    package init() {}
  }

  let options: Options
  package let symbols: SymbolID
  package let strings: SymbolID
  package let relocations: SymbolID
  package let got: SymbolID
  let hash: SymbolID
  let gotPLT: SymbolID
  let plt: SymbolID
  let pltRelocations: SymbolID
  let version: SymbolID
  let versionNeeds: SymbolID
  package let dynamic: SymbolID

  /// Makes the symbols and what of their contents is known from the start.
  package init(_ index: SymbolIndex, _ live: inout LiveSet, options: Options) {
    self.options = options
    let linker = LinkerSymbols(index)
    func make(_ name: String, _ kind: SymbolKind, _ live: inout LiveSet) -> SymbolID {
      let s = linker.update(name, &live)
      index.setKind(s, kind)
      return s
    }
    // The order is that of making: it decides ties in the order of sections.
    symbols = make(".dynsym", .elfROSect, &live)
    strings = make(".dynstr", .elfROSect, &live)
    relocations = make(".rela", .elfROSect, &live)
    got = make(".got", options.isPIE ? .elfRelroSect : .elfGOT, &live)
    hash = make(".hash", .elfROSect, &live)
    gotPLT = make(".got.plt", options.isPIE && options.bindNow ? .elfRelroSect : .elfSect, &live)
    plt = make(".plt", .elfRXSect, &live)
    pltRelocations = make(".rela.plt", .elfROSect, &live)
    version = make(".gnu.version", .elfROSect, &live)
    versionNeeds = make(".gnu.version_r", .elfROSect, &live)
    dynamic = make(".dynamic", options.isPIE ? .elfRelroSect : .elfSect, &live)
    // The first symbol is none, the first string empty.
    index.setSize(symbols, Int64(DynamicSymbol.size))
    index.addUInt(strings, UInt8(0))
    setUpPLT(index)
    startDynamic(index)
  }

  /// The code that lazy binding would enter, and the three words it needs.
  private func setUpPLT(_ index: SymbolIndex) {
    // pushq got.plt+8(IP); jmpq *got.plt+16(IP); nopl 0(AX)
    index.addBytes(plt, [0xff, 0x35])
    index.addReference(plt, to: gotPLT, addend: 8, type: RelocType.pcrel, size: 4)
    index.addBytes(plt, [0xff, 0x25])
    index.addReference(plt, to: gotPLT, addend: 16, type: RelocType.pcrel, size: 4)
    index.addBytes(plt, [0x0f, 0x1f, 0x40, 0x00])
    index.addAddress(gotPLT, of: dynamic)
    index.addUInt(gotPLT, UInt64(0))
    index.addUInt(gotPLT, UInt64(0))
  }

  // MARK: .dynamic

  private enum Tag {
    static let null: UInt64 = 0
    static let pltGOT: UInt64 = 3
    static let hash: UInt64 = 4
    static let stringTable: UInt64 = 5
    static let symbolTable: UInt64 = 6
    static let rela: UInt64 = 7
    static let relaSize: UInt64 = 8
    static let relaEntry: UInt64 = 9
    static let stringSize: UInt64 = 10
    static let symbolEntry: UInt64 = 11
    static let debug: UInt64 = 21
    static let runPath: UInt64 = 29
    static let flags: UInt64 = 30
    static let flags1: UInt64 = 0x6fff_fffb
  }

  private func add(_ tag: UInt64, _ value: UInt64, _ index: SymbolIndex) {
    index.addUInt(dynamic, tag)
    index.addUInt(dynamic, value)
  }

  private func add(_ tag: UInt64, addressOf s: SymbolID, _ index: SymbolIndex) {
    index.addUInt(dynamic, tag)
    index.addAddress(dynamic, of: s)
  }

  private func add(_ tag: UInt64, sizeOf s: SymbolID, _ index: SymbolIndex) {
    index.addUInt(dynamic, tag)
    index.addReference(dynamic, to: s, addend: 0, type: RelocType.size, size: 8)
  }

  private func startDynamic(_ index: SymbolIndex) {
    add(Tag.hash, addressOf: hash, index)
    add(Tag.symbolTable, addressOf: symbols, index)
    add(Tag.symbolEntry, UInt64(DynamicSymbol.size), index)
    add(Tag.stringTable, addressOf: strings, index)
    add(Tag.stringSize, sizeOf: strings, index)
    add(Tag.rela, addressOf: relocations, index)
    add(Tag.relaSize, sizeOf: relocations, index)
    add(Tag.relaEntry, UInt64(DynamicRelocations.entrySize), index)
    if !options.runPath.isEmpty {
      add(Tag.runPath, UInt64(index.reader.size(strings)), index)
      index.addBytes(strings, Array(options.runPath.utf8) + [0])
    }
    add(Tag.pltGOT, addressOf: gotPLT, index)
    add(Tag.debug, 0, index)
  }

  private func endDynamic(_ index: SymbolIndex) {
    var flags: UInt64 = 0
    if options.bindNow {
      flags |= 1
      add(Tag.flags, 8, index)
    }
    if options.isPIE { flags |= 0x0800_0000 }
    add(Tag.flags1, flags, index)
    add(Tag.null, 0, index)
  }

  // MARK: dynamic symbols

  /// A symbol that code reaches through the global offset table.
  struct DynamicSymbol: Sendable {
    static let size = 24
    let symbol: SymbolID
    /// Offset in .got, bytes.
    let gotOffset: Int64
  }

  /// Gives `target` an entry in .dynsym and a word in .got.
  func addSymbol(_ target: SymbolID, _ index: SymbolIndex) -> DynamicSymbol {
    let name = index.reader.name(target)
    let length = index.reader.data(target).count
    index.addUInt(symbols, UInt32(truncatingIfNeeded: index.reader.size(strings)))
    index.addBytes(strings, Array(name.buffer) + [0])
    // A global object; the section is not told rightly, as it is not known yet.
    index.addUInt(symbols, UInt8(0x11))
    index.addUInt(symbols, UInt8(0))
    index.addUInt(symbols, UInt16(1))
    index.addAddress(symbols, of: target)
    index.addUInt(symbols, UInt64(length))
    let gotOffset = index.reader.size(got)
    index.addUInt(got, UInt64(0))
    return DynamicSymbol(symbol: target, gotOffset: gotOffset)
  }

  /// Completes the sections when the dynamic symbols are known; the number of relocations gives .rela's size.
  func complete(_ index: SymbolIndex, symbols: [DynamicSymbol], relocationCount: Int) {
    index.setSize(relocations, Int64(relocationCount * DynamicRelocations.entrySize))
    let count = symbols.count + 1
    let names = symbols.map { index.reader.name($0.symbol) }
    for word in Self.hashTable(names) { index.addUInt(hash, word) }
    for k in 0..<count { index.addUInt(version, UInt16(k == 0 ? 0 : 1)) }
    endDynamic(index)
  }

  /// The words of .hash: numbers of buckets and symbols, buckets, chains (elf.go elfdynhash).
  package static func hashTable(_ names: [ByteView]) -> [UInt32] {
    let count = names.count + 1
    let bucketCount = 1 + (Int.bitWidth - count.leadingZeroBitCount)
    var buckets = [UInt32](repeating: 0, count: bucketCount)
    var chains = [UInt32](repeating: 0, count: count)
    for (k, name) in names.enumerated() {
      let b = Int(elfHash(name)) % bucketCount
      chains[k + 1] = buckets[b]
      buckets[b] = UInt32(k + 1)
    }
    return [UInt32(bucketCount), UInt32(count)] + buckets + chains
  }

  /// The hash of the ELF definition.
  package static func elfHash(_ name: ByteView) -> UInt32 {
    var h: UInt32 = 0
    for c in name.buffer {
      h = h << 4 &+ UInt32(c)
      h ^= (h & 0xf000_0000) >> 24
      h &= 0x0fff_ffff
    }
    return h
  }

  // MARK: order

  /// Puts .rela and .rela.plt side by side, as the ELF ABI wants (data.go dodata).
  package func arrange(_ order: inout DataOrder) {
    var data = order[.elfROSect]
    guard let rela = data.symbols.firstIndex(of: relocations),
      let plt = data.symbols.firstIndex(of: pltRelocations), plt != rela + 1
    else { return }
    let first = min(rela, plt)
    for i in [rela, plt].sorted(by: >) {
      data.symbols.remove(at: i)
      data.alignments.remove(at: i)
    }
    data.symbols.insert(contentsOf: [relocations, pltRelocations], at: first)
    // No gap between them.
    data.alignments.insert(contentsOf: [8, 8], at: first)
    order.byKind[Int(SymbolKind.elfROSect.rawValue)] = data
  }
}
