/// Why a text is not the JSON we accept, and where.
package struct JSONSyntaxError: Error, Equatable, Sendable, CustomStringConvertible {
  package let problem: String
  /// Byte position in the text.
  package let offset: Int

  package var description: String { "\(problem) at byte \(offset)" }
}

extension JSONValue {
  /// Deepest nesting of arrays and objects that is read; the parser recurses, and its stack must be bounded.
  package static let maximumDepth = 64

  /// Reads exactly one document: strict RFC 8259, nothing after it but white space.
  package init(parsing bytes: [UInt8]) throws(JSONSyntaxError) {
    var parser = JSONParser(bytes: bytes)
    self = try parser.document()
  }
}

/// A recursive-descent reader over bytes. Every look at a byte goes through `peek`, which checks the end.
private struct JSONParser {
  let bytes: [UInt8]
  var position = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() throws(JSONSyntaxError) -> JSONValue {
    skipWhiteSpace()
    let value = try value(depth: 0)
    skipWhiteSpace()
    guard position == bytes.count else { throw error("text after the document") }
    return value
  }

  private func error(_ problem: String) -> JSONSyntaxError {
    JSONSyntaxError(problem: problem, offset: position)
  }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipWhiteSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func value(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    guard depth <= JSONValue.maximumDepth else { throw error("nesting too deep") }
    guard let first = peek else { throw error("unexpected end") }
    switch first {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw error("unexpected byte")
    }
  }

  private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue
  {
    let count = word.utf8CodeUnitCount
    guard bytes.count - position >= count else { throw error("unexpected end") }
    for index in 0..<count where bytes[position + index] != word.utf8Start[index] {
      throw error("unexpected word")
    }
    position += count
    return value
  }

  private mutating func array(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    skipWhiteSpace()
    if peek == UInt8(ascii: "]") {
      position += 1
      return .array(elements)
    }
    while true {
      skipWhiteSpace()
      elements.append(try value(depth: depth + 1))
      skipWhiteSpace()
      switch peek {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "]"):
        position += 1
        return .array(elements)
      default: throw error("expected , or ]")
      }
    }
  }

  private mutating func object(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    position += 1
    var members: [JSONValue.Member] = []
    var keys = Set<String>()
    skipWhiteSpace()
    if peek == UInt8(ascii: "}") {
      position += 1
      return .object(members)
    }
    while true {
      skipWhiteSpace()
      guard peek == UInt8(ascii: "\"") else { throw error("expected a key") }
      let key = try string()
      guard keys.insert(key).inserted else { throw error("duplicate key") }
      skipWhiteSpace()
      guard peek == UInt8(ascii: ":") else { throw error("expected :") }
      position += 1
      skipWhiteSpace()
      members.append(JSONValue.Member(key, try value(depth: depth + 1)))
      skipWhiteSpace()
      switch peek {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "}"):
        position += 1
        return .object(members)
      default: throw error("expected , or }")
      }
    }
  }

  // MARK: Numbers

  private mutating func number() throws(JSONSyntaxError) -> JSONValue {
    let start = position
    if peek == UInt8(ascii: "-") { position += 1 }
    let first = peek
    let whole = try digits()
    if first == UInt8(ascii: "0"), whole > 1 { throw error("number with a leading zero") }
    var isInteger = true
    if peek == UInt8(ascii: ".") {
      position += 1
      isInteger = false
      _ = try digits()
    }
    if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
      position += 1
      isInteger = false
      if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
      _ = try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let integer = Int64(text) { return .integer(integer) }
    guard let number = Double(text), number.isFinite else { throw error("number out of range") }
    return .number(number)
  }

  private mutating func digits() throws(JSONSyntaxError) -> Int {
    let start = position
    while let byte = peek, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
    guard position > start else { throw error("expected a digit") }
    return position - start
  }

  // MARK: Strings

  private mutating func string() throws(JSONSyntaxError) -> String {
    position += 1
    let start = position
    // Most strings have no escape and are taken as one slice.
    while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
      position += 1
    }
    var content = bytes[start..<position]
    if peek == UInt8(ascii: "\"") {
      position += 1
      return try validated(content)
    }
    while true {
      guard let byte = peek else { throw error("unexpected end in a string") }
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return try validated(content)
      case UInt8(ascii: "\\"): try escape(into: &content)
      case 0..<0x20: throw error("control character in a string")
      default: content.append(byte)
      }
    }
  }

  private func validated(_ content: ArraySlice<UInt8>) throws(JSONSyntaxError) -> String {
    guard let text = String(validating: content, as: UTF8.self) else { throw error("invalid UTF-8") }
    return text
  }

  private mutating func escape(into content: inout ArraySlice<UInt8>) throws(JSONSyntaxError) {
    guard let byte = peek else { throw error("unexpected end in a string") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
    case UInt8(ascii: "b"): content.append(0x08)
    case UInt8(ascii: "f"): content.append(0x0C)
    case UInt8(ascii: "n"): content.append(0x0A)
    case UInt8(ascii: "r"): content.append(0x0D)
    case UInt8(ascii: "t"): content.append(0x09)
    case UInt8(ascii: "u"):
      let scalar = try escapedScalar()
      content.append(contentsOf: Character(scalar).utf8)
    default: throw error("unknown escape")
    }
  }

  /// A `\u` escape, or a pair of them that spells one scalar; a lone surrogate has no UTF-8 and is refused.
  private mutating func escapedScalar() throws(JSONSyntaxError) -> Unicode.Scalar {
    let unit = try fourHexDigits()
    if let scalar = Unicode.Scalar(unit) { return scalar }
    guard unit < 0xDC00, peek == UInt8(ascii: "\\") else { throw error("lone surrogate") }
    position += 1
    guard peek == UInt8(ascii: "u") else { throw error("lone surrogate") }
    position += 1
    let low = try fourHexDigits()
    guard low >= 0xDC00, low <= 0xDFFF,
      let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
    else { throw error("lone surrogate") }
    return scalar
  }

  private mutating func fourHexDigits() throws(JSONSyntaxError) -> UInt32 {
    var result: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
        throw error("expected a hexadecimal digit")
      }
      result = result << 4 | UInt32(digit)
      position += 1
    }
    return result
  }
}
