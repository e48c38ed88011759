/// Why a link stops, as a value.
package enum LinkFailure: Error, Sendable {
  /// The real linker would stop too: what it prints on stderr (whole lines) after `printed`, and its exit code.
  /// `log.Fatalf` prints "link: …" and exits 1; `Exitf` prints "ARGV0: …" and exits 2
  /// (cmd/link/internal/ld/util.go, go.go).
  case failed(stderr: String, exitCode: Int32, printed: Printed = Printed())
  /// `Exitf`: "ARGV0: message" on stderr, exit 2, after what was printed so far.
  case exit(message: String, printed: Printed = Printed())
  /// linkd does not do this (yet), or found an input it cannot make sense of: the real linker decides.
  case unsupported(reason: String)
  /// An input is broken; there is no wording of the real linker to repeat (it would crash).
  case corrupt(file: String, detail: String)

  /// The same failure, after what was printed before it.
  package func after(_ before: Printed) -> LinkFailure {
    var all = before
    switch self {
    case .failed(let stderr, let exitCode, let printed):
      all.append(printed)
      return .failed(stderr: stderr, exitCode: exitCode, printed: all)
    case .exit(let message, let printed):
      all.append(printed)
      return .exit(message: message, printed: all)
    case .unsupported, .corrupt: return self
    }
  }

  /// `log.Fatalf`.
  package static func fatal(_ message: String) -> LinkFailure {
    .failed(stderr: "link: \(message)\n", exitCode: 1)
  }
}
