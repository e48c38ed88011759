import LoaderCore

/// The words for relocations that cannot be done (ld/data.go relocsym, ld/errors.go errorUnresolved).
struct RelocationErrors {
  let index: SymbolIndex

  /// Whole lines, each pair of symbols once for unresolved targets, in rank order: the real linker's come
  /// from parallel workers in no particular order.
  func lines(_ problems: [Relocator.Problem]) -> [String] {
    let reader = index.reader
    var seen: Set<UInt64> = []
    var out: [String] = []
    // A look at all symbols, for those without a name only.
    lazy var ranks = SymbolRanks(index)
    let sorted = problems.sorted {
      (reader.rank($0.symbol), $0.relocation) < (reader.rank($1.symbol), $1.relocation)
    }
    for p in sorted {
      if case .unresolved = p.kind {
        guard seen.insert(UInt64(p.symbol.raw) << 32 | UInt64(p.target.raw)).inserted else { continue }
      }
      let name = reader.name(p.symbol).string
      out.append((name.isEmpty ? "sym \(ranks.rank(p.symbol))" : name) + ": " + text(p) + "\n")
    }
    return out
  }

  /// What the real linker ends with at once, if anything: packages built for -buildmode=pie do not fit another program.
  ///
  /// - Parameter problems: in the order of the image.
  func fatal(_ problems: [Relocator.Problem]) -> LinkFailure? {
    for p in problems {
      if case .initialExec = p.kind { return .fatal(Self.initialExec(index.reader.name(p.symbol).string)) }
    }
    return nil
  }

  private static func initialExec(_ name: String) -> String {
    "cannot handle R_TLS_IE (sym \(name)) when linking internally"
  }

  private func text(_ p: Relocator.Problem) -> String {
    let reader = index.reader
    let r = reader.relocations(p.symbol)[p.relocation]
    let target = reader.name(p.target).string
    switch p.kind {
    case .badRange:
      let count = reader.data(p.symbol).count
      return "invalid relocation \(target): \(r.offset)+\(r.size) not in [0,\(count))"
    case .unresolved: return unresolved(p.target, target)
    case .unreachable: return "unreachable sym in relocation: \(target)"
    case .initialExec: return Self.initialExec(reader.name(p.symbol).string)
    case .unknownType: return "unknown reloc to \(target): \(r.type)"
    case .badSize: return "bad reloc size 0x\(String(r.size, radix: 16)) for \(target)"
    case .missingSection: return "missing section for relocation target \(target)"
    case .tooBig(let v):
      let hex = String(v, radix: 16)
      if r.type == RelocType.addr {
        return "non-pc-relative relocation address for \(target) is too big: 0x\(hex)"
      }
      let name = r.type == RelocType.call ? "R_CALL" : "R_PCREL"
      return "pc-relative relocation \(name) address for \(target) is too big: 0x\(hex)"
    }
  }

  private func unresolved(_ s: SymbolID, _ name: String) -> String {
    if name == "main.main" { return "function main is undeclared in the main package" }
    let reader = index.reader
    let version = reader.version(s)
    let names = ["ABI0", "ABIInternal"]
    if version == 0 || version == 1 {
      for other in [Int32(1), 0] {
        let twin = index.lookup(name, version: other)
        guard !twin.isNone, ![.undefined, .xref].contains(reader.kind(twin)) else { continue }
        return "relocation target \(name) not defined for \(names[Int(version)])"
          + " (but is defined for \(names[Int(other)]))"
      }
    }
    return "relocation target \(name) not defined"
  }
}
