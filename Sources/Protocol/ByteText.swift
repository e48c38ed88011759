/// What a program printed: bytes, usually text.
///
/// On the wire it is a string when the bytes are valid UTF-8, else `{"base64": "..."}`; so nothing is lost, and a
/// person who watches the traffic can still read it.
package struct ByteText: Equatable, Sendable, JSONConvertible {
  package var bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }
  package init(_ text: String) { bytes = Array(text.utf8) }

  package init(json: JSONValue) throws(JSONShapeError) {
    switch json {
    case .string(let text): bytes = Array(text.utf8)
    case .object:
      let encoded: String = try JSONFields(json).required("base64")
      guard let decoded = Base64.decode(encoded) else {
        throw JSONShapeError(path: ".base64", problem: "invalid base64")
      }
      bytes = decoded
    default: throw JSONShapeError(problem: "expected a string or {\"base64\": ...}")
    }
  }

  package var json: JSONValue {
    if let text = String(validating: bytes, as: UTF8.self) { return .string(text) }
    return ["base64": .string(Base64.encode(bytes))]
  }
}

/// RFC 4648 base64 with padding, strict both ways.
package enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  private static let values: [UInt8] = {
    var table = [UInt8](repeating: 0xFF, count: 256)
    for (value, letter) in alphabet.enumerated() { table[Int(letter)] = UInt8(value) }
    return table
  }()

  package static func encode(_ bytes: [UInt8]) -> String {
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count + 2) / 3 * 4)
    var index = 0
    while index < bytes.count {
      let count = min(3, bytes.count - index)
      var group: UInt32 = 0
      for offset in 0..<3 {
        group = group << 8 | (offset < count ? UInt32(bytes[index + offset]) : 0)
      }
      for letter in 0..<4 {
        out.append(
          letter <= count ? alphabet[Int(group >> UInt32(18 - 6 * letter)) & 63] : UInt8(ascii: "="))
      }
      index += 3
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// The bytes; nil for anything that `encode` would not have written.
  package static func decode(_ text: String) -> [UInt8]? {
    let letters = Array(text.utf8)
    guard letters.count % 4 == 0 else { return nil }
    let padding = letters.suffix(2).filter { $0 == UInt8(ascii: "=") }.count
    var out: [UInt8] = []
    out.reserveCapacity(letters.count / 4 * 3)
    var group: UInt32 = 0
    for (index, letter) in letters.enumerated() {
      let isPadding = index >= letters.count - padding
      let value = isPadding ? 0 : values[Int(letter)]
      if value == 0xFF || (isPadding && letter != UInt8(ascii: "=")) { return nil }
      group = group << 6 | UInt32(value)
      if index % 4 == 3 {
        out.append(UInt8(truncatingIfNeeded: group >> 16))
        out.append(UInt8(truncatingIfNeeded: group >> 8))
        out.append(UInt8(truncatingIfNeeded: group))
        group = 0
      }
    }
    let spare = out.suffix(padding)
    guard spare.allSatisfy({ $0 == 0 }) else { return nil }
    out.removeLast(padding)
    return out
  }
}
