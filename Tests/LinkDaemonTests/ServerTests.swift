import Foundation
import LinkDaemon
import Protocol
import Synchronization
import Testing

@Suite struct ServerTests {
  // MARK: Handshake

  @Test func introducesItself() throws {
    let server = try TestServer()
    let reply = try server.connect().call(InitializeRequest(client: "test"))
    #expect(reply.protocolVersion == Release.protocolVersion)
    #expect(reply.version == Release.version)
    #expect(reply.build == TestServer.build)
    #expect(reply.pid == Int(Syscalls.processID))
    #expect(reply.heartbeatMilliseconds > 0)
  }

  @Test func wantsTheHandshakeFirst() throws {
    let server = try TestServer()
    let client = try server.connect()
    #expect(client.refusal(PingRequest()) == .notInitialized)
    #expect(client.refusal(StatusRequest()) == .notInitialized)
    #expect(client.refusal(link("a")) == .notInitialized)
    _ = try client.call(InitializeRequest(client: "test"))
    #expect(try client.call(PingRequest()) == Empty())
    #expect(client.refusal(InitializeRequest(client: "again")) == .invalidRequest)
  }

  @Test func refusesOtherVersions() throws {
    let server = try TestServer()
    let client = try server.connect()
    #expect(client.refusal(InitializeRequest(client: "test", build: "other")) == .versionMismatch)
    #expect(client.refusal(InitializeRequest(protocolVersion: 0, client: "test")) == .versionMismatch)
    #expect(client.refusal(PingRequest()) == .notInitialized)
  }

  @Test func closesConnectionsWithoutHandshake() throws {
    let server = try TestServer { $0.handshakeMilliseconds = 30 }
    let silent = try server.connect()
    let greeted = try server.greeted()
    #expect(silent.waitForEnd())
    #expect(try greeted.call(PingRequest()) == Empty())
  }

  // MARK: Bad input

  @Test func answersNonsenseAndGoesOn() throws {
    let server = try TestServer()
    let client = try server.greeted()
    let code = { (body: String) -> RPCError.Code? in
      try client.send(raw: framed(Array(body.utf8)))
      guard case .failure(_, let error) = try client.receive() else { return nil }
      return error.code
    }
    #expect(try code("{") == .parseError)
    #expect(try code("") == .parseError)
    #expect(try code("[]") == .invalidRequest)
    #expect(try code(#"{"jsonrpc":"2.0","id":1}"#) == .invalidRequest)
    #expect(try code(#"{"jsonrpc":"2.0","id":1,"method":"nothing"}"#) == .methodNotFound)
    #expect(try code(#"{"jsonrpc":"2.0","id":1,"method":"link"}"#) == .invalidParams)
    #expect(try code(#"{"jsonrpc":"2.0","id":1,"method":"link","params":[1]}"#) == .invalidParams)
    #expect(try code(#"{"jsonrpc":"2.0","id":1,"method":"ping","params":7}"#) == .invalidParams)
    // Notifications and answers that mean nothing get no answer.
    try client.send(.notification(method: "nothing", params: [:]))
    try client.send(.notification(method: "$/cancelRequest", params: ["id": 77]))
    try client.send(.notification(method: "$/cancelRequest", params: []))
    try client.send(.response(id: .integer(5), result: nil))
    #expect(try client.call(PingRequest()) == Empty())
  }

  @Test(arguments: [
    "GET / HTTP/1.1\r\n\r\n", "Content-Length: x\r\n\r\n", "Content-Length: 99999999\r\n\r\n",
  ])
  func hangsUpOnWhatIsNoStream(text: String) throws {
    let server = try TestServer { $0.maximumRequestBytes = 1 << 16 }
    let client = try server.greeted()
    try client.send(raw: Array(text.utf8))
    guard case .failure(nil, let error) = try client.receive() else {
      Issue.record("no reason given")
      return
    }
    #expect(error.code == .parseError)
    #expect(client.waitForEnd())
    #expect(try server.greeted().call(PingRequest()) == Empty())
  }

  @Test func readsRequestsByteByByte() throws {
    let server = try TestServer()
    let client = try server.connect()
    let bytes =
      InitializeRequest(client: "slow").message(id: .integer(1)).frame
      + PingRequest().message(id: .integer(2)).frame
    for byte in bytes { try client.send(raw: [byte]) }
    _ = try client.answer(.integer(1), as: InitializeRequest.Reply.self)
    #expect(try client.answer(.integer(2), as: Empty.self) == Empty())
  }

