import ImageWriter
import Testing

@Suite struct FindFuncTableTests {
  private func table(_ starts: [UInt64], lastSize: Int64) -> [UInt8] {
    let table = FindFuncTable(starts: starts, lastSize: lastSize)
    var out = [UInt8](repeating: 0xee, count: table.size)
    out.withUnsafeMutableBytes { table.write(into: $0, starts: starts) }
    return out
  }

  /// The rule as the runtime needs it: for every 256 bytes, the lowest of the functions in them.
  private func model(_ starts: [UInt64], lastSize: Int64) -> [UInt8] {
    let low = starts[0]
    let high = starts[starts.count - 1] + UInt64(lastSize)
    var indices = [Int](repeating: .max, count: Int(high - low + 255) / 256)
    for (k, s) in starts.enumerated() {
      let end = k + 1 < starts.count ? starts[k + 1] : high
      var p = s
      while p < end {
        let at = Int(p - low) / 256
        indices[at] = min(indices[at], k)
        p += 1
      }
    }
    var out: [UInt8] = []
    for b in stride(from: 0, to: indices.count, by: 16) {
      out += withUnsafeBytes(of: UInt32(indices[b]).littleEndian, Array.init)
      out += indices[b..<min(b + 16, indices.count)].map { UInt8($0 - indices[b]) }
    }
    return out
  }

  @Test func oneSmallFunction() {
    #expect(table([0x401000], lastSize: 1) == [0, 0, 0, 0, 0])
  }

  @Test func densestFunctionsFitAByte() {
    let starts = (0..<1024).map { 0x401000 + UInt64($0) * 16 }
    #expect(table(starts, lastSize: 16) == model(starts, lastSize: 16))
  }

  @Test(arguments: 1...8)
  func agreesWithTheRule(seed: UInt64) {
    var state = seed
    func random(_ n: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % n
    }
    var at: UInt64 = 0x401000 + random(4) * 32
    var starts: [UInt64] = []
    for _ in 0..<300 {
      starts.append(at)
      at += 16 + 16 * random(random(8) == 0 ? 1000 : 20)
    }
    let lastSize = Int64(1 + random(5000))
    #expect(table(starts, lastSize: lastSize) == model(starts, lastSize: lastSize))
  }
}
