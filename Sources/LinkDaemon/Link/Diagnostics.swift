import LoaderCore

/// What a link has printed so far, and how many errors it has met that did not stop it at once.
///
/// The real linker goes on after most errors, stops at the 21st unless -e was given, and ends with exit code 2
/// if there was any (cmd/link/internal/ld/util.go Errorf, afterErrorAction; lib.go exitIfErrors).
struct Diagnostics {
  private let allErrors: Bool
  private(set) var stdout = ""
  private(set) var stderr = ""
  private var errorCount = 0

  /// The 21st error ends a link that does not want all of them.
  private static let errorLimit = 20

  /// - Parameter allErrors: -e
  init(allErrors: Bool) { self.allErrors = allErrors }

  mutating func print(_ text: String) { stdout += text }

  mutating func warn(_ text: String) { stderr += text }

  /// Prints errors, whole lines.
  ///
  /// - Throws: when they are too many.
  mutating func report(_ errors: [String]) throws(LinkFailure) {
    for e in errors {
      stderr += e
      errorCount += 1
      if errorCount > Self.errorLimit, !allErrors { throw .exit(message: "too many errors") }
    }
  }

  /// The place where the real linker looks whether there were errors.
  ///
  /// - Parameter otherwise: whether something else makes the link a failure.
  func stopIfFailed(otherwise: Bool) throws(LinkFailure) {
    if errorCount > 0 || otherwise { throw .failed(stderr: "", exitCode: 2) }
  }

}
