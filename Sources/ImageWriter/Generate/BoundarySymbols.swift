import LoaderCore

/// Symbols that mark where parts of the image begin and end, for the runtime
/// (cmd/link/internal/ld/symtab.go symtab; their addresses: data.go address).
package struct BoundarySymbols: Sendable {
  package let textSectionMap: SymbolID

  /// Made when text is laid out (data.go textaddress).
  package static func declareText(_ index: SymbolIndex, _ live: inout LiveSet) {
    let symbols = LinkerSymbols(index)
    symbols.define("runtime.text", .text, &live)
    symbols.define("runtime.etext", .textEnd, &live)
  }

  /// Symbols that only other modes use, made all the same (lib.go setArchSyms): their places in the index count.
  package static func declareArchitecture(_ index: SymbolIndex, _ live: inout LiveSet) {
    for name in [".got", ".plt", ".got.plt", ".dynamic", ".dynsym", ".dynstr"] {
      live.insert(index.lookupOrCreate(name))
    }
    live.insert(index.lookupOrCreate("runtime.unreachableMethod", version: 1))
    for name in [".rel", ".rela", ".rel.plt", ".rela.plt"] { live.insert(index.lookupOrCreate(name)) }
  }

  private static let plain: [(String, SymbolKind)] = [
    ("runtime.rodata", .rodata), ("runtime.erodata", .rodataEnd), ("runtime.types", .rodata),
    ("runtime.etypes", .rodata), ("runtime.noptrdata", .noptrData), ("runtime.enoptrdata", .noptrDataEnd),
    ("runtime.data", .data), ("runtime.edata", .dataEnd), ("runtime.bss", .bss), ("runtime.ebss", .bss),
    ("runtime.noptrbss", .noptrBss), ("runtime.enoptrbss", .noptrBss), ("runtime.gcmask.*", .noptrBss),
    ("runtime.covctrs", .noptrBss), ("runtime.ecovctrs", .noptrBss), ("runtime.end", .bss),
    ("runtime.epclntab", .rodata),
  ]

  /// Declares everything that `symtab` does before the groups are formed, in its order.
  package init(_ index: SymbolIndex, _ live: inout LiveSet, text: TextLayout) {
    let symbols = LinkerSymbols(index)
    for (name, kind) in Self.plain { symbols.define(name, kind, &live) }
    for name in ["runtime.gcdata", "runtime.gcbss"] {
      let s = symbols.update(name, &live)
      index.truncate(s)
      index.setKind(s, .rodata)
      index.insert(.local, for: s)
      symbols.define(name == "runtime.gcdata" ? "runtime.egcdata" : "runtime.egcbss", .rodata, &live)
    }
    let types = symbols.update("type:*", &live)
    index.setKind(types, .type)
    index.truncate(types)
    index.setAlignment(types, 8)
    let groups: [(String, SymbolKind)] = [
      ("go:string.*", .goString), ("go:funcdesc", .goFunc), ("runtime.gcbits.*", .gcBits),
      ("runtime.gcmask.*", .gcMask),
    ]
    for (name, kind) in groups {
      let s = symbols.update(name, &live)
      index.setKind(s, kind)
      index.truncate(s)
      index.setAlignment(s, 8)
      index.insert(.local, for: s)
    }
    textSectionMap = symbols.update("runtime.textsectionmap", &live)
    index.setKind(textSectionMap, .rodata)
    index.addUInt(textSectionMap, UInt64(0))
    index.addUInt(textSectionMap, text.length)
    index.addAddress(textSectionMap, of: index.lookup("runtime.text"))
  }

  /// Gives the boundaries their addresses.
  package static func place(
    _ index: SymbolIndex, text: TextLayout, data: DataLayout, image: ImageLayout,
    addresses: inout Addresses
  ) {
    func set(_ name: String, _ address: UInt64, _ section: SectionID) {
      let s = index.lookup(name)
      if !s.isNone { addresses.place(s, at: address, in: section) }
    }
    func range(_ start: String, _ end: String, _ id: SectionID) {
      let section = image.section(id)
      set(start, section.address, id)
      set(end, section.address &+ section.length, id)
    }
    set("runtime.text", text.start, .text)
    set("runtime.etext", text.end, .text)
    let b = data.bounds
    range("runtime.rodata", "runtime.erodata", b.rodata)
    range("runtime.types", "runtime.etypes", b.types)
    range("runtime.pclntab", "runtime.epclntab", b.pclntab)
    range("runtime.noptrdata", "runtime.enoptrdata", b.noptrData)
    range("runtime.bss", "runtime.ebss", b.bss)
    range("runtime.data", "runtime.edata", b.data)
    range("runtime.noptrbss", "runtime.enoptrbss", b.noptrBss)
    for (name, end) in [("runtime.gcdata", "runtime.egcdata"), ("runtime.gcbss", "runtime.egcbss")] {
      let s = index.lookup(name)
      set(end, addresses[s] &+ UInt64(bitPattern: index.reader.size(s)), addresses.section(of: s))
    }
    let noptrBss = image.section(b.noptrBss).address
    set("runtime.gcmask.*", noptrBss &+ b.gcMask, b.noptrBss)
    set("runtime.covctrs", noptrBss &+ b.coverageStart, b.noptrBss)
    set("runtime.ecovctrs", noptrBss &+ b.coverageStart &+ b.coverageLength, b.noptrBss)
    let dataSegment = image[.data]
    let last = b.fuzzCounters == .none ? b.noptrBss : b.fuzzCounters
    set("runtime.end", dataSegment.address &+ dataSegment.length, last)
    if b.fuzzCounters != .none {
      range("runtime.__start___sancov_cntrs", "runtime.__stop___sancov_cntrs", b.fuzzCounters)
      range("internal/fuzz._counters", "internal/fuzz._ecounters", b.fuzzCounters)
    }
  }
}
