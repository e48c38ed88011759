/// The words of a response file (`@file` among the arguments), as cmd/internal/objabi/flag.go ParseArgs reads them:
/// blanks separate; single quotes take all literally; in double quotes a backslash escapes \\ " $ `; elsewhere it
/// escapes anything; a backslash before a line end (LF or CRLF) removes both, outside single quotes.
package enum ResponseWords {
  private enum Quote { case none, single, double }

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
