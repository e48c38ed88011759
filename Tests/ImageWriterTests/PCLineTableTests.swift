import Foundation
import ImageWriter
import LoaderCore
import Testing

/// A program whose function tables can be worked out by hand.
private struct Program {
  var fixture = ObjectFixture()
  /// pcsp, pcfile, pcline, pcdata, pcinline tables; the last is empty.
  let pc: [Int]
  let small: Int
  let wide: Int
  let mask: Int
  var inlinedInfo: Int
  var fInfo: Int
  var f: Int

  init() {
    fixture.files = ["/src/unused.go", "$GOROOT/src/a.go", "/src/b.go", "/src/b.go"]
    let entry = fixture.add(.init(name: "_rt0_amd64_linux", kind: 1, size: 5))
    var pc: [Int] = []
    for bytes: [UInt8] in [[1, 2, 3], [4, 5], [6], [7, 8, 9, 10], []] {
      pc.append(fixture.data("pc\(pc.count)", bytes))
    }
    self.pc = pc
    small = fixture.data("gclocals·small", [0x11, 0x12, 0x13], alignment: 1)
    wide = fixture.data("wide.stkobj", [1, 0, 0, 0, 2, 0, 0, 0])
    mask = fixture.data("runtime.gcbits.x", [0xff])
    inlinedInfo = fixture.info("h.info", funcID: 9, startLine: 77)
    let h = fixture.add(
      .init(name: "main.h", abi: 1, kind: 1, size: 1, auxiliaries: [(AuxKind.funcInfo, inlinedInfo)]))
    fInfo = fixture.info(
      "f.info", args: 24, funcID: 3, flag: 4, startLine: 12, files: [1],
      calls: [.init(file: 3, symbol: h, parentPC: 5), .init(file: 2, symbol: h, parentPC: 6)])
    let gInfo = fixture.info("g.info", startLine: 40, files: [2])
    f = fixture.add(.init(name: "main.f", abi: 1, kind: 1, size: 40))
    let g = fixture.add(.init(name: "main.g", abi: 1, kind: 1, size: 20))
    let deferReturn = fixture.add(.init(name: "runtime.deferreturn", abi: 1, kind: 1, size: 7))
    fixture.symbols[entry].relocations = [f, g].map { .init(offset: 1, type: RelocType.call, symbol: $0) }
    fixture.symbols[f].relocations = [
      .init(offset: 3, type: RelocType.call, symbol: g),
      .init(offset: 11, type: RelocType.call, symbol: deferReturn),
      .init(offset: 21, type: RelocType.call, symbol: deferReturn),
    ]
    fixture.symbols[f].auxiliaries = [
      (AuxKind.funcInfo, fInfo), (AuxKind.funcdata, small), (AuxKind.funcdata, nil),
      (AuxKind.funcdata, wide), (AuxKind.pcsp, pc[0]), (AuxKind.pcfile, pc[4]), (AuxKind.pcline, pc[1]),
      (AuxKind.pcinline, pc[3]), (AuxKind.pcdata, pc[2]),
    ]
    fixture.symbols[g].auxiliaries = [
      (AuxKind.funcInfo, gInfo), (AuxKind.funcdata, small), (AuxKind.pcsp, pc[2]), (AuxKind.pcline, pc[0]),
    ]
    fixture.symbols[wide].relocations = [
      .init(offset: 4, type: RelocType.addrOff, addend: 3, symbol: mask)
    ]
  }

  struct Built {
    var bytes: [UInt8]
    var pieces: [PCLineTable.Piece]
    var funcdata: [(symbol: String, offset: Int)]
    var textStart: UInt64
    var starts: [UInt64]

    func words(_ piece: Int) -> [UInt32] {
      let p = pieces[piece]
      return stride(from: p.offset, to: p.offset + p.size, by: 4).map { at in
        bytes[at..<at + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
      }
    }
    func content(_ piece: Int) -> [UInt8] {
      Array(bytes[pieces[piece].offset..<pieces[piece].offset + pieces[piece].size])
    }
  }

  func build() throws -> Built {
    let index = try fixture.load()
    let live = try Deadcode.run(index, initOrder: try InitOrder.schedule(index), options: .init())
    var addresses = Addresses(symbolCount: index.count)
    let text = TextLayout(
      index, live, order: try TextOrder(index, live), linkerText: [], options: .init(), addresses: &addresses)
    var options = PCLineTable.Options()
    options.goroot = "/go"
    let table = try PCLineTable.build(index, text: text, options: options)
    addresses.place(index.lookup("runtime.gcbits.x"), at: 0x50_0010, in: SectionID(2))
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: table.size, alignment: 8)
    defer { room.deallocate() }
    room.initializeMemory(as: UInt8.self, repeating: 0xee)
    let placement = PCLineTable.Placement(
      addresses: addresses, live: live, sectionStarts: [0, text.start, 0x50_0000])
    try table.write(into: room, reader: index.reader, text: text, placement: placement)
    var funcdata: [(symbol: String, offset: Int)] = []
    table.forEachFuncdata { s, offset in funcdata.append((index.reader.name(s).string, offset)) }
    funcdata.sort { $0.offset < $1.offset }
    return Built(
      bytes: Array(room), pieces: table.pieces, funcdata: funcdata, textStart: text.start, starts: text.starts
    )
  }
}

@Suite struct PCLineTableTests {
  private typealias Index = PCLineTable.PieceIndex

  private func padded(_ text: String) -> [UInt8] {
    let b = Array(text.utf8)
    return b + Array(repeating: 0, count: (8 - b.count % 8) % 8)
  }

