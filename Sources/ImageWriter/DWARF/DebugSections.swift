import GoDeflate
import LoaderCore
internal import Synchronization

/// The DWARF sections as the file holds them: relocated, and compressed where that makes them smaller
/// (cmd/link/internal/ld/dwarf.go dwarfcompress, data.go compressSyms).
package struct DebugSections: Sendable {
  package struct Section: Sendable {
    package let name: String
    fileprivate let contents: Contents
    /// Bytes in the file.
    package let size: Int
    package var isCompressed: Bool { if case .compressed = contents { true } else { false } }
    /// The bytes of a section that is not compressed.
    package var plain: [UInt8]? {
      if case .plain(let bytes) = contents { Array(bytes.buffer) } else { nil }
    }
  }

  fileprivate enum Contents: Sendable {
    case plain(SectionBytes)
    /// Behind a header, which tells the size it inflates to.
    case compressed(DeflateStream, inflated: Int)
  }

  /// In file order.
  package let sections: [Section]

  /// Bytes that were copied from the last link's sections.
  package let copiedBytes: Int

  /// Bytes of Elf64_Chdr: type, reserved, uncompressed size, alignment.
  private static let headerSize = 24

  /// Writes and compresses all sections, side by side.
  ///
  /// - Parameter memory: has the streams of the last link, and gets those of this one.
  package init(
    _ info: borrowing DebugInfo, addresses: borrowing Addresses, sectionStarts: [UInt64], compress: Bool,
    memory: LinkMemory? = nil
  ) throws(LinkFailure) {
    let kinds = info.sections
    let results = PartialResults<Result<Section, LinkFailure>?>(count: kinds.count, empty: nil)
    let streams = memory?.debug.streams ?? [:]
    // What was written before is of no use to the next link, even if this one fails.
    let last = memory?.debug.takeWritten()
    let written = WrittenDebug(stamp: memory?.debug.nextStamp() ?? 0, types: info.typePlaces)
    let parts = PartialResults<SectionBytes?>(count: memory == nil ? 0 : kinds.count, empty: nil)
    // The largest begin first.
    let order = kinds.indices.sorted { kinds[$0].size > kinds[$1].size }
    let next = Atomic(0)
    let moves = Self.moves(info, since: last, memory)
    withBorrowed(info, addresses) { info, addresses in
      let rewriting =
        memory.map { DebugRewriting($0.debug, last: last, moves: moves.view, stamp: written.stamp) }
        ?? DebugRewriting()
      Chunks.each(kinds.count) { _ in
        let turn = next.wrappingAdd(1, ordering: .relaxed).oldValue
        let k = order[turn]
        results.set(
          k,
          Result { () throws(LinkFailure) -> Section in
            let plain = SectionBytes(count: kinds[k].size)
            try info.pointee.write(
              kinds[k].kind, into: plain.buffer, addresses: addresses.pointee, sectionStarts: sectionStarts,
              rewriting)
            if memory != nil { parts.set(k, plain) }
            return Self.make(kinds[k].name, plain, compress: compress, after: streams[kinds[k].name])
          })
      }
    }
    var sections: [Section] = []
    for r in results.all {
      guard let r else { throw .unsupported(reason: "a DWARF section was not made") }
      sections.append(try r.get())
    }
    self.sections = sections
    copiedBytes = last?.copied.load(ordering: .relaxed) ?? 0
    guard let memory else { return }
    if compress { memory.debug.streams = self.streams }
    for (kind, part) in zip(kinds, parts.all) { if let part { written.keep(kind.kind, part) } }
    memory.debug.written = written
  }

  private static func moves(
    _ info: borrowing DebugInfo, since last: WrittenDebug?, _ memory: LinkMemory?
  ) -> DebugMoves {
    guard let last, let memory else { return DebugMoves([], size: 0) }
    return info.moves(since: last, memory.debug)
  }

  private static func make(
    _ name: String, _ plain: SectionBytes, compress: Bool, after last: DeflateStream?
  ) -> Section {
    if compress {
      let stream = ZlibCompressor().stream(of: UnsafeRawBufferPointer(plain.buffer), after: last)
      let size = headerSize + stream.count
      if size < plain.count {
        return Section(name: name, contents: .compressed(stream, inflated: plain.count), size: size)
      }
    }
    return Section(name: name, contents: .plain(plain), size: plain.count)
  }

  private var streams: [String: DeflateStream] {
    var streams: [String: DeflateStream] = [:]
    for s in sections {
      if case .compressed(let stream, _) = s.contents { streams[s.name] = stream }
    }
    return streams
  }

  /// Copies the sections into the image, where the layout has placed them.
  package func write(_ layout: ImageLayout, into image: OutputImage) throws(LinkFailure) {
    let placed = layout.sections.filter { $0.segment == .dwarf }
    guard placed.count == sections.count else { throw .unsupported(reason: "DWARF sections have no place") }
    for (section, place) in zip(sections, placed) {
      let offset = Int(layout[.dwarf].fileOffset &+ (place.address &- layout[.dwarf].address))
      guard let window = image.window(offset, section.size) else {
        throw .unsupported(reason: "DWARF does not fit the image")
      }
      switch section.contents {
      case .plain(let bytes): Self.copy(UnsafeRawBufferPointer(bytes.buffer), to: window)
      case .compressed(let stream, let inflated):
        var header = ByteBuilder()
        header.u32(1)
        header.u32(0)
        header.u64(UInt64(inflated))
        header.u64(1)
        header.bytes.withUnsafeBytes { window.copyMemory(from: $0) }
        stream.withUnsafeBytes {
          Self.copy($0, to: UnsafeMutableRawBufferPointer(rebasing: window[Self.headerSize...]))
        }
      }
    }
  }

  /// Copies on all cores.
  private static func copy(_ bytes: UnsafeRawBufferPointer, to out: UnsafeMutableRawBufferPointer) {
    nonisolated(unsafe) let (from, to) = (bytes, out)
    Chunks.run(bytes.count, grain: 1 << 18) { range in
      UnsafeMutableRawBufferPointer(rebasing: to[range]).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: from[range]))
    }
  }
}
