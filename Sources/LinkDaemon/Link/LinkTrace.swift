import ImageWriter
import LoaderCore

/// What -v prints of a link besides what its passes print of themselves (cmd/link/internal/ld: main.go Main, data.go
/// assignAddress; cmd/link/internal/loader/loader.go Stat). Empty without -v.
///
/// Level 1 tells settings and numbers of symbols, level 2 also what is loaded and what keeps methods
/// (`PackageLoader`, `Deadcode`), level 3 also where the functions lie.
struct LinkTrace {
  private let level: Int64
  /// The first lines.
  let heading: String
  private var debugSymbols: DebugSymbolCount?

  init(_ plan: LinkPlan) {
    level = plan.verbosity
    guard level != 0 else {
      heading = ""
      return
    }
    func state(_ isOn: Bool) -> String { isOn ? "on" : "off" }
    func hex(_ n: some BinaryInteger) -> String { String(n, radix: 16) }
    heading = """
      build mode: \(plan.elf.isPIE ? "pie" : "exe"), symbol table: \(state(plan.elf.hasSymbols)), \
      DWARF: \(state(plan.dwarf != nil))
      HEADER = -H\(Self.linux) -T0x\(hex(plan.image.textAddress)) \
      -R0x\(hex(UInt32(truncatingIfNeeded: plan.image.rounding)))

      """
  }

  /// The number of the operating system (cmd/internal/objabi/head.go).
  private static let linux = 5

  /// The functions in the order in which they got their addresses.
  func addresses(of text: TextLayout, _ index: SymbolIndex) -> String {
    guard level > 2 else { return "" }
    let reader = index.reader
    var lines = ""
    for (s, start) in zip(text.functions, text.starts) {
      lines += "assign text address: \(reader.name(s).string) \(start)\n"
    }
    return lines
  }

  /// Takes note of the symbols that are no more once the sections are written.
  mutating func note(_ debug: borrowing DebugInfo, _ sections: DebugSections, _ live: borrowing LiveSet) {
    if level != 0 { debugSymbols = debug.countSymbols(live, sections) }
  }

  /// The last lines.
  func summary(
    _ index: SymbolIndex, _ live: borrowing LiveSet, _ tables: borrowing FunctionTables
  ) -> String {
    guard level != 0 else { return "" }
    let known = index.statistics()
    // Symbols that the real linker makes and linkd does not.
    let trees = tables.inlineTreeCount
    let made = trees + (debugSymbols?.made ?? 0)
    let reachable = (debugSymbols?.live ?? live.count) + trees
    return """
      \(known.all + made) symbols, \(reachable) reachable
      \t\(known.packageSymbols) package symbols, \(known.hashed) hashed symbols, \
      \(known.nonPackage) non-package symbols, \(known.external + made) external symbols
      0 liveness data

      """
  }
}
