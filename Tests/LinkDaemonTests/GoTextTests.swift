import LinkDaemon
import Testing

/// Random texts made of pieces, and a hash over what was made of them: the same as in scripts/vectors/text,
/// where Go's own packages give the hash.
private struct RandomTexts {
  private var state: UInt64
  private var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  private let pieces: [[UInt8]]

  init(seed: UInt64, pieces: [[UInt8]]) {
    state = seed
    self.pieces = pieces
  }

  private mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  private mutating func add(_ text: [UInt8]) {
    for c in text { hash = (hash ^ UInt64(c)) &* 0x100_0000_01b3 }
    hash = (hash ^ 256) &* 0x100_0000_01b3
  }

  /// The hash over what `answer` makes of 50000 texts.
  mutating func run(_ answer: ([UInt8]) -> [[UInt8]]) -> UInt64 {
    for _ in 0..<50000 {
      var text: [UInt8] = []
      for _ in 0..<(next() % 12) { text += pieces[Int(next() % UInt64(pieces.count))] }
      for a in answer(text) { add(a) }
    }
    return hash
  }
}

private func bytes(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }

private func number(_ text: [UInt8], base: Int) -> [[UInt8]] {
  do throws(GoText.NumberError) {
    return bytes(String(try GoText.parseInt(text, base: base)))
  } catch {
    return bytes(error == .range ? "range" : "syntax")
  }
}

@Suite struct GoTextTests {
  @Test func numbersWithTheirBase() {
    var texts = RandomTexts(
      seed: 1,
      pieces: bytes(
        "0", "1", "7", "9", "0x", "0X", "0b", "0o", "f", "_", "-", "+", "00", "9223372036854775807",
        "9223372036854775808", "8000000000000000", "g"))
    #expect(texts.run { number($0, base: 0) } == 0xc7d6_5d64_e0a2_c92f)
  }

  @Test func decimalNumbers() {
    var texts = RandomTexts(
      seed: 2, pieces: bytes("0", "1", "7", "9", "0x", "_", "-", "+", "922337203685477580", "a"))
    #expect(texts.run { number($0, base: 10) } == 0xa76a_5847_5f81_53d7)
  }

  @Test func whiteSpace() {
    var texts = RandomTexts(
      seed: 3,
      pieces: bytes(
        "a", " ", "\t", "\n", "\u{b}", "\r", "\u{85}", "\u{a0}", "\u{1680}", "\u{2003}", "\u{2028}",
        "\u{202f}", "\u{205f}", "\u{3000}", "\u{200b}") + [[0xa0], [0xe2, 0x80], [0xc2]])
    #expect(texts.run { [Array(GoText.trimSpace($0[...]))] } == 0xd6ca_c90a_e2b8_4981)
  }

  @Test func quotes() {
    var texts = RandomTexts(
      seed: 4,
      pieces: bytes(
        "a", "Z", "~", "\"", "\\", "'", "`", "\u{7}", "\u{8}", "\u{c}", "\n", "\r", "\t", "\u{b}", "\0",
        "\u{1b}", "\u{7f}", " "))
    #expect(texts.run { [Array((GoText.quote($0) ?? "nil").utf8)] } == 0xce95_46a5_e905_38aa)
    #expect(GoText.quote(Array("é".utf8)) == nil)
  }

  @Test func literals() {
    var texts = RandomTexts(
      seed: 5,
      pieces: bytes(
        "a", "b", "\"", "'", "`", "\\", "\\n", "\\\"", "\\'", "\\x41", "\\xff", "\\101", "\\400", "\\u00e9",
        "\\ud800", "\\U0001F600", "\\U00110000", "é") + [[0xff], [0xe2, 0x82]]
        + bytes("\n", "\r", "\\x", "\\7", "\\v"))
    let marks = bytes("\"", "'", "`", "", "", "")
    let hash = texts.run { text in
      let mark = marks[text.count % 6]
      return [GoText.unquote((mark + text + mark)[...]) ?? Array("error".utf8)]
    }
    #expect(hash == 0xc001_c4eb_b318_cb90)
  }

  @Test func responseFiles() {
    var texts = RandomTexts(
      seed: 6,
      pieces: bytes(
        "a", "-b", "'", "\"", "\\", " ", "\t", "\n", "\r", "\r\n", "$", "`", "\\\n", "\\\r\n", "\\\\", "é",
        "@"))
    #expect(texts.run { ResponseFile.split($0) + bytes("end") } == 0x8bd6_9708_1955_d2a2)
  }

  @Test func quotedWords() {
    var texts = RandomTexts(
      seed: 7, pieces: bytes("a", "'", "\"", " ", "\t", "\n", "\r", "b c", "\u{b}"))
    let hash = texts.run { text in
      guard let mark = GoText.unterminatedQuote(text) else { return bytes("<nil>") }
      return bytes("unterminated \(mark) string")
    }
    #expect(hash == 0xc63a_b996_49bf_6403)
  }
}
