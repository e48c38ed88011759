import LoaderCore

/// Copies functions and data into the image and relocates them
/// (cmd/link/internal/ld/asmb.go asmb, data.go writeBlocks).
package struct SegmentWriter {
  private let index: SymbolIndex
  private let layout: ImageLayout
  private let image: OutputImage
  /// The last image, when it is not in the same memory.
  private let last: OutputImage?
  private let memory: ImageMemory

  /// - Parameters:
  ///   - image: may have an older image of the program in it, or anything else: every byte of the segments is
  ///     written, but for those of .gopclntab and of DWARF.
  ///   - last: the last image, when it is somewhere else: what stays is copied from there, in order, and not from the
  ///     objects all over the memory.
  ///   - memory: knows the last image, and learns this one. It saves work: with an empty one the image is the same.
  package init(
    _ index: SymbolIndex, _ layout: ImageLayout, into image: OutputImage, last: OutputImage? = nil,
    memory: ImageMemory
  ) {
    self.index = index
    self.layout = layout
    self.image = image
    self.last = last
    self.memory = memory
  }

  /// The filler between functions: INT3 (amd64/obj.go CodePad).
  static let codePad: UInt8 = 0xcc

  /// Writes the text section and all placed data.
  ///
  /// - Returns: error lines in the real linker's words; the image is complete when there are none.
  package func write(
    text: TextLayout, data: DataLayout, addresses: borrowing Addresses, live: borrowing LiveSet,
    isPIE: Bool
  ) throws(LinkFailure) -> [String] {
    let unfit = LinkFailure.unsupported(reason: "sections do not fit the image")
    guard layout.fileLength < UInt64(UInt32.max),
      let plan = ImagePlan(text, data, layout, index.reader), plan.records.count < RecordMatch.limit,
      image.window(0, Int(layout.fileLength)) != nil
    else { throw unfit }
    let bases = layout.sections.map(\.address)
    let unreachableMethod = index.lookup("runtime.unreachableMethod", version: 1)
    let problems = bases.withUnsafeBufferPointer { bases -> [Relocator.Problem]? in
      guard let sectionBases = bases.baseAddress else { return nil }
      let relocator = Relocator(
        reader: index.reader, places: addresses.view, sectionBases: sectionBases,
        reachable: live.reachableBits, reachableCount: live.limit,
        unreachableMethod: unreachableMethod, tlsOffset: -8, isPIE: isPIE)
      let places = TargetPlaces(
        words: addresses.packed, count: addresses.count, reachable: live.reachableBits,
        reachableCount: live.limit, reader: index.reader,
        firstExternal: index.firstExternal.isNone ? .max : index.firstExternal.raw)
      return write(plan, relocator, places, unreachableMethod: addresses[unreachableMethod])
    }
    guard let problems else { throw unfit }
    let errors = RelocationErrors(index: index)
    if let failure = errors.fatal(problems) { throw failure }
    return errors.lines(problems)
  }

  private func write(
    _ plan: ImagePlan, _ relocator: Relocator, _ places: TargetPlaces, unreachableMethod: UInt64
  ) -> [Relocator.Problem] {
    if memory.isWasteful { memory.forget() }
    plan.match(
      memory, own: index.ownedSymbols, firstExternal: places.firstExternal, symbolCount: index.count)
    if plan.knownCount < plan.records.count / 2 {
      memory.forget()
      plan.forgetMatches()
    }
    // What there is to use of the last image, and whether it is in the same memory.
    let isSame = memory.contents == image.contents
    let other = isSame ? nil : last.flatMap { $0.contents == memory.contents ? $0 : nil }
    memory.end()
    if isSame || other != nil { memory.begin(after: other) }
    var limit = 0
    if isSame { limit = image.usedBytes } else if let other { limit = other.count }
    image.renewContents()
    // The plan's matches are read by one of them only.
    let room = memory.targets.count == 0 ? nil : plan.relocationsToList(index.reader) + Targets.spareRoom
    var made: Targets?
    Chunks.beside {
      if limit > 0 { plan.useImage(of: memory, limit: limit) }
    } _: {
      made = numberTargets(places, room: room)
    }
    let targets = made ?? numberTargets(places, room: room)
    if isSame { ImageMoves.run(plan.moves, in: image.base) }
    let source = other.map { UnsafePointer($0.base.assumingMemoryBound(to: UInt8.self)) }
    image.clear(except: written(plan))

    let writer = BlockWriter(
      plan, relocator,
      ListRelocator(
        words: targets.words, sectionBases: relocator.sectionBases, unreachableMethod: unreachableMethod),
      memory, targets, source: source, image: image.base)
    var problems: [Relocator.Problem] = []
    for block in plan.blocks { problems += writer.write(block) }
    memory.take(plan, targets, contents: image.contents)
    return problems
  }

  /// - Parameter room: nil when no list knows any number yet.
  private func numberTargets(_ places: TargetPlaces, room: Int?) -> Targets {
    room.map { Targets(memory.targets, room: $0, places: places) } ?? Targets(places: places)
  }

  /// What blocks and others write, in file order.
  private func written(_ plan: ImagePlan) -> [Range<Int>] {
    var ranges = plan.blocks.map { Int(plan.records[$0.records.lowerBound].offset)..<$0.end }
    for s in layout.sections where s.name == ".gopclntab" {
      let start = Int(layout[s.segment].fileOffset &+ (s.address &- layout[s.segment].address))
      ranges.append(start..<(start + Int(s.length)))
    }
    let dwarf = layout[.dwarf]
    if dwarf.fileLength > 0 {
      ranges.append(Int(dwarf.fileOffset)..<Int(dwarf.fileOffset &+ dwarf.fileLength))
    }
    return ranges.sorted { $0.lowerBound < $1.lowerBound }
  }
}
