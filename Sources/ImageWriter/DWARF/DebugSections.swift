internal import Dispatch
import GoDeflate
import LoaderCore
internal import Synchronization

/// The DWARF sections as the file holds them: relocated, and compressed where that makes them smaller
/// (cmd/link/internal/ld/dwarf.go dwarfcompress, data.go compressSyms).
package struct DebugSections: Sendable {
  package struct Section: Sendable {
    package let name: String
    package let isCompressed: Bool
    fileprivate let bytes: SectionBytes
    package var size: Int { bytes.count }
  }

  /// In file order.
  package let sections: [Section]

  /// Bytes of Elf64_Chdr: type, reserved, uncompressed size, alignment.
  private static let headerSize = 24

  /// Writes and compresses all sections, side by side.
  package init(
    _ info: borrowing DebugInfo, addresses: borrowing Addresses, sectionStarts: [UInt64], compress: Bool
  ) throws(LinkFailure) {
    let kinds = info.sections
    let results = PartialResults<Result<Section, LinkFailure>?>(count: kinds.count, empty: nil)
    // The largest begin first.
    let order = kinds.indices.sorted { kinds[$0].size > kinds[$1].size }
    let next = Atomic(0)
    withBorrowed(info, addresses) { info, addresses in
      DispatchQueue.concurrentPerform(iterations: kinds.count) { _ in
        let turn = next.wrappingAdd(1, ordering: .relaxed).oldValue
        let k = order[turn]
        results.set(
          k,
          Result { () throws(LinkFailure) -> Section in
            try Self.make(
              kinds[k], info.pointee, addresses.pointee, sectionStarts: sectionStarts, compress: compress)
          })
      }
    }
    var sections: [Section] = []
    for r in results.all {
      guard let r else { throw .unsupported(reason: "a DWARF section was not made") }
      sections.append(try r.get())
    }
    self.sections = sections
  }

  private static func make(
    _ section: DebugInfo.Section, _ info: borrowing DebugInfo, _ addresses: borrowing Addresses,
    sectionStarts: [UInt64], compress: Bool
  ) throws(LinkFailure) -> Section {
    let plain = SectionBytes(count: section.size)
    try info.write(
      section.kind, into: plain.buffer, addresses: addresses, sectionStarts: sectionStarts)
    guard compress else { return Section(name: section.name, isCompressed: false, bytes: plain) }
    var sink = GoDeflate.ByteSink(capacity: Self.headerSize + section.size / 2)
    var header = ByteBuilder()
    header.u32(1)
    header.u32(0)
    header.u64(UInt64(section.size))
    header.u64(1)
    header.bytes.withUnsafeBytes { sink.append($0) }
    ZlibCompressor().compress(UnsafeRawBufferPointer(plain.buffer), into: &sink)
    guard sink.count < section.size else {
      return Section(name: section.name, isCompressed: false, bytes: plain)
    }
    let packed = SectionBytes(count: sink.count)
    sink.withUnsafeBytes { packed.buffer.copyMemory(from: $0) }
    return Section(name: section.name, isCompressed: true, bytes: packed)
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
      window.copyMemory(from: UnsafeRawBufferPointer(section.bytes.buffer))
    }
  }
}

/// Memory of one section; freed with the last user.
private final class SectionBytes: @unchecked Sendable {
  let buffer: UnsafeMutableRawBufferPointer
  var count: Int { buffer.count }

  init(count: Int) { buffer = .allocate(byteCount: count, alignment: 16) }
  deinit { buffer.deallocate() }
}
