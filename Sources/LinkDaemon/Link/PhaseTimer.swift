import Dispatch

/// Wall time by pass, under the real linker's phase names where they match (ld/main.go).
package struct PhaseTimer: Sendable {
  package private(set) var phases: [(name: String, nanoseconds: UInt64)] = []
  private var last = DispatchTime.now().uptimeNanoseconds

  package init() {}

  /// Ends the pass that ran since the last call.
  package mutating func end(_ name: String) {
    let now = DispatchTime.now().uptimeNanoseconds
    phases.append((name, now - last))
    last = now
  }
}
