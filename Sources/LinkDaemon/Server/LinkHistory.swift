import Logging
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
  private let logger: Logger

  /// - Parameter limit: how many links are remembered.
  init(limit: Int, logger: Logger) {
    self.limit = limit
    self.logger = logger
  }

  func add(_ record: LinkRecord) {
    log(record)
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

  /// A fallback is news, a link is not.
  private func log(_ record: LinkRecord) {
    let level: Logger.Level = record.outcome == .fellBack ? .notice : .info
    let text = record.reason ?? record.report?.how ?? ""
    logger.log(
      level: level, "\(record.outcome.rawValue): \(text)",
      metadata: ["output": "\(record.output)", "ms": "\(record.totalMilliseconds)"])
  }

  /// - Returns: totals (without what runs now), the remembered links with the newest first, the last fallback.
  var summary: (counts: LinkCounts, recent: [LinkRecord], lastFallback: LinkRecord?) {
    state.withLock { ($0.counts, $0.recent.reversed(), $0.lastFallback) }
  }
}
