import Dispatch
import Protocol

/// One request type's work. A handler answers through its call, now or later, from any thread, exactly once; it
/// never blocks, because it may run on the thread of all sockets.
protocol RequestHandler: Sendable {
  associatedtype Request: RequestMessage
  func handle(_ request: Request, _ call: Call<Request.Reply>)
}

/// Where one request's answer goes.
struct Call<Reply: JSONConvertible>: Sendable {
  let server: LinkServer
  let connection: Connection
  let id: RequestID
  let ticket: RequestQueue.Ticket

  func reply(_ reply: Reply) {
    server.answer(ticket, on: connection, with: .response(id: id, result: reply.json))
  }

  func fail(_ error: RPCError) {
    server.answer(ticket, on: connection, with: .failure(id: id, error: error))
  }
}

/// A request that was read and waits for its turn.
struct PreparedRequest: Sendable {
  let needsHandshake: Bool
  let ordering: Ordering
  let start: @Sendable (LinkServer, Connection, RequestID, RequestQueue.Ticket) -> Void
}

/// All handlers by method. There is no other place where a method becomes an action.
struct HandlerTable: Sendable {
  private var prepare: [String: @Sendable (JSONValue) -> Result<PreparedRequest, JSONShapeError>] = [:]

  /// Every request the daemon answers.
  static let all: HandlerTable = {
    var table = HandlerTable()
    table.add(InitializeHandler())
    table.add(PingHandler())
    table.add(StatusHandler())
    table.add(LinkHandler())
    table.add(InvalidateHandler())
    table.add(ShutdownHandler())
    return table
  }()

  mutating func add<Handler: RequestHandler>(_ handler: Handler) {
    let method = Handler.Request.method
    // A mistake in this file, not in any input: the first test that makes a server shows it.
    precondition(prepare[method] == nil, "two handlers for \(method)")
    prepare[method] = { json in
      Result { () throws(JSONShapeError) in try Handler.Request(json: json) }.map { request in
        PreparedRequest(needsHandshake: Handler.Request.needsHandshake, ordering: request.ordering) {
          server, connection, id, ticket in
          handler.handle(request, Call(server: server, connection: connection, id: id, ticket: ticket))
        }
      }
    }
  }

  var methods: [String] { prepare.keys.sorted() }

  func prepare(_ method: String, _ params: JSONValue) throws(RPCError) -> PreparedRequest {
    guard let prepare = prepare[method] else { throw RPCError(.methodNotFound, "no method \(method)") }
    do {
      return try prepare(params).get()
    } catch {
      throw RPCError(.invalidParams, "\(error)")
    }
  }
}

/// Runs on the loop's thread, since `initialize` is free and never waits.
struct InitializeHandler: RequestHandler {
  func handle(_ request: InitializeRequest, _ call: Call<InitializeRequest.Reply>) {
    let configuration = call.server.configuration
    let own: JSONValue = [
      "version": .string(Release.version), "build": .string(configuration.build),
      "protocolVersion": .integer(Int64(Release.protocolVersion)),
    ]
    guard request.protocolVersion == Release.protocolVersion else {
      call.fail(
        RPCError(.versionMismatch, "protocol \(request.protocolVersion) is not spoken here", data: own))
      return
    }
    if let build = request.build, build != configuration.build {
      call.fail(RPCError(.versionMismatch, "build \(build) is not this daemon's", data: own))
      return
    }
    guard !call.connection.isInitialized else {
      call.fail(RPCError(.invalidRequest, "initialize was sent before"))
      return
    }
    call.connection.isInitialized = true
    call.reply(
      InitializeRequest.Reply(
        protocolVersion: Release.protocolVersion, version: Release.version, build: configuration.build,
        pid: Int(Syscalls.processID), heartbeatMilliseconds: configuration.heartbeatMilliseconds))
  }
}

struct PingHandler: RequestHandler {
  func handle(_ request: PingRequest, _ call: Call<Empty>) { call.reply(Empty()) }
}

struct StatusHandler: RequestHandler {
  func handle(_ request: StatusRequest, _ call: Call<StatusReport>) {
    // The engine and the cache may take a lock to answer; nobody else waits for that here.
    call.server.workQueue.async { call.reply(call.server.statusReport()) }
  }
}

struct InvalidateHandler: RequestHandler {
  func handle(_ request: InvalidateRequest, _ call: Call<Empty>) {
    call.server.workQueue.async {
      call.server.engine.invalidate()
      call.reply(Empty())
    }
  }
}

struct ShutdownHandler: RequestHandler {
  func handle(_ request: ShutdownRequest, _ call: Call<Empty>) {
    call.reply(Empty())
    call.server.stop(why: "asked to by a client")
  }
}

struct LinkHandler: RequestHandler {
  func handle(_ request: LinkRequest, _ call: Call<LinkReply>) {
    let server = call.server
    let arrived = Syscalls.monotonicNanoseconds()
    let tell: @Sendable (String) -> Void = { phase in
      let elapsed = Int((Syscalls.monotonicNanoseconds() - arrived) / 1_000_000)
      let note = ProgressNotification(id: call.id, phase: phase, elapsedMilliseconds: elapsed)
      call.connection.send(note.message, droppable: true)
    }
    let control =
      request.reportPhases ? LinkControl(onPhase: tell, onAlive: tell) : LinkControl(onAlive: tell)
    let job = LinkJob(
      request: request, control: control, estimatedBytes: server.scheduler.estimatedBytes(request),
      answer: { result, times in
        // The record is there before the answer: a client that asks for the status next finds its link in it.
        server.history.add(LinkRecord(request, result, times))
        switch result {
        case .outcome(.done(let exitCode, let stdout, let stderr, let report)):
          call.reply(
            .done(exitCode: exitCode, stdout: ByteText(stdout), stderr: ByteText(stderr), report: report))
        case .outcome(.fallback(let reason)): call.reply(.fallback(reason: reason))
        case .refused(let error): call.fail(error)
        }
      })
    server.begin(job, ticket: call.ticket)
  }
}

extension LinkRecord {
  init(_ request: LinkRequest, _ result: LinkJob.Result, _ times: LinkJob.Times) {
    self.init(
      time: Int(Syscalls.wallClockSeconds()), output: request.outputPath ?? "", outcome: .linked,
      totalMilliseconds: Int(times.totalNanoseconds / 1_000_000),
      waitedMilliseconds: Int(times.waitedNanoseconds / 1_000_000))
    switch result {
    case .outcome(.done(let exitCode, _, _, let report)):
      if exitCode != 0 { outcome = .failed }
      self.exitCode = Int(exitCode)
      self.report = report
    case .outcome(.fallback(let reason)):
      outcome = .fellBack
      self.reason = reason
    case .refused(let error):
      outcome = error.code == .cancelled ? .cancelled : .fellBack
      reason = error.message
    }
  }
}
