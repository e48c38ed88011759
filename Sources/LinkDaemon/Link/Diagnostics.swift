import LoaderCore

/// What a link has printed so far, and how many errors it has met that did not stop it at once.
///
/// The real linker goes on after most errors, stops at the 21st unless -e was given, and ends with exit code 2
/// if there was any (cmd/link/internal/ld/util.go Errorf, afterErrorAction; lib.go exitIfErrors).
struct Diagnostics {
  private let allErrors: Bool
  private(set) var printed = Printed()
  private var errorCount = 0

  /// The 21st error ends a link that does not want all of them.
  private static let errorLimit = 20

  /// Whether there is nothing to tell so far.
  var isEmpty: Bool { errorCount == 0 && printed.isEmpty }

  /// - Parameter allErrors: -e
  init(allErrors: Bool) { self.allErrors = allErrors }

  mutating func print(_ text: String) { printed.out(text) }

  mutating func warn(_ text: String) { printed.err(text) }

  /// Takes over what the loading of packages printed, errors among it.
  mutating func take(_ packages: LoadedPackages) {
    printed.append(packages.printed)
    errorCount += packages.errorCount
  }

  /// Prints errors, whole lines.
  ///
  /// - Throws: when they are too many.
  mutating func report(_ errors: [String]) throws(LinkFailure) {
    for e in errors {
      warn(e)
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
