import Foundation
import LinkDaemon
import Protocol
import Synchronization
import Testing

@Suite struct SocketLoopTests {
  private func started() throws -> SocketLoop {
    let loop = try SocketLoop()
    loop.start()
    return loop
  }

  @Test func runsInOrderWhatIsPosted() throws {
    let loop = try started()
    let seen = Mutex<[Int]>([])
    let done = Event()
    for number in 0..<1000 { loop.post { seen.withLock { $0.append(number) } } }
    loop.post { done.signal() }
    #expect(done.wait())
    #expect(seen.withLock { $0 } == Array(0..<1000))
    loop.end()
  }

  @Test func runsWhatIsPostedByWhatItRuns() throws {
    let loop = try started()
    let done = Event()
    loop.post { loop.post { loop.post { done.signal() } } }
    #expect(done.wait())
    loop.end()
  }

  @Test func timersComeByTheirTimes() throws {
    let loop = try started()
    let seen = Mutex<[Int]>([])
    let done = Event()
    let begin = Syscalls.monotonicNanoseconds()
    for delay in [90, 30, 60, 0] {
      loop.run(afterMilliseconds: delay) {
        seen.withLock { $0.append(delay) }
        if delay == 90 { done.signal() }
      }
    }
    #expect(done.wait())
    #expect(seen.withLock { $0 } == [0, 30, 60, 90])
    #expect(Syscalls.monotonicNanoseconds() - begin >= 90_000_000)
    loop.end()
  }

  @Test func anEndedLoopRunsNothing() throws {
    let loop = try started()
    let entered = Event()
    let release = Event()
    let later = Atomic(0)
    loop.post {
      entered.signal()
      release.wait()
    }
    #expect(entered.wait())
    loop.post { later.add(1, ordering: .relaxed) }
    loop.run(afterMilliseconds: 0) { later.add(1, ordering: .relaxed) }
    loop.end()
    loop.post { later.add(1, ordering: .relaxed) }
    release.signal()
    Syscalls.sleep(milliseconds: 50)
    #expect(later.load(ordering: .relaxed) == 0)
  }

  /// Every end of a client is a hang-up, at any moment of a conversation: the server must see all of them, and live.
  @Test func clientsMayHangUpAtAnyMoment() throws {
    let server = try TestServer(ScriptedEngine { _, _ in .done() })
    let threads = 6
    let rounds = 150
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      for round in 0..<rounds { try? hangUp(at: (thread + round) % 5, of: server) }
    }
    #expect(try eventually { try server.status().clients == 1 })
    #expect(try server.status().links.running == 0)
  }

  private func hangUp(at moment: Int, of server: TestServer) throws {
    let client = try server.connect()
    if moment == 0 { return }
    let hello = InitializeRequest(client: "test", build: TestServer.build)
    if moment == 1 {
      _ = try client.send(hello)
      return
    }
    _ = try client.call(hello)
    if moment == 2 { return }
    let request = try client.send(link("a"))
    if moment == 3 { return }
    _ = try client.answer(request, as: LinkReply.self)
  }
}
