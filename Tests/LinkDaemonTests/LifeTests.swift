import Foundation
import LinkDaemon
import Protocol
import Synchronization
import Testing

/// Clients that are slow, silent or gone, links that are given up, and the daemon's own end.
@Suite struct LifeTests {
  // MARK: Clients that misbehave

  @Test func aClientThatDoesNotReadHoldsNobodyUp() throws {
    let megabyte = [UInt8](repeating: 65, count: 1 << 20)
    let server = try TestServer(ScriptedEngine { _, _ in .done(stdout: megabyte) }) {
      $0.maximumUnsentBytes = 3 << 20
    }
    let stuck = try server.greeted()
    for number in 0..<40 { _ = try stuck.send(link("\(number)")) }
    let other = try server.greeted()
    for _ in 0..<10 {
      #expect(try other.call(PingRequest()) == Empty())
      guard case .done(_, let stdout, _, _) = try other.call(link("x")) else {
        Issue.record("not linked")
        return
      }
      #expect(stdout.bytes.count == megabyte.count)
    }
    // Its answers pile up only so far; then it is dropped, in the middle of one if need be.
    #expect(stuck.waitForEnd())
    #expect(try eventually { try other.call(StatusRequest()).clients == 1 })
  }

  @Test func aLongAnswerReachesASlowReader() throws {
    let large = [UInt8](repeating: 66, count: 30 << 20)
    let server = try TestServer(ScriptedEngine { _, _ in .done(stdout: large) }) {
      $0.maximumUnsentBytes = 1 << 20
    }
    let client = try server.greeted()
    let id = try client.send(link("x"))
    Syscalls.sleep(milliseconds: 200)
    guard case .done(_, let stdout, _, _) = try client.answer(id, as: LinkReply.self) else {
      Issue.record("not linked")
      return
    }
    #expect(stdout.bytes == large)
  }

  @Test func aVanishedClientCancelsItsLinks() throws {
    let runs = Event()
    let noticed = Event()
    let started = Atomic(0)
    let server = try TestServer(
      ScriptedEngine { _, control in
        started.add(1, ordering: .relaxed)
        runs.signal()
        while !control.isCancelled { Syscalls.sleep(milliseconds: 1) }
        #expect(!control.mayCommit())
        noticed.signal()
        return .fallback(reason: "cancelled")
      }
    ) { $0.maximumLinks = 1 }
    do {
      let client = try server.greeted()
      _ = try client.send(link("running"))
      _ = try client.send(link("waits for a place"))
      _ = try client.send(link("running"))  // Waits for its turn, and was no link yet.
      #expect(runs.wait())
    }
    #expect(noticed.wait())
    let client = try server.greeted()
    #expect(try eventually { try client.call(StatusRequest()).links.cancelled == 2 })
    let status = try client.call(StatusRequest())
    #expect(status.links.running == 0)
    #expect(status.links.waiting == 0)
    #expect(started.load(ordering: .relaxed) == 1, "what waited never ran")
  }

  @Test func whoClosesItsSendingHalfStillGetsAnswers() throws {
    let release = Event()
    let server = try TestServer(
      ScriptedEngine { _, _ in
        release.wait(); return .done()
      })
    var connection = try ClientConnection(socket: server.socket)
    let hello = try connection.send(InitializeRequest(client: "test"), timeoutMilliseconds: 1000)
    let id = try connection.send(link("a"), timeoutMilliseconds: 1000)
    _ = try connection.answer(to: hello, as: InitializeRequest.Reply.self, timeoutMilliseconds: 20_000)
    Syscalls.shutdownWriting(connection.raw)
    Syscalls.sleep(milliseconds: 50)
    release.signal()
    guard case .done = try connection.answer(to: id, as: LinkReply.self, timeoutMilliseconds: 20_000) else {
      Issue.record("not linked")
      return
    }
    let ended = connection.waitForEnd(timeoutMilliseconds: 20_000)
    #expect(ended)
  }

  // MARK: Cancelling

  @Test func cancelsWhatRuns() throws {
    let runs = Event()
    let server = try TestServer(
      ScriptedEngine { _, control in
        runs.signal()
        while !control.isCancelled { Syscalls.sleep(milliseconds: 1) }
        return .fallback(reason: "gave up")
      })
    let client = try server.greeted()
    let id = try client.send(link("a"))
    #expect(runs.wait())
    try client.send(CancelNotification(id: id).message)
    let error = try #require(throws: ClientError.self) { try client.answer(id, as: LinkReply.self) }
    guard case .refused(let refusal) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(refusal.code == .cancelled)
    #expect(try client.call(StatusRequest()).links.cancelled == 1)
  }

  @Test func aCommittedLinkIsPastCancelling() throws {
    let committed = Event()
    let goOn = Event()
    let server = try TestServer(
      ScriptedEngine { _, control in
        #expect(control.mayCommit())
        committed.signal()
        goOn.wait()
        #expect(!control.isCancelled)
        return .done()
      })
    let client = try server.greeted()
    let id = try client.send(link("a"))
    #expect(committed.wait())
    try client.send(CancelNotification(id: id).message)
    _ = try client.call(PingRequest())
    goOn.signal()
    guard case .done = try client.answer(id, as: LinkReply.self) else {
      Issue.record("not linked")
      return
    }
  }

