import LoaderCore

/// The symbols that the real linker makes DWARF of. Their number shows in what -v prints, though the index here has
/// only those that objects define or refer to.
package struct DebugSymbolCount: Equatable, Sendable {
  /// Symbols that the real linker makes besides those of the index.
  package let made: Int
  /// All symbols that are live at the end: made or not, of DWARF or not.
  package let live: Int
}

/// The symbols of type entries (cmd/link/internal/ld/dwarf.go newdie, dotypedef).
struct DebugTypeSymbols: Sendable {
  /// "go:info.T" of names that objects mention.
  private(set) var known: [SymbolID] = []
  /// The others, among them the nameless ones of definitions that left their name to a typedef.
  private(set) var made = 0

  init(_ types: borrowing DebugTypes, _ index: SymbolIndex) {
    let name = ByteSink()
    name.append(text: "go:info.")
    for e in types.entries.buffer {
      if e.abbrev == AbbrevTable.Code.typedef {
        made += 1
        continue
      }
      name.truncate(8)
      name.append(e.name)
      let s = index.lookup(ByteView(name.base, name.count), version: 0)
      if s.isNone { made += 1 } else { known.append(s) }
    }
  }
}

extension DebugInfo {
  /// Counts, after `generate` with `countsSymbols` (cmd/link/internal/ld/dwarf.go: newdie, importInfoSymbol,
  /// dwarfVisitFunction, dwarfGenerateDebugSyms, dwarfcompress).
  ///
  /// - Parameters:
  ///   - live: what is live for other reasons.
  ///   - written: made of this.
  package func countSymbols(_ live: borrowing LiveSet, _ written: DebugSections) -> DebugSymbolCount {
    var marks = SymbolMarks(live, count: index.count)
    var made = 0
    for section in sections {
      let m = countMade(section.kind)
      made += m.written + m.unwritten
      forEachSymbol(section.kind) { marks.insert($0) }
      marks.made += m.written + m.unwritten
    }
    // Constants are marked also where their unit is left out.
    for u in 0..<images.count where !contents.constants[u].isNone { marks.insert(contents.constants[u]) }
    for (section, file) in zip(sections, written.sections) where file.isCompressed {
      // What the section was made of is live no more; nothing marks the one symbol of the compressed bytes.
      forEachSymbol(section.kind) { marks.remove($0) }
      marks.made -= countMade(section.kind).written
      made += 1
    }
    return DebugSymbolCount(made: made, live: marks.count)
  }

  /// The symbols of a section that the index does not have: those that are written, and those that every unit gets
  /// but only units with something to say need.
  private func countMade(_ kind: Section.Kind) -> (written: Int, unwritten: Int) {
    let withText = images.count { $0.hasText }
    switch kind {
    case .abbrev, .frame, .gdbScripts: return (1, 0)
    // The section's own and the units' first: a header or a list of ranges.
    case .line: return (1 + withText, images.count - withText)
    // The section's own, its header, and the units'.
    case .rngLists: return (2 + withText, images.count - withText)
    case .locLists: return (2, 0)
    case .addr: return (2 + images.count, 0)
    case .info:
      // The units' entries and the bytes that close them.
      let full = images.count { !$0.isEmpty }
      return (1 + 2 * full + (typeSymbols?.made ?? 0), 2 * (images.count - full))
    }
  }

  /// The symbols of the index that a section is made of.
  private func forEachSymbol(_ kind: Section.Kind, _ body: (SymbolID) -> Void) {
    if kind == .info { typeSymbols?.known.forEach(body) }
    for u in 0..<images.count {
      switch kind {
      case .info: if !images[u].isEmpty { contents.forEachInfo(u, body) }
      case .line: contents.tables.forEachLines(u, body)
      case .rngLists: contents.tables.forEachRanges(u, body)
      case .locLists: contents.tables.forEachLocation(u, body)
      case .abbrev, .frame, .gdbScripts, .addr: break
      }
    }
  }
}

/// Which symbols of the index are live, and how many others.
private struct SymbolMarks: ~Copyable {
  private let bits: Bitmap
  var made = 0

  init(_ live: borrowing LiveSet, count: Int) {
    bits = Bitmap(count: count)
    let reachable = live.reachableBits
    for i in 0..<min(live.limit, count) where reachable[i] & 1 != 0 { bits[i] = true }
  }

  func insert(_ s: SymbolID) { bits[s.index] = true }
  func remove(_ s: SymbolID) { bits[s.index] = false }
  var count: Int { bits.population + made }
}