  @Test func namesAreSharedBySymbol() throws {
    let built = try Program().build()
    #expect(
      built.content(Index.functionNames)
        == padded("_rt0_amd64_linux\0main.f\0main.h\0main.g\0runtime.deferreturn\0"))
  }

  @Test func filesAreSharedByNameAndExpanded() throws {
    let built = try Program().build()
    #expect(built.content(Index.files) == padded("/go/src/a.go\0/src/b.go\0"))
    // Up to the highest file used; the first is not used, the other two are the same name.
    #expect(built.words(Index.unitFiles) == [.max, 0, 13, 13])
  }

  @Test func pcTablesAreSharedBySymbolAndStartAtOne() throws {
    let built = try Program().build()
    #expect(built.content(Index.pcTables) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0, 0, 0, 0])
  }

  @Test func recordsHoldOffsets() throws {
    let built = try Program().build()
    let words = built.words(Index.functions)
    #expect(built.starts.count == 4)
    let entries = built.starts.map { UInt32($0 - built.textStart) }
    // Four pairs, the end of text, padding; then the records.
    let at = [40, 40 + 48, 40 + 48 + 72, 40 + 48 + 72 + 48]
    #expect(
      words[0..<10] == [entries[0], 40, entries[1], 88, entries[2], 160, entries[3], 208, entries[3] + 7, 0])
    let absent = UInt32.max
    #expect(words[(at[0] / 4)..<(at[1] / 4)] == [entries[0], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect(
      words[(at[1] / 4)..<(at[2] / 4)] == [
        entries[1], 17, 24, 10, 1, 0, 4, 3, 0, 12, 0x0400_0403,
        // pcdata; the third is the inlined calls'.
        6, 0, 7,
        // funcdata; the fourth is the tree of inlined calls.
        40, absent, 0, 8,
      ])
    #expect(
      words[(at[2] / 4)..<(at[3] / 4)] == [entries[2], 31, 0, 0, 6, 0, 1, 0, 0, 40, 0x0100_0000, 40])
  }

  @Test func funcdataFallsInAlignment() throws {
    let built = try Program().build()
    #expect(built.pieces[Index.funcdata].alignment == 8)
    #expect(built.funcdata.map(\.symbol) == ["wide.stkobj", "gclocals·small"])
    #expect(built.funcdata.map(\.offset) == [0, 40])
    #expect(
      built.content(Index.funcdata) == [
        // The relocated field: 0x10 in its section, and 3.
        1, 0, 0, 0, 0x13, 0, 0, 0,
        // Two calls: function id, name, parent pc, line.
        9, 0, 0, 0, 24, 0, 0, 0, 5, 0, 0, 0, 77, 0, 0, 0,
        9, 0, 0, 0, 24, 0, 0, 0, 6, 0, 0, 0, 77, 0, 0, 0,
        0x11, 0x12, 0x13, 0, 0, 0, 0, 0,
      ])
  }

  @Test func theHeaderPointsAtThePieces() throws {
    let built = try Program().build()
    let words = built.words(Index.header)
    #expect(words[0..<8] == [0xffff_fff1, 0x0801_0000, 4, 0, 2, 0, 0, 0])
    let offsets = (Index.functionNames...Index.functions).map { UInt32(built.pieces[$0].offset) }
    #expect(stride(from: 8, to: 18, by: 2).map { words[$0] } == offsets)
    #expect(built.pieces.map(\.name).last == "go:func.*")
    for (a, b) in zip(built.pieces, built.pieces.dropFirst()) { #expect(a.offset + a.size <= b.offset) }
  }

  @Test func assemblyMayNameArgumentMapsThatDoNotExist() throws {
    var program = Program()
    program.fixture.isAssembly = true
    program.fixture.symbols[program.small].data = []
    program.fixture.symbols[program.small].size = 0
    let built = try program.build()
    #expect(!built.funcdata.contains { $0.symbol == "gclocals·small" })
  }

  // MARK: what goes wrong

  private func failure(_ change: (inout Program) -> Void) -> LinkFailure? {
    var program = Program()
    change(&program)
    do {
      _ = try program.build()
      return nil
    } catch {
      return error as? LinkFailure
    }
  }

  @Test func emptyFuncdataIsRefused() {
    let failure = failure {
      $0.fixture.symbols[$0.wide].data = []
      $0.fixture.symbols[$0.wide].size = 0
    }
    guard case .unsupported = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
  }

  @Test func aFileThatTheUnitDoesNotHaveIsCorrupt() {
    let failure = failure { $0.fixture.files.removeLast(2) }
    guard case .corrupt = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
  }

  @Test func anInlinedFunctionMustSayWhatItIs() {
    let failure = failure {
      $0.fixture.symbols[$0.inlinedInfo].data = Array($0.fixture.symbols[$0.inlinedInfo].data.prefix(10))
    }
    guard case .corrupt = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
  }

  @Test func aSymbolInTwoRolesIsRefused() {
    let failure = failure { $0.fixture.symbols[$0.f].auxiliaries.append((AuxKind.pcdata, $0.small)) }
    guard case .unsupported = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
  }

  @Test func otherRelocationsInFuncdataAreRefused() {
    for (type, size, offset) in [
      (RelocType.addr, 4, 0), (RelocType.addrOff, 8, 0), (RelocType.addrOff, 4, 5),
    ] {
      let failure = failure {
        $0.fixture.symbols[$0.wide].relocations = [
          .init(offset: Int32(offset), size: UInt8(size), type: type, symbol: $0.mask)
        ]
      }
      guard case .unsupported = failure else {
        Issue.record("\(type) \(size) \(offset): \(String(describing: failure))")
        continue
      }
    }
  }
}
