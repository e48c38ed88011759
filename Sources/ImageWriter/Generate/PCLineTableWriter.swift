import LoaderCore

extension PCLineTable {
  /// What the offsets in go:func.* are computed from, once the data is laid out.
  package struct Placement: @unchecked Sendable {
    /// Address and section by symbol, packed.
    let places: UnsafePointer<UInt64>
    let count: Int
    let live: UnsafePointer<UInt8>
    let liveCount: Int
    let sectionStarts: [UInt64]

    /// - Parameters:
    ///   - addresses: of all symbols; must outlive the value.
    ///   - live: for weak relocations; must outlive the value.
    ///   - sectionStarts: virtual addresses, by section.
    package init(
      addresses: borrowing Addresses, live: borrowing LiveSet, sectionStarts: [UInt64]
    ) {
      places = addresses.packed
      count = addresses.count
      self.live = live.reachableBits
      liveCount = live.limit
      self.sectionStarts = sectionStarts
    }

    /// Bytes from the start of the target's section; nil when it is in none.
    @inline(__always)
    func offset(of s: SymbolID) -> Int64? {
      guard s.index < count else { return nil }
      let section = Int(places[s.index] >> 48)
      guard section != 0, section < sectionStarts.count else { return nil }
      return Int64(bitPattern: (places[s.index] & Addresses.addressMask) &- sectionStarts[section])
    }

    @inline(__always) func isLive(_ s: SymbolID) -> Bool {
      s.index < liveCount && live[s.index] & 1 != 0
    }
  }

  /// Writes the whole table into `buffer`, `size` bytes, on all cores; every byte is written.
  ///
  /// - Parameters:
  ///   - text: the functions that the table was built of, in the same order; their addresses may differ
  ///     from those at the time of building.
  ///   - placement: nil leaves the relocated fields of go:func.* as the objects have them.
  ///   - kept: what of the table before may be used.
  /// - Throws: `.unsupported` where the real linker reports an error: relocations in funcdata other than
  ///   4-byte R_ADDROFF, or without a target in a section.
  package func write(
    into buffer: UnsafeMutableRawBufferPointer, reader: SymbolReader, text: TextLayout,
    placement: Placement?, kept: KeptTables = KeptTables()
  ) throws(LinkFailure) {
    guard let base = buffer.baseAddress, buffer.count >= size, text.functions.count == functionCount else {
      throw .unsupported(reason: "function tables without room")
    }
    func piece(_ k: Int) -> UnsafeMutableRawPointer { base + pieces[k].offset }
    writeHeader(base)
    writeNames(piece(PieceIndex.functionNames), reader, kept.names)
    memory.parts.sources.writeEntries(to: piece(PieceIndex.unitFiles))
    memory.parts.sources.writeNames(to: piece(PieceIndex.files))
    writePCTables(piece(PieceIndex.pcTables), reader, kept.pcTables)
    writeFunctions(piece(PieceIndex.functions), text, reader)
    writeGaps(base)
    let funcdata = FuncdataWriter(memory.parts, reader: reader, to: piece(PieceIndex.funcdata))
    try funcdata.run(placement)
  }

  private func writeHeader(_ out: UnsafeMutableRawPointer) {
    func store(_ value: Int, at: Int) {
      out.storeBytes(of: UInt64(value).littleEndian, toByteOffset: at, as: UInt64.self)
    }
    // abi.CurrentPCLnTabMagic, two zeros, MinLC, pointer size.
    store(0x0801_0000_ffff_fff1, at: 0)
    store(functionCount, at: 8)
    store(fileCount, at: 16)
    store(0, at: 24)
    for (k, p) in pieces[PieceIndex.functionNames...PieceIndex.functions].enumerated() {
      store(p.offset - pieces[PieceIndex.header].offset, at: 32 + 8 * k)
    }
  }

  private func writeNames(_ out: UnsafeMutableRawPointer, _ reader: SymbolReader, _ kept: KeptPiece) {
    let (symbols, offsets) = (memory.parts.names.symbols.buffer, memory.parts.names.offsets.base)
    memory.parts.names.write(to: out, kept) { k in
      guard !symbols[k].isNone else { return }
      let name = reader.name(symbols[k])
      let at = out + Int(offsets[k])
      if let from = name.base { at.copyMemory(from: from, byteCount: name.count) }
      at.storeBytes(of: 0, toByteOffset: name.count, as: UInt8.self)
    }
  }

  private func writePCTables(_ out: UnsafeMutableRawPointer, _ reader: SymbolReader, _ kept: KeptPiece) {
    // Offset 0 means none, so nothing is there.
    out.storeBytes(of: 0, as: UInt8.self)
    let (symbols, sizes) = memory.parts.pcTables.buffers
    let offsets = memory.parts.pcTables.offsets.base
    memory.parts.pcTables.write(to: out, kept) { k in
      Self.copy(reader.data(symbols[k]), to: out + Int(offsets[k]), room: Int(sizes[k]))
    }
  }

