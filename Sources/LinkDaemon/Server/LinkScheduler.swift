import Foundation
import Logging
import Protocol
import Synchronization

/// Runs links on threads of their own, a limited number at a time, and watches that they stay alive.
///
/// Threads and not Dispatch's: a link computes for up to seconds, runs deep recursions, and would take a thread of
/// the pool that the sockets need.
final class LinkScheduler: Sendable {
  struct Limits: Sendable {
    var concurrentLinks: Int
    /// What running links may need together by their engine's estimate, in bytes; 0 for no limit. One link alone
    /// always runs.
    var memoryBytes = 0
    /// How often signs of life are sent.
    var heartbeatMilliseconds: Int
    /// A link without a sign of life for so long is answered with a fallback and forgotten.
    var stallMilliseconds: Int
    var stackBytes = 64 << 20
  }

  private struct State {
    var waiting: [LinkJob] = []
    var running: [LinkJob] = []
    /// Whether `watch` runs once more.
    var isWatched = false
    var onDrained: (@Sendable () -> Void)?
  }

  let limits: Limits
  private let engine: any LinkEngine
  private let logger: Logger
  private let state = Mutex(State())
  private let loop: SocketLoop

  init(limits: Limits, engine: any LinkEngine, loop: SocketLoop, logger: Logger) {
    self.limits = limits
    self.engine = engine
    self.loop = loop
    self.logger = logger
  }

  /// How many links run and wait: whoever has its answer does neither.
  var counts: (running: Int, waiting: Int) {
    let (running, waiting) = state.withLock { ($0.running, $0.waiting.count) }
    return (running.count { !$0.isAnswered }, waiting)
  }

  func estimatedBytes(_ request: LinkRequest) -> Int {
    limits.memoryBytes == 0 ? 0 : engine.estimatedBytes(request)
  }

  func submit(_ job: LinkJob) {
    let startable = state.withLock { state in
      state.waiting.append(job)
      return admit(&state)
    }
    startable.forEach(run)
    keepWatch()
  }

  /// Gives a link up. One that waits is answered at once; one that runs is asked to end, and answered when it does.
  func cancel(_ job: LinkJob) {
    job.control.cancel()
    let waited = state.withLock { state in
      guard let index = state.waiting.firstIndex(where: { $0 === job }) else { return false }
      state.waiting.remove(at: index)
      return true
    }
    if waited { job.finish(.refused(RPCError(.cancelled, "cancelled"))) }
  }

  /// Refuses what waits, and calls back when nothing runs any more.
  func drain(_ onDrained: @escaping @Sendable () -> Void) {
    let (refused, idle) = state.withLock { state in
      let refused = state.waiting
      state.waiting = []
      if !state.running.isEmpty { state.onDrained = onDrained }
      return (refused, state.running.isEmpty)
    }
    for job in refused { job.finish(.refused(RPCError(.shuttingDown, "the daemon is stopping"))) }
    if idle { onDrained() }
  }

  // MARK: Running

  /// Moves jobs from waiting to running as far as the limits allow; first come, first served.
  private func admit(_ state: inout State) -> [LinkJob] {
    var startable: [LinkJob] = []
    while let next = state.waiting.first, state.running.count < limits.concurrentLinks {
      let needed = state.running.reduce(next.estimatedBytes) { $0 + $1.estimatedBytes }
      if !state.running.isEmpty, limits.memoryBytes > 0, needed > limits.memoryBytes { break }
      state.running.append(state.waiting.removeFirst())
      startable.append(next)
    }
    return startable
  }

  private func run(_ job: LinkJob) {
    job.markStarted()
    job.control.progress("starting")
    let thread = Thread { [self] in
      let outcome = engine.link(job.request, control: job.control)
      if case .fallback = outcome, job.control.isCancelled {
        job.finish(.refused(RPCError(.cancelled, "cancelled")))
      } else {
        job.finish(.outcome(outcome))
      }
      release(job)
    }
    thread.stackSize = limits.stackBytes
    thread.name = "link"
    thread.start()
  }

  /// Takes a job off the running ones, once, and starts what that lets in.
  private func release(_ job: LinkJob) {
    let (startable, drained) = state.withLock { state in
      guard let index = state.running.firstIndex(where: { $0 === job }) else {
        return ([LinkJob](), nil as (@Sendable () -> Void)?)
      }
      state.running.remove(at: index)
      let startable = admit(&state)
      guard state.running.isEmpty else { return (startable, nil) }
      defer { state.onDrained = nil }
      return (startable, state.onDrained)
    }
    startable.forEach(run)
    drained?()
  }

  // MARK: Watching

  /// Sees to it that the links that run or wait are looked at in a moment. The round that finds none is the last.
  private func keepWatch() {
    let begins = state.withLock { state in
      guard !state.isWatched, !state.running.isEmpty || !state.waiting.isEmpty else { return false }
      state.isWatched = true
      return true
    }
    guard begins else { return }
    loop.run(afterMilliseconds: limits.heartbeatMilliseconds) { [weak self] in
      guard let self else { return }
      self.state.withLock { $0.isWatched = false }
      self.watch()
      self.keepWatch()
    }
  }

  /// Sends signs of life for every link, and gives up those that give none themselves. A thread cannot be ended from
  /// outside: it keeps its memory, but neither its place among the running nor its client waits for it.
  private func watch() {
    let now = Syscalls.monotonicNanoseconds()
    let (waiting, running) = state.withLock { ($0.waiting, $0.running) }
    for job in waiting { job.control.reportAlive("waiting") }
    for job in running {
      let (phase, silent) = job.control.vitals(now: now)
      guard silent > UInt64(limits.stallMilliseconds) * 1_000_000 else {
        job.control.reportAlive(phase)
        continue
      }
      logger.error("link gives no sign of life", metadata: ["phase": "\(phase)"])
      job.control.cancel()
      job.finish(.outcome(.fallback(reason: "no progress in \(phase) for \(limits.stallMilliseconds) ms")))
      release(job)
    }
  }
}
