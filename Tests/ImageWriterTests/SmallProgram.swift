import ImageWriter
import LoaderCore

/// A program of a few symbols that need one another: code that asks for an address, a table of two, names of
/// every sort that the symbol table knows.
struct SmallProgram {
  let index: SymbolIndex

  init(fieldSize: UInt8 = 8) throws {
    var fixture = ObjectFixture()
    let entry = fixture.add(.init(name: "_rt0_amd64_linux", kind: 1, size: 20))
    let f = fixture.add(.init(name: "main.f", abi: 1, kind: 1, size: 40))
    let wrapper = fixture.add(.init(name: "main.f", kind: 1, size: 9))
    let dotted = fixture.add(.init(name: "main·dotted", abi: 1, kind: 1, size: 8))
    let local = fixture.add(.init(name: "main.local", abi: 0xffff, kind: 1, size: 8))
    let value = fixture.data("main.value", [1, 2, 3, 4])
    let table = fixture.add(
      .init(
        name: "main.table", size: 16, data: [UInt8](repeating: 0, count: 16),
        relocations: [
          .init(offset: 0, size: fieldSize, type: RelocType.addr, symbol: f),
          .init(offset: 8, size: fieldSize, type: RelocType.addr, addend: 2, symbol: value),
        ]))
    let descriptor = fixture.data("main.f·f", [0, 0, 0, 0, 0, 0, 0, 0])
    let text = fixture.data("go:string.\"x\"", [0x78])
    let unlisted = fixture.add(.init(name: "main..stmp_1", abi: 0xffff, size: 4, data: [0, 0, 0, 0]))
    fixture.symbols[entry].relocations = [
      .init(offset: 1, type: RelocType.addr, symbol: value),
      .init(offset: 6, type: RelocType.addr, addend: 8, symbol: value),
    ]
    for s in [f, wrapper, dotted, local] {
      fixture.symbols[entry].relocations.append(.init(offset: 11, type: RelocType.call, symbol: s))
    }
    for s in [table, descriptor, text, unlisted] {
      fixture.symbols[f].relocations.append(.init(offset: 3, type: RelocType.pcrel, symbol: s))
    }
    index = try fixture.load()
  }

  func live() throws -> LiveSet {
    try Deadcode.run(index, initOrder: try InitOrder.schedule(index), options: .init())
  }

  func text(_ live: borrowing LiveSet) throws -> TextLayout {
    var addresses = Addresses(symbolCount: index.count)
    return try text(live, &addresses)
  }

  func text(_ live: borrowing LiveSet, _ addresses: inout Addresses) throws -> TextLayout {
    TextLayout(
      index, live, order: try TextOrder(index, live), linkerText: [], options: .init(),
      addresses: &addresses)
  }
}
