import LinkDaemon
import Protocol
import Testing

@Suite struct RequestQueueTests {
  @Test func freeRequestsNeverWait() {
    let queue = Queue()
    #expect(queue.enqueue(1, .barrier))
    #expect(queue.enqueue(2, .free))
    #expect(queue.count == 1)
    #expect(queue.finish(2).isEmpty)
  }

  @Test func sameKeysTakeTurns() {
    let queue = Queue()
    #expect(queue.enqueue(1, .exclusive("a")))
    #expect(queue.enqueue(2, .exclusive("b")))
    #expect(!queue.enqueue(3, .exclusive("a")))
    #expect(!queue.enqueue(4, .exclusive("a")))
    #expect(queue.finish(2) == [])
    #expect(queue.finish(1) == [3])
    #expect(queue.finish(3) == [4])
    #expect(queue.finish(4) == [])
    #expect(queue.count == 0)
  }

  @Test func barriersWaitForAllAndHoldAll() {
    let queue = Queue()
    #expect(queue.enqueue(1, .exclusive("a")))
    #expect(queue.enqueue(2, .exclusive("b")))
    #expect(!queue.enqueue(3, .barrier))
    #expect(!queue.enqueue(4, .exclusive("c")))
    #expect(!queue.enqueue(5, .barrier))
    #expect(queue.finish(1) == [])
    #expect(queue.finish(2) == [3])
    #expect(queue.finish(3) == [4])
    #expect(queue.finish(4) == [5])
  }

  @Test func aWaitingRequestCanGo() {
    let queue = Queue()
    #expect(queue.enqueue(1, .exclusive("a")))
    #expect(!queue.enqueue(2, .barrier))
    #expect(!queue.enqueue(3, .exclusive("b")))
    #expect(!queue.enqueue(4, .exclusive("a")))
    #expect(queue.finish(2) == [3], "without the barrier only the key counts")
    #expect(queue.finish(99) == [])
    #expect(queue.finish(1) == [4])
  }
}

/// The queue behind a reference: `#expect` cannot call what mutates.
private final class Queue {
  private var queue = RequestQueue()

  func enqueue(_ ticket: RequestQueue.Ticket, _ ordering: Ordering) -> Bool {
    queue.enqueue(ticket, ordering)
  }
  func finish(_ ticket: RequestQueue.Ticket) -> [RequestQueue.Ticket] { queue.finish(ticket) }
  var count: Int { queue.count }
}
