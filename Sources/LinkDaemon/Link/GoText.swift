/// How Go reads and writes numbers, booleans and quoted text (packages strconv and strings).
///
/// Where the answer depends on Unicode tables, `quote` gives nil; the caller then leaves the matter to the
/// real linker.
package enum GoText {
  package enum NumberError: Error { case syntax, range }

  /// strconv.ParseBool.
  package static func parseBool(_ text: [UInt8]) -> Bool? {
    switch String(decoding: text, as: UTF8.self) {
    case "1", "t", "T", "true", "TRUE", "True": true
    case "0", "f", "F", "false", "FALSE", "False": false
    default: nil
    }
  }

  /// strconv.ParseInt for 64 bits; base 0 takes the base, and whether underscores are allowed, from the text.
  package static func parseInt(_ text: [UInt8], base: Int) throws(NumberError) -> Int64 {
    guard let first = text.first else { throw .syntax }
    let isNegative = first == UInt8(ascii: "-")
    let digits = isNegative || first == UInt8(ascii: "+") ? text.dropFirst() : text[...]
    let magnitude = try parseUInt(digits, base: base)
    if isNegative {
      guard magnitude <= 1 << 63 else { throw .range }
      return Int64(truncatingIfNeeded: 0 &- magnitude)
    }
    guard let value = Int64(exactly: magnitude) else { throw .range }
    return value
  }

  private static func lower(_ c: UInt8) -> UInt8 { c | 0x20 }

  /// The base that a prefix stands for, and the digits behind it. A lone 0 prefix means octal.
  private static func base(_ text: ArraySlice<UInt8>) -> (Int, ArraySlice<UInt8>) {
    guard text.first == UInt8(ascii: "0") else { return (10, text) }
    if text.count >= 3 {
      switch lower(text[text.startIndex + 1]) {
      case UInt8(ascii: "b"): return (2, text.dropFirst(2))
      case UInt8(ascii: "o"): return (8, text.dropFirst(2))
      case UInt8(ascii: "x"): return (16, text.dropFirst(2))
      default: break
      }
    }
    return (8, text.dropFirst())
  }

  private static func parseUInt(_ text: ArraySlice<UInt8>, base given: Int) throws(NumberError) -> UInt64 {
    guard !text.isEmpty else { throw .syntax }
    let (base, digits) = given == 0 ? Self.base(text) : (given, text)
    var hasUnderscore = false
    var value: UInt64 = 0
    for c in digits {
      let digit: UInt8
      switch c {
      case UInt8(ascii: "_") where given == 0:
        hasUnderscore = true
        continue
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = c - UInt8(ascii: "0")
      default:
        guard (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lower(c)) else { throw .syntax }
        digit = lower(c) - UInt8(ascii: "a") + 10
      }
      guard digit < base else { throw .syntax }
      let (product, over) = value.multipliedReportingOverflow(by: UInt64(base))
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
      guard !over, !carry else { throw .range }
      value = sum
    }
    if hasUnderscore, !underscoresAreBetweenDigits(text) { throw .syntax }
    return value
  }

  /// An underscore stands between two digits, or between the base's prefix and a digit.
  private static func underscoresAreBetweenDigits(_ text: ArraySlice<UInt8>) -> Bool {
    let text = Array(text)
    let hasPrefix = text.count >= 2 && text[0] == UInt8(ascii: "0") && "box".utf8.contains(lower(text[1]))
    let start = hasPrefix ? 2 : 0
    for i in text.indices where text[i] == UInt8(ascii: "_") {
      guard i > start || (i == start && hasPrefix), i + 1 < text.count else { return false }
      if text[i - 1] == UInt8(ascii: "_") { return false }
    }
    return true
  }

  // MARK: blanks

  /// strings.TrimSpace: without the white space at both ends, as Unicode sees it.
  package static func trimSpace(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var text = text
    while let first = text.first {
      if isBlank(first) {
        text.removeFirst()
      } else if first >= 0x80, let n = wideSpaces.first(where: { text.starts(with: $0) })?.count {
        text.removeFirst(n)
      } else {
        break
      }
    }
    while let last = text.last {
      if isBlank(last) {
        text.removeLast()
      } else if last >= 0x80,
        let n = wideSpaces.first(where: { text.suffix($0.count).elementsEqual($0) })?.count
      {
        text.removeLast(n)
      } else {
        break
      }
    }
    return text
  }

  private static func isBlank(_ c: UInt8) -> Bool { c == 32 || (9...13).contains(c) }

  private static let wideSpaces: [[UInt8]] =
    [0x85, 0xa0, 0x1680].map(utf8) + (0x2000...0x200a).map(utf8)
    + [0x2028, 0x2029, 0x202f, 0x205f, 0x3000].map(utf8)

  private static func utf8(_ rune: Int) -> [UInt8] {
    Unicode.Scalar(UInt32(rune)).map { Array(String(Character($0)).utf8) } ?? []
  }

  // MARK: quotes

  /// strconv.Quote of ASCII text; nil for other text.
  package static func quote(_ text: some Sequence<UInt8>) -> String? {
    var out = "\""
    for c in text {
      switch c {
      case 7: out += "\\a"
      case 8: out += "\\b"
      case 9: out += "\\t"
      case 10: out += "\\n"
      case 11: out += "\\v"
      case 12: out += "\\f"
      case 13: out += "\\r"
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        out += "\\" + String(Character(Unicode.Scalar(c)))
      case 32..<127: out += String(Character(Unicode.Scalar(c)))
      case 128...: return nil
      default: out += "\\x" + (c < 16 ? "0" : "") + String(c, radix: 16)
      }
    }
    return out + "\""
  }

  /// The quote that quoted.Split (cmd/internal/quoted) finds open at the end; quotes count at the start of a word only.
  package static func unterminatedQuote(_ text: [UInt8]) -> Character? {
    var rest = text[...]
    while true {
      rest = rest.drop { $0 == 32 || $0 == 9 || $0 == 10 || $0 == 13 }
      guard let c = rest.first else { return nil }
      if c == UInt8(ascii: "\"") || c == UInt8(ascii: "'") {
        guard let end = rest.dropFirst().firstIndex(of: c) else { return Character(Unicode.Scalar(c)) }
        rest = rest[(end + 1)...]
      } else {
        rest = rest.drop { $0 != 32 && $0 != 9 && $0 != 10 && $0 != 13 }
      }
    }
  }

  /// strconv.Unquote: the bytes that a Go literal in any of the three quotes stands for, nil when it is none.
  package static func unquote(_ literal: ArraySlice<UInt8>) -> [UInt8]? {
    guard literal.count >= 2, let mark = literal.first, literal.last == mark else { return nil }
    let inner = literal.dropFirst().dropLast()
    switch mark {
    case UInt8(ascii: "`"):
      guard !inner.contains(mark) else { return nil }
      return inner.filter { $0 != UInt8(ascii: "\r") }
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      var rest = inner
      var out: [UInt8] = []
      var count = 0
      while let c = rest.first {
        guard c != mark, c != UInt8(ascii: "\n") else { return nil }
        if c < 0x80, c != UInt8(ascii: "\\") {
          out.append(c)
          rest.removeFirst()
        } else {
          guard let bytes = unquoteCharacter(&rest, mark) else { return nil }
          out += bytes
        }
        count += 1
      }
      return mark == UInt8(ascii: "'") && count != 1 ? nil : out
    default: return nil
    }
  }

  /// The escape or the character beyond ASCII at the front of `text`; a byte that is no UTF-8 becomes U+FFFD.
  private static func unquoteCharacter(_ text: inout ArraySlice<UInt8>, _ mark: UInt8) -> [UInt8]? {
    guard text.first == UInt8(ascii: "\\") else { return decodeScalar(&text) }
    text.removeFirst()
    guard let e = text.first else { return nil }
    if (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(e) {
      return number(&text, digits: 3, radix: 8).flatMap { $0 > 255 ? nil : [UInt8($0)] }
    }
    text.removeFirst()
    switch e {
    case UInt8(ascii: "a"): return [7]
    case UInt8(ascii: "b"): return [8]
    case UInt8(ascii: "f"): return [12]
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "r"): return [13]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "v"): return [11]
    case UInt8(ascii: "\\"), mark: return [e]
    case UInt8(ascii: "x"): return number(&text, digits: 2, radix: 16).map { [UInt8($0)] }
    case UInt8(ascii: "u"): return number(&text, digits: 4, radix: 16).flatMap(scalar)
    case UInt8(ascii: "U"): return number(&text, digits: 8, radix: 16).flatMap(scalar)
    default: return nil
    }
  }

  private static func number(_ text: inout ArraySlice<UInt8>, digits: Int, radix: Int) -> UInt32? {
    let run = text.prefix(digits)
    guard run.count == digits else { return nil }
    var value: UInt32 = 0
    for c in run {
      guard let d = Character(Unicode.Scalar(c)).hexDigitValue, d < radix, c < 0x80 else { return nil }
      value = value << (radix == 16 ? 4 : 3) | UInt32(d)
    }
    text.removeFirst(digits)
    return value
  }

  private static func scalar(_ value: UInt32) -> [UInt8]? {
    Unicode.Scalar(value).map { Array(String(Character($0)).utf8) }
  }

  /// The UTF-8 sequence at the front as it is; U+FFFD for one byte that starts none.
  private static func decodeScalar(_ text: inout ArraySlice<UInt8>) -> [UInt8] {
    for n in 2...4 where text.count >= n {
      let run = text.prefix(n)
      if let s = String(validating: run, as: UTF8.self), s.unicodeScalars.count == 1 {
        text.removeFirst(n)
        return Array(run)
      }
    }
    text.removeFirst()
    return [0xef, 0xbf, 0xbd]
  }
}
