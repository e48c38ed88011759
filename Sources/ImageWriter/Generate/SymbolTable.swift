import LoaderCore

/// .symtab and .strtab (cmd/link/internal/ld/symtab.go asmElfSym, genelfsym, putelfsym).
///
/// Local entries come first, then global ones. Within each: runtime.text, the functions in address order,
/// runtime.etext, then data by rank. No two entries share a string. Made in parts, on all cores; a part knows
/// its strings from its own start, and is moved to its place when it is written.
package struct SymbolTable: Sendable {
  package static let entrySize = 24
  /// Index of the first global entry.
  package let firstGlobal: UInt32
  /// Bytes of .symtab.
  package let entryBytes: Int
  /// Bytes of .strtab.
  package let stringBytes: Int
  /// In file order.
  private let parts: [Part]
  private let starts: [(entries: Int, strings: Int)]

  /// Entries in file order with their strings. An entry is three little-endian words: name offset, info,
  /// visibility and section; value; size.
  struct Part: Sendable {
    let entries: ByteSink
    let strings: ByteSink

    init(room count: Int) {
      entries = ByteSink(capacity: count * SymbolTable.entrySize)
      strings = ByteSink(capacity: count * SymbolTable.usualName)
    }
  }

  /// Bytes of a name, roughly.
  private static let usualName = 48

  /// - Parameters:
  ///   - groups: the live data.
  ///   - text: functions in address order.
  ///   - sectionNumbers: the section header's number by `SectionID`.
  ///   - memory: knows the names of the last table, and gets those of this one.
  /// - Throws: `.unsupported` for a symbol that the layout forgot, and beyond 4 GiB of names.
  package init(
    _ index: SymbolIndex, _ live: borrowing LiveSet, groups: SymbolGroups, text: TextLayout,
    addresses: borrowing Addresses, sectionNumbers: [UInt16], memory: LinkMemory
  ) throws(LinkFailure) {
    let data = Self.candidates(index, live, groups)
    let total = text.functions.count + 2 + data.count
    let names = Table<KnownName>(uninitialized: total)
    let maker = EntryMaker(
      index: index, reader: index.reader, places: addresses.packed, placedCount: addresses.count,
      sectionNumbers: sectionNumbers, functions: text.functions,
      data: data, start: index.lookup("runtime.text"), end: index.lookup("runtime.etext"),
      last: memory.symbolNames, names: names.base)
    let chunks = max(1, min(64, total / 2048))
    let results = PartialResults<EntryMaker.Output?>(count: chunks, empty: nil)
    Chunks.each(chunks) { k in
      var output = EntryMaker.Output(number: k, room: total / chunks)
      maker.make((total * k / chunks)..<(total * (k + 1) / chunks), into: &output)
      results.set(k, output)
    }
    let made = results.all.compactMap { $0 }
    if let lost = made.lazy.map(\.lost).first(where: { !$0.isNone }) {
      throw .unsupported(reason: "symbol without a section: \(index.reader.name(lost).string)")
    }
    let locals = [Self.head] + made.map(\.locals)
    parts = locals + made.map(\.globals)
    firstGlobal = UInt32(locals.reduce(0) { $0 + $1.entries.count } / Self.entrySize)
    var at = (entries: 0, strings: 0)
    var starts: [(entries: Int, strings: Int)] = []
    for p in parts {
      starts.append(at)
      at = (at.entries + p.entries.count, at.strings + p.strings.count)
    }
    guard at.strings <= Int(UInt32.max) else { throw .unsupported(reason: "4 GiB of symbol names") }
    memory.symbolNames = SymbolNames(
      names, strings: made.flatMap { [$0.locals.strings, $0.globals.strings] })
    self.starts = starts
    entryBytes = at.entries
    stringBytes = at.strings
  }

  /// Live data that may be listed, in rank order. Most data are members of groups, which are not.
  private static func candidates(
    _ index: SymbolIndex, _ live: borrowing LiveSet, _ groups: SymbolGroups
  ) -> [SymbolID] {
    let marks = markSpecial(index, live)
    for (k, symbols) in groups.byKind.enumerated() {
      guard let kind = SymbolKind(rawValue: UInt8(k)), !SymbolGroups.kinds.contains(kind),
        kind != .tlsBss, kind != .coverageCounter
      else { continue }
      for s in symbols { marks[s.index] = true }
    }
    for name in SymbolGroups.carriers {
      let s = index.lookup(name)
      if live.contains(s) { marks[s.index] = true }
    }
    marks[0] = false
    var all: [SymbolID] = []
    all.reserveCapacity(marks.population)
    marks.forEach { all.append(SymbolID($0)) }
    return all
  }

  /// Live boundaries and parts of tables, which are no data of their own.
  private static func markSpecial(_ index: SymbolIndex, _ live: borrowing LiveSet) -> Bitmap {
    let marks = Bitmap(count: index.count)
    let words = marks.words.base
    let reader = index.reader
    let reachable = live.reachableBits
    let (attributes, known) = index.allAttributes
    let count = min(known, live.limit, index.count)
    let special = UInt64(SymbolIndex.Attributes.special.rawValue) &* 0x0101_0101_0101_0101
    // No two chunks have a word of the set in common. Symbols without the attribute are passed by in eights.
    Chunks.run((count + 63) / 64, grain: 1 << 10) { range in
      let end = min(64 * range.upperBound, count)
      for first in stride(from: 64 * range.lowerBound, to: end, by: 8) {
        let eight = UnsafeRawPointer(attributes + first)
        if first + 8 <= end, eight.loadUnaligned(as: UInt64.self) & special == 0 { continue }
        for i in first..<min(first + 8, end) where attributes[i].contains(.special) && reachable[i] & 1 != 0 {
          let kind = reader.kind(SymbolID(i))
          if kind >= .elfRXSect, kind < .firstUnallocated { words[i >> 6] |= 1 << UInt64(i & 63) }
        }
      }
    }
    return marks
  }

  /// The reserved entry, and a file that nobody's working directory gets into.
  private static var head: Part {
    let part = Part(room: 2)
    part.strings.u8(0)
    part.strings.string("go.go" as StaticString)
    for word in [0, 0, 0, 1 | Entry.file << 32 | Entry.absolute << 48, 0, 0] { part.entries.u64(word) }
    return part
  }

  /// Writes both sections.
  ///
  /// - Parameters:
  ///   - entries: `entryBytes` long, aligned to 8.
  ///   - strings: `stringBytes` long.
  package func write(entries: UnsafeMutableRawBufferPointer, strings: UnsafeMutableRawBufferPointer) {
    guard let entryBase = entries.baseAddress, let stringBase = strings.baseAddress,
      entries.count >= entryBytes, strings.count >= stringBytes
    else { return }
    nonisolated(unsafe) let (words, names) = (entryBase, stringBase)
    Chunks.each(parts.count) { k in
      let part = parts[k]
      let start = starts[k]
      (names + start.strings).copyMemory(from: part.strings.base, byteCount: part.strings.count)
      let (out, from) = (words + start.entries, part.entries.bytes)
      for at in stride(from: 0, to: from.count, by: Self.entrySize) {
        // The name's offset is the low half of the first word; it does not overflow.
        let word =
          UInt64(littleEndian: from.load(fromByteOffset: at, as: UInt64.self)) &+ UInt64(start.strings)
        out.storeBytes(of: word.littleEndian, toByteOffset: at, as: UInt64.self)
        for rest in [at + 8, at + 16] {
          out.storeBytes(
            of: from.load(fromByteOffset: rest, as: UInt64.self), toByteOffset: rest, as: UInt64.self)
        }
      }
    }
  }

  /// Whether the name has "..stmp_" in it: a temporary of the compiler's (symtab.go isStaticTmp).
  package static func isStaticTemporary(_ name: ByteView) -> Bool {
    let mark = Array("..stmp_".utf8)
    let bytes = name.buffer
    guard bytes.count >= mark.count else { return false }
    return (0...(bytes.count - mark.count)).contains { i in
      bytes[i..<(i + mark.count)].elementsEqual(mark)
    }
  }

  /// Numbers of ELF symbol records.
  enum Entry {
    static let object: UInt64 = 1
    static let function: UInt64 = 2
    static let file: UInt64 = 4
    static let global: UInt64 = 1 << 4
    static let absolute: UInt64 = 0xfff1
  }
}
