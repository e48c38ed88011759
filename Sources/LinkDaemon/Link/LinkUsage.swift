/// What `link` prints about its flags, and what linkd's documentation says of them.
extension FlagTable {
  /// The text on stderr after which `link` exits with 2 (ld/lib.go usage; package flag, PrintDefaults).
  package static let usage = "usage: link [options] main.o\n" + all.map(usage).joined()

  private static func usage(_ f: LinkFlag) -> String {
    let (value, help) = unquote(f)
    var line = "  -\(f.name.rawValue)"
    if !value.isEmpty { line += " \(value)" }
    // Letters without a value have their text beside them.
    line += line.utf8.count <= 4 ? "\t" : "\n    \t"
    line += help
    switch f.kind {
    case .bool(true): line += " (default true)"
    case .int(let n) where n != 0: line += " (default \(n))"
    case .macVersion(let v): line += " (default \(v))"
    default: break
    }
    return line + "\n"
  }

  /// The name of the flag's value (empty when it needs none) and the help without quotes.
  private static func unquote(_ f: LinkFlag) -> (value: String, help: String) {
    let parts = f.help.split(separator: "`", omittingEmptySubsequences: false)
    if parts.count == 3 { return (String(parts[1]), parts.joined()) }
    if f.isBoolean { return ("", f.help) }
    switch f.kind {
    case .int: return ("int", f.help)
    case .text: return ("string", f.help)
    default: return ("value", f.help)
    }
  }

  /// The table as Markdown, for the documentation.
  package static var markdown: String {
    var text = "| flag | what it does | linkd |\n|---|---|---|\n"
    for f in all {
      let (value, help) = unquote(f)
      let form = value.isEmpty ? "-\(f.name.rawValue)" : "-\(f.name.rawValue) \(value)"
      let support =
        switch f.support {
        case .native: "native"
        case .partly(let which): "native in part: \(which)"
        case .ignored(let why): "accepted without effect, as by `link`: \(why)"
        case .fallback(let why): "falls back: \(why)"
        }
      text += "| `\(form)` | \(help.replacing("|", with: "\\|")) | \(support) |\n"
    }
    return text
  }
}
