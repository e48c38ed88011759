import LoaderCore

/// What a link has printed so far, and how many errors it has met that did not stop it at once.
///
/// The real linker goes on after most errors, stops at the 21st unless -e was given, and ends with exit code 2
/// if there was any (cmd/link/internal/ld/util.go Errorf, afterErrorAction; lib.go exitIfErrors).
struct Diagnostics {
  private let allErrors: Bool
  private(set) var stdout = ""
  private(set) var stderr = ""
  /// In what order the two were written, for whoever reads both from one pipe, as the go command does: bytes of stdout,
  /// then of stderr, of stdout, and so on; what comes after is stdout, then stderr. Empty when that is all.
  var turns: [Int] { lengths.count > 2 ? lengths : [] }
  /// Stdout's at even places.
  private var lengths: [Int] = []
  private var errorCount = 0

  /// The 21st error ends a link that does not want all of them.
  private static let errorLimit = 20

  /// - Parameter allErrors: -e
  init(allErrors: Bool) { self.allErrors = allErrors }

  mutating func print(_ text: String) {
    stdout += text
    note(text.utf8.count, turn: 0)
  }

  mutating func warn(_ text: String) {
    stderr += text
    note(text.utf8.count, turn: 1)
  }

  private mutating func note(_ count: Int, turn: Int) {
    guard count > 0 else { return }
    // The last place is the other stream's, or there is none yet.
    if lengths.count % 2 == turn { lengths.append(0) } else if lengths.isEmpty { lengths = [0, 0] }
    lengths[lengths.count - 1] += count
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
