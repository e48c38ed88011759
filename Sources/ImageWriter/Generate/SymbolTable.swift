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
    var entries: [UInt64] = []
    var strings: [UInt8] = []
  }

  /// - Parameters:
  ///   - groups: the live data.
  ///   - text: functions in address order.
  ///   - sectionNumbers: the section header's number by `SectionID`.
  /// - Throws: `.unsupported` for a symbol that the layout forgot, and beyond 4 GiB of names.
  package init(
    _ index: SymbolIndex, _ live: borrowing LiveSet, groups: SymbolGroups, text: TextLayout,
    addresses: borrowing Addresses, sectionNumbers: [UInt16]
  ) throws(LinkFailure) {
    let maker = EntryMaker(
      index: index, reader: index.reader, places: addresses.packed, placedCount: addresses.count,
      sectionNumbers: sectionNumbers, functions: text.functions,
      data: Self.candidates(index, live, groups), start: index.lookup("runtime.text"),
      end: index.lookup("runtime.etext"))
    let total = maker.functions.count + 2 + maker.data.count
    let chunks = max(1, min(64, total / 2048))
    let results = PartialResults<EntryMaker.Output>(count: chunks, empty: EntryMaker.Output())
    Chunks.each(chunks) { k in
      var output = EntryMaker.Output()
      output.globals.entries.reserveCapacity(3 * total / chunks)
      output.globals.strings.reserveCapacity(64 * total / chunks)
      maker.make((total * k / chunks)..<(total * (k + 1) / chunks), into: &output)
      results.set(k, output)
    }
    let made = results.all
    if let lost = made.lazy.map(\.lost).first(where: { !$0.isNone }) {
      throw .unsupported(reason: "symbol without a section: \(index.reader.name(lost).string)")
    }
    let locals = [Self.head] + made.map(\.locals)
    parts = locals + made.map(\.globals)
    firstGlobal = UInt32(locals.reduce(0) { $0 + $1.entries.count } / 3)
    var at = (entries: 0, strings: 0)
    var starts: [(entries: Int, strings: Int)] = []
    for p in parts {
      starts.append(at)
      at = (at.entries + p.entries.count * 8, at.strings + p.strings.count)
    }
    guard at.strings <= Int(UInt32.max) else { throw .unsupported(reason: "4 GiB of symbol names") }
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
    var part = Part()
    part.strings = [0] + Array("go.go".utf8) + [0]
    part.entries = [0, 0, 0, 1 | Entry.file << 32 | Entry.absolute << 48, 0, 0]
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
      part.strings.withUnsafeBytes { from in
        if let base = from.baseAddress {
          (names + start.strings).copyMemory(from: base, byteCount: from.count)
        }
      }
      let out = words + start.entries
      for i in part.entries.indices {
        // The name's offset is the low half of the first word; it does not overflow.
        let word = part.entries[i] &+ (i % 3 == 0 ? UInt64(start.strings) : 0)
        out.storeBytes(of: word.littleEndian, toByteOffset: i * 8, as: UInt64.self)
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

/// Symbols to entries. Plain pointers and values: one serves all workers.
private struct EntryMaker: @unchecked Sendable {
  let index: SymbolIndex
  let reader: SymbolReader
  /// `Addresses.packed`, for symbols below `placedCount`.
  let places: UnsafePointer<UInt64>
  let placedCount: Int
  let sectionNumbers: [UInt16]
  let functions: [SymbolID]
  let data: [SymbolID]
  /// runtime.text and runtime.etext.
  let start: SymbolID
  let end: SymbolID

  struct Output: Sendable {
    var locals = SymbolTable.Part()
    var globals = SymbolTable.Part()
    /// A symbol that should have a section and has none.
    var lost = SymbolID.none
  }

  /// Positions run over runtime.text, the functions, runtime.etext and data.
  func make(_ positions: Range<Int>, into output: inout Output) {
    let n = functions.count
    for position in positions {
      if position == 0 {
        put(start, SymbolTable.Entry.function, &output)
      } else if position <= n {
        put(functions[position - 1], SymbolTable.Entry.function, &output)
      } else if position == n + 1 {
        put(end, SymbolTable.Entry.function, &output)
      } else if isListed(data[position - n - 2]) {
        put(data[position - n - 2], SymbolTable.Entry.object, &output)
      }
    }
  }

  /// Whether live data is for tools to see.
  private func isListed(_ s: SymbolID) -> Bool {
    if index.attributes(s).contains(.notInSymbolTable) { return false }
    let name = reader.name(s)
    guard let first = name.base?.load(as: UInt8.self), name.count > 0, first != UInt8(ascii: ".") else {
      return false
    }
    // What is local to a Go file has no name for others; assembly's statics do.
    return !reader.isFileLocal(s) || reader.isFromAssembly(s)
  }

  private func put(_ s: SymbolID, _ type: UInt64, _ output: inout Output) {
    guard !s.isNone else { return }
    let word = s.index < placedCount ? places[s.index] : 0
    let section = Int(word >> 48)
    guard section > 0, section < sectionNumbers.count else {
      output.lost = s
      return
    }
    let name = reader.name(s)
    let isText = type == SymbolTable.Entry.function
    let entry = type << 32 | UInt64(sectionNumbers[section]) << 48
    let size = UInt64(bitPattern: reader.size(s))
    if isLocal(s, name, isText: isText) {
      append(entry, word & Addresses.addressMask, size, s, name, isText: isText, to: &output.locals)
    } else {
      let global = entry | SymbolTable.Entry.global << 32
      append(global, word & Addresses.addressMask, size, s, name, isText: isText, to: &output.globals)
    }
  }

  @inline(__always)
  private func isLocal(_ s: SymbolID, _ name: ByteView, isText: Bool) -> Bool {
    if index.attributes(s).contains(.local) { return true }
    // Functions known by content may have one name several times.
    if isText, reader.isContentHashed(s) { return true }
    return reader.isFileLocal(s) && !SymbolTable.isStaticTemporary(name)
  }

  @inline(__always)
  private func append(
    _ entry: UInt64, _ value: UInt64, _ size: UInt64, _ s: SymbolID, _ name: ByteView, isText: Bool,
    to part: inout SymbolTable.Part
  ) {
    part.entries.append(entry | UInt64(part.strings.count))
    part.entries.append(value)
    part.entries.append(size)
    if name.contains(0xc2) {
      Self.appendPlain(name, to: &part.strings)
    } else {
      part.strings.append(contentsOf: name.buffer)
    }
    if isText, let abi = hiddenABI(s, name) { part.strings.append(contentsOf: ".abi\(abi)".utf8) }
    part.strings.append(0)
  }

  /// The ABI that the name must tell, because there is a function of the same name under the internal one
  /// (symtab.go mangleABIName).
  @inline(__always)
  private func hiddenABI(_ s: SymbolID, _ name: ByteView) -> Int32? {
    let version = reader.version(s)
    guard version != 1, version < 10 else { return nil }
    let twin = index.lookup(name, version: 1)
    return !twin.isNone && reader.kind(twin).isText ? version : nil
  }

  /// The name with a plain dot for each middle dot, for tools that know only ASCII.
  static func appendPlain(_ name: ByteView, to out: inout [UInt8]) {
    var i = 0
    let bytes = name.buffer
    while i < bytes.count {
      if bytes[i] == 0xc2, i + 1 < bytes.count, bytes[i + 1] == 0xb7 {
        out.append(UInt8(ascii: "."))
        i += 2
      } else {
        out.append(bytes[i])
        i += 1
      }
    }
  }
}
