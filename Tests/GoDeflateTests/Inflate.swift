/// A plain inflater for checking streams; slow and strict.
struct Inflate {
  struct Malformed: Error {
    let reason: String
  }

  private let input: [UInt8]
  private var at = 0
  private var bit = 0
  private var out: [UInt8] = []

  /// The bytes of a zlib stream, which must end with the input.
  static func zlib(_ stream: [UInt8]) throws -> [UInt8] {
    guard stream.count >= 6, stream[0] == 0x78, stream[1] == 0x01 else { throw Malformed(reason: "header") }
    var inflate = Inflate(input: stream)
    inflate.at = 2
    while try !inflate.block() {}
    if inflate.bit > 0 { inflate.at += 1 }
    guard stream.count == inflate.at + 4 else { throw Malformed(reason: "trailing bytes") }
    var a: UInt32 = 1
    var b: UInt32 = 0
    for byte in inflate.out {
      a = (a + UInt32(byte)) % 65521
      b = (b + a) % 65521
    }
    let sum = stream.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard sum == b << 16 | a else { throw Malformed(reason: "checksum") }
    return inflate.out
  }

  private init(input: [UInt8]) {
    self.input = input
  }

  private mutating func bits(_ count: Int) throws -> Int {
    var value = 0
    for i in 0..<count {
      guard at < input.count else { throw Malformed(reason: "end of input") }
      value |= Int(input[at] >> UInt8(bit) & 1) << i
      bit += 1
      if bit == 8 {
        bit = 0
        at += 1
      }
    }
    return value
  }

  /// Reads a block; true if it was the last.
  private mutating func block() throws -> Bool {
    let isLast = try bits(1) == 1
    switch try bits(2) {
    case 0:
      try stored()
    case 1:
      let lengths = (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }
      try tokens(try Decoder(lengths), try Decoder([Int](repeating: 5, count: 32)))
    case 2:
      let (literals, offsets) = try header()
      try tokens(literals, offsets)
    default:
      throw Malformed(reason: "block type")
    }
    return isLast
  }

  private mutating func stored() throws {
    if bit > 0 {
      bit = 0
      at += 1
    }
    let count = try bits(16)
    guard try bits(16) == ~count & 0xffff else { throw Malformed(reason: "stored length") }
    guard at + count <= input.count else { throw Malformed(reason: "end of input") }
    out += input[at..<at + count]
    at += count
  }

  private mutating func header() throws -> (Decoder, Decoder) {
    let literals = try bits(5) + 257
    let offsets = try bits(5) + 1
    let declared = try bits(4) + 4
    let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    var codeLengths = [Int](repeating: 0, count: 19)
    for i in 0..<declared { codeLengths[order[i]] = try bits(3) }
    let code = try Decoder(codeLengths)
    var lengths: [Int] = []
    while lengths.count < literals + offsets {
      switch try symbol(code) {
      case 16:
        guard let last = lengths.last else { throw Malformed(reason: "repeat") }
        lengths += [Int](repeating: last, count: try bits(2) + 3)
      case 17: lengths += [Int](repeating: 0, count: try bits(3) + 3)
      case 18: lengths += [Int](repeating: 0, count: try bits(7) + 11)
      case let length: lengths.append(length)
      }
    }
    guard lengths.count == literals + offsets else { throw Malformed(reason: "code lengths") }
    return (try Decoder(Array(lengths[..<literals])), try Decoder(Array(lengths[literals...])))
  }

  private mutating func tokens(_ literals: Decoder, _ offsets: Decoder) throws {
    while true {
      let token = try symbol(literals)
      if token < 256 {
        out.append(UInt8(token))
        continue
      }
      if token == 256 { return }
      guard token <= 285 else { throw Malformed(reason: "length symbol") }
      var length = token - 254
      if token == 285 {
        length = 258
      } else if token >= 265 {
        let extra = (token - 261) / 4
        length = 3 + (4 + (token - 265) % 4) << extra + (try bits(extra))
      }
      let far = try symbol(offsets)
      guard far < 30 else { throw Malformed(reason: "distance symbol") }
      let extra = far < 4 ? 0 : far / 2 - 1
      let distance = far < 4 ? far + 1 : 1 + (2 + far % 2) << extra + (try bits(extra))
      guard distance <= out.count else { throw Malformed(reason: "distance") }
      for _ in 0..<length { out.append(out[out.count - distance]) }
    }
  }

  private mutating func symbol(_ decoder: Decoder) throws -> Int {
    var code = 0
    var first = 0
    var index = 0
    for length in 1...15 {
      code = code << 1 | (try bits(1))
      let count = decoder.counts[length]
      if code - first < count { return decoder.symbols[index + code - first] }
      index += count
      first = (first + count) << 1
    }
    throw Malformed(reason: "code")
  }

  private struct Decoder {
    var counts = [Int](repeating: 0, count: 16)
    var symbols: [Int] = []

    init(_ lengths: [Int]) throws {
      for length in 1...15 {
        for symbol in lengths.indices where lengths[symbol] == length {
          counts[length] += 1
          symbols.append(symbol)
        }
      }
      let room = (1...15).reduce(0) { $0 + counts[$1] << (15 - $1) }
      guard room <= 1 << 15 else { throw Malformed(reason: "oversubscribed code") }
    }
  }
}
