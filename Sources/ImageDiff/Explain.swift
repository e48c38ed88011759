/// Compares two ELF files (64-bit, little-endian) byte by byte and says in words what differs.
///
/// `symbols` may name another ELF file, linked from the same input as `expected` but with a symbol table: text,
/// read-only data and data have the same addresses with and without `-s`, save what the build information shifts.
/// Throws `ImageDiffError` when a file cannot be read or is no such ELF file.
package func explainDifference(
  expected: String, actual: String, symbols: String? = nil
) throws(ImageDiffError) -> Report {
  let left = try FileBytes(path: expected)
  let right = try FileBytes(path: actual)
  return try explainDifference(
    expected: left, actual: right,
    symbols: symbols.map { path throws(ImageDiffError) in try FileBytes(path: path) })
}

/// The same for files already in memory.
package func explainDifference(
  expected: FileBytes, actual: FileBytes, symbols: FileBytes? = nil
) throws(ImageDiffError) -> Report {
  let whole = compareBytes(expected, 0, actual, 0, length: min(expected.count, actual.count))
  let identical = whole.first == nil && expected.count == actual.count
  var report = Report(expectedPath: expected.path, actualPath: actual.path, identical: identical)
  if identical { return report }
  let left = try ELFImage(bytes: expected)
  let right = try ELFImage(bytes: actual)
  var names: SymbolNames?
  if let symbols { names = SymbolNames(image: try ELFImage(bytes: symbols)) }
  let explainer = Explainer(
    expected: Locator(image: left, symbols: names), actual: Locator(image: right, symbols: names))
  report.structure =
    structureDifferences(left, right) + contentDifferences(explainer.expected, explainer.actual)
  report.sections = explainer.sections()
  report.first = explainer.place(whole.first ?? min(expected.count, actual.count))
  return report
}

private struct Explainer {
  let expected: Locator
  let actual: Locator
  static let contextLength = 32
  static let placesShown = 6

  /// Every section of the same name on both sides whose bytes differ.
  func sections() -> [Report.SectionBytes] {
    expected.image.sections.compactMap { e in
      guard let a = actual.image.section(e.name) else { return nil }
      let size = min(e.fileSize, a.fileSize)
      let comparison = compareBytes(
        expected.image.bytes, e.offset, actual.image.bytes, a.offset, length: size)
      guard comparison.first != nil else { return nil }
      let telling = comparison.runs.filter { !isShift(e, a, $0) }
      let places = telling.prefix(Self.placesShown).map { offset in
        let details = expected.describe(section: e, offset: offset)
        return "+\(hex(offset))" + (details.isEmpty ? "" : ": " + details.joined(separator: "; "))
          + values(e, a, offset)
      }
      return Report.SectionBytes(
        name: e.name, size: size, comparison: comparison, shifts: comparison.runs.count - telling.count,
        places: places)
    }
  }

  /// The region around `offset`, the same in both files, which is where their bytes first differ.
  func place(_ offset: Int) -> Report.Place {
    let (region, start, section) = region(offset)
    let inside = offset - start
    var details = section.map { expected.describe(section: $0, offset: inside) } ?? headerDetails(offset)
    if let section, let other = actual.image.section(section.name) {
      let text = values(section, other, inside)
      if !text.isEmpty { details.append(String(text.dropFirst(2))) }
    }
    if offset >= expected.image.bytes.count { details.append("the expected file ends here") }
    if offset >= actual.image.bytes.count { details.append("the actual file ends here") }
    // The context starts on a multiple of 8 of the region, at most one line before the difference.
    let context = max(0, inside / 8 * 8 - 8)
    return Report.Place(
      expectedOffset: offset, actualOffset: offset, region: region, offset: inside,
      address: section.flatMap { $0.address == 0 ? nil : $0.address &+ UInt64(inside) }, details: details,
      contextStart: context,
      expectedBytes: expected.image.bytes.slice(at: start + context, length: Self.contextLength),
      actualBytes: actual.image.bytes.slice(at: start + context, length: Self.contextLength))
  }

  private func region(_ offset: Int) -> (name: String, start: Int, section: ELFSection?) {
    let image = expected.image
    for section in image.sections where section.fileSize > 0 {
      if offset >= section.offset, offset < section.offset + section.fileSize {
        return (section.name, section.offset, section)
      }
    }
    if offset < ELFImage.headerSize { return ("ELF header", 0, nil) }
    let segment = (offset - image.segmentTableOffset) / ELFImage.segmentEntrySize
    if offset >= image.segmentTableOffset, segment < image.segments.count {
      return (
        "program header \(segment)", image.segmentTableOffset + segment * ELFImage.segmentEntrySize, nil
      )
    }
    let index = (offset - image.sectionTableOffset) / ELFImage.sectionEntrySize
    if offset >= image.sectionTableOffset, index < image.sections.count {
      let name = "section header \(index) (\(image.sections[index].name))"
      return (name, image.sectionTableOffset + index * ELFImage.sectionEntrySize, nil)
    }
    let before = image.sections.filter { $0.fileSize > 0 && $0.offset + $0.fileSize <= offset }
    guard let last = before.max(by: { $0.offset + $0.fileSize < $1.offset + $1.fileSize }) else {
      return ("gap", 0, nil)
    }
    return ("gap behind \(last.name)", last.offset + last.fileSize, nil)
  }

