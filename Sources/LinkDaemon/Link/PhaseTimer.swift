import Dispatch
import LoaderCore

/// Wall time by pass, under the real linker's phase names where they match (ld/main.go); and the place where a
/// link that nobody wants any more stops.
package struct PhaseTimer {
  package private(set) var phases: [(name: String, nanoseconds: UInt64)] = []
  private var last = DispatchTime.now().uptimeNanoseconds
  /// Told the pass that just ended; false gives the link up.
  private let goesOn: (String) -> Bool

  package init(goesOn: @escaping (String) -> Bool = { _ in true }) { self.goesOn = goesOn }

  /// Ends the pass that ran since the last call.
  ///
  /// - Throws: when the link was given up.
  package mutating func end(_ name: String) throws(LinkFailure) {
    let now = DispatchTime.now().uptimeNanoseconds
    phases.append((name, now - last))
    last = now
    if !goesOn(name) { throw .unsupported(reason: "cancelled") }
  }
}
