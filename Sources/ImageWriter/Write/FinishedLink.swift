import LoaderCore

/// Where everything ended up in a link that is done: what a link of the same symbols, of which a few have other
/// contents, needs to write these into the image that there is.
package final class FinishedLink: @unchecked Sendable {
  private var places: Places
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

  /// Where symbols are: of all of them, until there is time to leave out those without a place (`settle`).
  private enum Places {
    case all(AllAddresses)
    case placed(PlacedAddresses)

    var view: AddressView {
      switch self {
      case .all(let all): all.addresses.view
      case .placed(let addresses): addresses.view
      }
    }
  }

  private final class AllAddresses {
    let addresses: Addresses

    init(_ addresses: consuming Addresses) { self.addresses = addresses }
  }

  private var addresses: AddressView { places.view }

  package init(
    _ index: SymbolIndex, addresses: consuming Addresses, live: consuming LiveSet, layout: ImageLayout,
    fips: FIPSSymbols, hasDWARF: Bool, texts: GivenTexts, image: OutputImage
  ) {
    self.texts = TextPlaces(texts, index, addresses.view, layout)
    places = .all(AllAddresses(addresses))
    self.live = live
    self.layout = layout
    self.fips = fips
    self.hasDWARF = hasDWARF
    owned = Set(index.ownedSymbols)
    unreachableMethod = index.lookup("runtime.unreachableMethod", version: 1)
    self.image = image.contents
  }

  /// Gives back what nobody needs to patch the image. Nobody may use this meanwhile.
  package func settle() {
    guard case .all(let all) = places else { return }
    places = .placed(PlacedAddresses(all.addresses))
  }

  /// Bytes of memory, when it is settled.
  package var byteCount: Int {
    guard case .placed(let placed) = places else { return live.limit }
    return placed.byteCount + live.limit
  }

  /// The symbols of `changed` to be written anew; nil when a pass reads one's contents: the function tables, the orders
  /// of data, DWARF. (What deadcode reads besides types is the caller's to know.)
  package func writable(_ changed: [SymbolID], _ reader: SymbolReader) -> [SymbolID]? {
    var all: [SymbolID] = []
    for s in changed {
      guard !owned.contains(s), !reader.isExternal(s) else { return nil }
      let (kind, name) = (reader.kind(s), reader.name(s))
      if addresses.section(of: s) == .none {
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
        reader: index.reader, places: addresses, sectionBases: sectionBases,
        reachable: live.reachableBits, reachableCount: live.limit,
        unreachableMethod: unreachableMethod, tlsOffset: -8, isPIE: false)
      return symbols.allSatisfy { write($0, relocator, into: image) }
    }
    guard isDone, index.corruptObject == nil else { return nil }
    let module = try FIPSChecksum.write(fips, layout, addresses, into: image, isThere: true)
    let old = self.image
    image.endPatch()
    self.image = image.contents
    memory.image.takePatched(image, of: old)
    return module
  }

  private func write(_ s: SymbolID, _ relocator: Relocator, into image: OutputImage) -> Bool {
    guard let offset = layout.fileOffset(of: s, addresses) else { return true }
    let data = relocator.reader.data(s)
    guard let window = image.window(offset, data.count), let field = window.baseAddress else { return false }
    if data.count > 0, let from = data.base { field.copyMemory(from: from, byteCount: data.count) }
    var problems: [Relocator.Problem] = []
    relocator.apply(s, to: field, count: data.count, address: addresses[s], problems: &problems)
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
