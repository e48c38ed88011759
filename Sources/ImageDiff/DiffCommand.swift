/// `linkctl diff EXPECTED ACTUAL [--symbols ELF]`, without the printing.
package enum DiffCommand {
  package static let usage = "usage: linkctl diff EXPECTED ACTUAL [--symbols ELF]"

  /// What to print on standard output and standard error, and the exit code: 0 when the files are identical, 1 when
  /// they differ, 2 when they cannot be compared.
  package struct Result: Sendable, Equatable {
    package var exitCode: Int32
    package var output = ""
    package var complaint = ""
  }

  package static func run(_ words: [String]) -> Result {
    var files: [String] = []
    var symbols: String?
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--symbols" {
        guard let value = rest.popFirst() else { return Result(exitCode: 2, complaint: usage) }
        symbols = value
      } else if word.hasPrefix("--") {
        return Result(exitCode: 2, complaint: usage)
      } else {
        files.append(word)
      }
    }
    guard files.count == 2 else { return Result(exitCode: 2, complaint: usage) }
    do {
      let report = try explainDifference(expected: files[0], actual: files[1], symbols: symbols)
      return Result(exitCode: report.identical ? 0 : 1, output: report.description)
    } catch {
      return Result(exitCode: 2, complaint: "linkctl diff: \(error)")
    }
  }
}
