import ImageDiff
import Testing

@Suite struct ImageDiffTests {
  private func changed(_ elf: TinyELF, _ section: String, _ offset: Int) throws -> FileBytes {
    var elf = elf
    let index = try #require(elf.sections.firstIndex { $0.name == section })
    elf.sections[index].bytes[offset] ^= 0xff
    return elf.file("actual")
  }

  @Test func equalFilesAreIdentical() throws {
    let report = try explainDifference(
      expected: TinyELF.withSymbols().file(), actual: TinyELF.withSymbols().file())
    #expect(report.identical)
    #expect(report.first == nil)
    #expect(report.description.hasPrefix("identical"))
  }

  @Test func aByteIsNamedBySectionSymbolAndOffset() throws {
    let elf = TinyELF.withSymbols()
    let report = try explainDifference(expected: elf.file(), actual: changed(elf, ".text", 0x25))
    let place = try #require(report.first)
    #expect(!report.identical)
    #expect(place.region == ".text")
    #expect(place.offset == 0x25)
    #expect(place.address == 0x401025)
    #expect(place.details.first == "symbol second+0x5 (of 0x10)")
    #expect(place.expectedBytes.count == 32)
    let at = place.offset - place.contextStart
    #expect(place.expectedBytes[at] == 0x25 && place.actualBytes[at] == 0x25 ^ 0xff)
    #expect(report.sections.map(\.name) == [".text"])
    let comparison = try #require(report.sections.first?.comparison)
    #expect(comparison.first == 0x25 && comparison.differing == 1 && comparison.runs == [0x25])
    #expect(comparison.runCount == 1)
  }

  @Test func bytesBehindASymbolAreSaidToBeBehindIt() throws {
    let elf = TinyELF.withSymbols()
    let report = try explainDifference(expected: elf.file(), actual: changed(elf, ".text", 0x38))
    #expect(report.first?.details.first == "symbol 0x8 behind the end of second")
  }

  @Test func runsAndBytesAreCounted() throws {
    let elf = TinyELF.withSymbols()
    var other = elf
    for offset in [0, 1, 20, 40, 41, 42] { other.sections[0].bytes[offset] ^= 1 }
    let report = try explainDifference(expected: elf.file(), actual: other.file())
    let comparison = try #require(report.sections.first?.comparison)
    #expect(comparison.differing == 6)
    #expect(comparison.runCount == 3)
    #expect(comparison.runs == [0, 20, 40])
  }

  @Test func sizesComeFirst() throws {
    let elf = TinyELF.withSymbols()
    var other = elf
    other.sections[1].bytes += [1, 2, 3, 4, 5, 6, 7, 8]
    let report = try explainDifference(expected: elf.file(), actual: other.file())
    #expect(
      report.structure.first == "file size: expected \(elf.file().count), actual \(other.file().count) (+8)")
    #expect(report.structure.dropFirst().first == "section .data: size expected 0x10 actual 0x18 (+8)")
    #expect(report.structure.contains { $0.hasPrefix("section .symtab: offset expected") })
    #expect(report.first?.region == "section header 2 (.data)")
    #expect(report.first?.details == ["sh_size"])
  }

  @Test func sectionsMissingAndTooManyAreListed() throws {
    let elf = TinyELF.withSymbols()
    var other = elf
    other.sections[1].name = ".noptrdata"
    let report = try explainDifference(expected: elf.file(), actual: other.file())
    #expect(report.structure.contains("sections missing: .data"))
    #expect(report.structure.contains("sections too many: .noptrdata"))
  }

  @Test func pointersAreNamedByTheirTargets() throws {
    let elf = TinyELF.withSymbols()
    var other = elf
    other.sections[1].bytes[0] = 0x08
    let report = try explainDifference(expected: elf.file(), actual: other.file())
    #expect(
      report.first?.details == [
        "symbol table",
        "pointer to: expected 0x401020 .text+0x20 = symbol second, actual 0x401008 .text+0x8 = symbol first+0x8 (of 0x20)",
      ])
  }

  @Test func namesComeFromAnotherFileWhenThereAreNone() throws {
    var stripped = TinyELF.withSymbols()
    stripped.sections.removeLast(2)
    let actual = try changed(stripped, ".text", 3)
    let nameless = try explainDifference(expected: stripped.file(), actual: actual)
    #expect(nameless.first?.details.contains { $0.contains("first") } == false)
    let named = try explainDifference(
      expected: stripped.file(), actual: actual, symbols: TinyELF.withSymbols().file())
    #expect(named.first?.details.first == "symbol first+0x3 (of 0x20)")
  }

  @Test func callsAreNamedByTheFunctionTable() throws {
    var elf = TinyELF.withFunctionTable()
    // call main.second, at offset 8 of main.first.
    elf.sections[0].bytes.replaceSubrange(8..<13, with: [0xe8] + TinyELF.halves([0x20 - 13]))
    var other = elf
    other.sections[0].bytes.replaceSubrange(9..<13, with: TinyELF.halves([UInt32(bitPattern: -13)]))
    let report = try explainDifference(expected: elf.file(), actual: other.file())
    #expect(
      report.first?.details == [
        "function main.first+0x9", "call or jump to: expected main.second, actual main.first",
      ])
  }

  @Test(arguments: [
    (0, "pcHeader: byte 0"), (8, "pcHeader.nfunc"), (75, "funcnametab+0x3: in \"main.first\""),
    (96, "cutab[0]"), (101, "filetab+0x1: in \"main.go\""),
    (114, "pctab+0x2: byte 0 of pcfile first used by main.first"),
    (128, "functab[0].funcOff: main.first"), (132, "functab[1].entryOff: main.second"),
    (140, "functab: end pc"), (156, "_func of main.first (function 0): args"),
    (196, "_func of main.second (function 1): entryOff"),
    (239, "_func of main.second (function 1): nfuncdata"),
  ])
  func functionTablePlacesAreNamed(_ offset: Int, _ text: String) throws {
    let elf = TinyELF.withFunctionTable()
    var other = elf
    // The magic number must stay readable on the expected side only.
    other.sections[1].bytes[offset] ^= 0x40
    let report = try explainDifference(expected: elf.file(), actual: other.file())
    #expect(report.first?.details.first == text)
  }

  @Test func missingFunctionsAreListed() throws {
    let elf = TinyELF.withFunctionTable()
    var other = elf
    other.sections[1].bytes[72 + 11 + 5] = UInt8(ascii: "S")
    let report = try explainDifference(expected: elf.file(), actual: other.file())
    #expect(report.structure.contains("  missing functions: main.second"))
    #expect(report.structure.contains("  functions too many: main.Second"))
  }
}

