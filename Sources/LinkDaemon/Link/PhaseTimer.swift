import Dispatch
import LoaderCore

/// What `-benchmark` prints: a line for each pass, in the form that Go's benchmark tools read
/// (cmd/link/internal/benchmark/bench.go). The passes are linkd's own, under the real linker's names where they match;
/// what Go's allocator did in them has no counterpart.
package struct PhaseReport {
  package enum Kind: String, Sendable {
    case cpu
    /// Each pass ends with a collection in the real linker, which its names tell.
    case mem
  }

  package static func text(_ phases: [(name: String, nanoseconds: UInt64)], _ kind: Kind) -> String {
    let total = phases.reduce(0) { $0 + $1.nanoseconds }
    return (phases + [("total time", total)]).map { phase in
      let name = kind == .mem ? phase.name + "_GC" : phase.name
      return "\(benchmarkName(name)) 1 \(phase.nanoseconds) ns/op\n"
    }.joined()
  }

  /// Words become one, each with a capital.
  private static func benchmarkName(_ name: String) -> String {
    "Benchmark" + name.split(separator: " ").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }
}

/// Wall time by pass, under the real linker's phase names where they match (ld/main.go); and the place where a
/// link that nobody wants any more stops.
package struct PhaseTimer {
  package private(set) var phases: [(name: String, nanoseconds: UInt64)] = []
  private var last = Self.now
  /// Told the pass that just ended; false gives the link up.
  private let goesOn: (String) -> Bool

  package init(goesOn: @escaping (String) -> Bool = { _ in true }) { self.goesOn = goesOn }

  /// Nanoseconds of a clock that does not go back.
  static var now: UInt64 { DispatchTime.now().uptimeNanoseconds }

  /// Ends the pass that ran since the last call.
  ///
  /// - Parameter time: when it ended, if that was before now: of passes that ran beside each other the one that took longer
  ///   is given what it took beyond the other.
  /// - Throws: when the link was given up.
  package mutating func end(_ name: String, at time: UInt64? = nil) throws(LinkFailure) {
    let end = max(last, time ?? Self.now)
    phases.append((name, end - last))
    last = end
    if !goesOn(name) { throw .unsupported(reason: "cancelled") }
  }
}
