import ImageWriter
import LoaderCore

/// Where the program starts (cmd/link/internal/ld/lib.go Entryvalue).
enum EntryPoint {
  /// The address for the ELF header, and what is wrong with the symbol, whole lines.
  ///
  /// - Parameter textAddress: what an undefined symbol stands for.
  static func find(
    _ name: String, _ index: SymbolIndex, _ addresses: borrowing Addresses, textAddress: UInt64
  ) -> (address: UInt64, errors: [String]) {
    let s = index.lookup(name)
    if s.isNone { return (0, ["missing entry symbol \(GoText.quote(name.utf8) ?? name)\n"]) }
    let kind = index.reader.kind(s)
    if kind == .undefined { return (textAddress, []) }
    return (addresses[s], kind.isText ? [] : ["\(name): entry not text\n"])
  }
}