  @Test func readsManyRequestsInOneWrite() throws {
    let server = try TestServer()
    let client = try server.greeted()
    let bytes = (100..<200).flatMap { PingRequest().message(id: .integer($0)).frame }
    try client.send(raw: bytes)
    for id in 100..<200 { #expect(try client.answer(.integer(Int64(id)), as: Empty.self) == Empty()) }
  }

  @Test func refusesAnIDThatIsInUse() throws {
    let release = Event()
    let server = try TestServer(
      ScriptedEngine { _, _ in
        release.wait(); return .done()
      })
    let client = try server.greeted()
    try client.send(link("a").message(id: .string("x")))
    try client.send(link("b").message(id: .string("x")))
    guard case .failure(.string("x"), let error) = try client.receive() else {
      Issue.record("not refused")
      return
    }
    #expect(error.code == .invalidRequest)
    release.signal()
    guard case .done = try client.answer(.string("x"), as: LinkReply.self) else {
      Issue.record("the first one is not answered")
      return
    }
  }

  @Test func refusesTooManyOpenRequests() throws {
    let release = Event()
    let server = try TestServer(
      ScriptedEngine { _, _ in
        release.wait(); return .done()
      }
    ) {
      $0.maximumRequestsPerConnection = 3
    }
    let client = try server.greeted()
    let open = try (0..<3).map { _ in try client.send(link("a")) }
    #expect(client.refusal(link("a")) == .overloaded)
    for _ in open { release.signal() }
    for id in open { _ = try client.answer(id, as: LinkReply.self) }
    release.signal()
    _ = try client.call(link("a"))
  }

  @Test func limitsConnections() throws {
    let server = try TestServer { $0.maximumConnections = 2 }
    let first = try server.greeted()
    do {
      let second = try server.greeted()
      let third = try server.connect()
      #expect(third.waitForEnd())
      #expect(try second.call(PingRequest()) == Empty())
    }
    #expect(eventually { (try? server.greeted()) != nil })
    #expect(try first.call(PingRequest()) == Empty())
  }

  @Test func noiseHurtsNobodyElse() throws {
    let server = try TestServer()
    let good = try server.greeted()
    var state: UInt64 = 7
    func random(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    let hello = InitializeRequest(client: "noise").message(id: .integer(1)).frame
    for round in 0..<300 {
      var bytes = hello
      for id in Int64(2)..<6 {
        bytes += link("out").message(id: .integer(id)).frame
        bytes += StatusRequest().message(id: .integer(id * 100)).frame
      }
      for _ in 0..<(1 + random(6)) {
        let place = random(bytes.count)
        switch random(3) {
        case 0: bytes[place] = UInt8(random(256))
        case 1: bytes.remove(at: place)
        default: bytes.removeLast(bytes.count - place)
        }
        if bytes.isEmpty { break }
      }
      let client = try server.connect()
      try? client.send(raw: bytes)
      if round % 50 == 0 { #expect(try good.call(PingRequest()) == Empty()) }
    }
    #expect(eventually { (try? good.call(StatusRequest()).clients) == 1 })
    #expect(try good.call(link("a")) == .fallback(reason: "scripted"))
  }

  // MARK: Links

  @Test func linksAndKeepsEveryByte() throws {
    let noise = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let server = try TestServer(
      ScriptedEngine { request, _ in
        #expect(request.environment == ["GOOS": "linux"])
        #expect(request.umask == 0o27)
        return .done(
          exitCode: 2, stdout: noise, stderr: Array("è\n".utf8),
          report: LinkReport(
            how: "cold", objectsParsed: 3, objectsReused: 4, phases: [.init(name: "load", nanoseconds: 5)],
            outputBytes: 6, wallNanoseconds: 7))
      })
    let request = LinkRequest(
      arguments: ["-o", "x"], workingDirectory: "/w", environment: ["GOOS": "linux"], umask: 0o27)
    guard case .done(let code, let stdout, let stderr, let report) = try server.greeted().call(request) else {
      Issue.record("not linked")
      return
    }
    #expect(code == 2)
    #expect(stdout.bytes == noise)
    #expect(stderr.bytes == Array("è\n".utf8))
    #expect(report.phases == [.init(name: "load", nanoseconds: 5)])
    let status = try server.status()
    #expect(status.links.failed == 1)
    #expect(status.recentLinks.first?.output == "/w/x")
    #expect(status.recentLinks.first?.report == report)
    #expect(status.recentLinks.first?.exitCode == 2)
  }

  @Test func manyClientsAtOnce() throws {
    let server = try TestServer(
      ScriptedEngine { request, _ in .done(stdout: Array(request.arguments[0].utf8)) })
    let failures = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 16) { number in
      do {
        let client = try server.greeted()
        for round in 0..<20 {
          let text = "\(number).\(round)"
          guard case .done(0, let stdout, _, _) = try client.call(link("out\(number)", text)),
            stdout == ByteText(text)
          else { throw ClientError.closed }
        }
      } catch {
        failures.add(1, ordering: .relaxed)
      }
    }
    #expect(failures.load(ordering: .relaxed) == 0)
    let status = try server.status()
    #expect(status.links.linked == 320)
    #expect(status.links.byKind == ["scripted": 320])
    #expect(status.links.running == 0)
    #expect(status.recentLinks.count == 64)
  }

  @Test func runsOnlyAsManyAsAllowed() throws {
    let running = Atomic(0)
    let most = Atomic(0)
    let server = try TestServer(
      ScriptedEngine { _, _ in
        let now = running.add(1, ordering: .sequentiallyConsistent).newValue
        _ = most.max(now, ordering: .sequentiallyConsistent)
        Syscalls.sleep(milliseconds: 5)
        running.subtract(1, ordering: .sequentiallyConsistent)
        return .done()
      }
    ) { $0.maximumLinks = 2 }
    let client = try server.greeted()
    let ids = try (0..<20).map { try client.send(link("\($0)")) }
    for id in ids { _ = try client.answer(id, as: LinkReply.self) }
    #expect(most.load(ordering: .sequentiallyConsistent) == 2)
  }

  @Test func memoryLimitsWhatRunsAtOnce() throws {
    let most = Atomic(0)
    let sum = Atomic(0)
    let server = try TestServer(
      ScriptedEngine { request, _ in
        let needed = Int(request.arguments[0]) ?? 0
        _ = most.max(sum.add(needed, ordering: .relaxed).newValue, ordering: .relaxed)
        Syscalls.sleep(milliseconds: 5)
        sum.subtract(needed, ordering: .relaxed)
        return .done()
      }
    ) { $0.linkMemoryBytes = 100 }
    let client = try server.greeted()
    let ids = try ["60", "60", "30", "30", "500", "10"].map { try client.send(link("out\($0)", $0)) }
    for id in ids { _ = try client.answer(id, as: LinkReply.self) }
    #expect(most.load(ordering: .relaxed) == 500, "one that needs more than there is runs alone")
  }

  @Test func linksOfOneFileTakeTurns() throws {
    let order = Mutex<[String]>([])
    let firstRuns = Event()
    let otherDone = Event()
    let server = try TestServer(
      ScriptedEngine { request, _ in
        order.withLock { $0.append("+\(request.arguments[0])") }
        if request.arguments[0] == "first" {
          firstRuns.signal()
          otherDone.wait()
        }
        order.withLock { $0.append("-\(request.arguments[0])") }
        return .done()
      })
    let client = try server.greeted()
    let first = try client.send(link("/same", "first"))
    #expect(firstRuns.wait())
    let second = try server.greeted()
    let secondID = try second.send(LinkRequest(arguments: ["second", "-o=same"], workingDirectory: "/"))
    #expect(eventually { (try? server.status().links.waiting) == 1 })
    _ = try client.call(link("/different", "other"))
    otherDone.signal()
    _ = try client.answer(first, as: LinkReply.self)
    _ = try second.answer(secondID, as: LinkReply.self)
    #expect(order.withLock { $0 } == ["+first", "+other", "-other", "-first", "+second", "-second"])
  }

  @Test func linksWaitForInvalidation() throws {
    let runs = Event()
    let release = Event()
    let seen = Mutex<[Int]>([])
    let box = Mutex<ScriptedEngine?>(nil)
    let engine = ScriptedEngine { _, _ in
      runs.signal()
      release.wait()
      seen.withLock { $0.append(box.withLock { $0?.invalidationCount ?? -1 }) }
      return .done()
    }
    box.withLock { $0 = engine }
    defer { box.withLock { $0 = nil } }
    let server = try TestServer(engine)
    let client = try server.greeted()
    let before = try client.send(link("a"))
    #expect(runs.wait())
    let invalidate = try client.send(InvalidateRequest())
    let after = try client.send(link("b"))
    // Free requests pass all of them.
    _ = try client.call(PingRequest())
    #expect(engine.invalidationCount == 0)
    release.signal()
    _ = try client.answer(before, as: LinkReply.self)
    _ = try client.answer(invalidate, as: Empty.self)
    release.signal()
    _ = try client.answer(after, as: LinkReply.self)
    #expect(seen.withLock { $0 } == [0, 1])
  }

  @Test func fallbacksAreRecorded() throws {
    let server = try TestServer(ScriptedEngine { _, _ in .fallback(reason: "-buildmode=plugin") })
    let client = try server.greeted()
    #expect(try client.call(link("/a")) == .fallback(reason: "-buildmode=plugin"))
    try client.send(FellBackNotification(reason: "I was bored", output: "/b").message)
    let status = try client.call(StatusRequest())
    #expect(status.links.fellBack == 2)
    #expect(status.lastFallback?.reason == "I was bored")
    #expect(status.recentLinks.map(\.reason) == ["I was bored", "-buildmode=plugin"])
    #expect(status.recentLinks.map(\.output) == ["/b", "/a"])
  }

  @Test func statusTellsAll() throws {
    let server = try TestServer { $0.idleTimeoutMilliseconds = 100_000 }
    let status = try server.status()
    #expect(status.pid == Int(Syscalls.processID))
    #expect(status.socket == server.socket)
    #expect(status.build == TestServer.build)
    #expect(status.residentBytes > 1_000_000)
    #expect(status.privateBytes > 0 && status.privateBytes <= status.residentBytes)
    #expect(status.clients == 1)
    #expect(status.links.limit == 4)
    #expect(status.idleTimeoutSeconds == 100)
    let left = try #require(status.idleDeadline) - Int(Date().timeIntervalSince1970)
    #expect((90...101).contains(left))
    #expect(status.engine.objectsParsed == 11)
    #expect(status.cache == CacheStatus())
  }
}
