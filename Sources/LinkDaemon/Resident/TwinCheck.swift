import LoaderCore
import Synchronization

/// Reads, beside a link, the files for which it takes known archives: whether they are what their build ids say.
///
/// It would take as long as the passes of a small edit to read them first, and what the go command writes is as it says.
/// So a thread that waits for everybody else reads meanwhile, and who must know at the end reads the rest on all cores.
final class TwinCheck: Sendable {
  let twins: [ArchiveStore.Twin]
  private let isTwin: @Sendable (ArchiveStore.Twin) -> Bool

  private struct State {
    /// The first that nobody has begun to read.
    var next = 0
    /// By position in `twins`; nil for those not read yet.
    var outcomes: [Bool?]
  }
  private let state: Mutex<State>

  init(_ twins: [ArchiveStore.Twin], isTwin: @escaping @Sendable (ArchiveStore.Twin) -> Bool) {
    self.twins = twins
    self.isTwin = isTwin
    state = Mutex(State(outcomes: Array(repeating: nil, count: twins.count)))
    guard !twins.isEmpty else { return }
    QuietWork.start { [weak self] in
      while let check = self, let k = check.begin() { check.read(k) }
    }
  }

  /// Nobody wants to know any more.
  func end() { state.withLock { $0.next = twins.count } }

  private func begin() -> Int? {
    state.withLock { s in
      guard s.next < s.outcomes.count else { return nil }
      s.next += 1
      return s.next - 1
    }
  }

  private func read(_ k: Int) {
    if state.withLock({ $0.outcomes[k] }) != nil { return }
    let outcome = isTwin(twins[k])
    state.withLock { $0.outcomes[k] = outcome }
  }

  /// Whether all are twins. What the thread has begun and not ended is read again: it may wait for long.
  func areTwins() -> Bool {
    let left = state.withLock { s in
      s.next = s.outcomes.count
      return s.outcomes.indices.filter { s.outcomes[$0] == nil }
    }
    Chunks.each(left.count) { read(left[$0]) }
    return state.withLock { $0.outcomes.allSatisfy { $0 == true } }
  }
}
