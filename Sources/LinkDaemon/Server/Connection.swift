import Protocol

/// One client's socket: bytes to messages and back. Nothing here blocks: a client that does not read fills its own
/// queue and is dropped, and no other client notices.
///
/// Unchecked, because the mutable state is not behind a lock but on the loop's thread, where every function runs that
/// does not say otherwise.
final class Connection: LoopSocket, @unchecked Sendable {
  struct Limits: Sendable {
    /// Longest message accepted from a client.
    var incomingMessage = 16 << 20
    /// Unsent bytes beyond which a client counts as stuck when there is more to send; one message alone may be longer.
    var outgoingBytes = 8 << 20
  }

  /// What the connection tells its owner, always on the loop's thread.
  struct Events: Sendable {
    var onMessage: @Sendable (Connection, RPCMessage) -> Void
    /// A body that is no message; the stream itself is sound.
    var onMalformed: @Sendable (Connection, RPCMessageError) -> Void
    /// Answers nobody reads any more: true keeps the connection for them.
    var hasWork: @Sendable (Connection) -> Bool
    /// Once, when nothing more will come or go.
    var onClosed: @Sendable (Connection, String) -> Void
  }

  /// Unique while the server lives.
  let number: UInt64
  package let descriptor: FileDescriptor
  private let limits: Limits
  private let events: Events
  private let loop: SocketLoop

  // On the loop's thread:
  private var reader: FrameReader
  /// What the socket is ready for is asked only when the last try came to nothing.
  package private(set) var interest = SocketInterest()
  private var outgoing: [[UInt8]] = []
  private var outgoingOffset = 0
  private var outgoingBytes = 0
  private var closing = false
  private var closed = false
  /// The client has closed its sending half.
  private var halfClosed = false
  /// Whether `initialize` went well; read and written by request handlers, which run on the loop's thread.
  var isInitialized = false

  init(number: UInt64, descriptor: FileDescriptor, limits: Limits, events: Events, loop: SocketLoop) {
    self.number = number
    self.descriptor = descriptor
    self.limits = limits
    self.events = events
    self.loop = loop
    reader = FrameReader(maximumBodySize: limits.incomingMessage)
  }

  /// Starts reading. The loop keeps the connection until it is closed.
  func start() {
    loop.watch(self)
    interest.reads = true
    // Most clients have sent something by now.
    readAvailable()
  }

  package func isReady() {
    if interest.writes { writeAvailable() }
    if interest.reads { readAvailable() }
  }

  // MARK: Sending

  /// Queues a message, from any thread. A droppable one (a sign of life) is left out when others wait already.
  func send(_ message: RPCMessage, droppable: Bool = false) {
    loop.post { [self] in
      if closed || closing || (droppable && !outgoing.isEmpty) { return }
      let bytes = message.frame
      if outgoingBytes > limits.outgoingBytes {
        close(why: "the client does not read its answers")
        return
      }
      outgoing.append(bytes)
      outgoingBytes += bytes.count
      if !interest.writes { writeAvailable() }
    }
  }

  /// Closes when everything queued is sent; from any thread.
  func finish() {
    loop.post { [self] in
      closing = true
      if outgoing.isEmpty { close(why: "finished") }
    }
  }

  /// Runs something in order with the connection's messages; from any thread.
  func perform(_ work: @escaping @Sendable (Connection) -> Void) {
    loop.post { work(self) }
  }

  /// Closes at once.
  func close(why: String) {
    guard !closed else { return }
    closed = true
    interest = SocketInterest()
    loop.forget(self)
    outgoing = []
    outgoingBytes = 0
    events.onClosed(self, why)
  }

  private func writeAvailable() {
    do {
      while let first = outgoing.first {
        guard let count = try Syscalls.send(descriptor.raw, first, from: outgoingOffset) else {
          interest.writes = true
          return
        }
        outgoingOffset += count
        outgoingBytes -= count
        if outgoingOffset == first.count {
          outgoing.removeFirst()
          outgoingOffset = 0
        }
      }
      interest.writes = false
      if closing { close(why: "finished") }
    } catch {
      close(why: error.description)
    }
  }

  // MARK: Receiving

  private func readAvailable() {
    guard !closed else { return }
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    // Bounded, so that a client that sends without end still lets its answers out in between.
    for _ in 0..<16 {
      do {
        switch try Syscalls.read(descriptor.raw, into: &chunk) {
        case .bytes(let count): reader.push(chunk[..<count])
        case .wouldBlock: return
        case .end:
          endOfInput()
          return
        }
      } catch {
        close(why: error.description)
        return
      }
      takeMessages()
      if closed { return }
    }
  }

  private func takeMessages() {
    do {
      while !closed, let body = try reader.next() {
        do {
          events.onMessage(self, try RPCMessage(body: body))
        } catch {
          events.onMalformed(self, error)
        }
      }
    } catch {
      // There is no telling where the next message starts: say why, and hang up.
      send(.failure(id: nil, error: RPCError(.parseError, error.description)))
      interest.reads = false
      finish()
    }
  }

  /// The client sends no more. If it is gone altogether nobody waits for its answers; if it only closed its sending
  /// half, what it asked is still answered.
  private func endOfInput() {
    if Syscalls.isHungUp(descriptor.raw) || (!events.hasWork(self) && outgoing.isEmpty) {
      close(why: "the client is gone")
      return
    }
    interest.reads = false
    halfClosed = true
  }

  /// Called when a request of this client was answered; from any thread.
  func workDone() {
    loop.post { [self] in
      if halfClosed, !events.hasWork(self) { finish() }
    }
  }
}
