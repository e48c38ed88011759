internal import Dispatch

/// Loops over index ranges on all cores.
package enum Chunks {
  /// Calls `body` on ranges that cover 0..<count, concurrently; returns when all are done.
  ///
  /// - Parameter grain: indices that are worth a turn on another core; fewer are done on the caller's.
  package static func run(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    guard count > grain else {
      if count > 0 { body(0..<count) }
      return
    }
    let chunks = min((count + grain - 1) / grain, 64)
    withoutActuallyEscaping(body) { body in
      // Dispatch asks for a Sendable closure; what bodies share is pointers to disjoint ranges.
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: chunks) { k in
        let from = count * k / chunks
        let to = count * (k + 1) / chunks
        if from < to { body(from..<to) }
      }
    }
  }

  /// Calls `other` on a thread of its own while `body` runs on the caller's; returns when both are done.
  ///
  /// Loops in `body` are spread over the cores. (Dispatch runs a loop inside of another one's turn on one core.)
  package static func beside(_ other: () -> Void, _ body: () -> Void) {
    withoutActuallyEscaping(other) { other in
      nonisolated(unsafe) let other = other
      let group = DispatchGroup()
      DispatchQueue.global().async(group: group) { other() }
      body()
      group.wait()
    }
  }
}
