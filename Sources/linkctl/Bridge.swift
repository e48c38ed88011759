import Protocol

/// `linkctl rpc`: the socket's protocol on standard input and output, for editors that start a process and talk to it.
///
/// Bytes pass unchanged. The bridge reads along only to know how many answers are due: when its input ends, it stays
/// until they have come.
enum Bridge {
  static func run(_ words: [String]) throws(Verbs.VerbError) -> Int32 {
    try Verbs.none(words)
    do {
      let connection = try Verbs.launcher().connectStartingIfNeeded()
      try relay(connection)
    } catch let error as Verbs.VerbError {
      throw error
    } catch {
      throw Verbs.VerbError(message: "\(error)")
    }
    return 0
  }

  private static func relay(_ connection: consuming ClientConnection) throws {
    var due = DueAnswers()
    var inputOpen = true
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while inputOpen || due.count > 0 {
      let ready = try ClientSyscalls.waitForEither(inputOpen ? 0 : -1, connection.raw)
      if ready.first {
        switch try Syscalls.read(0, into: &chunk) {
        case .bytes(let count):
          due.sent(chunk[..<count])
          try connection.send(Array(chunk[..<count]), timeoutMilliseconds: 30_000)
        case .end: inputOpen = false
        case .wouldBlock: break
        }
      }
      if ready.second {
        switch try Syscalls.read(connection.raw, into: &chunk) {
        case .bytes(let count):
          due.received(chunk[..<count])
          try Syscalls.writeAll(1, Array(chunk[..<count]))
        case .end: return
        case .wouldBlock: break
        }
      }
    }
  }
}

/// Counts requests without an answer in two byte streams. A stream that is no sequence of messages stops counting;
/// the daemon closes such a connection, which ends the bridge too.
private struct DueAnswers {
  private var outgoing = FrameReader(maximumBodySize: ClientConnection.maximumMessageSize)
  private var incoming = FrameReader(maximumBodySize: ClientConnection.maximumMessageSize)
  private(set) var count = 0

  mutating func sent(_ bytes: ArraySlice<UInt8>) {
    outgoing.push(bytes)
    while let body = try? outgoing.next() {
      if case .request = try? RPCMessage(body: body) { count += 1 }
    }
  }

  mutating func received(_ bytes: ArraySlice<UInt8>) {
    incoming.push(bytes)
    while let body = try? incoming.next() {
      switch try? RPCMessage(body: body) {
      case .response, .failure: count -= 1
      default: break
      }
    }
  }
}
