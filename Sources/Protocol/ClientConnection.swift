/// The client's end of the socket: blocking calls with deadlines, for programs that do one thing at a time.

/// Why a conversation with the daemon ended without an answer.
package enum ClientError: Error, Equatable, Sendable, CustomStringConvertible {
  case system(SystemError)
  /// The socket belongs to another user.
  case foreignPeer
  case closed
  case timedOut(milliseconds: Int)
  case framing(FramingError)
  case malformedAnswer(String)
  case refused(RPCError)

  package var description: String {
    switch self {
    case .system(let error): error.description
    case .foreignPeer: "the socket belongs to another user"
    case .closed: "the daemon closed the connection"
    case .timedOut(let milliseconds): "the daemon was silent for \(milliseconds) ms"
    case .framing(let error): error.description
    case .malformedAnswer(let problem): "malformed answer: \(problem)"
    case .refused(let error): error.description
    }
  }
}

extension ClientError {
  /// A reset is how a closed connection looks when something we sent was still unread.
  fileprivate init(_ error: SystemError) {
    self = error.isDisconnect ? .closed : .system(error)
  }
}

package struct ClientConnection: ~Copyable {
  /// The longest message a client accepts: `-dumpdep` of a large program is some tens of megabytes of text.
  package static let maximumMessageSize = 512 << 20

  private let descriptor: FileDescriptor
  private var reader = FrameReader(maximumBodySize: maximumMessageSize)
  private var nextID: Int64 = 1

  /// Connects to a daemon of this user. A full backlog is waited for, up to a second.
  package init(socket: String) throws(ClientError) {
    descriptor = try Self.connect(to: socket)
  }

  private static func connect(to socket: String) throws(ClientError) -> FileDescriptor {
    var attempts = 0
    while true {
      do {
        let descriptor = try Syscalls.connect(to: socket)
        guard Syscalls.peerUserID(descriptor.raw) == Syscalls.userID else { throw ClientError.foreignPeer }
        return descriptor
      } catch let error as SystemError {
        guard error.isWouldBlock, attempts < 100 else { throw .system(error) }
        attempts += 1
        Syscalls.sleep(milliseconds: 10)
      } catch let error as ClientError {
        throw error
      } catch {
        throw .closed
      }
    }
  }

  /// Sends a request and returns the id that its answer will carry.
  package mutating func send<Request: RequestMessage>(
    _ request: Request, timeoutMilliseconds: Int
  ) throws(ClientError) -> RequestID {
    let id = RequestID.integer(nextID)
    nextID += 1
    try send(request.message(id: id).frame, timeoutMilliseconds: timeoutMilliseconds)
    return id
  }

  package mutating func send(_ bytes: [UInt8], timeoutMilliseconds: Int) throws(ClientError) {
    var offset = 0
    do {
      while offset < bytes.count {
        if let count = try sendSome(bytes, from: offset) {
          offset += count
        } else if try !Syscalls.waitFor(descriptor.raw, write: true, milliseconds: timeoutMilliseconds) {
          throw ClientError.timedOut(milliseconds: timeoutMilliseconds)
        }
      }
    } catch let error as SystemError {
      throw ClientError(error)
    } catch let error as ClientError {
      throw error
    } catch {
      throw .closed
    }
  }

  private func sendSome(_ bytes: [UInt8], from offset: Int) throws(SystemError) -> Int? {
    try Syscalls.send(descriptor.raw, bytes, from: offset)
  }

  /// The next message of any kind; the time limit is on silence.
  package mutating func receive(timeoutMilliseconds: Int) throws(ClientError) -> RPCMessage {
    let body = try receiveBody(timeoutMilliseconds: timeoutMilliseconds)
    do {
      return try RPCMessage(body: body)
    } catch {
      throw .malformedAnswer(error.error.message)
    }
  }

  private mutating func receiveBody(timeoutMilliseconds: Int) throws(ClientError) -> [UInt8] {
    while true {
      do {
        if let body = try reader.next() { return body }
      } catch {
        throw .framing(error)
      }
      let outcome: ReadOutcome
      var bytes = [UInt8](repeating: 0, count: 1 << 16)
      do {
        outcome = try Syscalls.read(descriptor.raw, into: &bytes)
        if outcome == .wouldBlock,
          try !Syscalls.waitFor(descriptor.raw, write: false, milliseconds: timeoutMilliseconds)
        {
          throw ClientError.timedOut(milliseconds: timeoutMilliseconds)
        }
      } catch let error as ClientError {
        throw error
      } catch let error as SystemError {
        throw ClientError(error)
      } catch {
        throw .closed
      }
      switch outcome {
      case .bytes(let count): reader.push(bytes[..<count])
      case .wouldBlock: break
      case .end: throw .closed
      }
    }
  }

  /// Waits for the answer to one request; signs of life reset the time limit.
  package mutating func answer<Reply: JSONConvertible>(
    to id: RequestID, as type: Reply.Type, timeoutMilliseconds: Int
  ) throws(ClientError) -> Reply {
    while true {
      switch try receive(timeoutMilliseconds: timeoutMilliseconds) {
      case .response(id, let result):
        do {
          return try Reply(json: result)
        } catch {
          throw .malformedAnswer("\(error)")
        }
      case .failure(let failed, let error) where failed == id || failed == nil: throw .refused(error)
      default: continue
      }
    }
  }

  /// One request, one answer.
  package mutating func call<Request: RequestMessage>(
    _ request: Request, timeoutMilliseconds: Int
  ) throws(ClientError) -> Request.Reply {
    let id = try send(request, timeoutMilliseconds: timeoutMilliseconds)
    return try answer(to: id, as: Request.Reply.self, timeoutMilliseconds: timeoutMilliseconds)
  }

  /// Waits until the daemon closes the connection; false when it did not in time.
  package mutating func waitForEnd(timeoutMilliseconds: Int) -> Bool {
    let deadline = Syscalls.monotonicNanoseconds() &+ UInt64(timeoutMilliseconds) &* 1_000_000
    while true {
      let now = Syscalls.monotonicNanoseconds()
      guard now < deadline else { return false }
      do {
        _ = try receiveBody(timeoutMilliseconds: Int((deadline - now) / 1_000_000) + 1)
      } catch .timedOut {
        return false
      } catch {
        return true
      }
    }
  }

  /// The descriptor, for programs that poll it themselves.
  package var raw: Int32 { descriptor.raw }
}
