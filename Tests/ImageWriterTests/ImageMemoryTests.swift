import ImageWriter
import LoaderCore
import TestSupport
import Testing

/// An image made of the last one must be the image that is made without.
@Suite struct ImageMemoryTests {
  @Test(arguments: 1...16 as ClosedRange<UInt64>)
  func editedProgramsHaveTheImagesOfFreshOnes(_ seed: UInt64) throws {
    var world = try EditedImage(seed: seed)
    var program = try world.resolve()
    var memory = LinkMemory()
    var image: OutputImage?
    var (patched, known, inPlace) = (0, 0, 0)
    for step in 0..<40 {
      let place = "seed \(seed), step \(step)"
      world.meddle(program.index)
      let fresh = try Made(program.index, LinkMemory(), into: nil)
      // Now and then the memory of the image is gone, or is another one.
      if step % 7 == 5 { image = nil }
      if step % 11 == 6 { image?.poison(with: 0xa5) }
      let made = try Made(program.index, memory, into: image)
      #expect(made.problems == fresh.problems, "\(place)")
      #expect(made.bytes.count == fresh.bytes.count, "\(place)")
      let at = zip(made.bytes, fresh.bytes).enumerated().first { $0.element.0 != $0.element.1 }?.offset
      #expect(at == nil, "\(place): byte \(at ?? 0)")
      image = made.image
      if memory.image.knownCount > 100 { known += 1 }
      if memory.image.inPlaceCount > 100 { inPlace += 1 }
      world.edit()
      if program.update(to: try world.load(), profile: .go1_27_3, options: .init()) {
        memory.follow(program.change, count: program.index.count)
        patched += 1
      } else {
        program = try world.resolve()
        memory = LinkMemory()
      }
    }
    #expect(patched > 20, "seed \(seed): \(patched) of 40 steps were patched")
    #expect(known > 15, "seed \(seed): symbols were known in \(known) of 40 steps")
    #expect(inPlace > 10, "seed \(seed): symbols stayed in place in \(inPlace) of 40 steps")
  }

  @Test func theSameProgramAgainMovesNothing() throws {
    let world = try EditedImage(seed: 3)
    let program = try world.resolve()
    let memory = LinkMemory()
    let first = try Made(program.index, memory, into: nil)
    #expect(memory.image.knownCount == 0)
    #expect(memory.image.byteCount > 0)
    #expect(program.update(to: try world.load(), profile: .go1_27_3, options: .init()))
    memory.follow(program.change, count: program.index.count)
    let second = try Made(program.index, memory, into: first.image)
    #expect(second.bytes == first.bytes)
    #expect(memory.image.knownCount > 100)
    // All but those with relocations of a rare sort.
    #expect(memory.image.inPlaceCount > memory.image.knownCount / 2)
    memory.follow(nil, count: 0)
    #expect(memory.image.byteCount < 1000)
  }

  @Test func memoryThatWasUsedIsClearedWhereNobodyWrites() throws {
    let program = try EditedImage(seed: 5).resolve()
    let fresh = try Made(program.index, LinkMemory(), into: nil)
    let used = try OutputImage(count: fresh.bytes.count, spare: 0)
    used.poison(with: 0x5a)
    #expect(try Made(program.index, LinkMemory(), into: used).bytes == fresh.bytes)
  }
}

/// The segments of one link.
private struct Made {
  let image: OutputImage
  let bytes: [UInt8]
  let problems: [String]

  init(_ index: SymbolIndex, _ memory: LinkMemory, into old: OutputImage?) throws {
    let live = try Deadcode.run(index, initOrder: try InitOrder.schedule(index), options: .init())
    var addresses = Addresses(symbolCount: index.count)
    let text = TextLayout(
      index, live, order: try TextOrder(index, live), linkerText: [], options: .init(), addresses: &addresses)
    let groups = SymbolGroups(index, live, memory: memory)
    let order = DataOrder(groups, index, TypeStrings(index, live, memory: memory), memory: memory)
    let data = try DataLayoutBuilder.run(
      index, order, text: text, addresses: &addresses, options: .init(), pclntab: (size: 40, alignment: 8),
      gcPrograms: { _ in [] })
    let layout = try ImageLayout(data, options: .init(), addresses: &addresses)
    let count = Int(layout.fileLength)
    if let old, old.reuse(count: count, spare: 0) {
      image = old
    } else {
      image = try OutputImage(count: count, spare: 1 << 12)
    }
    let writer = SegmentWriter(index, layout, into: image, memory: memory.image)
    problems = try writer.write(text: text, data: data, addresses: addresses, live: live, isPIE: false)
    // That is others' part.
    let tables = layout.section(data.bounds.pclntab)
    let start = Int(layout[tables.segment].fileOffset + tables.address - layout[tables.segment].address)
    image.window(start, Int(tables.length))?.initializeMemory(as: UInt8.self, repeating: 7)
    bytes = Array(UnsafeRawBufferPointer(start: image.base, count: count))
  }
}

@Suite struct ImageMoveTests {
  /// Runs of bytes that come from, and go to, places in rising order.
  @Test(arguments: 1...30 as ClosedRange<UInt64>)
  func movesWithinAMemoryDoWhatCopiesDo(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let size = 6 << 20
    var memory = [UInt8](repeating: 0, count: size)
    for i in memory.indices { memory[i] = UInt8(truncatingIfNeeded: random.next()) }
    var moves: [ImageMove] = []
    var expected: [(to: Int, bytes: ArraySlice<UInt8>)] = []
    var (from, to) = (0, 0)
    // Gaps before a run let those behind it go up or down.
    func gap() -> Int { [0, 0, 1, 32, 700, 40_000, 500_000][Int.random(in: 0..<7, using: &random)] }
    while true {
      from += gap()
      to += gap()
      let count = [0, 5, 3000, 70_000, 1_300_000, 3 << 20][Int.random(in: 0..<6, using: &random)]
      guard max(from, to) + count <= size else { break }
      moves.append(ImageMove(from: from, to: to, count: count))
      expected.append((to, memory[from..<(from + count)]))
      from += count
      to += count
    }
    var moved = memory
    moved.withUnsafeMutableBytes { if let base = $0.baseAddress { ImageMoves.run(moves, in: base) } }
    #expect(!moves.isEmpty)
    for (k, e) in expected.enumerated() {
      #expect(moved[e.to..<(e.to + e.bytes.count)].elementsEqual(e.bytes), "seed \(seed), move \(k)")
    }
  }
}