  private static let headerFields: [(end: Int, name: String)] = [
    (16, "e_ident"), (18, "e_type"), (20, "e_machine"), (24, "e_version"), (32, "e_entry"), (40, "e_phoff"),
    (48, "e_shoff"), (52, "e_flags"), (54, "e_ehsize"), (56, "e_phentsize"), (58, "e_phnum"),
    (60, "e_shentsize"),
    (62, "e_shnum"), (64, "e_shstrndx"),
  ]
  private static let segmentFields: [(end: Int, name: String)] = [
    (4, "p_type"), (8, "p_flags"), (16, "p_offset"), (24, "p_vaddr"), (32, "p_paddr"), (40, "p_filesz"),
    (48, "p_memsz"), (56, "p_align"),
  ]
  private static let sectionFields: [(end: Int, name: String)] = [
    (4, "sh_name"), (8, "sh_type"), (16, "sh_flags"), (24, "sh_addr"), (32, "sh_offset"), (40, "sh_size"),
    (44, "sh_link"), (48, "sh_info"), (56, "sh_addralign"), (64, "sh_entsize"),
  ]

  private func headerDetails(_ offset: Int) -> [String] {
    let (name, start, _) = region(offset)
    if name == "ELF header" { return [Locator.field(offset, Self.headerFields)] }
    if name.hasPrefix("program") { return [Locator.field(offset - start, Self.segmentFields)] }
    if name.hasPrefix("section") { return [Locator.field(offset - start, Self.sectionFields)] }
    return []
  }

  /// Both sides' value at a place, in the widest form that says something: a call's target, a pointer's target,
  /// else the bytes. Starts with "; " or is empty.
  private func values(_ e: ELFSection, _ a: ELFSection, _ offset: Int) -> String {
    if e.name == ".text" {
      if let text = callTargets(e, a, offset) { return "; " + text }
    } else if let text = pointerTargets(e, a, offset) {
      return "; " + text
    }
    guard let x = word32(expected, e, offset / 4 * 4), let y = word32(actual, a, offset / 4 * 4) else {
      return ""
    }
    return "; 32-bit word: expected \(hex(x)), actual \(hex(y))"
  }

  private func word32(_ side: Locator, _ section: ELFSection, _ offset: Int) -> UInt32? {
    guard offset >= 0, offset + 4 <= section.fileSize else { return nil }
    return side.image.bytes.integer(UInt32.self, at: section.offset + offset)
  }

  /// True when both sides point at the same offset of the same section there: the target moved, nothing else.
  private func isShift(_ e: ELFSection, _ a: ELFSection, _ offset: Int) -> Bool {
    func same(_ x: UInt64, _ y: UInt64) -> Bool {
      guard x != y, let left = expected.image.section(containingAddress: x),
        let right = actual.image.section(containingAddress: y)
      else { return false }
      return left.name == right.name && x - left.address == y - right.address
    }
    let at = offset / 8 * 8
    if e.name != ".text" {
      guard let x = expected.image.bytes.integer(UInt64.self, at: e.offset + at),
        let y = actual.image.bytes.integer(UInt64.self, at: a.offset + at)
      else { return false }
      return same(x, y)
    }
    return stride(from: offset, through: max(0, offset - 3), by: -1).contains { start in
      guard let x = word32(expected, e, start), let y = word32(actual, a, start) else { return false }
      return same(relativeTarget(e, start, x), relativeTarget(a, start, y))
    }
  }

  private func relativeTarget(_ section: ELFSection, _ start: Int, _ value: UInt32) -> UInt64 {
    section.address &+ UInt64(start + 4) &+ UInt64(bitPattern: Int64(Int32(bitPattern: value)))
  }

  private func pointerTargets(_ e: ELFSection, _ a: ELFSection, _ offset: Int) -> String? {
    let at = offset / 8 * 8
    guard at + 8 <= min(e.fileSize, a.fileSize),
      let x = expected.image.bytes.integer(UInt64.self, at: e.offset + at),
      let y = actual.image.bytes.integer(UInt64.self, at: a.offset + at),
      let left = expected.name(ofAddress: x) ?? (x == 0 ? "0" : nil),
      let right = actual.name(ofAddress: y) ?? (y == 0 ? "0" : nil), x | y != 0
    else { return nil }
    return "pointer to: expected \(hex(x)) \(left), actual \(hex(y)) \(right)"
  }

  /// Looks for a 4-byte PC-relative field around `offset` whose targets both start a function or lie in data.
  private func callTargets(_ e: ELFSection, _ a: ELFSection, _ offset: Int) -> String? {
    var fallback: String?
    for start in stride(from: offset, through: max(0, offset - 3), by: -1) {
      guard let x = word32(expected, e, start), let y = word32(actual, a, start), x != y else { continue }
      let (left, right) = (relativeTarget(e, start, x), relativeTarget(a, start, y))
      let opcode = start > 0 ? expected.image.bytes.byte(at: e.offset + start - 1) : nil
      if let functions = expected.functions, functions.startsFunction(left), opcode == 0xe8 || opcode == 0xe9
      {
        let actualName = actual.functions?.describe(address: right) ?? hex(right)
        return "call or jump to: expected \(functions.describe(address: left) ?? ""), actual \(actualName)"
      }
      if fallback == nil, let leftName = expected.name(ofAddress: left), !leftName.hasPrefix(".text"),
        let rightName = actual.name(ofAddress: right)
      {
        fallback = "PC-relative to: expected \(hex(left)) \(leftName), actual \(hex(right)) \(rightName)"
      }
    }
    return fallback
  }
}
