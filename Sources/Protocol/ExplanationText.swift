/// What `linkctl explain` says of a link.
extension LinkRecord {
  /// Columns that lines are folded at, and those that a line's label takes.
  private static let width = 110
  private static let labelWidth = 13

  /// - Parameter now: seconds since 1970.
  package func explained(now: Int) -> [String] {
    let age = "\(Amounts.duration(seconds: max(0, now - time))) ago"
    let milliseconds = "in \(totalMilliseconds) ms"
    var lines: [String]
    switch outcome {
    case .linked:
      let size = Amounts.size(report?.outputBytes ?? 0)
      lines = ["linked \(output), \(size), \(milliseconds), \(age)\(report.map { ": " + $0.summary } ?? "")"]
      if let report { lines += Self.fold(report.explained) }
    case .failed:
      let code = exitCode.map { ", exit code \($0)" } ?? ""
      lines = ["failed \(output)\(code), \(milliseconds), \(age)"]
      lines += Self.fold([("why", ["the link has an error, which the build has printed"])])
    case .fellBack:
      lines = ["left \(output) to Go's linker, \(milliseconds), \(age)"]
      lines += Self.fold([("why", [reason ?? "not known"])])
    case .cancelled:
      lines = ["gave \(output) up, \(milliseconds), \(age)"]
      lines += Self.fold([("why", [reason ?? "nobody waited for it any more"])])
    }
    if waitedMilliseconds > 0 {
      lines += Self.fold([("waited", ["\(waitedMilliseconds) ms for other links"])])
    }
    return lines
  }

  /// Lines of a label and what it is about; items that do not fit go to the next line.
  private static func fold(_ parts: [(label: String, items: [String])]) -> [String] {
    var lines: [String] = []
    for (label, items) in parts where !items.isEmpty {
      var line = "  \(label)"
      line += String(repeating: " ", count: max(1, labelWidth - line.count))
      var isFirst = true
      for (k, item) in items.enumerated() {
        let text = item + (k < items.count - 1 ? "," : "")
        if !isFirst, line.count + 1 + text.count > width {
          lines.append(line)
          line = String(repeating: " ", count: labelWidth)
          isFirst = true
        }
        line += (isFirst ? "" : " ") + text
        isFirst = false
      }
      lines.append(line)
    }
    return lines
  }
}

extension LinkReport {
  /// The link in half a sentence.
  fileprivate var summary: String {
    guard let explanation else { return how }
    if explanation.program.how == "replayed" { return "nothing changed" }
    let all = explanation.packages ?? 0
    switch explanation.changedCount {
    case .none: return "\(Amounts.count(all, "package")), linked from the start"
    case 0: return "none of \(Amounts.count(all, "package")) changed"
    case .some(let n): return "\(n) of \(Amounts.count(all, "package")) changed"
    }
  }

  fileprivate var explained: [(label: String, items: [String])] {
    var parts = explanation?.parts(isRestored: how == "restored") ?? []
    if !phases.isEmpty {
      parts.append(
        ("passes", phases.map { "\($0.name) \(Amounts.milliseconds(nanoseconds: $0.nanoseconds))" }))
      let rest = wallNanoseconds - phases.reduce(0) { $0 + $1.nanoseconds }
      if rest >= 1_000_000 {
        let time = Amounts.milliseconds(nanoseconds: rest)
        parts.append(("besides", ["\(time) to look at inputs, read new ones and keep the result"]))
      }
    }
    return parts
  }
}

extension LinkExplanation {
  fileprivate func parts(isRestored: Bool) -> [(label: String, items: [String])] {
    if program.how == "replayed" { return [("image", ["an earlier link's, written again"])] }
    var parts: [(label: String, items: [String])] = []
    if let changedCount {
      let more = changedCount - changed.count
      parts.append(("changed", changed + (more > 0 ? ["and \(more) more"] : [])))
    }
    if isRestored { parts.append(("program", ["from what an earlier daemon left on disk"])) }
    if let symbols { parts.append(("symbols", [symbols.text])) }
    if let deadcode { parts.append(("deadcode", [Self.text(deadcode)])) }
    if let image { parts.append(("image", [image.text])) }
    if let why { parts.append(("why", [why])) }
    return parts
  }

  private static func text(_ deadcode: Step) -> String {
    if deadcode.how == "went-on" { return "went on from the last link" }
    return "started anew"
      + (deadcode.reason.map { ": " + (ExplanationWords.deadcode[$0] ?? $0) } ?? "")
  }

  /// Why the link was not cheaper; nil for the cheapest.
  private var why: String? {
    if program.how == "new" {
      return program.reason.map { ExplanationWords.program[$0] ?? $0 }
    }
    return image?.reason.map { ExplanationWords.image[$0] ?? $0 }
  }
}

extension LinkExplanation.Symbols {
  fileprivate var text: String {
    guard let touched else { return "\(all), all looked at" }
    if let otherContents {
      if otherContents == 0 { return "\(all), all as they were" }
      return "other contents in \(otherContents) of \(all), nothing else"
    }
    return "\(touched) of \(all) looked at again, \(new ?? 0) new, \(gone ?? 0) gone; "
      + (keepNumbers == true ? "the others are where they were" : "the others moved up or down")
  }
}

extension LinkExplanation.Image {
  fileprivate var text: String {
    switch how {
    case "patched": return "the last one, with the new contents written into it"
    case "same-memory":
      return "made in the memory of the last one, \(keptSymbols ?? 0) symbols kept or moved"
    case "new":
      let known = knownSymbols ?? 0
      return "new" + (known > 0 ? ", \(known) symbols' references known from the last one" : "")
    default: return how
    }
  }
}
