/// The arguments of one `link`, taken apart as far as files are concerned.
package struct LinkArguments: Equatable, Sendable {
  private enum Part: Equatable, Sendable {
    /// `-name`, `-name value` or `-name=value`; the dashes are kept as they were.
    case flag(dashes: String, name: String, value: String?, joined: Bool)
    case operand(String)
  }

  private var parts: [Part]

  /// The flags that can stand without a value (cmd/link/internal/ld/main.go). All others take the next argument
  /// unless they have a `=`.
  package static let booleanFlags: Set<String> = [
    "V", "a", "asan", "aslr", "bindnow", "c", "checklinkname", "compressdwarf", "d", "debugnosplit",
    "dumpdep",
    "e", "f", "g", "h", "linkshared", "msan", "n", "pruneweakmap", "race", "s", "v", "w",
  ]

  /// - Parameter words: without the program's name and with response files expanded. Reading stops at the first
  ///   operand, as in Go's package flag.
  package init(_ words: [String]) {
    parts = []
    var rest = words[...]
    while let word = rest.first, word.utf8.count > 1, word.utf8.first == UInt8(ascii: "-"), word != "--" {
      rest.removeFirst()
      let dashes = word.hasPrefix("--") ? "--" : "-"
      let text = word.dropFirst(dashes.count)
      if let equals = text.firstIndex(of: "=") {
        let value = String(text[text.index(after: equals)...])
        parts.append(.flag(dashes: dashes, name: String(text[..<equals]), value: value, joined: true))
      } else if Self.booleanFlags.contains(String(text)) {
        parts.append(.flag(dashes: dashes, name: String(text), value: nil, joined: false))
      } else {
        parts.append(.flag(dashes: dashes, name: String(text), value: rest.popFirst(), joined: false))
      }
    }
    parts += rest.map { .operand($0) }
  }

  /// As `link` is called with them.
  package var words: [String] {
    parts.flatMap { part in
      switch part {
      case .operand(let word): [word]
      case .flag(let dashes, let name, let value?, true): ["\(dashes)\(name)=\(value)"]
      case .flag(let dashes, let name, let value?, false): ["\(dashes)\(name)", value]
      case .flag(let dashes, let name, nil, _): ["\(dashes)\(name)"]
      }
    }
  }

  package var operands: [String] {
    parts.compactMap { if case .operand(let word) = $0, word != "--" { word } else { nil } }
  }

  /// The value of a flag's last mention; nil when it has none.
  package func value(_ name: String) -> String? {
    for case .flag(_, name, let value?, _) in parts.reversed() { return value }
    return nil
  }

  /// Whether a flag is mentioned and not set to a false value.
  package func has(_ name: String) -> Bool {
    for case .flag(_, name, let value, _) in parts.reversed() {
      return !["0", "f", "F", "false", "FALSE", "False"].contains(value ?? "true")
    }
    return false
  }

  /// Replaces the value of every mention of a flag.
  package mutating func replaceValues<E: Error>(
    of name: String, _ change: (String) throws(E) -> String
  ) throws(E) {
    for index in parts.indices {
      if case .flag(let dashes, name, let value?, let joined) = parts[index] {
        parts[index] = .flag(dashes: dashes, name: name, value: try change(value), joined: joined)
      }
    }
  }

  package mutating func replaceOperands<E: Error>(_ change: (String) throws(E) -> String) throws(E) {
    for index in parts.indices {
      if case .operand(let word) = parts[index], word != "--" { parts[index] = .operand(try change(word)) }
    }
  }

  /// Puts a flag behind all others, where it counts.
  package mutating func append(_ name: String, _ value: String) {
    let end = parts.firstIndex { if case .operand = $0 { true } else { false } } ?? parts.endIndex
    parts.insert(.flag(dashes: "-", name: name, value: value, joined: true), at: end)
  }

  /// Puts a flag with a value in front of all others.
  package mutating func prepend(_ name: String, _ value: String) {
    parts.insert(.flag(dashes: "-", name: name, value: value, joined: false), at: 0)
  }
}

extension LinkArguments {
  private static let deepestNesting = 50
  private static let mostWords = 1 << 20

  /// Every `@file` replaced by the words of that file, which may name files again
  /// (cmd/internal/objabi/flag.go expandArgs).
  ///
  /// - Parameter read: a whole file, by its name as it stands among the arguments; nil when it cannot be read.
  /// - Returns: nil when a file cannot be read or is not UTF-8, or when the nesting has no end.
  package static func expand(_ words: [String], read: (String) -> [UInt8]?) -> [String]? {
    var out: [String] = []
    return expand(words, 0, read, &out) ? out : nil
  }

  private static func expand(
    _ words: [String], _ depth: Int, _ read: (String) -> [UInt8]?, _ out: inout [String]
  ) -> Bool {
    for word in words {
      guard word.hasPrefix("@") else {
        out.append(word)
        continue
      }
      guard depth < deepestNesting, out.count < mostWords, let text = read(String(word.dropFirst())) else {
        return false
      }
      var inner: [String] = []
      for bytes in ResponseWords.split(text) {
        guard let word = String(validating: bytes, as: UTF8.self) else { return false }
        inner.append(word)
      }
      guard expand(inner, depth + 1, read, &out) else { return false }
    }
    return true
  }
}
