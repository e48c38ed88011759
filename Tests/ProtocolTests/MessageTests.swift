import Protocol
import Testing

@Suite struct MessageTests {
  private func message(_ text: String) throws -> RPCMessage { try RPCMessage(body: Array(text.utf8)) }

  @Test(
    arguments: [
      .request(id: .integer(1), method: "ping", params: [:]),
      .request(id: .string("a"), method: "x", params: ["b": 1]),
      .notification(method: "n", params: [1]), .response(id: .integer(-5), result: nil),
      .response(id: .string(""), result: ["a": "b"]),
      .failure(id: .integer(1), error: RPCError(.cancelled, "no", data: ["why": "x"])),
      .failure(id: nil, error: RPCError(.parseError, "?")),
    ] as [RPCMessage])
  func survivesTheWire(message: RPCMessage) throws {
    var reader = FrameReader(maximumBodySize: 1000)
    reader.push(message.frame)
    let body = try #require(try reader.next())
    #expect(try RPCMessage(body: body) == message)
  }

  @Test(
    arguments: [
      ("{", RPCError.Code.parseError, nil), ("[]", .invalidRequest, nil), ("1", .invalidRequest, nil),
      ("{}", .invalidRequest, nil), (#"{"jsonrpc":"1.0","method":"x","id":3}"#, .invalidRequest, .integer(3)),
      (#"{"jsonrpc":"2.0","id":3}"#, .invalidRequest, .integer(3)),
      (#"{"jsonrpc":"2.0","method":1,"id":"q"}"#, .invalidRequest, .string("q")),
      (#"{"jsonrpc":"2.0","method":"x","id":1.5}"#, .invalidRequest, nil),
      (#"{"jsonrpc":"2.0","method":"x","id":null}"#, .invalidRequest, nil),
      (#"{"jsonrpc":"2.0","result":1}"#, .invalidRequest, nil),
      (#"{"jsonrpc":"2.0","id":1,"error":{"code":"x","message":""}}"#, .invalidRequest, .integer(1)),
    ] as [(String, RPCError.Code, RequestID?)])
  func saysWhatIsWrong(text: String, code: RPCError.Code, id: RequestID?) throws {
    let error = try #require(throws: RPCMessageError.self) { try message(text) }
    #expect(error.error.code == code)
    #expect(error.id == id)
  }

  private func roundTrip<Value: JSONConvertible & Equatable>(_ value: Value) throws {
    #expect(try Value(json: JSONValue(parsing: value.json.serialized())) == value)
  }

  @Test func everyTypeSurvivesTheWire() throws {
    try roundTrip(InitializeRequest(client: "c", build: "b"))
    try roundTrip(InitializeRequest(protocolVersion: 9, client: ""))
    try roundTrip(
      InitializeRequest.Reply(protocolVersion: 1, version: "v", build: "b", pid: 2, heartbeatMilliseconds: 3))
    try roundTrip(
      LinkRequest(
        arguments: ["-o", "é", ""], workingDirectory: "/w", environment: ["GOOS": "linux", "A": ""],
        umask: 0o77,
        realLinker: "/l", programName: "link", noFallback: true, reportPhases: true))
    try roundTrip(LinkRequest(arguments: [], workingDirectory: "/"))
    let report = LinkReport(
      how: "cold", objectsParsed: 1, objectsReused: 2, phases: [.init(name: "load", nanoseconds: 5)],
      outputBytes: 3,
      wallNanoseconds: 4, turns: [0, 1, 2],
      explanation: LinkExplanation(program: .init("replayed")))
    try roundTrip(
      LinkReply.done(exitCode: -1, stdout: ByteText([0xFF]), stderr: ByteText("x"), report: report))
    try roundTrip(LinkReply.fallback(reason: "r"))
    try roundTrip(CancelNotification(id: .string("x")))
    try roundTrip(ProgressNotification(id: .integer(1), phase: "p", elapsedMilliseconds: 7))
    try roundTrip(FellBackNotification(reason: "r", output: "o"))
    try roundTrip(Empty())
    try roundTrip(statusReport(report))
  }

  private func statusReport(_ report: LinkReport) -> StatusReport {
    var counts = LinkCounts()
    counts.linked = 1
    counts.byKind = ["cold": 1]
    var cache = CacheStatus()
    cache.path = "/c"
    cache.note = "n"
    let record = LinkRecord(
      time: 1, output: "o", outcome: .fellBack, reason: "r", exitCode: 2, report: report,
      totalMilliseconds: 3,
      waitedMilliseconds: 4)
    return StatusReport(
      pid: 1, version: "v", build: "b", startedAt: 2, uptimeSeconds: 3, socket: "s", log: "l",
      residentBytes: 4,
      privateBytes: 5, clients: 6, idleTimeoutSeconds: 7, idleDeadline: 8, stopping: true, links: counts,
      recentLinks: [record], lastFallback: record,
      engine: EngineStatus(
        toolchains: [.init(name: "t", residentBytes: 1, objects: 2, programs: 3)], objectsParsed: 4,
        objectsReused: 5, programsResident: 6, budgetBytes: 7),
      cache: cache)
  }

  @Test(
    arguments: [
      ([:], ".argv: missing"), (["argv": [1], "cwd": "/"], ".argv[0]: expected a string"),
      (["argv": [], "cwd": 1], ".cwd: expected a string"),
      (["argv": [], "cwd": "x"], ".cwd: expected an absolute path"),
      (["argv": [], "cwd": "/", "env": ["A": 1]], ".env.A: expected a string"),
      (["argv": [], "cwd": "/", "umask": 512], ".umask: expected 0 to 511"),
      (["argv": [], "cwd": "/", "umask": -1], ".umask: expected 0 to 511"),
      (["argv": [], "cwd": "/", "noFallback": 1], ".noFallback: expected true or false"),
      ([], "expected an object"), (nil, "expected an object"),
    ] as [(JSONValue, String)])
  func linkRequestsAreChecked(json: JSONValue, expected: String) throws {
    let error = try #require(throws: JSONShapeError.self) { try LinkRequest(json: json) }
    #expect(error.description == expected)
  }

  @Test func unknownMembersAreIgnored() throws {
    #expect(try PingRequest(json: ["later": 1]) == PingRequest())
    #expect(try LinkRequest(json: ["argv": [], "cwd": "/", "later": [:]]).arguments == [])
  }

  @Test(
    arguments: [
      (["-o", "a"], "/w/a"), (["-o", "/a"], "/a"), (["-o=b"], "/w/b"), (["--o", "c"], "/w/c"),
      (["--o=d"], "/w/d"),
      (["-o", "a", "-o", "b"], "/w/b"), (["-s", "x.a"], nil), (["-o"], nil), (["-o="], nil), ([], nil),
      (["-X=a.b=-o=c", "-o=e=f"], "/w/e=f"),
    ] as [([String], String?)])
  func findsTheOutput(arguments: [String], expected: String?) {
    #expect(LinkRequest(arguments: arguments, workingDirectory: "/w").outputPath == expected)
  }

  @Test func ordering() {
    let link = { LinkRequest(arguments: $0, workingDirectory: $1).ordering }
    #expect(link(["-o", "a"], "/w") == link(["-s", "-o=/w/a"], "/"))
    #expect(link(["-o", "a"], "/") == link(["-o=/a"], "/w"))
    #expect(link(["-o", "a"], "/w") != link(["-o", "a"], "/v"))
    #expect(link(["@f"], "/w") == link(["@f"], "/w"))
    #expect(link(["@f"], "/w") != link(["@g"], "/w"))
    #expect(InvalidateRequest().ordering == .barrier)
    #expect(PingRequest().ordering == .free)
    #expect(StatusRequest().ordering == .free)
    #expect(ShutdownRequest().ordering == .free)
  }
}
