import ImageWriter
import LoaderCore
import Testing

@Suite struct DynamicSectionsTests {
  private func withView<R>(_ text: String, _ body: (ByteView) throws -> R) rethrows -> R {
    try Array(text.utf8).withUnsafeBytes { try body(ByteView($0.baseAddress, $0.count)) }
  }

  /// Values of the System V ABI's own function, from other linkers' output.
  @Test(arguments: [
    ("", 0), ("exit", 0x6cf04), ("printf", 0x77905a6), ("syscall", 0xb09985c),
    ("flapenguin.me", 0x3987915),
  ])
  func hashesNamesAsTheABISays(_ name: String, _ hash: UInt32) {
    #expect(withView(name) { DynamicSections.elfHash($0) } == hash)
  }

  @Test func noSymbolsMakeTwoEmptyBuckets() {
    #expect(DynamicSections.hashTable([]) == [2, 1, 0, 0, 0])
  }

  @Test(arguments: [1, 2, 3, 7, 8, 100])
  func everyNameIsFoundThroughItsBucket(_ count: Int) {
    let storage = Arena()
    let names = (0..<count).map { storage.intern("main.variable\($0 * 7919)") }
    let table = DynamicSections.hashTable(names)
    let bucketCount = Int(table[0])
    #expect(Int(table[1]) == count + 1)
    #expect(table.count == 2 + bucketCount + count + 1)
    for (k, name) in names.enumerated() {
      var at = Int(table[2 + Int(DynamicSections.elfHash(name)) % bucketCount])
      var steps = 0
      while at != k + 1, at != 0, steps <= count {
        at = Int(table[2 + bucketCount + at])
        steps += 1
      }
      #expect(at == k + 1, "name \(k)")
    }
  }

  /// Tags of .dynamic, in order.
  private func tags(_ options: DynamicSections.Options) throws -> [UInt64] {
    let program = try SmallProgram()
    var live = try program.live()
    let sections = DynamicSections(program.index, &live, options: options)
    let text = try program.text(live)
    _ = try DynamicRelocations(
      sections, program.index, live, text: text, groups: SymbolGroups(program.index, live))
    let data = program.index.reader.data(sections.dynamic)
    return stride(from: 0, to: data.count, by: 16).map { data.u64($0) }
  }

  @Test func dynamicNamesTheTables() throws {
    var options = DynamicSections.Options()
    #expect(try tags(options) == [4, 6, 11, 5, 10, 7, 8, 9, 3, 21, 0x6fff_fffb, 0])
    options.runPath = "/lib/x"
    options.bindNow = true
    #expect(try tags(options) == [4, 6, 11, 5, 10, 7, 8, 9, 29, 3, 21, 30, 0x6fff_fffb, 0])
  }

  @Test func dataFieldsAndCodeGetTheirRelocations() throws {
    let program = try SmallProgram()
    var live = try program.live()
    let sections = DynamicSections(program.index, &live, options: .init())
    let groups = SymbolGroups(program.index, live)
    let relocations = try DynamicRelocations(
      sections, program.index, live, text: try program.text(live), groups: groups)
    let index = program.index
    // One word in .got for a target that code asks for twice, and the two fields of the table.
    #expect(relocations.count == 3)
    #expect(index.reader.size(sections.relocations) == 72)
    #expect(index.reader.size(sections.got) == 8)
    #expect(index.reader.size(sections.symbols) == 48)
    #expect(index.reader.data(sections.strings).string == "\0main.value\0")
    let code = index.reader.relocations(index.lookup("_rt0_amd64_linux"))
    for i in 0..<2 {
      #expect(index.reader.target(code[i], in: code) == sections.got)
      #expect(code[i].addend == Int64(i) * 8)
    }
  }

  @Test func relocationTablesLieSideBySide() throws {
    let program = try SmallProgram()
    var live = try program.live()
    let sections = DynamicSections(program.index, &live, options: .init())
    let groups = SymbolGroups(program.index, live)
    _ = try DynamicRelocations(
      sections, program.index, live, text: try program.text(live), groups: groups)
    var order = DataOrder(groups, program.index, TypeStrings(program.index, live, memory: LinkMemory()))
    sections.arrange(&order)
    let names = order[.elfROSect].symbols.map { program.index.reader.name($0).string }
    #expect(
      names == [".rela", ".rela.plt", ".gnu.version_r", ".gnu.version", ".dynstr", ".hash", ".dynsym"])
    #expect(order[.elfROSect].alignments.prefix(2) == [8, 8])
    #expect(order[.elfROSect].alignments.count == names.count)
  }

  @Test func onlyDataWithRelocationsMoves() throws {
    let program = try SmallProgram()
    let live = try program.live()
    var groups = SymbolGroups(program.index, live)
    groups.separateRelocated(program.index.reader)
    func names(_ kind: SymbolKind) -> [String] { groups[kind].map { program.index.reader.name($0).string } }
    #expect(names(.rodataRelro) == ["main.table"])
    #expect(names(.rodata).contains("main.value"))
    #expect(!names(.rodata).contains("main.table"))
  }

  @Test func anAddressOfOddSizeIsNobodysBusiness() throws {
    let program = try SmallProgram(fieldSize: 4)
    var live = try program.live()
    let sections = DynamicSections(program.index, &live, options: .init())
    let text = try program.text(live)
    let groups = SymbolGroups(program.index, live)
    var failure: LinkFailure?
    do throws(LinkFailure) {
      _ = try DynamicRelocations(sections, program.index, live, text: text, groups: groups)
    } catch {
      failure = error
    }
    #expect(failure != nil)
  }
}
