import LoaderCore
import TestSupport
import Testing

/// Symbols that the linker makes, and what becomes of an object's symbol that it changes.
@Suite struct SymbolBuilderTests {
  private func program() throws -> SymbolIndex {
    var scene = Scene()
    let a = scene.data("a")
    let info = scene.data("info")
    let f = scene.object.add(
      .init(
        "f", abi: 1, kind: 1, flags: [.dupOK, .reflectMethod], size: 12, alignment: 16, data: [1, 2, 3],
        relocations: [.init(RelocType.call, a, offset: 1, addend: -4, isWeak: true)]))
    scene.object[f].auxiliaries = [(AuxKind.funcInfo, info)]
    return try HandmadeProgram(main: scene.object).resolve().index
  }

  private func bytes(_ s: SymbolID, _ index: SymbolIndex) -> [UInt8] { Array(index.reader.data(s).buffer) }

  @Test func aChangedSymbolKeepsContentButNotFlags() throws {
    let index = try program()
    let f = index.lookup("f", version: 1)
    let before = index.reader
    #expect(before.flags(f).contains(.reflectMethod) && before.symbolClass(f).contains(.reflectMethod))
    index.makeOwned(f)
    let r = index.reader
    #expect(r.isExternal(f) && index.lookup("f", version: 1) == f)
    #expect(r.name(f).string == "f" && r.version(f) == 1 && r.kind(f) == .text && r.size(f) == 12)
    #expect(bytes(f, index) == [1, 2, 3])
    #expect(index.alignment(f) == 16)
    #expect(r.flags(f) == [] && r.symbolClass(f) == [])
    let relocations = r.relocations(f)
    #expect(relocations.count == 1)
    let x = relocations[0]
    #expect(x.type == RelocType.call && !x.isWeak && x.offset == 1 && x.addend == -4 && x.size == 4)
    #expect(r.target(x, in: relocations) == index.lookup("a"))
    // What belongs to it can still be asked for.
    #expect(r.auxiliary(f, AuxKind.funcInfo) == index.lookup("info"))
    #expect(index.packagePath(f) == "main")
    // Once is enough.
    let count = index.count
    index.makeOwned(f)
    #expect(index.count == count && bytes(f, index) == [1, 2, 3])
  }

  @Test func theObjectItselfDoesNotChange() throws {
    let index = try program()
    let f = index.lookup("f", version: 1)
    let object = index.objects[0]
    index.setBytes(f, at: 0, [9])
    #expect(bytes(f, index).prefix(3) == [9, 2, 3])
    let local = (0..<UInt32(object.view.symbolCount)).first { object.view.name($0).string == "f" }
    #expect(object.view.data(try #require(local)).u8(0) == 1)
  }

  @Test func contentsGrowAtTheEnd() throws {
    let index = try program()
    let a = index.lookup("a")
    let s = index.lookupOrCreate("new")
    #expect(index.reader.kind(s) == .undefined)
    index.addUInt(s, UInt16(0x0201))
    index.addBytes(s, [3])
    index.addAddress(s, of: a, addend: 5)
    #expect(bytes(s, index) == [1, 2, 3] + [UInt8](repeating: 0, count: 8))
    #expect(index.reader.size(s) == 11 && index.reader.kind(s) == .data)
    let x = index.reader.relocations(s)[0]
    #expect(x.offset == 3 && x.size == 8 && x.type == RelocType.addr && x.addend == 5)
    // Behind the size, not behind the data.
    index.setSize(s, 20)
    index.addBytes(s, [7])
    #expect(bytes(s, index).suffix(10) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 7])
    #expect(index.reader.size(s) == 21)
    index.setUInt(s, at: 22, UInt32(0xffff_ffff))
    #expect(bytes(s, index).suffix(6) == [7, 0, 0xff, 0xff, 0xff, 0xff])
    index.truncate(s)
    #expect(bytes(s, index) == [] && index.reader.size(s) == 0 && index.reader.relocations(s).count == 0)
    index.setData(s, [1, 2])
    #expect(bytes(s, index) == [1, 2] && index.reader.size(s) == 2)
  }

  @Test func manyRelocationsKeepTheirOrder() throws {
    let index = try program()
    let a = index.lookup("a")
    let s = index.createUnlisted("list")
    for k in 0..<100 { index.addAddress(s, of: a, addend: Int64(k)) }
    let relocations = index.reader.relocations(s)
    #expect((0..<100).map { relocations[$0].addend } == (0..<100).map { Int64($0) })
    index.setRelocationTarget(s, 50, s, addend: -1)
    let changed = index.reader.relocations(s)
    #expect(index.reader.target(changed[50], in: changed) == s && changed[50].addend == -1)
    #expect(index.reader.target(changed[51], in: changed) == a)
    // Not there: nothing happens.
    index.setRelocationTarget(s, 100, s)
    #expect(index.reader.relocations(s).count == 100)
    #expect(changed[100].type == 0 && changed[-1].type == 0)
  }

  @Test func onlyListedSymbolsAreFoundByName() throws {
    let index = try program()
    let listed = index.lookupOrCreate("x")
    #expect(index.lookupOrCreate("x") == listed && index.lookup("x") == listed)
    #expect(index.lookupOrCreate("x", version: 1) != listed)
    let statics = (0..<2).map { _ in index.createStatic("y") }
    #expect(statics[0] != statics[1] && index.lookup("y").isNone)
    #expect(statics.map { index.reader.version($0) } == [-1, -2])
    _ = index.createUnlisted("z")
    #expect(index.lookup("z").isNone)
  }

  @Test func namesAreFoundAmongMany() throws {
    let index = try program()
    let made = (0..<5000).map { index.lookupOrCreate("symbol \($0)") }
    #expect((0..<5000).allSatisfy { index.lookup("symbol \($0)") == made[$0] })
    #expect(index.lookup("symbol 5000").isNone)
  }

  @Test func attributesAndAlignmentsAreOfOneSymbol() throws {
    let index = try program()
    let s = index.createUnlisted("s")
    index.insert([.special, .local], for: s)
    index.remove(.local, for: s)
    #expect(index.attributes(s) == .special && index.attributes(index.lookup("a")) == [])
    index.setAlignment(s, 64)
    #expect(index.alignment(s) == 64)
    index.setAlignment(s, 0)
    #expect(index.alignment(s) == 0)
    #expect(index.alignment(SymbolID(1_000_000)) == 0 && index.attributes(SymbolID(1_000_000)) == [])
  }
}
