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
    each(chunks) { k in
      let from = count * k / chunks
      let to = count * (k + 1) / chunks
      if from < to { body(from..<to) }
    }
  }

  /// Calls `body` with 0 up to `count`, concurrently; returns when all calls have.
  package static func each(_ count: Int, _ body: (Int) -> Void) { Crew.shared.run(count, body) }

  /// Calls `quiet` with 0 up to `count` while `body` runs, on threads that have nothing else to do; in the end on this one.
  package static func meanwhile(_ count: Int, _ quiet: (Int) -> Void, _ body: () -> Void) {
    Crew.shared.meanwhile(count, quiet, body)
  }

  /// Says that a link begins or ends: meanwhile helpers look out for loops.
  package static func noteLink(begins: Bool) { Crew.shared.noteLink(begins: begins) }

  /// Calls `other` on another thread, if one is free, while `body` runs on the caller's; returns when both are done. Loops
  /// in either are spread over the cores.
  package static func beside(_ other: () -> Void, _ body: () -> Void) {
    Crew.shared.beside(other, body)
  }
}
