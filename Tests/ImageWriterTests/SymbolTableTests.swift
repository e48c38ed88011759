import ImageWriter
import LoaderCore
import Testing

@Suite struct SymbolTableTests {
  struct Entry: Equatable {
    var name: String
    var info: UInt8
    var section: UInt16
    var value: UInt64
    var size: UInt64
  }

  /// The table of the small program, with its data in section 2 from 0x1000 on, 256 bytes apart.
  private func table(_ memory: LinkMemory = LinkMemory()) throws -> (
    entries: [Entry], firstGlobal: Int, strings: [UInt8]
  ) {
    let program = try SmallProgram()
    let index = program.index
    var live = try program.live()
    BoundarySymbols.declareText(index, &live)
    var addresses = Addresses(symbolCount: index.count)
    let text = try program.text(live, &addresses)
    let groups = SymbolGroups(index, live, memory: LinkMemory())
    var at: UInt64 = 0x1000
    for symbols in groups.byKind {
      for s in symbols {
        addresses.place(s, at: at, in: SectionID(2))
        at += 0x100
      }
    }
    for name in ["runtime.text", "runtime.etext"] {
      addresses.place(index.lookup(name), at: name == "runtime.text" ? text.start : text.end, in: .text)
    }
    let table = try SymbolTable(
      index, live, groups: groups, text: text, addresses: addresses, sectionNumbers: [0, 7, 9],
      memory: memory)
    var entries = [UInt8](repeating: 0xee, count: table.entryBytes)
    var strings = [UInt8](repeating: 0xee, count: table.stringBytes)
    entries.withUnsafeMutableBytes { e in
      strings.withUnsafeMutableBytes { s in table.write(entries: e, strings: s) }
    }
    return (read(entries, strings), Int(table.firstGlobal), strings)
  }

  private func read(_ entries: [UInt8], _ strings: [UInt8]) -> [Entry] {
    entries.withUnsafeBytes { raw in
      let view = ByteView(raw.baseAddress, raw.count)
      return stride(from: 0, to: view.count, by: SymbolTable.entrySize).map { at in
        let name = strings[Int(view.u32(at))...].prefix { $0 != 0 }
        return Entry(
          name: String(decoding: name, as: UTF8.self), info: view.u8(at + 4), section: view.u16(at + 6),
          value: view.u64(at + 8), size: view.u64(at + 16))
      }
    }
  }

  @Test func localsComeFirstAndGroupsAreNotListed() throws {
    let (entries, firstGlobal, _) = try table()
    #expect(entries.prefix(firstGlobal).allSatisfy { $0.info >> 4 == 0 })
    #expect(entries.dropFirst(firstGlobal).allSatisfy { $0.info >> 4 == 1 })
    #expect(
      entries.prefix(firstGlobal).map(\.name) == ["", "go.go", "runtime.text", "main.local", "runtime.etext"])
    #expect(
      entries.dropFirst(firstGlobal).map(\.name)
        == ["_rt0_amd64_linux", "main.f", "main.f.abi0", "main.dotted", "main.value", "main.table"])
  }

  /// What is known of the last table must say the same.
  @Test func theNextTableIsTheSame() throws {
    let memory = LinkMemory()
    let first = try table(memory)
    let held = memory.byteCount
    #expect(held > LinkMemory().byteCount)
    for _ in 0..<2 {
      let next = try table(memory)
      #expect(next.entries == first.entries && next.strings == first.strings)
      #expect(next.firstGlobal == first.firstGlobal)
    }
    #expect(memory.byteCount == held)
  }

  @Test func entriesSayWhatAndWhere() throws {
    let (entries, _, _) = try table()
    #expect(entries[0] == Entry(name: "", info: 0, section: 0, value: 0, size: 0))
    #expect(entries[1] == Entry(name: "go.go", info: 4, section: 0xfff1, value: 0, size: 0))
    let start = try #require(entries.first { $0.name == "_rt0_amd64_linux" })
    #expect(start == Entry(name: "_rt0_amd64_linux", info: 0x12, section: 7, value: 0x401000, size: 20))
    let wrapper = try #require(entries.first { $0.name == "main.f.abi0" })
    #expect(wrapper.value == 0x401060)
    #expect(wrapper.size == 9)
    let table = try #require(entries.first { $0.name == "main.table" })
    #expect(table.info == 0x11)
    #expect(table.section == 9)
    #expect(table.size == 16)
  }

  @Test func everyEntryHasAStringOfItsOwn() throws {
    let (entries, _, strings) = try table()
    #expect(strings.first == 0)
    #expect(strings.last == 0)
    // The reserved entry shares the empty string at the start with nobody.
    #expect(strings.filter { $0 == 0 }.count == entries.count)
  }

  @Test(arguments: [
    ("main..stmp_1", true), ("..stmp_", true), ("main.stmp_1", false), ("main..stmp", false), ("", false),
  ])
  func knowsTheCompilersTemporaries(_ name: String, _ isTemporary: Bool) {
    let found = Array(name.utf8).withUnsafeBytes {
      SymbolTable.isStaticTemporary(ByteView($0.baseAddress, $0.count))
    }
    #expect(found == isTemporary)
  }
}
