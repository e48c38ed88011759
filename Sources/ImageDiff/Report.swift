/// What `explainDifference` found, from the cause downwards: first what shapes the file (headers, sizes, what is
/// in it), then bytes.
package struct Report: Sendable, Equatable {
  /// One place where bytes differ, in words.
  package struct Place: Sendable, Equatable {
    /// Offset in the expected and in the actual file.
    package var expectedOffset: Int
    package var actualOffset: Int
    /// The section's name, or "ELF header", "program header 3", "section header 5", "gap behind .text".
    package var region: String
    /// Offset inside the region.
    package var offset: Int
    /// Virtual address in the expected file, when the region has one.
    package var address: UInt64?
    /// Symbol and offset, table and entry: whatever is known of the place, most telling first.
    package var details: [String]
    /// Both sides' bytes around the place, `contextStart` is the region offset of the first.
    package var contextStart: Int
    package var expectedBytes: [UInt8]
    package var actualBytes: [UInt8]
  }

  /// The bytes of one section, compared up to the shorter of the two.
  package struct SectionBytes: Sendable, Equatable {
    package var name: String
    package var size: Int
    package var comparison: ByteComparison
    /// How many of the places only hold another address of the same target, because something in front grew.
    package var shifts: Int
    /// The first few other places, in words.
    package var places: [String]
  }

  package var expectedPath: String
  package var actualPath: String
  package var identical: Bool
  /// Differences of size, header, section list and contents lists (functions, types, symbols), in words.
  package var structure: [String] = []
  package var sections: [SectionBytes] = []
  package var first: Place?
}

extension Report {
  /// The difference in one line: the place, whose it is and both values; what shapes the file comes first.
  package var headline: String {
    if identical { return "identical" }
    let shape = structure.first.map { [$0] } ?? []
    guard let first else { return shape.first ?? "different" }
    let place = (["\(first.region)+\(hex(first.offset))"] + first.details).joined(separator: ": ")
    return (shape + [place]).joined(separator: "; ")
  }
}

extension Report: CustomStringConvertible {
  package var description: String {
    if identical { return "identical: \(expectedPath) and \(actualPath)" }
    var lines = ["different: expected \(expectedPath), actual \(actualPath)"]
    if !structure.isEmpty {
      lines.append("shape:")
      lines += structure.map { "  " + $0 }
    }
    if !sections.isEmpty {
      lines.append("sections whose bytes differ:")
      for section in sections {
        let c = section.comparison
        let shifts = section.shifts == 0 ? "" : ", \(section.shifts) of them for the same target moved"
        lines.append(
          "  \(section.name): \(c.differing) of \(section.size) bytes in \(c.runCount) places\(shifts)")
        lines += section.places.map { "    " + $0 }
      }
    }
    if let first { lines += Self.lines(first) }
    return lines.joined(separator: "\n")
  }

  private static func lines(_ place: Place) -> [String] {
    var at = "file offset \(hex(place.expectedOffset))"
    if place.actualOffset != place.expectedOffset { at += " (actual: \(hex(place.actualOffset)))" }
    if let address = place.address { at += ", address \(hex(address))" }
    var lines = ["first difference: \(place.region)+\(hex(place.offset)), \(at)"]
    lines += place.details.map { "  " + $0 }
    lines.append("  from \(place.region)+\(hex(place.contextStart)):")
    lines.append("  expected \(dump(place.expectedBytes))")
    lines.append("  actual   \(dump(place.actualBytes))")
    let marks = zip(place.expectedBytes, place.actualBytes).map { $0 == $1 ? "  " : "^^" }
    var line = ""
    for (index, mark) in marks.enumerated() { line += (index > 0 && index % 8 == 0 ? "  " : " ") + mark }
    lines.append("          " + line)
    return lines
  }

  private static func dump(_ bytes: [UInt8]) -> String {
    var line = ""
    for (index, byte) in bytes.enumerated() {
      let text = String(byte, radix: 16)
      line += (index > 0 && index % 8 == 0 ? "  " : " ") + (text.count < 2 ? "0" + text : text)
    }
    let ascii = bytes.map { (0x20..<0x7f).contains($0) ? String(UnicodeScalar($0)) : "." }.joined()
    return line + "  |" + ascii + "|"
  }
}
