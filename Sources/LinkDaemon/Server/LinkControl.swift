import Protocol
import Synchronization

/// What a running link and the server tell each other. Safe from any thread.
package final class LinkControl: Sendable {
  private struct State {
    var phase: String
    /// Monotonic nanoseconds of the last sign of life.
    var lastSign: UInt64
    var committed = false
    var cancelled = false
  }

  private let state: Mutex<State>
  /// A copy of `State.cancelled` that costs a link nothing to poll.
  private let cancelledFlag = Atomic(false)
  private let onPhase: @Sendable (String) -> Void
  private let onAlive: @Sendable (String) -> Void

  /// - Parameters:
  ///   - onPhase: called on the link's thread at every new phase.
  ///   - onAlive: called by the server's watch, at its heartbeat.
  package init(
    onPhase: @escaping @Sendable (String) -> Void = { _ in },
    onAlive: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    state = Mutex(State(phase: "waiting", lastSign: Syscalls.monotonicNanoseconds()))
    self.onPhase = onPhase
    self.onAlive = onAlive
  }

  /// The result is not wanted any more: return soon, with any outcome, and leave nothing behind.
  package var isCancelled: Bool { cancelledFlag.load(ordering: .relaxed) }

  /// A sign of life. A link without one for the server's stall limit is given up.
  package func progress(_ phase: String) {
    let isNew = state.withLock { state in
      let isNew = state.phase != phase
      state.phase = phase
      state.lastSign = Syscalls.monotonicNanoseconds()
      return isNew
    }
    if isNew { onPhase(phase) }
  }

  /// Asks to put the output file in place (a rename, which takes no time). After false the link was given up, and
  /// somebody else may be writing that file. After true it is past being cancelled.
  package func mayCommit() -> Bool {
    state.withLock { state in
      if state.cancelled { return false }
      state.committed = true
      return true
    }
  }

  // MARK: The server's side

  /// Gives the link up, unless its output is already in place; false in that case.
  @discardableResult
  package func cancel() -> Bool {
    state.withLock { state in
      if state.committed { return false }
      state.cancelled = true
      cancelledFlag.store(true, ordering: .relaxed)
      return true
    }
  }

  func reportAlive(_ phase: String) { onAlive(phase) }

  /// The current phase, and for how long it has given no sign of life.
  func vitals(now: UInt64) -> (phase: String, silentNanoseconds: UInt64) {
    state.withLock { ($0.phase, now > $0.lastSign ? now - $0.lastSign : 0) }
  }
}
