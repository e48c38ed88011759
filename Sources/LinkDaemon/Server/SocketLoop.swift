import Foundation
import Protocol
import Synchronization

/// What a socket on the loop waits for next; asked before each wait.
package struct SocketInterest: Equatable, Sendable {
  package var reads = false
  package var writes = false

  package init(reads: Bool = false, writes: Bool = false) {
    self.reads = reads
    self.writes = writes
  }
}

/// A socket that the loop watches. Everything here is called on the loop's thread.
package protocol LoopSocket: AnyObject, Sendable {
  var descriptor: FileDescriptor { get }
  var interest: SocketInterest { get }
  /// Something it waited for is there, or its other end is gone: trying tells which.
  func isReady()
}

/// One thread that waits for all sockets and runs what is posted to it, in order. Whatever it runs must not block.
///
/// `poll` and not Dispatch's sources: on Linux libdispatch takes a hang-up note of a source on one thread while
/// another may just be taking the cancelled source off (event_epoll.c, `_dispatch_event_merge_hangup`), and traps when
/// both do it, "Source finalized twice". Every client's end is a hang-up, so a daemon met that sooner or later
/// (swift-corelibs-libdispatch issue 949 is of the same kind).
package final class SocketLoop: Sendable {
  package typealias Work = @Sendable () -> Void

  private struct Timer {
    let deadline: UInt64
    let work: Work
  }

  private struct State {
    var posted: [Work] = []
    /// By deadline.
    var timers: [Timer] = []
    var ended = false
  }

  private let state = Mutex(State())
  private let sockets = LoopSockets()
  private let wakeUp: WakePipe

  /// - Throws: when the system has no descriptors left.
  package init() throws(SystemError) {
    wakeUp = try WakePipe()
  }

  deinit { end() }

  package func start() {
    let thread = Thread { [sockets, wakeUp, weak self] in
      // Weak while it waits: a loop that nobody can post to any more ends.
      while let wait = self?.runDue() { sockets.serve(within: wait, wakeUp) }
      sockets.removeAll()
    }
    thread.name = "sockets"
    thread.start()
  }

  /// Runs something on the loop's thread; nothing once the loop has ended.
  package func post(_ work: @escaping Work) {
    let wakes = state.withLock { state in
      guard !state.ended else { return false }
      state.posted.append(work)
      return state.posted.count == 1
    }
    if wakes { wakeUp.ring() }
  }

  /// Runs something on the loop's thread once so much time has passed.
  package func run(afterMilliseconds delay: Int, _ work: @escaping Work) {
    let deadline = Syscalls.monotonicNanoseconds() &+ UInt64(max(0, delay)) &* 1_000_000
    let wakes = state.withLock { state in
      guard !state.ended else { return false }
      // Most come with the latest deadline so far: those of new clients.
      let before = state.timers.lastIndex { $0.deadline <= deadline }
      state.timers.insert(Timer(deadline: deadline, work: work), at: before.map { $0 + 1 } ?? 0)
      return before == nil
    }
    if wakes { wakeUp.ring() }
  }

  /// Ends the thread after what it is doing; what was posted and not run is dropped.
  package func end() {
    state.withLock { state in
      state.ended = true
      state.posted = []
      state.timers = []
    }
    wakeUp.ring()
  }

  /// Takes on a socket; on the loop's thread.
  package func watch(_ socket: any LoopSocket) { sockets.add(socket) }

  /// Lets go of a socket; on the loop's thread.
  package func forget(_ socket: any LoopSocket) { sockets.remove(socket) }

  /// Runs everything that is posted or due.
  /// - Returns: milliseconds until the next timer, negative without one; nil at the end.
  private func runDue() -> Int? {
    while true {
      let now = Syscalls.monotonicNanoseconds()
      let (works, wait, ended) = state.withLock { state -> ([Work], Int, Bool) in
        var works = state.posted
        state.posted = []
        let due = state.timers.prefix { $0.deadline <= now }
        if !due.isEmpty {
          works += due.map(\.work)
          state.timers.removeFirst(due.count)
        }
        let wait = state.timers.first.map { Int(($0.deadline - now) / 1_000_000) + 1 }
        return (works, wait ?? -1, state.ended)
      }
      if ended { return nil }
      if works.isEmpty { return wait }
      for work in works { work() }
    }
  }
}

/// The sockets a loop watches.
///
/// Unchecked, because it is not behind a lock but used on the loop's thread alone.
private final class LoopSockets: @unchecked Sendable {
  private var sockets: [any LoopSocket] = []
  private var waiting: [any LoopSocket] = []
  private var entries: [ServerSyscalls.PollEntry] = []

  func add(_ socket: any LoopSocket) { sockets.append(socket) }

  func remove(_ socket: any LoopSocket) { sockets.removeAll { $0 === socket } }

  func removeAll() {
    sockets = []
    waiting = []
  }

  /// Waits until a socket is ready, the pipe rings or the time is over (never, if negative), and tells those that are.
  func serve(within milliseconds: Int, _ wakeUp: WakePipe) {
    entries.removeAll(keepingCapacity: true)
    waiting.removeAll(keepingCapacity: true)
    entries.append(ServerSyscalls.PollEntry(wakeUp.reading.raw, SocketInterest(reads: true)))
    for socket in sockets {
      let interest = socket.interest
      // Not asked for at all, for a hang-up would be reported again and again.
      if interest == SocketInterest() { continue }
      entries.append(ServerSyscalls.PollEntry(socket.descriptor.raw, interest))
      waiting.append(socket)
    }
    guard ServerSyscalls.poll(&entries, milliseconds: milliseconds) else { return }
    if entries[0].isReady { wakeUp.silence() }
    // Telling one may let go of others; `waiting` keeps them, and their descriptors' numbers, until the end.
    for (socket, entry) in zip(waiting, entries.dropFirst()) where entry.isReady { socket.isReady() }
    waiting.removeAll(keepingCapacity: true)
  }
}

/// Wakes a thread out of `poll`.
private struct WakePipe: Sendable {
  let reading: FileDescriptor
  private let writing: FileDescriptor

  init() throws(SystemError) { (reading, writing) = try ServerSyscalls.pipe() }

  /// A full pipe wakes, too.
  func ring() { ServerSyscalls.writeByte(writing.raw) }

  func silence() {
    var bytes = [UInt8](repeating: 0, count: 64)
    while case .bytes(let count)? = try? Syscalls.read(reading.raw, into: &bytes), count == bytes.count {}
  }
}
