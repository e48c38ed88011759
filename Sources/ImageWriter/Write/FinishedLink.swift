import LoaderCore

/// Where everything ended up in a link that is done: what a link of the same symbols, of which a few have other
/// contents, needs to write these into the image that there is.
package final class FinishedLink: @unchecked Sendable {
  private let addresses: PlacedAddresses
  private let live: LiveSet
  private let layout: ImageLayout
  private let fips: FIPSSymbols
  /// Objects' symbols that the linker gave contents of its own.
  private let owned: Set<SymbolID>
  private let unreachableMethod: SymbolID
  private let hasDWARF: Bool
  private var texts: TextPlaces
  /// Which image it is about: `OutputImage.contents`.
  package private(set) var image: UInt64

  package init(
    _ index: SymbolIndex, addresses: borrowing Addresses, live: consuming LiveSet, layout: ImageLayout,
    fips: FIPSSymbols, hasDWARF: Bool, texts: GivenTexts, image: OutputImage
  ) {
    self.texts = TextPlaces(texts, index, addresses.view, layout)
    self.addresses = PlacedAddresses(addresses)
    self.live = live
    self.layout = layout
    self.fips = fips
    self.hasDWARF = hasDWARF
    owned = Set(index.ownedSymbols)
    unreachableMethod = index.lookup("runtime.unreachableMethod", version: 1)
    self.image = image.contents
  }

  /// Bytes of memory.
  package var byteCount: Int { addresses.byteCount + live.limit }

  /// The symbols of `changed` to be written anew; nil when a pass reads one's contents: the function tables, the orders
  /// of data, DWARF. (What deadcode reads besides types is the caller's to know.)
  package func writable(_ changed: [SymbolID], _ reader: SymbolReader) -> [SymbolID]? {
    var all: [SymbolID] = []
    for s in changed {
      guard !owned.contains(s), !reader.isExternal(s) else { return nil }
      let (kind, name) = (reader.kind(s), reader.name(s))
      if addresses.view.section(of: s) == .none {
        // Nobody reads a function or a string that is not part of the program (deadcode may: the caller has asked),
        // nor DWARF when there is none.
        if kind.isText && !live.contains(s) || kind.isDWARF && !hasDWARF { continue }
        if name.hasPrefix("go:string."), !live.contains(s) { continue }
        return nil
      }
      guard reader.symbolClass(s).isDisjoint(with: [.goType, .itab]), !name.hasPrefix("type:"),
        !name.hasPrefix("runtime.gcbits."), !kind.isDWARF
      else { return nil }
      all.append(s)
    }
    return all
  }

  /// Writes the contents of `symbols` into `image`, which is the one that this link made or a copy of it, and ends the
  /// patch.
  ///
  /// - Returns: what the FIPS checksum is of; nil when something does not fit, and the image is of no use.
  package func write(
    _ symbols: [SymbolID], _ index: SymbolIndex, into image: OutputImage, memory: LinkMemory
  ) throws(LinkFailure) -> FIPSModule? {
    let bases = layout.sections.map(\.address)
    let isDone = bases.withUnsafeBufferPointer { bases -> Bool in
      guard let sectionBases = bases.baseAddress else { return false }
      let relocator = Relocator(
        reader: index.reader, places: addresses.view, sectionBases: sectionBases,
        reachable: live.reachableBits, reachableCount: live.limit,
        unreachableMethod: unreachableMethod, tlsOffset: -8, isPIE: false)
      return symbols.allSatisfy { write($0, relocator, into: image) }
    }
    guard isDone, index.corruptObject == nil else { return nil }
    let module = try FIPSChecksum.write(fips, layout, addresses.view, into: image, isThere: true)
    let old = self.image
    image.endPatch()
    self.image = image.contents
    memory.image.takePatched(image, of: old)
    return module
  }

  private func write(_ s: SymbolID, _ relocator: Relocator, into image: OutputImage) -> Bool {
    guard let offset = layout.fileOffset(of: s, addresses.view) else { return true }
    let data = relocator.reader.data(s)
    guard let window = image.window(offset, data.count), let field = window.baseAddress else { return false }
    if data.count > 0, let from = data.base { field.copyMemory(from: from, byteCount: data.count) }
    var problems: [Relocator.Problem] = []
    relocator.apply(s, to: field, count: data.count, address: addresses.view[s], problems: &problems)
    return problems.isEmpty
  }

  /// Writes what a link's flags say that are of the same lengths.
  ///
  /// - Returns: false when something does not fit, and the image is of no use.
  package func write(_ new: GivenTexts, into image: OutputImage) -> Bool {
    new.isLike(texts.texts) && texts.write(new, into: image)
  }

  /// Writes the notes of a link that only has other build ids.
  ///
  /// - Returns: false when they are longer or shorter, and the headers others.
  package func writeNotes(
    _ new: ELFWriter.Options, insteadOf old: ELFWriter.Options, into image: OutputImage
  ) -> Bool {
    guard new.buildID.utf8.count == old.buildID.utf8.count, new.gnuBuildID.count == old.gnuBuildID.count
    else { return false }
    return ELFWriter(layout, options: new).writeNotes(into: image)
  }
}
