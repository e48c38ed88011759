import LoaderCore

/// A file that could not be read, in the words of Go's *fs.PathError.
package struct FileReadFailure: Error, Sendable {
  /// "open" or "read".
  package let operation: String
  package let error: ErrorNumber

  package init(operation: String, error: ErrorNumber) {
    self.operation = operation
    self.error = error
  }

  func text(_ path: String) -> String { "\(operation) \(path): \(error.text)" }
}

/// `@file` among the arguments: the go command writes long command lines to a file.
package enum ResponseFile {
  package typealias Reader = (String) -> Result<[UInt8], FileReadFailure>

  private static let maxDepth = 50
  private static let maxArguments = 1 << 20

  /// The arguments with every `@file` replaced by what the file says, which may name files again
  /// (objabi/flag.go expandArgs). Names are taken as they are, relative to the caller's directory also in
  /// files elsewhere.
  static func expand(_ arguments: [[UInt8]], read: Reader) throws(CommandLineStop) -> [[UInt8]] {
    var out: [[UInt8]] = []
    try expand(arguments, depth: 0, read: read, into: &out)
    return out
  }

  private static func expand(
    _ arguments: [[UInt8]], depth: Int, read: Reader, into out: inout [[UInt8]]
  ) throws(CommandLineStop) {
    for a in arguments {
      guard a.first == UInt8(ascii: "@") else {
        out.append(a)
        continue
      }
      guard depth < maxDepth, out.count < maxArguments else {
        throw .unsupported(reason: "response files without end")
      }
      let path = String(decoding: a.dropFirst(), as: UTF8.self)
      switch read(path) {
      case .failure(let e): throw .fatal(e.text(path))
      case .success(let bytes):
        guard String(validating: bytes, as: UTF8.self) != nil else {
          throw .unsupported(reason: "a response file that is not UTF-8")
        }
        try expand(split(bytes), depth: depth + 1, read: read, into: &out)
      }
    }
  }

  private enum Quote { case none, single, double }

  /// The arguments in a response file (objabi/flag.go ParseArgs): blanks separate; single quotes take all
  /// literally; in double quotes a backslash escapes \\ " $ `; elsewhere it escapes anything; a backslash
  /// before a line end (LF or CRLF) removes both, outside single quotes.
  package static func split(_ text: [UInt8]) -> [[UInt8]] {
    var out: [[UInt8]] = []
    var word: [UInt8] = []
    // Empty quotes are an argument too.
    var hasWord = false
    var quote = Quote.none
    var i = 0
    while i < text.count {
      let c = text[i]
      i += 1
      switch (quote, c) {
      case (.single, UInt8(ascii: "'")), (.double, UInt8(ascii: "\"")): quote = .none
      case (.single, _): word.append(c)
      case (_, UInt8(ascii: "\\")):
        if let end = lineEnd(text, at: i) {
          i = end
        } else if quote == .double {
          if i < text.count, #"\"$`"#.utf8.contains(text[i]) {
            word.append(text[i])
            i += 1
          } else {
            word.append(c)
          }
        } else if i < text.count {
          word.append(text[i])
          hasWord = true
          i += 1
        }
      case (.double, _): word.append(c)
      case (.none, UInt8(ascii: "'")):
        quote = .single
        hasWord = true
      case (.none, UInt8(ascii: "\"")):
        quote = .double
        hasWord = true
      case (.none, UInt8(ascii: " ")), (.none, UInt8(ascii: "\t")), (.none, UInt8(ascii: "\n")),
        (.none, UInt8(ascii: "\r")):
        if hasWord || !word.isEmpty { out.append(word) }
        word = []
        hasWord = false
      case (.none, _): word.append(c)
      }
    }
    if hasWord || !word.isEmpty { out.append(word) }
    return out
  }

  /// The index behind the line end at `i`, nil when there is none.
  private static func lineEnd(_ text: [UInt8], at i: Int) -> Int? {
    if i < text.count, text[i] == UInt8(ascii: "\n") { return i + 1 }
    if i + 1 < text.count, text[i] == UInt8(ascii: "\r"), text[i + 1] == UInt8(ascii: "\n") { return i + 2 }
    return nil
  }
}
