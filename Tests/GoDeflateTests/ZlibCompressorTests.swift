import Foundation
import GoDeflate
import Testing

/// What Go's compress/zlib made of a generated input. Tests/Fixtures/deflate-vectors.txt has one a line:
/// kind, length, seed, then length, Adler-32 and FNV-1a of the stream, and the stream itself if it is short.
struct Vector {
  let kind: InputGenerator.Kind
  let count: Int
  let seed: UInt64
  let streamCount: Int
  let adler: UInt32
  let fnv: UInt64
  let stream: String?

  init?(_ line: Substring) {
    let fields = line.split(separator: " ")
    guard fields.count >= 6, let kind = InputGenerator.Kind(rawValue: String(fields[0])),
      let count = Int(fields[1]), let seed = UInt64(fields[2]), let streamCount = Int(fields[3]),
      let adler = UInt32(fields[4], radix: 16), let fnv = UInt64(fields[5], radix: 16)
    else { return nil }
    self.kind = kind
    self.count = count
    self.seed = seed
    self.streamCount = streamCount
    self.adler = adler
    self.fnv = fnv
    stream = fields.count > 6 ? String(fields[6]) : nil
  }

  var input: [UInt8] { InputGenerator.bytes(kind, count: count, seed: seed) }

  static func all() throws -> [Vector] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../Fixtures/deflate-vectors.txt")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    return try lines.map { line in
      try #require(Vector(line), "\(line)")
    }
  }

  /// What is wrong with `bytes`, nil if nothing is.
  func fault(in bytes: [UInt8]) -> String? {
    if let stream, stream != bytes.map({ String(format: "%02x", $0) }).joined() {
      return "\(kind) \(count) \(seed): stream"
    }
    var sum = Adler32()
    bytes.withUnsafeBytes { sum.add($0) }
    if bytes.count == streamCount, sum.value == adler, fnv1a(bytes) == fnv { return nil }
    return "\(kind) \(count) \(seed): \(bytes.count) bytes instead of \(streamCount)"
  }
}

func compress(_ input: [UInt8], _ compressor: ZlibCompressor = ZlibCompressor()) -> [UInt8] {
  var sink = ByteSink()
  input.withUnsafeBytes { compressor.compress($0, into: &sink) }
  return sink.bytes()
}

@Suite struct ZlibCompressorTests {
  @Test func streamsAreThoseOfGo() throws {
    let vectors = try Vector.all()
    #expect(vectors.count > 500)
    // One object for all: what an earlier stream left behind must not show.
    let compressor = ZlibCompressor()
    for vector in vectors {
      #expect(vector.fault(in: compress(vector.input, compressor)) == nil)
    }
  }

  @Test func orderOfStreamsDoesNotShow() throws {
    let compressor = ZlibCompressor()
    for vector in try Vector.all().reversed() where vector.count < 1_000_000 {
      #expect(vector.fault(in: compress(vector.input, compressor)) == nil)
    }
  }

  @Test func renumberingTheTableDoesNotShow() throws {
    for reach in [0, 100_000] {
      let compressor = ZlibCompressor(reach: reach)
      for vector in try Vector.all() where vector.count > 65536 && vector.count < 2_000_000 {
        #expect(vector.fault(in: compress(vector.input, compressor)) == nil, "reach \(reach)")
      }
    }
  }

  @Test(arguments: InputGenerator.Kind.allCases)
  func streamsInflate(kind: InputGenerator.Kind) throws {
    for (seed, count) in [0, 1, 32, 33, 127, 128, 5000, 65535, 65536, 65535 + 128, 400_000].enumerated() {
      let input = InputGenerator.bytes(kind, count: count, seed: UInt64(seed) + 77)
      #expect(try Inflate.zlib(compress(input)) == input, "\(kind) \(count)")
    }
  }

  @Test func emptyInputIsOneEmptyBlock() {
    let expected: [UInt8] = [0x78, 0x01, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01]
    #expect(compress([]) == expected)
    var sink = ByteSink()
    ZlibCompressor().compress(UnsafeRawBufferPointer(start: nil, count: 0), into: &sink)
    #expect(sink.bytes() == expected)
  }

  @Test func streamIsAppended() {
    let input = InputGenerator.bytes(.text, count: 100_000, seed: 5)
    var sink = ByteSink(capacity: 3)
    for byte: UInt8 in [1, 2, 3] { sink.append(byte) }
    input.withUnsafeBytes { ZlibCompressor().compress($0, into: &sink) }
    #expect(sink.bytes() == [1, 2, 3] + compress(input))
    sink.removeAll()
    #expect(sink.count == 0)
    input.withUnsafeBytes { ZlibCompressor().compress($0, into: &sink) }
    #expect(sink.bytes() == compress(input))
  }

  /// The end of the input is the end of what may be read: an input that ends with its page.
  @Test func inputIsNotReadBeyondItsBounds() throws {
    let page = Int(getpagesize())
    for kind in [InputGenerator.Kind.text, .runs, .far, .records] {
      for count in [128, 140, 4000, 3 * 65535 + 200, 3 * 65535 + 129] {
        let input = InputGenerator.bytes(kind, count: count, seed: 3)
        let size = (count + page - 1) / page * page
        let map = try #require(
          mmap(nil, size + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0))
        #expect(map != MAP_FAILED)
        defer { munmap(map, size + 2 * page) }
        #expect(mprotect(map, page, PROT_NONE) == 0)
        #expect(mprotect(map + page + size, page, PROT_NONE) == 0)
        for start in [map + page, map + page + size - count] {
          UnsafeMutableRawBufferPointer(start: start, count: count).copyBytes(from: input)
          var sink = ByteSink()
          ZlibCompressor().compress(UnsafeRawBufferPointer(start: start, count: count), into: &sink)
          #expect(sink.bytes() == compress(input), "\(kind) \(count)")
        }
      }
    }
  }

  @Test func threadsMayShareAnObject() {
    let inputs = (0..<8).map { InputGenerator.bytes(.mixed, count: 300_000, seed: UInt64($0)) }
    let expected = inputs.map { compress($0) }
    let shared = ZlibCompressor()
    let own = (0..<8).map { _ in ZlibCompressor() }
    let counter = Counter()
    DispatchQueue.concurrentPerform(iterations: 8) { i in
      let right = compress(inputs[i], shared) == expected[i] && compress(inputs[i], own[i]) == expected[i]
      if right { counter.add() }
    }
    #expect(counter.value == 8)
  }
}

private final class Counter: @unchecked Sendable {
  private let lock = NSLock()
  private var count = 0

  func add() {
    lock.lock()
    count += 1
    lock.unlock()
  }

  var value: Int {
    lock.lock()
    defer { lock.unlock() }
    return count
  }
}
