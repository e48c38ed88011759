import GoDeflate
import Testing

@Suite struct Adler32Tests {
  private func sum(_ parts: [UInt8]...) -> UInt32 {
    var sum = Adler32()
    for part in parts {
      part.withUnsafeBytes { sum.add($0) }
    }
    return sum.value
  }

  private func plain(_ bytes: [UInt8]) -> UInt32 {
    var a: UInt32 = 1
    var b: UInt32 = 0
    for byte in bytes {
      a = (a + UInt32(byte)) % 65521
      b = (b + a) % 65521
    }
    return b << 16 | a
  }

  @Test func knownSums() {
    #expect(sum([]) == 1)
    #expect(sum(Array("Wikipedia".utf8)) == 0x11e6_0398)
    #expect(sum(Array("Wiki".utf8), Array("pedia".utf8)) == 0x11e6_0398)
  }

  @Test func largestBytesDoNotOverflow() {
    for count in [351, 352, 353, 5279, 5280, 5281, 65535, 1_000_001] {
      let bytes = [UInt8](repeating: 0xff, count: count)
      #expect(sum(bytes) == plain(bytes), "\(count)")
      #expect(sum(bytes, bytes) == plain(bytes + bytes), "\(count)")
    }
  }

  @Test func anyLength() {
    let bytes = InputGenerator.bytes(.random, count: 1200, seed: 9)
    for count in 0...bytes.count {
      let part = Array(bytes[..<count])
      #expect(sum(part) == plain(part), "\(count)")
    }
  }
}