  /// Copies what fits of `data`, and zeros after it, to fill `room` bytes.
  @inline(__always)
  static func copy(_ data: ByteView, to out: UnsafeMutableRawPointer, room: Int) {
    let n = min(data.count, room)
    if let from = data.base, n > 0 { out.copyMemory(from: from, byteCount: n) }
    if n < room { (out + n).initializeMemory(as: UInt8.self, repeating: 0, count: room - n) }
  }

  private func writeFunctions(
    _ out: UnsafeMutableRawPointer, _ text: TextLayout, _ reader: SymbolReader
  ) {
    let n = functionCount
    let records = RecordWriter(memory.parts, to: out + Self.pairBytes(functions: n))
    let recordStart = Self.pairBytes(functions: n)
    text.starts.withUnsafeBufferPointer { addresses in
      Chunks.run(n, grain: 2048) { range in
        for k in range {
          let entry = UInt32(truncatingIfNeeded: addresses[k] &- text.start)
          let offset = UInt32(truncatingIfNeeded: recordStart) &+ 4 &* records.write(k, entry: entry)
          out.storeBytes(of: entry, toByteOffset: 8 * k, as: UInt32.self)
          out.storeBytes(of: offset, toByteOffset: 8 * k + 4, as: UInt32.self)
        }
      }
    }
    let end = (text.starts.last ?? 0) &- text.start &+ UInt64(bitPattern: reader.size(lastFunction))
    out.storeBytes(of: UInt32(truncatingIfNeeded: end), toByteOffset: 8 * n, as: UInt32.self)
    out.storeBytes(of: 0, toByteOffset: 8 * n + 4, as: UInt32.self)
  }

  /// Zeros between the end of each piece's content and the next piece.
  private func writeGaps(_ out: UnsafeMutableRawPointer) {
    for (k, p) in pieces.enumerated() {
      let end = k + 1 < pieces.count ? pieces[k + 1].offset : size
      let from = p.offset + contentSizes[k]
      (out + from).initializeMemory(as: UInt8.self, repeating: 0, count: end - from)
    }
  }
}

/// Writes the `_func` records: numbers of parts become offsets.
private struct RecordWriter: @unchecked Sendable {
  private typealias Word = FunctionParts.Word

  private let order: UnsafeMutablePointer<UInt32>
  private let starts: UnsafeMutablePointer<UInt32>
  private let functions: UnsafeMutablePointer<FunctionParts.Function>
  private let words: UnsafeMutablePointer<UInt32>
  private let names: UnsafeMutablePointer<UInt32>
  private let pcTables: UnsafeMutablePointer<UInt32>
  private let funcdata: UnsafeMutablePointer<UInt32>
  private let entryStart: UnsafePointer<UInt32>
  private let out: UnsafeMutablePointer<UInt32>

  /// - Parameter out: aligned to 4 bytes.
  init(_ parts: borrowing FunctionParts, to out: UnsafeMutableRawPointer) {
    order = parts.order.base
    starts = parts.starts.base
    functions = parts.functions.base
    words = parts.words.base
    names = parts.names.offsets.base
    pcTables = parts.pcTables.offsets.base
    funcdata = parts.funcdata.offsets.base
    entryStart = parts.sources.entryStart
    self.out = out.assumingMemoryBound(to: UInt32.self)
  }

  /// Writes the `k`-th record.
  ///
  /// - Returns: its place in words.
  @inline(__always)
  func write(_ k: Int, entry: UInt32) -> UInt32 {
    let from = words + Int(functions[Int(order[k])].words)
    let to = out + Int(starts[k])
    to[0] = entry
    to[Word.name] = names[Int(from[Word.name])]
    to[Word.args] = from[Word.args]
    to[Word.deferReturn] = from[Word.deferReturn]
    for w in Word.pcTables { to[w] = pcTables[Int(from[w])] }
    to[Word.pcCount] = from[Word.pcCount]
    let object = Int(from[Word.object])
    to[Word.object] = object == 0 ? SourceFiles.absent : entryStart[object]
    to[Word.startLine] = from[Word.startLine]
    to[Word.counts] = from[Word.counts]
    let funcdataStart = Word.fixed + Int(from[Word.pcCount])
    let end = funcdataStart + Int(from[Word.counts] >> 24)
    for w in Word.fixed..<funcdataStart { to[w] = pcTables[Int(from[w])] }
    for w in funcdataStart..<end { to[w] = funcdata[Int(from[w])] }
    if end & 1 != 0 { to[end] = 0 }
    return starts[k]
  }
}
