/// What a link has printed on its two streams, and in what order: the go command reads both from one pipe.
package struct Printed: Sendable {
  package private(set) var stdout = ""
  package private(set) var stderr = ""
  /// Bytes of stdout, then of stderr, of stdout, and so on.
  package private(set) var lengths: [Int] = []

  package init() {}

  /// What was printed before, by its parts.
  package init(stdout: String, stderr: String, lengths: [Int]) {
    self.stdout = stdout
    self.stderr = stderr
    self.lengths = lengths
  }

  /// The order: bytes of stdout, then of stderr, of stdout, and so on; what comes after is stdout, then stderr. Empty
  /// when that is all.
  package var turns: [Int] { lengths.count > 2 ? lengths : [] }

  package var isEmpty: Bool { stdout.isEmpty && stderr.isEmpty }

  package mutating func out(_ text: String) {
    stdout += text
    note(text.utf8.count, turn: 0)
  }

  package mutating func err(_ text: String) {
    stderr += text
    note(text.utf8.count, turn: 1)
  }

  /// Prints what something else has printed.
  package mutating func append(_ other: Printed) {
    stdout += other.stdout
    stderr += other.stderr
    for (turn, count) in other.lengths.enumerated() { note(count, turn: turn % 2) }
  }

  private mutating func note(_ count: Int, turn: Int) {
    guard count > 0 else { return }
    // The last place is the other stream's, or there is none yet.
    if lengths.count % 2 == turn {
      lengths.append(0)
    } else if lengths.isEmpty {
      lengths = [0, 0]
    }
    lengths[lengths.count - 1] += count
  }
}
