import Protocol
import Synchronization

/// The last links and the totals since the start, for `status`.
final class LinkHistory: Sendable {
  private struct State {
    var counts = LinkCounts()
    /// Oldest first.
    var recent: [LinkRecord] = []
    var lastFallback: LinkRecord?
  }

  private let state = Mutex(State())
  private let limit: Int

  /// - Parameter limit: how many links are remembered.
  init(limit: Int) { self.limit = limit }

  func add(_ record: LinkRecord) {
    state.withLock { state in
      switch record.outcome {
      case .linked:
        state.counts.linked += 1
        if let how = record.report?.how { state.counts.byKind[how, default: 0] += 1 }
      case .failed: state.counts.failed += 1
      case .fellBack:
        state.counts.fellBack += 1
        state.lastFallback = record
      case .cancelled: state.counts.cancelled += 1
      }
      state.recent.append(record)
      if state.recent.count > limit { state.recent.removeFirst(state.recent.count - limit) }
    }
  }

  /// - Returns: totals (without what runs now), the remembered links with the newest first, the last fallback.
  var summary: (counts: LinkCounts, recent: [LinkRecord], lastFallback: LinkRecord?) {
    state.withLock { ($0.counts, $0.recent.reversed(), $0.lastFallback) }
  }
}
