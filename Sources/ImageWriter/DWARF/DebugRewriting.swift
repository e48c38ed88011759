import LoaderCore
internal import Synchronization

/// What a link knows of the sections of the last one while it writes its own.
struct DebugRewriting {
  private var memory: DebugMemory?
  private var last: WrittenDebug?
  private var moves: DebugMoves.View?
  /// Of the sections that are written now.
  fileprivate let stamp: Int

  /// Nothing is known, and nothing kept.
  init() { stamp = 0 }

  init(_ memory: DebugMemory, last: WrittenDebug?, moves: DebugMoves.View?, stamp: Int) {
    (self.memory, self.last, self.moves, self.stamp) = (memory, last, moves, stamp)
  }

  /// A unit's parts; nil when nothing is kept.
  fileprivate func memo(of object: ObjectID) -> UnitMemo? { memory?.units[object.index] }

  /// Copies a unit's part of a section, if it was written and is the same.
  fileprivate func copy(
    _ part: WrittenPart?, _ count: Int, _ kind: DebugInfo.Section.Kind, to out: UnsafeMutableRawPointer
  ) -> WrittenPart? {
    guard let part, let last, part.stamp == last.stamp, part.count == count,
      last.sections[kind]?.copy(part.range, to: out) == true
    else { return nil }
    noteCopied(count)
    return part
  }

  fileprivate func noteCopied(_ count: Int) { last?.copied.add(count, ordering: .relaxed) }

  /// The last link's part of .debug_info, and what moved in it.
  fileprivate func info(_ part: WrittenInfo?) -> (
    part: WrittenInfo, moves: DebugMoves.View, bytes: SectionBytes
  )? {
    guard let part, part.isIntact, let last, let moves, part.stamp == last.stamp,
      let bytes = last.sections[.info]
    else { return nil }
    return (part, moves, bytes)
  }
}

// MARK: - Line tables and lists

extension DebugInfo {
  func writeLines(
    _ out: UnsafeMutableRawPointer, _ relocator: DebugRelocator, _ rewriting: DebugRewriting
  ) {
    let tables = contents.tables
    forEachUnit { u, image in
      guard image.hasText else { return }
      Self.copy(image.lineHead.bytes, to: out + image.lines.start)
      let p = out + image.programsStart
      let count = tables.findings(u).lineSize
      let memo = rewriting.memo(of: tables.unit(u).object)
      if let known = rewriting.copy(memo?.lines, count, .line, to: p) {
        writeAddresses(known.addresses, u, p, relocator)
        memo?.lines = WrittenPart(
          stamp: rewriting.stamp, start: image.programsStart, count: count, addresses: known.addresses)
        return
      }
      var watch = LineWatch()
      var at = 0
      for i in tables.functionIndices(u) where !tables.record(i).lines.isNone {
        watch.begin(tables.function(i), at: at)
        at += relocator.copy(tables.record(i).lines, to: p + at, &watch)
      }
      watch.end()
      memo?.lines =
        watch.isGood
        ? WrittenPart(
          stamp: rewriting.stamp, start: image.programsStart, count: count, addresses: watch.addresses) : nil
    }
  }

  /// Writes the addresses of a unit's functions that have line programs.
  private func writeAddresses(
    _ offsets: [UInt32], _ u: Int, _ out: UnsafeMutableRawPointer, _ relocator: DebugRelocator
  ) {
    let tables = contents.tables
    var next = offsets.startIndex
    for i in tables.functionIndices(u) where !tables.record(i).lines.isNone && next < offsets.endIndex {
      let address = relocator.address(tables.function(i))
      if address == 0 { relocator.fail(tables.record(i).lines) }
      out.storeBytes(of: address.littleEndian, toByteOffset: Int(offsets[next]), as: UInt64.self)
      next += 1
    }
  }

  func writeRanges(
    _ out: UnsafeMutableRawPointer, _ relocator: DebugRelocator, _ rewriting: DebugRewriting
  ) {
    forEachUnit { u, image in
      guard image.hasText else { return }
      Self.copy(image.rangeList.bytes, to: out + image.ranges.start)
      let memo = rewriting.memo(of: contents.tables.unit(u).object)
      let written = writeLists(
        .rngLists, out, image.rangesStart, contents.tables.findings(u).rangeSize, memo?.ranges, rewriting
      ) { p, watch in
        contents.tables.forEachRanges(u) { p += relocator.copy($0, to: p, &watch) }
      }
      memo?.ranges = written
    }
  }

  func writeLocations(
    _ out: UnsafeMutableRawPointer, _ relocator: DebugRelocator, _ rewriting: DebugRewriting
  ) {
    forEachUnit { u, image in
      guard image.hasText else { return }
      let memo = rewriting.memo(of: contents.tables.unit(u).object)
      let written = writeLists(
        .locLists, out, image.locations.start, contents.tables.findings(u).locationSize, memo?.locations,
        rewriting
      ) { p, watch in
        contents.tables.forEachLocation(u) { p += relocator.copy($0, to: p, &watch) }
      }
      memo?.locations = written
    }
  }

