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
  /// - Throws: `.unsupported` where the real linker reports an error: relocations in funcdata other than
  ///   4-byte R_ADDROFF, or without a target in a section.
  package func write(
    into buffer: UnsafeMutableRawBufferPointer, reader: SymbolReader, text: TextLayout,
    placement: Placement?
  ) throws(LinkFailure) {
    guard let base = buffer.baseAddress, buffer.count >= size, text.functions.count == functionCount else {
      throw .unsupported(reason: "function tables without room")
    }
    writeHeader(base)
    writeNames(base + pieces[PieceIndex.functionNames].offset, reader)
    content.files.writeEntries(to: base + pieces[PieceIndex.unitFiles].offset)
    content.files.writeNames(to: base + pieces[PieceIndex.files].offset)
    writePCTables(base + pieces[PieceIndex.pcTables].offset, reader)
    writeFunctions(base + pieces[PieceIndex.functions].offset, text, reader)
    writeGaps(base)
    let funcdata = FuncdataWriter(table: self, reader: reader, to: base + pieces[PieceIndex.funcdata].offset)
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

  private func writeNames(_ out: UnsafeMutableRawPointer, _ reader: SymbolReader) {
    Chunks.run(content.names.count, grain: 4096) { range in
      for k in range {
        let n = content.names[k]
        let name = reader.name(n.symbol)
        let at = out + Int(n.offset)
        if let from = name.base { at.copyMemory(from: from, byteCount: name.count) }
        at.storeBytes(of: 0, toByteOffset: name.count, as: UInt8.self)
      }
    }
  }

  private func writePCTables(_ out: UnsafeMutableRawPointer, _ reader: SymbolReader) {
    // Offset 0 means none, so nothing is there.
    out.storeBytes(of: 0, as: UInt8.self)
    let tables = content.pcTables.buffer
    Chunks.run(tables.count, grain: 8192) { range in
      for k in range {
        let from = Int(tables[k].offset)
        let end = k + 1 < tables.count ? Int(tables[k + 1].offset) : content.pcBytes
        Self.copy(reader.data(tables[k].symbol), to: out + from, room: end - from)
      }
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
    let recordStart = Self.pairBytes(functions: n)
    let records = content.records.base
    let starts = content.starts.buffer
    text.starts.withUnsafeBufferPointer { addresses in
      Chunks.run(n, grain: 2048) { range in
        for k in range {
          let entry = UInt32(truncatingIfNeeded: addresses[k] &- text.start)
          let from = Int(starts[k])
          let end = k + 1 < n ? Int(starts[k + 1]) : content.records.count
          let at = out + (recordStart + 4 * from)
          out.storeBytes(of: entry, toByteOffset: 8 * k, as: UInt32.self)
          out.storeBytes(
            of: UInt32(truncatingIfNeeded: recordStart + 4 * from), toByteOffset: 8 * k + 4, as: UInt32.self)
          at.copyMemory(from: records + from, byteCount: 4 * (end - from))
          at.storeBytes(of: entry, as: UInt32.self)
        }
      }
    }
    let end = (text.starts.last ?? 0) &- text.start &+ UInt64(bitPattern: reader.size(lastFunction))
    out.storeBytes(of: UInt32(truncatingIfNeeded: end), toByteOffset: 8 * n, as: UInt32.self)
    out.storeBytes(of: 0, toByteOffset: 8 * n + 4, as: UInt32.self)
  }

  /// Zeros between the end of each piece's content and the next piece.
  private func writeGaps(_ out: UnsafeMutableRawPointer) {
    let used = [
      Self.headerBytes, content.nameBytes, 4 * content.files.entryCount, content.files.nameBytes,
      content.pcBytes, Self.pairBytes(functions: functionCount) + 4 * content.records.count,
      content.funcdataBytes,
    ]
    for (k, p) in pieces.enumerated() {
      let end = k + 1 < pieces.count ? pieces[k + 1].offset : size
      let from = p.offset + used[k]
      (out + from).initializeMemory(as: UInt8.self, repeating: 0, count: end - from)
    }
  }
}
