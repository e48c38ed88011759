import LoaderCore

extension DebugInfo {
  /// Writes a section, relocated, to memory of its size.
  ///
  /// - Parameters:
  ///   - addresses: of all symbols, final.
  ///   - sectionStarts: virtual addresses of the sections, by `SectionID.raw`; 0 is for none.
  /// - Throws: `.unsupported` when something refers to what has no place; the real linker reports it.
  package func write(
    _ kind: Section.Kind, into out: UnsafeMutableRawBufferPointer, addresses: borrowing Addresses,
    sectionStarts: [UInt64]
  ) throws(LinkFailure) {
    try write(kind, into: out, addresses: addresses, sectionStarts: sectionStarts, DebugRewriting())
  }

  /// - Parameter rewriting: what of the last link's sections may be used, and where this one's are kept.
  func write(
    _ kind: Section.Kind, into out: UnsafeMutableRawBufferPointer, addresses: borrowing Addresses,
    sectionStarts: [UInt64], _ rewriting: DebugRewriting
  ) throws(LinkFailure) {
    guard let base = out.baseAddress, let section = sections.first(where: { $0.kind == kind }),
      out.count == section.size
    else { throw .unsupported(reason: "no room for DWARF section \(kind)") }
    let failure = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
    failure.initialize(to: 0)
    defer { failure.deallocate() }
    let relocator = DebugRelocator(
      contents.tables.reader, places, addresses, sectionStarts: sectionStarts, failure: failure)
    switch kind {
    case .abbrev: AbbrevTable.bytes.withUnsafeBytes { Self.copy($0, to: base) }
    case .gdbScripts: gdbScript.withUnsafeBytes { Self.copy($0, to: base) }
    case .frame: writeFrames(base)
    case .line: writeLines(base, relocator, rewriting)
    case .info: writeInfo(base, relocator, rewriting)
    case .locLists:
      Self.writeListHeader(base, size: section.size)
      writeLocations(base, relocator, rewriting)
    case .rngLists:
      Self.writeListHeader(base, size: section.size)
      writeRanges(base, relocator, rewriting)
    case .addr:
      Self.writeAddressHeader(base, size: section.size)
      writeAddresses(base, relocator)
    }
    if failure.pointee != 0 {
      let name = contents.tables.reader.name(SymbolID(failure.pointee)).string
      throw .unsupported(reason: "DWARF relocation in symbol \(failure.pointee) \(name)")
    }
  }

  static func copy(_ bytes: UnsafeRawBufferPointer, to out: UnsafeMutableRawPointer) {
    if let from = bytes.baseAddress { out.copyMemory(from: from, byteCount: bytes.count) }
  }

  private static func writeAddressHeader(_ out: UnsafeMutableRawPointer, size: Int) {
    out.storeBytes(of: UInt32(truncatingIfNeeded: size - 4).littleEndian, as: UInt32.self)
    out.storeBytes(of: DebugFormat.version.littleEndian, toByteOffset: 4, as: UInt16.self)
    out.storeBytes(of: DebugFormat.addressSize, toByteOffset: 6, as: UInt8.self)
    out.storeBytes(of: 0, toByteOffset: 7, as: UInt8.self)
  }

  private static func writeListHeader(_ out: UnsafeMutableRawPointer, size: Int) {
    writeAddressHeader(out, size: size)
    out.storeBytes(of: 0, toByteOffset: 8, as: UInt32.self)
  }

  private func writeFrames(_ out: UnsafeMutableRawPointer) {
    var starts: [Int] = []
    var at = 0
    for f in frames {
      starts.append(at)
      at += f.count
    }
    Chunks.run(frames.count, grain: 4) { range in
      for i in range { Self.copy(frames[i].bytes, to: out + starts[i]) }
    }
  }

  private func writeAddresses(_ out: UnsafeMutableRawPointer, _ relocator: DebugRelocator) {
    forEachUnit { u, image in
      var p = out + image.addresses.start
      for f in contents.tables.slots(u) {
        p.storeBytes(of: relocator.address(f).littleEndian, as: UInt64.self)
        p += 8
      }
    }
  }

  func writeTypes(_ chunk: TypeChunk, to out: UnsafeMutableRawPointer, _ relocator: DebugRelocator) {
    Self.copy(chunk.bytes.bytes, to: out)
    for d in chunk.descriptors {
      guard let offset = relocator.offsetInSection(d.descriptor) else {
        relocator.fail(d.descriptor)
        continue
      }
      let at = Int(d.offset)
      if d.width == 8 {
        out.storeBytes(of: offset.littleEndian, toByteOffset: at, as: UInt64.self)
      } else {
        out.storeBytes(
          of: UInt32(truncatingIfNeeded: offset).littleEndian, toByteOffset: at, as: UInt32.self)
      }
    }
  }

  func forEachUnit(_ body: (Int, UnitImage) -> Void) {
    Chunks.run(images.count, grain: 1) { range in
      for u in range { body(u, images[u]) }
    }
  }
}