  /// Writes a unit's location or range lists, which refer to functions by their numbers in the unit.
  ///
  /// - Returns: where they are, for the next link.
  @inline(__always)
  private func writeLists(
    _ kind: Section.Kind, _ out: UnsafeMutableRawPointer, _ start: Int, _ count: Int, _ known: WrittenPart?,
    _ rewriting: DebugRewriting,
    _ write: (_ p: inout UnsafeMutableRawPointer, _ watch: inout ListWatch) -> Void
  ) -> WrittenPart? {
    let written = WrittenPart(stamp: rewriting.stamp, start: start, count: count)
    var p = out + start
    if rewriting.copy(known, count, kind, to: p) != nil { return written }
    var watch = ListWatch()
    write(&p, &watch)
    return watch.isGood ? written : nil
  }
}

// MARK: - Entries

extension DebugInfo {
  func writeInfo(
    _ out: UnsafeMutableRawPointer, _ relocator: DebugRelocator, _ rewriting: DebugRewriting
  ) {
    forEachUnit { u, image in
      guard !image.isEmpty else { return }
      Self.copy(image.head.bytes, to: out + image.info.start)
      if image.hasText {
        (out + image.info.start).storeBytes(
          of: relocator.address(contents.tables.firstFunction(u)).littleEndian, toByteOffset: image.lowPCAt,
          as: UInt64.self)
      }
      let memo = rewriting.memo(of: contents.tables.unit(u).object)
      var p = out + image.entriesStart
      if let memo, let known = rewriting.info(memo.info), isSame(known.part, u),
        copy(known.part, known.moves, known.bytes, image, to: p)
      {
        memo.info = known.part.moved(to: image.entriesStart, lists: image.lists, stamp: rewriting.stamp)
        p += known.part.count
        rewriting.noteCopied(known.part.count)
      } else {
        let written = writeEntries(u, &p, relocator, rewriting.stamp)
        memo?.info = written
      }
      contents.forEachVariable(u) { p += relocator.copy($0, to: p) }
      // Closes the unit.
      out.storeBytes(of: 0, toByteOffset: image.info.end - 1, as: UInt8.self)
    }
    guard units.runtimeUnit != nil else { return }
    Chunks.run(types.count, grain: 1) { range in
      for c in range { writeTypes(types[c], to: out + typesStart + types[c].start, relocator) }
    }
  }

  /// Copies a unit's entries and moves the offsets in them.
  ///
  /// - Returns: false when it is not known where something went.
  private func copy(
    _ part: WrittenInfo, _ moves: DebugMoves.View, _ bytes: SectionBytes, _ image: UnitImage,
    to out: UnsafeMutableRawPointer
  ) -> Bool {
    guard bytes.copy(part.range, to: out) else { return false }
    let byLocations = UInt32(truncatingIfNeeded: image.lists.locations &- part.lists.locations)
    let byRanges = UInt32(truncatingIfNeeded: image.lists.ranges &- part.lists.ranges)
    let count = part.count
    return part.fields.forEach { at, kind in
      guard at &+ 4 <= count else { return false }
      let old = UInt32(littleEndian: out.loadUnaligned(fromByteOffset: at, as: UInt32.self))
      let shift: UInt32
      switch kind {
      case .info:
        let known = moves.shift(of: old)
        if known == DebugMoves.unknown { return false }
        shift = UInt32(bitPattern: known)
      case .locations: shift = byLocations
      case .ranges: shift = byRanges
      }
      out.storeBytes(of: (old &+ shift).littleEndian, toByteOffset: at, as: UInt32.self)
      return true
    }
  }

  /// Puts a unit's entries together from the objects' symbols.
  private func writeEntries(
    _ u: Int, _ p: inout UnsafeMutableRawPointer, _ relocator: DebugRelocator, _ stamp: Int
  ) -> WrittenInfo {
    let (image, tables) = (images[u], contents.tables)
    var watch = InfoWatch(tables.reader)
    var offsets: [UInt32] = []
    var at = 0
    let abstracts = contents.abstracts(u)
    offsets.reserveCapacity(abstracts.count + 1)
    for s in abstracts {
      offsets.append(UInt32(truncatingIfNeeded: image.entriesStart &+ at))
      watch.begin(FunctionDebugSymbols(), at: at)
      at += relocator.copy(s, to: p + at, &watch)
    }
    offsets.append(UInt32(truncatingIfNeeded: image.entriesStart &+ at))
    for i in tables.functionIndices(u) where !tables.record(i).info.isNone {
      watch.begin(tables.record(i), at: at)
      at += relocator.copy(tables.record(i).info, to: p + at, &watch)
    }
    p += at
    return WrittenInfo(
      stamp: stamp, start: image.entriesStart, count: at, fields: watch.fields.finish(), lists: image.lists,
      abstracts: Array(abstracts), abstractOffsets: offsets)
  }
}
