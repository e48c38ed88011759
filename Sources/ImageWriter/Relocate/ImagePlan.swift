import LoaderCore

/// What goes where in the image, and what of it the last image has.
final class ImagePlan: @unchecked Sendable {
  /// By place in the file. `symbol` and `offset` are known from the start; the rest is filled in when the symbol is
  /// written.
  private(set) var records: Table<ImageRecord>
  /// In file order.
  let blocks: [ImageBlock]
  /// By record.
  private(set) var matches = Table<RecordMatch>(capacity: 1)
  /// What of the last image must be moved, or copied.
  private(set) var moves: [ImageMove] = []
  private(set) var knownCount = 0
  private(set) var inPlaceCount = 0
  /// Objects' symbols that are the linker's own in this link.
  private var owned = Bitmap(count: 0)
  private var firstExternal = UInt32.max

  /// Symbols with a place in the file, in address order.
  private struct Source {
    let kind: SymbolKind
    let symbols: [SymbolID]
    /// Addresses, less `base`.
    let starts: [UInt64]
    let base: UInt64
    /// The end of the room for the last symbol.
    let end: UInt64
    let bias: UInt64
    let filler: UInt8

    var offset: UInt64 { (starts.first ?? 0) &+ base &- bias }
  }

  /// - Returns: nil when a section does not fit the file.
  init?(_ text: TextLayout, _ data: DataLayout, _ layout: ImageLayout, _ reader: SymbolReader) {
    var sources: [Source] = []
    func bias(_ s: Segment) -> UInt64 { s.address &- s.fileOffset }
    if !text.functions.isEmpty {
      sources.append(
        Source(
          kind: .text, symbols: text.functions, starts: text.starts, base: 0, end: text.start &+ text.length,
          bias: bias(layout[.text]), filler: SegmentWriter.codePad))
    }
    for placed in data.placed {
      let section = layout.section(placed.section)
      let segment = layout[section.segment]
      let fileEnd = segment.address &+ segment.fileLength
      // Zeroed data is not in the file.
      guard let last = placed.offsets.last, section.address &+ placed.offsets[0] < fileEnd else { continue }
      let size = placed.symbols.last.map { UInt64(bitPattern: reader.size($0)) } ?? 0
      sources.append(
        Source(
          kind: placed.kind, symbols: placed.symbols, starts: placed.offsets, base: section.address,
          end: min(section.address &+ last &+ size, fileEnd), bias: bias(segment), filler: 0))
    }
    sources.sort { $0.offset < $1.offset }
    records = Table(uninitialized: sources.reduce(0) { $0 + $1.symbols.count })
    var blocks: [ImageBlock] = []
    var at = 0
    for s in sources {
      blocks.append(
        ImageBlock(
          kind: s.kind, records: at..<(at + s.symbols.count), end: Int(truncatingIfNeeded: s.end &- s.bias),
          bias: s.bias, filler: s.filler))
      at += s.symbols.count
    }
    self.blocks = blocks
    for (b, s) in zip(blocks, sources) {
      guard s.starts.count == s.symbols.count, Self.fill(records.base + b.records.lowerBound, s, b.end),
        b.end <= Int(layout.fileLength)
      else { return nil }
    }
  }

  /// - Returns: false when symbols lie behind the block's end.
  private static func fill(_ out: UnsafeMutablePointer<ImageRecord>, _ s: Source, _ end: Int) -> Bool {
    let shift = s.base &- s.bias
    s.symbols.withUnsafeBufferPointer { symbols in
      s.starts.withUnsafeBufferPointer { starts in
        Chunks.run(symbols.count, grain: 1 << 14) { range in
          for i in range {
            out[i] = ImageRecord(
              symbol: symbols[i].raw, offset: UInt32(truncatingIfNeeded: starts[i] &+ shift), count: 0,
              list: 0, listCount: 0)
          }
        }
      }
    }
    return Int(out[s.symbols.count - 1].offset) <= end
  }

  // MARK: the last link's records

  /// Whether a symbol is an object's, and as the object has it.
  @inline(__always)
  func isObjects(_ s: UInt32) -> Bool { s < firstExternal && !owned[Int(s)] }

  /// Looks for the symbols among those of the last link.
  ///
  /// - Parameters:
  ///   - own: objects' symbols that the link made its own.
  ///   - firstExternal: the first symbol that no object defines.
  func match(_ memory: ImageMemory, own: [SymbolID], firstExternal: UInt32, symbolCount: Int) {
    owned = Bitmap(count: symbolCount)
    for s in own { owned[s.index] = true }
    self.firstExternal = firstExternal
    matches = Table(repeating: .none, count: records.count)
    let (old, new, matches) = (memory.records.base, records.base, matches.base)
    Chunks.run(blocks.count, grain: 1) { range in
      for b in blocks[range] {
        let at = b.records.lowerBound
        var matcher = RecordMatcher(old, memory.records(of: b.kind))
        matcher.match(new + at, b.records.count, into: matches + at) { isObjects($0) }
      }
    }
    knownCount = self.matches.buffer.count { $0.record != nil }
  }

  func forgetMatches() {
    for i in 0..<matches.count { matches[i] = .none }
    knownCount = 0
  }

  /// Relocations of symbols that are not known.
  func relocationsToList(_ reader: SymbolReader) -> Int {
    var n = 0
    for i in 0..<records.count where matches[i].record == nil && isObjects(records[i].symbol) {
      n += reader.relocations(SymbolID(records[i].symbol)).count
    }
    return n
  }

  /// Finds out what of the last image is where it belongs, or can be moved there.
  ///
  /// - Parameters:
  ///   - last: what was made in the memory that the image is to be made in, or somewhere else.
  ///   - limit: bytes of it.
  func useImage(of last: ImageMemory, limit: Int) {
    let old = last.records.base
    // Moves go one way only if they keep the order.
    var end = 0
    for b in blocks {
      var previous = -1
      for i in b.records {
        let before = previous
        previous = -1
        guard let k = matches[i].record, old[k].list != ImageRecord.unlisted else { continue }
        let (from, to, count) = (Int(old[k].offset), Int(records[i].offset), Int(old[k].count))
        guard from >= end, from + count <= limit else { continue }
        end = from + count
        matches.base[i].setInPlace()
        previous = k
        inPlaceCount += 1
        if before >= 0, k == before + 1, let m = moves.last, to - from == m.to - m.from {
          matches.base[i - 1].setJoined()
          moves[moves.count - 1].count = end - m.from
        } else {
          moves.append(ImageMove(from: from, to: to, count: count))
        }
      }
    }
  }

  /// The records, for the next link; the plan is of no use then.
  func takeRecords() -> Table<ImageRecord> {
    var taken = Table<ImageRecord>(capacity: 1)
    swap(&taken, &records)
    return taken
  }
}
