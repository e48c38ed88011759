internal import Dispatch
import LoaderCore

/// Copies functions and data into the image and relocates them
/// (cmd/link/internal/ld/asmb.go asmb, data.go writeBlocks).
package struct SegmentWriter {
  private let index: SymbolIndex
  private let reader: SymbolReader
  private let layout: ImageLayout
  private let image: OutputImage

  package init(_ index: SymbolIndex, _ layout: ImageLayout, into image: OutputImage) {
    self.index = index
    reader = index.reader
    self.layout = layout
    self.image = image
  }

  /// The filler between functions: INT3 (amd64/obj.go CodePad).
  static let codePad: UInt8 = 0xcc

  /// Writes the text section and all placed data.
  ///
  /// - Parameter afterText: called between the two.
  /// - Returns: error lines in the real linker's words; the image is complete when there are none.
  package func write(
    text: TextLayout, data: DataLayout, addresses: borrowing Addresses, live: borrowing LiveSet,
    isPIE: Bool, afterText: () -> Void = {}
  ) throws(LinkFailure) -> [String] {
    let bases = layout.sections.map(\.address)
    let problems = bases.withUnsafeBufferPointer { bases -> [Relocator.Problem]? in
      guard let sectionBases = bases.baseAddress else { return nil }
      let relocator = Relocator(
        reader: reader, places: addresses.packed, placedCount: addresses.count,
        sectionBases: sectionBases, reachable: live.reachableBits, reachableCount: live.limit,
        unreachableMethod: index.lookup("runtime.unreachableMethod", version: 1), tlsOffset: -8,
        isPIE: isPIE)
      guard let a = writeText(text, relocator) else { return nil }
      afterText()
      guard let b = writeData(data, relocator) else { return nil }
      return a + b
    }
    guard let problems else { throw .unsupported(reason: "sections do not fit the image") }
    let errors = RelocationErrors(index: index)
    if let failure = errors.fatal(problems) { throw failure }
    return errors.lines(problems)
  }

  private func writeText(_ text: TextLayout, _ relocator: Relocator) -> [Relocator.Problem]? {
    let segment = layout[.text]
    let start = Int(segment.fileOffset &+ (text.start &- segment.address))
    guard let window = image.window(start, Int(text.length)), let base = window.baseAddress else {
      return nil
    }
    let n = text.functions.count
    let chunks = max(1, min(256, n / 64))
    let results = PartialResults<[Relocator.Problem]>(count: chunks, empty: [])
    let functions = text.functions
    let starts = text.starts
    nonisolated(unsafe) let memory = base
    DispatchQueue.concurrentPerform(iterations: chunks) { k in
      var problems: [Relocator.Problem] = []
      for i in (n * k / chunks)..<(n * (k + 1) / chunks) {
        let s = functions[i]
        let at = starts[i]
        let next = i + 1 < n ? starts[i + 1] : text.start &+ text.length
        let field = memory + Int(at &- text.start)
        let data = reader.data(s)
        let count = min(data.count, Int(next &- at))
        if count > 0, let from = data.base { field.copyMemory(from: from, byteCount: count) }
        (field + count).initializeMemory(
          as: UInt8.self, repeating: Self.codePad, count: Int(next &- at) - count)
        relocator.apply(s, to: field, count: count, address: at, problems: &problems)
      }
      if !problems.isEmpty { results.set(k, problems) }
    }
    return results.all.flatMap { $0 }
  }

  private func writeData(_ data: DataLayout, _ relocator: Relocator) -> [Relocator.Problem]? {
    var problems: [Relocator.Problem] = []
    for placed in data.placed {
      guard let more = writeKind(placed.symbols, relocator) else { return nil }
      problems += more
    }
    return problems
  }

  private func writeKind(_ symbols: [SymbolID], _ relocator: Relocator) -> [Relocator.Problem]? {
    let n = symbols.count
    let chunks = max(1, min(64, n / 256))
    let results = PartialResults<[Relocator.Problem]>(count: chunks, empty: [])
    let failures = PartialResults<Bool>(count: chunks, empty: false)
    DispatchQueue.concurrentPerform(iterations: chunks) { k in
      var problems: [Relocator.Problem] = []
      for i in (n * k / chunks)..<(n * (k + 1) / chunks) {
        let s = symbols[i]
        let word = relocator.places[s.index]
        let address = word & Addresses.addressMask
        let section = layout.sections[Int(word >> 48)]
        let segment = layout[section.segment]
        // Zeroed data is not in the file.
        if address >= segment.address &+ segment.fileLength { continue }
        if section.name.isEmpty { continue }
        let data = reader.data(s)
        let offset = Int(segment.fileOffset &+ (address &- segment.address))
        guard let window = image.window(offset, data.count), let field = window.baseAddress else {
          failures.set(k, true)
          continue
        }
        if data.count > 0, let from = data.base { field.copyMemory(from: from, byteCount: data.count) }
        relocator.apply(s, to: field, count: data.count, address: address, problems: &problems)
      }
      if !problems.isEmpty { results.set(k, problems) }
    }
    return failures.all.contains(true) ? nil : results.all.flatMap { $0 }
  }
}
