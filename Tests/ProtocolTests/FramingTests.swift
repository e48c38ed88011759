import Protocol
import Testing

@Suite struct FramingTests {
  private let bodies: [[UInt8]] = [
    Array("{}".utf8), [], Array("\r\n\r\nContent-Length: 9\r\n\r\n".utf8), [0, 255, 10, 13],
  ]

  private var stream: [UInt8] { bodies.flatMap { framed($0) } }

  private func drain(_ reader: inout FrameReader) throws -> [[UInt8]] {
    var found: [[UInt8]] = []
    while let body = try reader.next() { found.append(body) }
    return found
  }

  @Test func readsOneByteAtATime() throws {
    var reader = FrameReader(maximumBodySize: 100)
    var found: [[UInt8]] = []
    for byte in stream {
      reader.push([byte])
      found += try drain(&reader)
    }
    #expect(found == bodies)
    #expect(reader.pendingBytes == 0)
  }

  @Test func readsAcrossEveryBorder() throws {
    let stream = stream
    for first in 0...stream.count {
      for second in stride(from: first, through: stream.count, by: 7) {
        var reader = FrameReader(maximumBodySize: 100)
        var found: [[UInt8]] = []
        for part in [stream[..<first], stream[first..<second], stream[second...]] {
          reader.push(part)
          found += try drain(&reader)
        }
        #expect(found == bodies)
      }
    }
  }

  @Test func yieldsNothingEarly() throws {
    let frame = framed(Array("{\"a\":1}".utf8))
    var reader = FrameReader(maximumBodySize: 100)
    for byte in frame.dropLast() {
      reader.push([byte])
      #expect(try reader.next() == nil)
    }
    reader.push(frame.suffix(1))
    #expect(try reader.next() == Array("{\"a\":1}".utf8))
  }

  @Test(arguments: [
    "Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{}",
    "Content-Type: x\r\nContent-Length: 2\r\n\r\n{}", "content-length: 2\r\n\r\n{}",
    "CONTENT-LENGTH:2\r\n\r\n{}",
    "Content-Length: \t 2 \t\r\n\r\n{}", "Content-Length: 000002\r\n\r\n{}",
    "X: \r\nContent-Length: 2\r\n\r\n{}",
  ])
  func acceptsOtherHeaders(text: String) throws {
    var reader = FrameReader(maximumBodySize: 2)
    reader.push(Array(text.utf8))
    #expect(try reader.next() == Array("{}".utf8))
  }

  @Test(
    arguments: [
      ("\r\n\r\n", .missingContentLength), ("X: 1\r\n\r\n", .missingContentLength),
      ("Content-Length: 1\r\nContent-Length: 1\r\n\r\n", .duplicateContentLength),
      ("Content-Length: 101\r\n\r\n", .bodyTooLong(101)),
      ("Content-Length: 999999999999999999\r\n\r\n", .bodyTooLong(999_999_999_999_999_999)),
      ("Content-Length: 9999999999999999999\r\n\r\n", .malformedHeader),
      ("Content-Length: -1\r\n\r\n", .malformedHeader),
      ("Content-Length: +1\r\n\r\n", .malformedHeader), ("Content-Length: 1 1\r\n\r\n", .malformedHeader),
      ("Content-Length: 0x1\r\n\r\n", .malformedHeader), ("Content-Length:\r\n\r\n", .malformedHeader),
      ("Content-Length 1\r\n\r\n", .malformedHeader), (": 1\r\n\r\n", .malformedHeader),
      ("\r\nContent-Length: 1\r\n\r\n", .malformedHeader),
      ("Content-Length: 1\rX: 2\r\n\r\n", .malformedHeader),
      (String(repeating: "x", count: 5000), .headerTooLong),
      ("Content-Length: 1\n\n{" + String(repeating: " ", count: 5000), .headerTooLong),
    ] as [(String, FramingError)])
  func refuses(text: String, expected: FramingError) throws {
    var reader = FrameReader(maximumBodySize: 100)
    reader.push(Array(text.utf8))
    #expect(throws: expected) { try reader.next() }
    // Nothing brings a lost stream back.
    reader.push(framed([1]))
    #expect(throws: expected) { try reader.next() }
  }

  @Test func refusesLongHeadersWhenTheyComeSlowly() {
    var reader = FrameReader(maximumBodySize: 100)
    var sent = 0
    #expect(throws: FramingError.headerTooLong) {
      while sent < 10_000 {
        reader.push([UInt8(ascii: "a")])
        sent += 1
        if try reader.next() != nil { break }
      }
    }
    #expect(sent <= FrameReader.maximumHeaderSize)
  }

  @Test func keepsOnlyWhatIsUnread() throws {
    var reader = FrameReader(maximumBodySize: 1 << 20)
    let body = [UInt8](repeating: 7, count: 100_000)
    for _ in 0..<50 {
      reader.push(framed(body))
      #expect(try reader.next()?.count == body.count)
      #expect(reader.pendingBytes == 0)
    }
  }

  @Test func noiseNeverTraps() {
    var state: UInt64 = 1
    var (frames, refusals) = (0, 0)
    for _ in 0..<2000 {
      var reader = FrameReader(maximumBodySize: 64)
      let alphabet = Array("Content-Length: 0123\r\n\r\n\r\n:{}".utf8)
      for _ in 0..<400 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        reader.push([alphabet[Int(state >> 33) % alphabet.count]])
        do {
          guard let body = try reader.next() else { continue }
          #expect(body.count <= 64)
          frames += 1
        } catch {
          refusals += 1
        }
      }
    }
    // Noise from this alphabet is hardly ever a frame; much of it is refused.
    #expect(refusals > 20 && frames < refusals)
  }
}
