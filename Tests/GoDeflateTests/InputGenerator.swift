/// Inputs made from a seed, the same here and in the Go program that makes the expected streams
/// (Tests/Fixtures/deflate-oracle/generator.go).
struct InputGenerator {
  enum Kind: String, CaseIterable {
    /// One byte over and over.
    case constant
    /// All bytes equally likely.
    case random
    /// Bytes of which few are frequent; next to no matches in short inputs.
    case skewed
    /// Random bytes with a little too much of one of them: near the test for random data.
    case flat
    /// Random bytes of an alphabet of 40 to 200: codes pay, but there are next to no matches.
    case letters
    /// Random bytes, of the lower or upper half more often than not, with copies of few bytes from before.
    case sparse
    /// Words of a small vocabulary.
    case text
    /// Records with counters and small fields, as in tables of addresses.
    case records
    /// Runs of one byte, of up to 600.
    case runs
    /// Random bytes that repeat at a distance about the farthest a match may reach.
    case far
    /// Stretches of the kinds above.
    case mixed
    /// Blocks of the kinds above, so that each follows upon each.
    case blocks
  }

  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }

  /// A number below `bound`.
  mutating func below(_ bound: Int) -> Int {
    Int(next() >> 33) % bound
  }

  /// A length at which something may happen.
  mutating func length() -> Int {
    switch below(4) {
    case 0: return below(1 << below(21))
    case 1:
      let blocks = below(6)
      return 65535 * blocks + below(600)
    case 2: return 128 + below(2000)
    default: return below(400_000)
    }
  }

  static func bytes(_ kind: Kind, count: Int, seed: UInt64) -> [UInt8] {
    var generator = InputGenerator(seed: seed)
    var out: [UInt8] = []
    out.reserveCapacity(count + 1024)
    let simple = Kind.allCases.dropLast(2)
    switch kind {
    case .mixed:
      while out.count < count {
        let part = simple[generator.below(simple.count)]
        let length = 1 + generator.below(generator.below(2) == 0 ? 3000 : 150_000)
        out += bytes(part, count: min(length, count - out.count), seed: generator.next())
      }
    case .blocks:
      var part = simple[generator.below(simple.count)]
      while out.count < count {
        if generator.below(2) == 0 { part = simple[generator.below(simple.count)] }
        out += bytes(part, count: min(65535, count - out.count), seed: generator.next())
      }
    default:
      generator.append(kind, count, to: &out)
    }
    return Array(out.prefix(count))
  }

  private mutating func append(_ kind: Kind, _ count: Int, to out: inout [UInt8]) {
    switch kind {
    case .constant:
      out += [UInt8](repeating: UInt8(truncatingIfNeeded: next()), count: count)
    case .random, .mixed, .blocks:
      for _ in 0..<count { out.append(UInt8(truncatingIfNeeded: next())) }
    case .skewed:
      for _ in 0..<count { appendSkewed(to: &out) }
    case .flat:
      let share = 1 + below(40)
      for _ in 0..<count {
        let draw = next()
        out.append(Int(draw >> 33) % 1000 < share ? 0x41 : UInt8(truncatingIfNeeded: draw))
      }
    case .letters:
      let first = below(56)
      let size = 40 + below(161)
      for _ in 0..<count { out.append(UInt8(first + below(size))) }
    case .sparse: appendSparse(count, to: &out)
    case .text: appendText(count, to: &out)
    case .records: appendRecords(count, to: &out)
    case .runs:
      while out.count < count {
        let byte = UInt8(truncatingIfNeeded: next())
        let length = 1 + below(below(3) == 0 ? 600 : 12)
        out += [UInt8](repeating: byte, count: length)
      }
    case .far:
      let period = 32768 - 4 + below(8)
      for i in 0..<count {
        out.append(i < period ? UInt8(truncatingIfNeeded: next()) : out[i - period])
      }
    }
  }

  private mutating func appendSkewed(to out: inout [UInt8]) {
    let draw = next()
    let rank = min(draw.trailingZeroBitCount, 15)
    out.append(UInt8(truncatingIfNeeded: rank * 16 + Int(draw >> 60) & (rank < 4 ? 1 : 15)))
  }

  private mutating func appendSparse(_ count: Int, to out: inout [UInt8]) {
    let gap = 4 + below(120)
    let longest = 4 + below(20)
    let half = UInt8(below(2) * 128)
    let share = below(9)
    while out.count < count {
      for _ in 0..<below(2 * gap) {
        let draw = next()
        let byte = UInt8(truncatingIfNeeded: draw)
        out.append(Int(draw >> 40) % 8 < share ? byte & 0x7f | half : byte)
      }
      let length = 4 + below(longest)
      if out.count > length {
        let start = out.count - length - below(min(out.count - length, 40_000))
        out += out[start..<start + length]
      }
    }
  }

  private mutating func appendText(_ count: Int, to out: inout [UInt8]) {
    var words: [[UInt8]] = []
    for _ in 0..<256 {
      let length = 2 + below(8)
      var word: [UInt8] = []
      for _ in 0..<length { word.append(UInt8(0x61 + below(26))) }
      words.append(word)
    }
    while out.count < count {
      out += words[below(256) * below(256) / 256]
      out.append(below(12) == 0 ? 0x0a : 0x20)
    }
  }

  private mutating func appendRecords(_ count: Int, to out: inout [UInt8]) {
    var address: UInt64 = 0x401000
    var line = 1
    while out.count < count {
      address &+= UInt64(1 + below(200))
      line += below(9) - 2
      for shift in stride(from: 0, to: 64, by: 8) { out.append(UInt8(truncatingIfNeeded: address >> shift)) }
      out.append(UInt8(truncatingIfNeeded: line))
      out.append(UInt8(truncatingIfNeeded: line >> 8))
      out.append(UInt8(below(5)))
      if below(4) == 0 {
        for _ in 0..<below(20) { out.append(UInt8(truncatingIfNeeded: next())) }
      }
    }
  }
}

/// FNV-1a, 64 bits.
func fnv1a(_ bytes: [UInt8]) -> UInt64 {
  var sum: UInt64 = 0xcbf2_9ce4_8422_2325
  for byte in bytes {
    sum = (sum ^ UInt64(byte)) &* 0x100_0000_01b3
  }
  return sum
}
