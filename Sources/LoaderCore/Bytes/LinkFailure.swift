/// Why a link stops, as a value.
package enum LinkFailure: Error, Sendable {
  /// The real linker would stop too: what it prints on stderr (whole lines), and its exit code.
  /// `log.Fatalf` prints "link: …" and exits 1; `Exitf` prints "ARGV0: …" and exits 2
  /// (cmd/link/internal/ld/util.go, go.go).
  /// `turns`: see `Diagnostics`.
  case failed(stderr: String, exitCode: Int32, stdout: String = "", turns: [Int] = [])
  /// `Exitf`: "ARGV0: message" on stderr, exit 2, after what was printed so far.
  case exit(message: String, stdout: String = "", stderr: String = "", turns: [Int] = [])
  /// linkd does not do this (yet), or found an input it cannot make sense of: the real linker decides.
  case unsupported(reason: String)
  /// An input is broken; there is no wording of the real linker to repeat (it would crash).
  case corrupt(file: String, detail: String)

  /// The same failure, after what was printed before it.
  package func after(stdout before: String, stderr errors: String, turns: [Int] = []) -> LinkFailure {
    switch self {
    case .failed(let stderr, let exitCode, let stdout, _):
      .failed(stderr: errors + stderr, exitCode: exitCode, stdout: before + stdout, turns: turns)
    case .exit(let message, let stdout, let stderr, _):
      .exit(message: message, stdout: before + stdout, stderr: errors + stderr, turns: turns)
    case .unsupported, .corrupt: self
    }
  }

  /// `log.Fatalf`.
  package static func fatal(_ message: String) -> LinkFailure {
    .failed(stderr: "link: \(message)\n", exitCode: 1)
  }
}
