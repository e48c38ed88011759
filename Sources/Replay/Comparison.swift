import ImageDiff
import Protocol

/// How two links of one request differ.
package struct Difference: Equatable, Sendable {
  /// One line: where the first difference is, and both values.
  package var headline: String
  /// All that is known, in lines.
  package var explanation: String

  package init(headline: String, explanation: String) {
    self.headline = headline
    self.explanation = explanation
  }
}

/// Compares what can be seen of two links: exit code, what was printed, the output's bytes and mode bits.
package struct Comparison {
  package var arguments: LinkArguments
  /// Another ELF file of the same link that names what `-s` leaves nameless; asked for when it is needed.
  package var symbols: () -> String? = { nil }
  /// Further files that the links wrote (-fipso).
  package var otherOutputs: [(expected: String, actual: String)] = []
  /// The mode bits count too.
  package var comparesMode = true

  package init(arguments: LinkArguments) { self.arguments = arguments }

  /// - Returns: nil when they are the same.
  package func difference(
    expected: LinkResult, actual: LinkResult
  ) throws(SystemError) -> Difference? {
    if let words = streams(expected, actual) { return words }
    // A failing link leaves nothing that matters behind.
    guard expected.exitCode == 0 else { return nil }
    let wrote = (ReplaySyscalls.exists(expected.output), ReplaySyscalls.exists(actual.output))
    guard wrote.0, wrote.1 else {
      if wrote.0 == wrote.1 { return nil }
      return Self.inWords(
        "output file: expected \(wrote.0 ? "one" : "none"), actual \(wrote.1 ? "one" : "none")")
    }
    if try !ReplaySyscalls.haveSameBytes(expected.output, actual.output) {
      return explain(expected.output, actual.output)
    }
    for other in otherOutputs where try !ReplaySyscalls.haveSameBytes(other.expected, other.actual) {
      return Self.inWords("the files \(other.expected) and \(other.actual) differ")
    }
    if comparesMode {
      let modes = (
        try Syscalls.status(of: expected.output).permissions,
        try Syscalls.status(of: actual.output).permissions
      )
      if modes.0 != modes.1 {
        return Self.inWords(
          "mode bits: expected \(String(modes.0, radix: 8)), actual \(String(modes.1, radix: 8))")
      }
    }
    return nil
  }

  /// Exit code and what was printed.
  package func streams(_ expected: LinkResult, _ actual: LinkResult) -> Difference? {
    if expected.exitCode != actual.exitCode {
      let said = expected.exitCode == 0 ? actual : expected
      return Difference(
        headline: "exit code: expected \(expected.exitCode), actual \(actual.exitCode)",
        explanation: String(decoding: said.stderr.prefix(2000), as: UTF8.self))
    }
    var texts = [("stdout", printed(expected, \.stdout), printed(actual, \.stdout))]
    texts.append(("stderr", printed(expected, \.stderr), printed(actual, \.stderr)))
    // Times and numbers of allocations are never the same.
    if arguments.value("benchmark") != nil { texts.removeFirst() }
    for (name, want, got) in texts {
      guard let line = zip(want, got).first(where: { $0 != $1 }) else {
        if want.count == got.count { continue }
        let extra = want.count > got.count ? want[got.count] : got[want.count]
        return Self.inWords(
          "\(name): expected \(want.count) lines, actual \(got.count); the first more says \(Self.quoted(extra))"
        )
      }
      return Self.inWords("\(name): expected \(Self.quoted(line.0)), actual \(Self.quoted(line.1))")
    }
    return nil
  }

  /// What was printed, in lines, with the output file's name taken out of it.
  private func printed(_ result: LinkResult, _ stream: KeyPath<LinkResult, [UInt8]>) -> [[UInt8]] {
    var text = result[keyPath: stream]
    if !text.isEmpty {
      text = Self.replacing([Array(result.output.utf8): Array(LinkBundle.outputMark.utf8)], in: text)
    }
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Array($0) }
    guard stream == \.stdout, arguments.has("dumpdep") else { return lines }
    // The edges count, not the order in which the flood met them.
    return lines.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// Replaces words wherever they stand, the longest that fits, in one sweep: -v=2 names inputs in thousands of lines.
  package static func replacing(_ words: [[UInt8]: [UInt8]], in text: [UInt8]) -> [UInt8] {
    let lengths = Set(words.keys.map(\.count)).sorted(by: >)
    var starts = [Bool](repeating: false, count: 256)
    for word in words.keys { if let c = word.first { starts[Int(c)] = true } }
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var at = 0
    next: while at < text.count {
      if starts[Int(text[at])] {
        for n in lengths where n > 0 && n <= text.count - at {
          guard let word = words[Array(text[at..<at + n])] else { continue }
          result += word
          at += n
          continue next
        }
      }
      result.append(text[at])
      at += 1
    }
    return result
  }

  private static func quoted(_ line: [UInt8]) -> String {
    "\"\(String(decoding: line.prefix(200), as: UTF8.self))\""
  }

  private static func inWords(_ text: String) -> Difference { Difference(headline: text, explanation: text) }

  private func explain(_ expected: String, _ actual: String) -> Difference {
    do {
      let report = try explainDifference(expected: expected, actual: actual, symbols: symbols())
      return Difference(headline: report.headline, explanation: report.description)
    } catch {
      return Self.inWords("the bytes differ, but cannot be explained: \(error)")
    }
  }
}
