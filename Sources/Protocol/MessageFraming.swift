/// Message framing as in the Language Server Protocol: `Content-Length: N`, CRLF, optional further headers, an empty
/// line, then N bytes of body. A pure state machine: bytes in, bodies out, no I/O, no clock.

/// Why a byte stream is not a sequence of frames. There is no way to find the next frame after one of these, so the
/// connection that carried it is closed.
package enum FramingError: Error, Equatable, Sendable, CustomStringConvertible {
  case headerTooLong
  case malformedHeader
  case missingContentLength
  case duplicateContentLength
  case bodyTooLong(Int)

  package var description: String {
    switch self {
    case .headerTooLong: "frame header too long"
    case .malformedHeader: "malformed frame header"
    case .missingContentLength: "frame without Content-Length"
    case .duplicateContentLength: "frame with two Content-Length headers"
    case .bodyTooLong(let size): "frame body of \(size) bytes is too long"
    }
  }
}

/// Cuts a byte stream into message bodies.
package struct FrameReader: Sendable {
  /// Largest header block, the empty line included.
  package static let maximumHeaderSize = 4096

  private enum State {
    case header
    case body(Int)
    case failed(FramingError)
  }

  private let maximumBodySize: Int
  private var state = State.header
  /// Bytes not yet consumed are `buffer[consumed...]`.
  private var buffer: [UInt8] = []
  private var consumed = 0
  /// Where the search for the end of the header goes on, so that a slow sender costs linear time.
  private var searched = 0

  /// - Parameter maximumBodySize: a longer body is an error as soon as its header is read.
  package init(maximumBodySize: Int) { self.maximumBodySize = maximumBodySize }

  /// Bytes held back because their frame is not complete.
  package var pendingBytes: Int { buffer.count - consumed }

  package mutating func push(_ bytes: some Collection<UInt8>) {
    if consumed > 0, consumed == buffer.count || consumed > 1 << 16 {
      buffer.removeFirst(consumed)
      searched -= consumed
      consumed = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The next complete body; nil when more bytes are needed. After an error, every call throws it again.
  package mutating func next() throws(FramingError) -> [UInt8]? {
    while true {
      switch state {
      case .failed(let error): throw error
      case .header:
        do {
          guard let length = try takeHeader() else { return nil }
          state = .body(length)
        } catch {
          state = .failed(error)
          throw error
        }
      case .body(let length):
        guard pendingBytes >= length else { return nil }
        let body = Array(buffer[consumed..<consumed + length])
        consumed += length
        searched = consumed
        state = .header
        return body
      }
    }
  }

  /// The body's length, once the whole header has arrived.
  private mutating func takeHeader() throws(FramingError) -> Int? {
    var end = max(searched, consumed)
    while end < buffer.count {
      if buffer[end] == 0x0A, end - consumed >= 3, buffer[end - 1] == 0x0D, buffer[end - 2] == 0x0A,
        buffer[end - 3] == 0x0D
      {
        break
      }
      end += 1
      if end - consumed >= Self.maximumHeaderSize { throw .headerTooLong }
    }
    searched = end
    guard end < buffer.count else { return nil }
    let length = try Self.contentLength(of: buffer[consumed..<end - 3], limit: maximumBodySize)
    consumed = end + 1
    return length
  }

  /// - Parameter header: the block without the CRLF CRLF that ends it.
  private static func contentLength(of header: ArraySlice<UInt8>, limit: Int) throws(FramingError) -> Int {
    var length: Int?
    var rest = header
    while !rest.isEmpty {
      let lineEnd = rest.firstIndex(of: 0x0D) ?? rest.endIndex
      let line = rest[rest.startIndex..<lineEnd]
      rest = rest[lineEnd...]
      if !rest.isEmpty {
        guard rest.count >= 2, rest[rest.startIndex + 1] == 0x0A else { throw .malformedHeader }
        rest = rest.dropFirst(2)
        guard !rest.isEmpty else { throw .malformedHeader }
      }
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
        throw .malformedHeader
      }
      guard isContentLength(line[..<colon]) else { continue }
      guard length == nil else { throw .duplicateContentLength }
      length = try decimal(line[(colon + 1)...], limit: limit)
    }
    guard let length else { throw .missingContentLength }
    return length
  }

  private static func isContentLength(_ name: ArraySlice<UInt8>) -> Bool {
    name.elementsEqual("content-length".utf8) { $0 | 0x20 == $1 || $0 == $1 }
  }

  private static func decimal(_ text: ArraySlice<UInt8>, limit: Int) throws(FramingError) -> Int {
    let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
    var digits = text.drop(while: isSpace)
    while let last = digits.last, isSpace(last) { digits.removeLast() }
    // 18 digits always fit an Int.
    guard !digits.isEmpty, digits.count <= 18 else { throw .malformedHeader }
    var value = 0
    for digit in digits {
      guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { throw .malformedHeader }
      value = value * 10 + Int(digit - UInt8(ascii: "0"))
    }
    guard value <= limit else { throw .bodyTooLong(value) }
    return value
  }
}

/// Puts a body into a frame.
package func framed(_ body: [UInt8]) -> [UInt8] {
  var bytes = Array("Content-Length: \(body.count)\r\n\r\n".utf8)
  bytes.reserveCapacity(bytes.count + body.count)
  bytes += body
  return bytes
}
