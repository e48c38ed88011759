import Protocol
import Testing

@Suite struct JSONTests {
  private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

  @Test func readsEveryKindOfValue() throws {
    let value = try parse(
      #" { "n": null, "t": true, "f": false, "i": -12, "d": 1.5e3, "s": "a", "a": [1, [], {}], "o": {"x": 0} } "#
    )
    #expect(
      value == [
        "n": nil, "t": true, "f": false, "i": -12, "d": .number(1500), "s": "a", "a": [1, [], [:]],
        "o": ["x": 0],
      ])
  }

  @Test(
    arguments: [
      ("0", .integer(0)), ("-0", .integer(0)), ("9223372036854775807", .integer(.max)),
      ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .number(9_223_372_036_854_775_808)),
      ("1E2", .number(100)), ("0.5", .number(0.5)), ("-1.25e-2", .number(-0.0125)),
    ] as [(String, JSONValue)])
  func readsNumbers(text: String, expected: JSONValue) throws {
    #expect(try parse(text) == expected)
  }

  @Test(arguments: [
    (#""""#, ""), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u00e9\u20AC""#, "é€"),
    (#""\ud83d\ude00""#, "😀"), (#""é€😀""#, "é€😀"), (#""a\u0000b""#, "a\0b"), (#""x\\u0041""#, "x\\u0041"),
  ])
  func readsStrings(text: String, expected: String) throws {
    #expect(try parse(text) == .string(expected))
  }

  @Test(arguments: [
    "", " ", "nul", "nulll", "tru", "True", "01", "-", "+1", "1.", ".5", "1e", "1e+", "1e999", "0x1", "[",
    "[1", "[1,",
    "[1,]", "[,1]", "[1 2]", "{", "{}}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, "{a:1}", #"{"a":1 "b":2}"#,
    #"{"a":1,"a":2}"#, #"""#, #""\"#, #""\x""#, #""\u12""#, #""\u12G4""#, #""\ud800""#, #""\ud800\n""#,
    #""\ud800A""#, #""\udc00""#, "\"a\nb\"", "\"a\u{0}b\"", "1 2", "NaN", "Infinity", "'a'", "// x\n1",
    "\u{feff}1",
    #""\ud800\u0041""#, #""\u+123""#,
  ])
  func refusesWhatIsNotJSON(text: String) {
    #expect(throws: JSONSyntaxError.self) { try parse(text) }
  }

  @Test(arguments: [
    [0xFF], [0xC3], [0xC3, 0x28], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF5, 0x80, 0x80, 0x80],
  ])
  func refusesInvalidUTF8(bytes: [UInt8]) {
    #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
  }

  @Test func everyBeginningOfADocumentIsAnError() throws {
    let bytes = Array(#"{"a":[1,{"b":"x\u00e9\n"},true,null,-1.5e1],"c":"d"}"#.utf8)
    #expect((try? JSONValue(parsing: bytes)) != nil)
    for length in 0..<bytes.count {
      #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: Array(bytes[..<length])) }
    }
  }

  @Test func limitsDepth() throws {
    let depth = JSONValue.maximumDepth
    let text = { (count: Int) in String(repeating: "[", count: count) + String(repeating: "]", count: count) }
    #expect((try? parse(text(depth + 1))) != nil)
    #expect(throws: JSONSyntaxError.self) { try parse(text(depth + 2)) }
    // Far beyond any stack, were it not for the limit.
    #expect(throws: JSONSyntaxError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
    #expect(throws: JSONSyntaxError.self) { try parse(String(repeating: #"{"a":"#, count: 1_000_000)) }
  }

  @Test func writesWhatItReads() throws {
    let value: JSONValue = [
      "text": "a\"\\\n\r\t\u{1}\u{7f}é😀\0",
      "numbers": [0, -1, .integer(.max), .number(0.1), .number(-2.5e-7)],
      "none": nil, "yes": true, "empty": [:], "list": [[], [[]]],
    ]
    #expect(try JSONValue(parsing: value.serialized()) == value)
    #expect(try JSONValue(parsing: value.serialized(pretty: true)) == value)
    let ascii = value.serialized().filter { $0 < 0x20 || $0 == 0x7F }
    #expect(ascii.isEmpty, "control characters are escaped")
  }

  @Test func prettyTextIsForPeople() {
    let value: JSONValue = ["a": [1, 2], "b": [:], "c": "d"]
    let expected = """
      {
        "a": [
          1,
          2
        ],
        "b": {},
        "c": "d"
      }
      """
    #expect(String(decoding: value.serialized(pretty: true), as: UTF8.self) == expected)
  }
}

@Suite struct ByteTextTests {
  // RFC 4648, section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func base64Vectors(text: String, encoded: String) {
    #expect(Base64.encode(Array(text.utf8)) == encoded)
    #expect(Base64.decode(encoded) == Array(text.utf8))
  }

  @Test(arguments: [
    "Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm=v", "Zg==Zg==", "Zm9v\n", "Zm-_", "é===",
  ])
  func base64RefusesEverythingElse(text: String) {
    #expect(Base64.decode(text) == nil)
  }

  @Test func base64KeepsAllBytes() {
    for length in 0..<67 {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ length) }
      #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }
  }

  @Test func textStaysText() throws {
    #expect(ByteText("è\n").json == .string("è\n"))
    #expect(try ByteText(json: "a").bytes == Array("a".utf8))
  }

  @Test(arguments: [[0xFF], [0x61, 0xC3], [0xED, 0xA0, 0x80], [0, 0xFE, 0x0A]] as [[UInt8]])
  func otherBytesSurvive(bytes: [UInt8]) throws {
    let json = ByteText(bytes).json
    #expect(json["base64"] != nil)
    let read = try JSONValue(parsing: json.serialized())
    #expect(try ByteText(json: read).bytes == bytes)
  }

  @Test(arguments: [1, nil, [], [:], ["base64": "!"], ["base64": 1]] as [JSONValue])
  func refusesOtherShapes(json: JSONValue) {
    #expect(throws: JSONShapeError.self) { try ByteText(json: json) }
  }
}