  @Test func cancelsWhatWaits() throws {
    let release = Event()
    let runs = Event()
    let server = try TestServer(
      ScriptedEngine { _, _ in
        runs.signal()
        release.wait()
        return .done()
      }
    ) { $0.maximumLinks = 1 }
    let client = try server.greeted()
    let running = try client.send(link("a"))
    #expect(runs.wait())
    let sameFile = try client.send(link("a"))
    let noPlace = try client.send(link("b"))
    for id in [sameFile, noPlace] {
      try client.send(CancelNotification(id: id).message)
      #expect(throws: ClientError.refused(RPCError(.cancelled, "cancelled"))) {
        try client.answer(id, as: LinkReply.self)
      }
    }
    release.signal()
    _ = try client.answer(running, as: LinkReply.self)
    #expect(try client.call(StatusRequest()).links.linked == 1)
  }

  // MARK: Signs of life

  @Test func sendsHeartbeatsWhileALinkWaitsAndRuns() throws {
    let release = Event()
    let server = try TestServer(
      ScriptedEngine { _, control in
        control.progress("deadcode")
        release.wait()
        return .done()
      }
    ) {
      $0.heartbeatMilliseconds = 10
      $0.maximumLinks = 1
    }
    let client = try server.greeted()
    let running = try client.send(link("a"))
    let waiting = try client.send(link("b"))
    var phases: [RequestID: Set<String>] = [:]
    while phases.count < 2 || phases[running]?.contains("deadcode") != true {
      guard case .notification(ProgressNotification.method, let params) = try client.receive() else {
        continue
      }
      let note = try ProgressNotification(json: params)
      #expect(note.elapsedMilliseconds >= 0)
      phases[note.id, default: []].insert(note.phase)
    }
    #expect(phases[waiting] == ["waiting"])
    release.signal()
    _ = try client.answer(running, as: LinkReply.self)
    release.signal()
    _ = try client.answer(waiting, as: LinkReply.self)
  }

  @Test func reportsPhasesWhenAsked() throws {
    let server = try TestServer(
      ScriptedEngine { _, control in
        for phase in ["load", "load", "write"] {
          control.progress(phase)
          Syscalls.sleep(milliseconds: 20)
        }
        return .done()
      }
    ) { $0.heartbeatMilliseconds = 100_000 }
    let client = try server.greeted()
    var request = link("a")
    request.reportPhases = true
    _ = try client.send(request)
    var phases: [String] = []
    while case .notification(_, let params) = try client.receive() {
      phases.append(try ProgressNotification(json: params).phase)
    }
    #expect(phases == ["starting", "load", "write"])
  }

  @Test func aStuckLinkIsGivenUp() throws {
    let release = Event()
    let server = try TestServer(
      ScriptedEngine { request, control in
        if request.arguments[0] == "good" { return .done() }
        control.progress("thinking")
        release.wait()
        #expect(!control.mayCommit())
        return .done()
      }
    ) {
      $0.heartbeatMilliseconds = 10
      $0.stallMilliseconds = 60
      $0.maximumLinks = 1
    }
    let client = try server.greeted()
    let stuck = try client.send(link("a", "stuck"))
    let next = try client.send(link("a", "good"))
    #expect(
      try client.answer(stuck, as: LinkReply.self) == .fallback(reason: "no progress in thinking for 60 ms"))
    guard case .done = try client.answer(next, as: LinkReply.self) else {
      Issue.record("the place was not given back")
      return
    }
    release.signal()
    let status = try client.call(StatusRequest())
    #expect(status.links.fellBack == 1)
    #expect(status.links.linked == 1)
  }

  // MARK: The end

  @Test func finishesWhatRunsAndRefusesTheRest() throws {
    let runs = Event()
    let release = Event()
    let server = try TestServer(
      ScriptedEngine { _, _ in
        runs.signal()
        release.wait()
        return .done()
      }
    ) { $0.maximumLinks = 1 }
    let client = try server.greeted()
    let running = try client.send(link("a"))
    #expect(runs.wait())
    let sameFile = try client.send(link("a"))
    let noPlace = try client.send(link("b"))
    let other = try server.greeted()
    _ = try other.call(ShutdownRequest())
    let refused = ClientError.refused(RPCError(.shuttingDown, "the daemon is stopping"))
    #expect(throws: refused) { try client.answer(sameFile, as: LinkReply.self) }
    #expect(throws: refused) { try client.answer(noPlace, as: LinkReply.self) }
    #expect(throws: refused) { try client.call(link("c")) }
    // It still speaks to whoever comes.
    let late = try server.greeted()
    #expect(try late.call(StatusRequest()).stopping)
    #expect(throws: refused) { try late.call(link("d")) }
    release.signal()
    guard case .done = try client.answer(running, as: LinkReply.self) else {
      Issue.record("the running link was lost")
      return
    }
    #expect(client.waitForEnd())
    #expect(other.waitForEnd())
    server.server.waitUntilStopped()
    #expect(!FileManager.default.fileExists(atPath: server.socket))
    #expect(throws: ClientError.self) { try server.connect() }
  }

  @Test func stopsWhenIdle() throws {
    let server = try TestServer(
      ScriptedEngine { _, _ in
        Syscalls.sleep(milliseconds: 300); return .done()
      }
    ) {
      $0.idleTimeoutMilliseconds = 200
    }
    let client = try server.greeted()
    // Longer than the idle time, but not idle.
    guard case .done = try client.call(link("a")) else {
      Issue.record("not linked")
      return
    }
    let ended = Date()
    #expect(client.waitForEnd())
    #expect(Date().timeIntervalSince(ended) > 0.1)
    server.server.waitUntilStopped()
    #expect(!FileManager.default.fileExists(atPath: server.socket))
  }

  @Test func questionsAreNoWork() throws {
    let server = try TestServer { $0.idleTimeoutMilliseconds = 150 }
    let client = try server.greeted()
    let deadline = Date(timeIntervalSinceNow: 20)
    while Date() < deadline, (try? client.call(StatusRequest())) != nil { Syscalls.sleep(milliseconds: 5) }
    #expect(Date() < deadline)
    server.server.waitUntilStopped()
  }
}
