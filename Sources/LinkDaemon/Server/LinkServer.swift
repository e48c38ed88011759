import Dispatch
import Logging
import Protocol
import Synchronization

/// The daemon's server: clients in, requests to their handlers in the right order, answers out.
///
/// One lock guards all bookkeeping; it is held for a few dictionary operations at a time and never while a handler, a
/// socket or the engine is called.
package final class LinkServer: Sendable {
  /// A request that has no answer yet.
  private struct InFlight {
    let connection: Connection
    let id: RequestID
    /// There until the order of requests lets it start.
    var start: (@Sendable () -> Void)?
    var job: LinkJob?
    var cancelled = false
  }

  private struct RequestKey: Hashable {
    let connection: UInt64
    let id: RequestID
  }

  private struct State {
    var connections: [UInt64: Connection] = [:]
    var inFlight: [RequestQueue.Ticket: InFlight] = [:]
    var tickets: [RequestKey: RequestQueue.Ticket] = [:]
    var queue = RequestQueue()
    var lastNumber: UInt64 = 0
    var lastWork = Syscalls.monotonicNanoseconds()
    var stopping = false
    var stopped = false
  }

  package let configuration: ServerConfiguration
  let engine: any LinkEngine
  let scheduler: LinkScheduler
  let history: LinkHistory
  /// For handlers whose work may wait for a lock of the engine or the cache.
  let workQueue = DispatchQueue(label: "linkd.work", attributes: .concurrent)
  private let cacheStatus: @Sendable () -> CacheStatus
  private let logger: Logger
  private let handlers = HandlerTable.all
  private let loop: SocketLoop
  private let listener: SocketListener
  private let timerQueue = DispatchQueue(label: "linkd.timers")
  private let startedAt = Syscalls.wallClockSeconds()
  private let startedNanoseconds = Syscalls.monotonicNanoseconds()
  private let state = Mutex(State())
  private let end = DispatchSemaphore(value: 0)

  /// Takes the socket; clients are served from `start` on.
  /// - Throws: `alreadyRunning` when another daemon has the socket.
  package init(
    _ configuration: ServerConfiguration, engine: any LinkEngine, logger: Logger,
    cacheStatus: @escaping @Sendable () -> CacheStatus = { CacheStatus() }
  ) throws(ServerStartError) {
    self.configuration = configuration
    self.engine = engine
    self.logger = logger
    self.cacheStatus = cacheStatus
    do { loop = try SocketLoop() } catch { throw .system(error) }
    history = LinkHistory(limit: configuration.rememberedLinks, logger: logger)
    scheduler = LinkScheduler(
      limits: LinkScheduler.Limits(
        concurrentLinks: configuration.maximumLinks, memoryBytes: configuration.linkMemoryBytes,
        heartbeatMilliseconds: configuration.heartbeatMilliseconds,
        stallMilliseconds: configuration.stallMilliseconds),
      engine: engine, loop: loop, logger: logger)
    listener = try SocketListener(configuration, loop: loop)
  }

  deinit { loop.end() }

  package func start() {
    logger.notice(
      "started", metadata: ["socket": "\(configuration.socket)", "build": "\(configuration.build)"])
    loop.start()
    listener.start { [weak self] in self?.accept($0) }
    if configuration.idleTimeoutMilliseconds > 0 { watchIdle(after: configuration.idleTimeoutMilliseconds) }
  }

  /// Every method the daemon answers.
  package static var methods: [String] { HandlerTable.all.methods }

  // MARK: Clients

  /// Takes on a client; on the loop's thread.
  private func accept(_ descriptor: FileDescriptor) {
    let events = Connection.Events(
      onMessage: { [weak self] in self?.receive($1, from: $0) },
      onMalformed: { connection, error in connection.send(.failure(id: error.id, error: error.error)) },
      hasWork: { [weak self] in self?.hasWork($0) ?? false },
      onClosed: { [weak self] in self?.forget($0, why: $1) })
    let limits = Connection.Limits(
      incomingMessage: configuration.maximumRequestBytes, outgoingBytes: configuration.maximumUnsentBytes)
    let connection = state.withLock { state -> Connection? in
      guard !state.stopped, state.connections.count < configuration.maximumConnections else { return nil }
      state.lastNumber += 1
      let connection = Connection(
        number: state.lastNumber, descriptor: descriptor, limits: limits, events: events, loop: loop)
      state.connections[connection.number] = connection
      return connection
    }
    guard let connection else { return }
    connection.start()
    loop.run(afterMilliseconds: configuration.handshakeMilliseconds) { [weak connection] in
      if let connection, !connection.isInitialized { connection.close(why: "no handshake") }
    }
  }

  private func hasWork(_ connection: Connection) -> Bool {
    state.withLock { state in state.tickets.keys.contains { $0.connection == connection.number } }
  }

  private func forget(_ connection: Connection, why: String) {
    let abandoned = state.withLock { state in
      state.connections[connection.number] = nil
      return state.tickets.filter { $0.key.connection == connection.number }.map(\.value)
    }
    if !abandoned.isEmpty { logger.info("client gone with \(abandoned.count) requests open: \(why)") }
    abandoned.forEach(cancel)
  }

  // MARK: Requests

  private func receive(_ message: RPCMessage, from connection: Connection) {
    switch message {
    case .request(let id, let method, let params):
      do {
        try begin(id, method, params, from: connection)
      } catch {
        connection.send(.failure(id: id, error: error))
      }
    case .notification(let method, let params): notice(method, params, from: connection)
    // The daemon asks its clients nothing, so no answer is due.
    case .response, .failure: break
    }
  }

  private func begin(
    _ id: RequestID, _ method: String, _ params: JSONValue, from connection: Connection
  ) throws(RPCError) {
    let request = try handlers.prepare(method, params)
    guard connection.isInitialized || !request.needsHandshake else {
      throw RPCError(.notInitialized, "initialize comes first")
    }
    let ticket = try register(request, id, connection)
    if let ticket { request.start(self, connection, id, ticket) }
  }

  /// Enters a request into the books.
  /// - Returns: its ticket if it may start at once.
  private func register(
    _ request: PreparedRequest, _ id: RequestID, _ connection: Connection
  ) throws(RPCError) -> RequestQueue.Ticket? {
    let key = RequestKey(connection: connection.number, id: id)
    let result = state.withLock { state -> Result<RequestQueue.Ticket?, RPCError> in
      if state.stopping, request.ordering != .free {
        return .failure(RPCError(.shuttingDown, "the daemon is stopping"))
      }
      guard state.tickets[key] == nil else {
        return .failure(RPCError(.invalidRequest, "a request with this id is open"))
      }
      guard
        state.tickets.keys.count(where: { $0.connection == connection.number })
          < configuration.maximumRequestsPerConnection
      else { return .failure(RPCError(.overloaded, "too many open requests")) }
      state.lastNumber += 1
      let ticket = state.lastNumber
      state.tickets[key] = ticket
      var entry = InFlight(connection: connection, id: id)
      let startsNow = state.queue.enqueue(ticket, request.ordering)
      if !startsNow {
        entry.start = { [weak self] in
          if let self { request.start(self, connection, id, ticket) }
        }
      }
      state.inFlight[ticket] = entry
      return .success(startsNow ? ticket : nil)
    }
    return try result.get()
  }

  /// Hands a started link to the scheduler, unless its client has given it up meanwhile.
  func begin(_ job: LinkJob, ticket: RequestQueue.Ticket) {
    let cancelled = state.withLock { state in
      state.lastWork = Syscalls.monotonicNanoseconds()
      state.inFlight[ticket]?.job = job
      return state.inFlight[ticket]?.cancelled ?? true
    }
    if cancelled {
      job.finish(.refused(RPCError(.cancelled, "cancelled")))
    } else {
      scheduler.submit(job)
    }
  }

  /// Answers a request and starts those that waited for it.
  func answer(_ ticket: RequestQueue.Ticket, on connection: Connection, with message: RPCMessage) {
    let (known, startable) = state.withLock { state in
      guard let entry = state.inFlight.removeValue(forKey: ticket) else {
        return (false, [] as [@Sendable () -> Void])
      }
      state.tickets[RequestKey(connection: entry.connection.number, id: entry.id)] = nil
      if entry.job != nil { state.lastWork = Syscalls.monotonicNanoseconds() }
      let next = state.queue.finish(ticket).compactMap { ticket -> (@Sendable () -> Void)? in
        defer { state.inFlight[ticket]?.start = nil }
        return state.inFlight[ticket]?.start
      }
      return (true, next)
    }
    guard known else { return }
    connection.send(message)
    connection.workDone()
    startable.forEach { $0() }
  }

  private func notice(_ method: String, _ params: JSONValue, from connection: Connection) {
    guard connection.isInitialized else { return }
    switch method {
    case CancelNotification.method:
      guard let note = try? CancelNotification(json: params) else { return }
      let ticket = state.withLock { $0.tickets[RequestKey(connection: connection.number, id: note.id)] }
      if let ticket { cancel(ticket) }
    case FellBackNotification.method:
      guard let note = try? FellBackNotification(json: params) else { return }
      history.add(
        LinkRecord(
          time: Int(Syscalls.wallClockSeconds()), output: note.output ?? "", outcome: .fellBack,
          reason: note.reason, totalMilliseconds: 0, waitedMilliseconds: 0))
    default: break
    }
  }

  private func cancel(_ ticket: RequestQueue.Ticket) {
    let (job, unstarted) = state.withLock { state -> (LinkJob?, InFlight?) in
      guard var entry = state.inFlight[ticket] else { return (nil, nil) }
      if entry.start != nil { return (nil, entry) }
      entry.cancelled = true
      state.inFlight[ticket] = entry
      return (entry.job, nil)
    }
    if let job { scheduler.cancel(job) }
    if let unstarted {
      answer(
        ticket, on: unstarted.connection,
        with: .failure(id: unstarted.id, error: RPCError(.cancelled, "cancelled")))
    }
  }

  // MARK: Stopping

  /// Finishes running links, refuses the rest, then ends. Returns at once; may be called again.
  package func stop(why: String) {
    let unstarted = state.withLock { state -> [(RequestQueue.Ticket, InFlight)]? in
      if state.stopping { return nil }
      state.stopping = true
      return state.inFlight.filter { $0.value.start != nil }.map { ($0.key, $0.value) }
    }
    guard let unstarted else { return }
    logger.notice("stopping: \(why)")
    for (ticket, entry) in unstarted {
      let error = RPCError(.shuttingDown, "the daemon is stopping")
      answer(ticket, on: entry.connection, with: .failure(id: entry.id, error: error))
    }
    scheduler.drain { [self] in
      timerQueue.async {
        // Before anybody sees the end: who waits for it may start the next daemon.
        self.engine.keepForNextLife()
        self.farewell()
      }
    }
  }

  /// Nothing runs any more: give up the socket, let the last answers out, end.
  private func farewell() {
    listener.close()
    let connections = state.withLock { state in
      state.stopped = true
      return Array(state.connections.values)
    }
    connections.forEach { $0.finish() }
    let deadline = Syscalls.monotonicNanoseconds() + UInt64(configuration.farewellMilliseconds) * 1_000_000
    while state.withLock({ !$0.connections.isEmpty }), Syscalls.monotonicNanoseconds() < deadline {
      Syscalls.sleep(milliseconds: 2)
    }
    for connection in state.withLock({ Array($0.connections.values) }) {
      connection.perform { $0.close(why: "the daemon ends") }
    }
    loop.post { [loop] in loop.end() }
    logger.notice("stopped")
    end.signal()
  }

  /// Blocks until the server has stopped.
  package func waitUntilStopped() {
    end.wait()
    end.signal()
  }

  // MARK: Idle stop

  private func watchIdle(after milliseconds: Int) {
    timerQueue.asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { [weak self] in
      guard let self else { return }
      guard let remaining = self.idleMillisecondsLeft() else {
        return self.watchIdle(after: self.configuration.idleTimeoutMilliseconds)
      }
      if remaining <= 0 {
        self.stop(why: "idle")
      } else {
        self.watchIdle(after: remaining)
      }
    }
  }

  /// Time until the idle stop; nil while there is work. Questions and open connections are no work: a watching
  /// `status` loop or a forgotten editor must not keep gigabytes alive.
  private func idleMillisecondsLeft() -> Int? {
    let counts = scheduler.counts
    guard counts.running == 0, counts.waiting == 0, engine.verification.waiting == 0 else { return nil }
    // Work may end on another thread between two reads of the clock: an end in the future is no idle time.
    let lastWork = state.withLock { $0.lastWork }
    let now = Syscalls.monotonicNanoseconds()
    let idle = now > lastWork ? (now - lastWork) / 1_000_000 : 0
    return configuration.idleTimeoutMilliseconds - Int(idle)
  }

  // MARK: Status

  func statusReport() -> StatusReport {
    let now = Syscalls.wallClockSeconds()
    let memory = ServerSyscalls.residentMemory()
    let (clients, stopping, ordered) = state.withLock {
      ($0.connections.count, $0.stopping, $0.inFlight.values.count { $0.start != nil })
    }
    var (counts, recent, lastFallback) = history.summary
    let scheduled = scheduler.counts
    counts.running = scheduled.running
    counts.waiting = scheduled.waiting + ordered
    counts.limit = scheduler.limits.concurrentLinks
    let hasIdleStop = configuration.idleTimeoutMilliseconds > 0
    return StatusReport(
      pid: Int(Syscalls.processID), version: Release.version, build: configuration.build,
      startedAt: Int(startedAt),
      uptimeSeconds: Int((Syscalls.monotonicNanoseconds() - startedNanoseconds) / 1_000_000_000),
      socket: configuration.socket, log: configuration.log, residentBytes: memory.all,
      privateBytes: memory.privateBytes, clients: clients,
      idleTimeoutSeconds: hasIdleStop ? max(1, configuration.idleTimeoutMilliseconds / 1000) : 0,
      idleDeadline: hasIdleStop ? idleMillisecondsLeft().map { Int(now) + $0 / 1000 } : nil,
      stopping: stopping, links: counts, recentLinks: recent, lastFallback: lastFallback,
      engine: engine.status(), cache: cacheStatus(),
      verification: engine.verification)
  }
}