@Suite struct DiffCommandTests {
  @Test(arguments: [[], ["a"], ["a", "b", "c"], ["a", "b", "--symbols"], ["--nonsense", "a", "b"]])
  func wrongCallsAreAnsweredWithTheUsage(_ words: [String]) {
    let result = DiffCommand.run(words)
    #expect(result.exitCode == 2 && result.output.isEmpty)
    #expect(result.complaint.hasPrefix("usage: linkctl diff"))
  }

  @Test func aMissingFileIsAComplaint() {
    let result = DiffCommand.run(["/nonexistent/a", "/nonexistent/b"])
    #expect(result.exitCode == 2)
    #expect(result.complaint == "linkctl diff: /nonexistent/a: No such file or directory")
  }

  @Test func aFileEqualsItself() {
    let result = DiffCommand.run([#filePath, #filePath])
    #expect(result.exitCode == 0 && result.complaint.isEmpty)
    #expect(result.output.hasPrefix("identical"))
  }
}

@Suite struct HostileInputTests {
  @Test func anotherKindOfFileIsAnError() throws {
    let text = FileBytes(path: "text", bytes: Array("not an ELF file".utf8))
    #expect(throws: ImageDiffError.notELF(path: "text")) {
      _ = try explainDifference(expected: text, actual: TinyELF.withSymbols().file())
    }
    #expect(throws: ImageDiffError.notELF(path: "text")) { _ = try ELFImage(bytes: text) }
  }

  @Test func aMissingFileIsAnError() throws {
    #expect {
      _ = try explainDifference(expected: "/nonexistent/a", actual: "/nonexistent/b")
    } throws: { error in
      guard case .unreadable(path: "/nonexistent/a", _)? = error as? ImageDiffError else { return false }
      return true
    }
  }

  @Test(arguments: [TinyELF.withSymbols(), TinyELF.withFunctionTable()])
  func everyTruncationGivesAnErrorOrAReport(_ elf: TinyELF) {
    let whole = elf.file()
    for length in 0..<whole.count {
      let cut = FileBytes(path: "cut", bytes: whole.slice(at: 0, length: length))
      survives(whole, cut)
      survives(cut, whole)
    }
  }

  @Test(arguments: [TinyELF.withSymbols(), TinyELF.withFunctionTable()])
  func everyByteMayBeAnything(_ elf: TinyELF) {
    let whole = elf.file()
    let bytes = whole.slice(at: 0, length: whole.count)
    for offset in bytes.indices {
      for value: UInt8 in [0x00, 0x7f, 0x80, 0xff] where bytes[offset] != value {
        var other = bytes
        other[offset] = value
        let damaged = FileBytes(path: "damaged", bytes: other)
        survives(whole, damaged)
        survives(damaged, whole)
      }
    }
  }

  @Test(arguments: [TinyELF.withSymbols(), TinyELF.withFunctionTable()])
  func everyWordMayBeAsLargeAsItGets(_ elf: TinyELF) {
    let whole = elf.file()
    let bytes = whole.slice(at: 0, length: whole.count)
    for offset in stride(from: 24, to: bytes.count - 8, by: 4) {
      for value: UInt8 in [0x7f, 0xff] {
        var other = bytes
        for index in offset..<(offset + 8) { other[index] = index == offset + 7 ? value : 0xff }
        let damaged = FileBytes(path: "damaged", bytes: other)
        survives(whole, damaged)
        survives(damaged, whole)
      }
    }
  }

  /// A trap would end the test process; an error must say which file, a report must say something.
  private func survives(_ expected: FileBytes, _ actual: FileBytes) {
    do {
      let report = try explainDifference(expected: expected, actual: actual)
      #expect(!report.identical)
      #expect(report.first != nil && !report.description.isEmpty)
    } catch {
      #expect(error.description.contains(expected.path) || error.description.contains(actual.path))
    }
  }
}
