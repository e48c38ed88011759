/// One symbol's code: its bits in the order they are written, lowest first, and their number. All zero: no code.
struct Code {
  /// Length in bits 0...7, bits of the code from bit 8.
  var raw: UInt32

  @inline(__always)
  var length: Int { Int(raw & 0xff) }
  @inline(__always)
  var bits: UInt64 { UInt64(raw &>> 8) }
}

/// A prefix code over an alphabet of fixed size: what a block's header declares.
struct PrefixCode: ~Copyable {
  let count: Int
  let codes: UnsafeMutablePointer<Code>
  /// The lengths alone, as the header and the cost of a histogram want them.
  let lengths: UnsafeMutablePointer<UInt8>

  /// A code of `count` symbols, none of which has a code yet.
  init(count: Int) {
    self.count = count
    codes = .allocate(capacity: count)
    lengths = .allocate(capacity: count)
    codes.initialize(repeating: Code(raw: 0), count: count)
    lengths.initialize(repeating: 0, count: count)
  }

  deinit {
    codes.deallocate()
    lengths.deallocate()
  }

  /// Takes the code that is best for `frequencies`, of which there may be fewer than symbols; symbols beyond them
  /// keep what they had. (compress/flate/huffman_code.go generate)
  mutating func build(
    _ frequencies: UnsafePointer<UInt16>, count used: Int, maxLength: Int, _ scratch: borrowing CodeLengths
  ) {
    scratch.assign(frequencies, count: used, maxLength: maxLength, to: lengths)
    assignCodes(used)
  }

  /// Takes the lengths given, in the order of the symbols.
  mutating func assign(_ given: [UInt8]) {
    assert(given.count == count)
    for (symbol, length) in given.enumerated() {
      lengths[symbol] = length
    }
    assignCodes(count)
  }

  /// Codes from lengths: RFC 1951, section 3.2.2. Shorter codes come first, equal lengths in order of the symbols.
  private mutating func assignCodes(_ used: Int) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 17) { next in
      next.initialize(repeating: 0)
      for symbol in 0..<used {
        next[Int(lengths[symbol])] &+= 1
      }
      var code: UInt32 = 0
      next[0] = 0
      for length in 1...16 {
        let these = next[length]
        next[length] = code
        code = (code &+ these) &<< 1
      }
      for symbol in 0..<used {
        let length = Int(lengths[symbol])
        let code = next[length]
        next[length] = code &+ 1
        codes[symbol] =
          length == 0 ? Code(raw: 0) : Code(raw: Self.reversed(code, length) &<< 8 | UInt32(length))
      }
    }
  }

  /// The low `length` bits of `code`, 1...16, in reverse order.
  @inline(__always)
  private static func reversed(_ code: UInt32, _ length: Int) -> UInt32 {
    var v = code
    v = (v & 0x5555) &<< 1 | (v &>> 1) & 0x5555
    v = (v & 0x3333) &<< 2 | (v &>> 2) & 0x3333
    v = (v & 0x0f0f) &<< 4 | (v &>> 4) & 0x0f0f
    v = (v & 0x00ff) &<< 8 | (v &>> 8) & 0x00ff
    return v &>> UInt32(truncatingIfNeeded: 16 &- length)
  }

  /// Bits that symbols with these frequencies take; a symbol without a code takes none.
  /// (huffman_code.go bitLength)
  func cost(_ frequencies: UnsafePointer<UInt16>, count used: Int) -> Int {
    var total: UInt32 = 0
    for symbol in 0..<used {
      total &+= UInt32(frequencies[symbol]) &* UInt32(lengths[symbol])
    }
    return Int(total)
  }

  /// Length of the longest code of the first `used` symbols.
  func longest(_ used: Int) -> Int {
    var longest: UInt8 = 0
    for symbol in 0..<used {
      longest = max(longest, lengths[symbol])
    }
    return Int(longest)
  }

  /// Whether every symbol that occurs has a code. (huffman_bit_writer.go canReuse, huffman_code.go canEncodeLen)
  func covers(_ frequencies: UnsafePointer<UInt16>, count used: Int) -> Bool {
    var missing = false
    for symbol in 0..<used {
      missing = missing != (frequencies[symbol] != 0 && lengths[symbol] == 0) || missing
    }
    return !missing
  }
}
