import ImageWriter
import LoaderCore
import TestSupport
import Testing

/// What a link makes with the memory of the last one must be what it makes without.
@Suite struct FunctionMemoryTests {
  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func editedProgramsHaveTheTablesOfFreshOnes(_ seed: UInt64) throws {
    var world = try EditedFunctions(seed: seed)
    var program = try world.resolve()
    var memory = FunctionMemory()
    var (patched, known) = (0, 0)
    for step in 0..<40 {
      let place = "seed \(seed), step \(step)"
      world.meddle(program.index)
      let made = Made(program.index, memory, goroot: step % 9 == 4 ? "/go" : "")
      let fresh = Made(program.index, FunctionMemory(), goroot: step % 9 == 4 ? "/go" : "")
      #expect(made.failure == fresh.failure, "\(place)")
      #expect(made.pieces == fresh.pieces, "\(place)")
      #expect(made.bytes == fresh.bytes, "\(place)")
      if memory.readCount < made.functions / 2 { known += 1 }
      if made.failure != nil { memory = FunctionMemory() }
      // Every now and then the same program again.
      if step % 4 != 3 { world.edit() }
      if program.update(to: try world.load(), profile: .go1_27_3, options: .init()) {
        memory.follow(program.change)
        patched += 1
      } else {
        program = try world.resolve()
        memory = FunctionMemory()
      }
    }
    #expect(patched > 10, "seed \(seed): \(patched) of 40 steps were patched")
    #expect(known > 5, "seed \(seed): most functions were known in \(known) of 40 steps")
  }

  @Test func theSameProgramAgainReadsAlmostNothing() throws {
    let world = try EditedFunctions(seed: 3)
    let program = try world.resolve()
    let memory = FunctionMemory()
    let first = Made(program.index, memory, goroot: "")
    #expect(memory.readCount == first.functions)
    #expect(memory.byteCount > 0)
    #expect(program.update(to: try world.load(), profile: .go1_27_3, options: .init()))
    memory.follow(program.change)
    let second = Made(program.index, memory, goroot: "")
    // Assembly with argument maps, one in each package, depends on other objects.
    #expect(memory.readCount == 6)
    #expect(second.bytes == first.bytes)
    memory.follow(nil)
    _ = Made(program.index, memory, goroot: "")
    #expect(memory.readCount == first.functions)
  }
}

/// Function tables of one link.
private struct Made {
  var failure: String?
  var pieces: [PCLineTable.Piece] = []
  var bytes: [UInt8] = []
  var functions = 0

  init(_ index: SymbolIndex, _ memory: FunctionMemory, goroot: String) {
    failure = TestSupport.failure { try make(index, memory, goroot) }
  }

  private mutating func make(_ index: SymbolIndex, _ memory: FunctionMemory, _ goroot: String) throws {
    let live = try Deadcode.run(index, initOrder: try InitOrder.schedule(index), options: .init())
    var addresses = Addresses(symbolCount: index.count)
    let text = TextLayout(
      index, live, order: try TextOrder(index, live), linkerText: [], options: .init(), addresses: &addresses)
    functions = text.functions.count
    var options = PCLineTable.Options()
    options.goroot = goroot
    let table = try PCLineTable.build(index, text: text, options: options, memory: memory)
    pieces = table.pieces
    addresses.place(index.lookup("gcbits"), at: 0x50_0010, in: SectionID(2))
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: table.size, alignment: 8)
    defer { room.deallocate() }
    room.initializeMemory(as: UInt8.self, repeating: UInt8.random(in: 0...255))
    let placement = PCLineTable.Placement(
      addresses: addresses, live: live, sectionStarts: [0, text.start, 0x50_0000])
    try table.write(into: room, reader: index.reader, text: text, placement: placement)
    bytes = Array(room)
  }
}
