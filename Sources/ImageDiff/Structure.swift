/// Differences in what shapes the file: its size, headers, section list.
func structureDifferences(_ expected: ELFImage, _ actual: ELFImage) -> [String] {
  var lines: [String] = []
  if expected.bytes.count != actual.bytes.count {
    lines.append(difference("file size", expected.bytes.count, actual.bytes.count))
  }
  if expected.entry != actual.entry {
    lines.append("entry point: expected \(hex(expected.entry)), actual \(hex(actual.entry))")
  }
  lines += sectionListDifferences(expected, actual)
  if expected.segments.count != actual.segments.count {
    lines.append(difference("number of program headers", expected.segments.count, actual.segments.count))
  }
  for (index, (e, a)) in zip(expected.segments, actual.segments).enumerated() where e != a {
    lines.append("program header \(index): expected \(text(e)), actual \(text(a))")
  }
  return lines
}

private func text(_ s: ELFSegment) -> String {
  "type \(hex(s.type)) flags \(s.flags) offset \(hex(s.offset)) address \(hex(s.address)) "
    + "file size \(hex(s.fileSize)) memory size \(hex(s.memorySize)) align \(hex(s.alignment))"
}

private func difference(_ what: String, _ expected: Int, _ actual: Int) -> String {
  let delta = actual - expected
  return "\(what): expected \(expected), actual \(actual) (\(delta > 0 ? "+" : "")\(delta))"
}

private func sectionListDifferences(_ expected: ELFImage, _ actual: ELFImage) -> [String] {
  var lines: [String] = []
  let expectedNames = expected.sections.map(\.name)
  let actualNames = actual.sections.map(\.name)
  if expectedNames != actualNames {
    let missing = expectedNames.filter { !actualNames.contains($0) }
    let extra = actualNames.filter { !expectedNames.contains($0) }
    if !missing.isEmpty { lines.append("sections missing: " + missing.joined(separator: " ")) }
    if !extra.isEmpty { lines.append("sections too many: " + extra.joined(separator: " ")) }
    if missing.isEmpty, extra.isEmpty {
      lines.append("sections in another order: expected \(expectedNames), actual \(actualNames)")
    }
  }
  // Sizes first: a section of another size moves all that lies behind it.
  var moved: [String] = []
  for e in expected.sections {
    guard let a = actual.section(e.name), a != e else { continue }
    var parts: [String] = []
    func note(_ what: String, _ x: UInt64, _ y: UInt64) {
      if x != y { parts.append("\(what) expected \(hex(x)) actual \(hex(y))") }
    }
    if e.size != a.size {
      let delta = Int(clamping: a.size) - Int(clamping: e.size)
      parts.append("size expected \(hex(e.size)) actual \(hex(a.size)) (\(delta > 0 ? "+" : "")\(delta))")
    }
    note("type", UInt64(e.type), UInt64(a.type))
    note("flags", e.flags, a.flags)
    note("align", e.alignment, a.alignment)
    note("entry size", e.entrySize, a.entrySize)
    note("link", UInt64(e.link), UInt64(a.link))
    note("info", UInt64(e.info), UInt64(a.info))
    let own = !parts.isEmpty
    note("address", e.address, a.address)
    note("offset", UInt64(e.offset), UInt64(a.offset))
    let line = "section \(e.name): " + parts.joined(separator: ", ")
    if own { lines.append(line) } else { moved.append(line) }
  }
  return lines + moved
}

/// Differences in what the files hold: functions, types and symbols, by name and order. They show what is missing
/// or out of order even when every byte differs.
func contentDifferences(_ expected: Locator, _ actual: Locator) -> [String] {
  var lines: [String] = []
  if let e = expected.functions, let a = actual.functions {
    lines += listDifferences(
      "functions", (0..<e.functionCount).map(e.name), (0..<a.functionCount).map(a.name))
    lines += functionSizeDifferences(e, a)
  }
  if let e = expected.types, let a = actual.types {
    lines += listDifferences("types", e.offsets.map(e.name(at:)), a.offsets.map(a.name(at:)))
  }
  let expectedSymbols = symbolNames(expected)
  let actualSymbols = symbolNames(actual)
  if !expectedSymbols.isEmpty || !actualSymbols.isEmpty {
    lines += listDifferences("symbols", expectedSymbols, actualSymbols)
  }
  return lines
}

private func symbolNames(_ locator: Locator) -> [String] {
  guard let table = locator.image.section(".symtab") else { return [] }
  return (0..<(table.fileSize / 24)).map { String(locator.symbolName($0).dropFirst(4)) }
}

/// The first function, in text order, whose distance to the next one differs while the names so far are equal.
private func functionSizeDifferences(_ e: FunctionTable, _ a: FunctionTable) -> [String] {
  for index in 0..<min(e.functionCount, a.functionCount) {
    guard e.name(index) == a.name(index) else { return [] }
    guard e.entry(index) == a.entry(index) else {
      return [
        "function \(index), \(e.name(index)), starts at \(hex(a.entry(index))), expected \(hex(e.entry(index)))"
      ]
    }
    let (es, at) = (e.entry(index + 1) &- e.entry(index), a.entry(index + 1) &- a.entry(index))
    if es != at {
      return ["function \(index), \(e.name(index)), takes \(hex(at)) bytes with padding, expected \(hex(es))"]
    }
  }
  return []
}

private func listDifferences(_ what: String, _ expected: [String], _ actual: [String]) -> [String] {
  guard expected != actual else { return [] }
  var lines = [
    expected.count == actual.count
      ? "\(what): \(expected.count) on both sides, but not the same"
      : difference("number of \(what)", expected.count, actual.count)
  ]
  func only(_ x: [String], without y: [String]) -> [String] {
    var count: [String: Int] = [:]
    for name in y { count[name, default: 0] += 1 }
    return x.filter { name in
      if let left = count[name], left > 0 {
        count[name] = left - 1
        return false
      }
      return true
    }
  }
  func list(_ names: [String]) -> String {
    names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", … (\(names.count))" : "")
  }
  let missing = only(expected, without: actual)
  let extra = only(actual, without: expected)
  if !missing.isEmpty { lines.append("  missing \(what): \(list(missing))") }
  if !extra.isEmpty { lines.append("  \(what) too many: \(list(extra))") }
  let index = zip(expected, actual).enumerated().first { $0.element.0 != $0.element.1 }?.offset
  if let index {
    lines.append("  first other one is number \(index): expected \(expected[index]), actual \(actual[index])")
  }
  return lines
}
