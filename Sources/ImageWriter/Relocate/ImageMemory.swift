import LoaderCore

/// What the last image of a program was made of: its symbols in order, with their relocations looked up. So the next
/// image takes one sweep over flat lists, and moves the bytes that only lie elsewhere now.
package final class ImageMemory: @unchecked Sendable {
  private(set) var records = Table<ImageRecord>(capacity: 1)
  private var blocks: [(kind: SymbolKind, records: Range<Int>)] = []
  let lists = RelocationLists()
  private(set) var targets = TargetSlots()
  /// Bytes of the lists when these were new.
  private var freshBytes = 0
  /// `OutputImage.contents` of the image that the records tell of; 0 for none.
  package private(set) var contents: UInt64 = 0
  /// Counts the images that were made, so that others can tell what they know of which.
  private(set) var number = 0
  /// The image that the records told of before, while the next one is made of it.
  private(set) var previous: PreviousImage?
  /// Symbols whose records the last link could use.
  package private(set) var knownCount = 0
  /// Those of them whose bytes it took from the last image: left where they were, moved, or copied.
  package private(set) var inPlaceCount = 0

  package init() {}

  /// Follows an exchange of objects; nil forgets everything.
  package func follow(_ change: IndexChange?) {
    guard records.count > 0 else { return }
    guard let change, !change.namesMoved else { return forget() }
    targets.follow(change)
    let base = records.base
    Chunks.run(records.count, grain: 1 << 14) { range in
      for k in range where base[k].symbol != 0 {
        let old = SymbolID(base[k].symbol)
        base[k].symbol = change.isTouched(old) ? 0 : change.number(old)?.raw ?? 0
      }
    }
  }

  /// Takes over an image that other contents were written into: of symbols that have no record any more, as their
  /// objects were exchanged.
  ///
  /// - Parameter old: what its contents were.
  func takePatched(_ image: OutputImage, of old: UInt64) {
    if contents == old { contents = image.contents }
  }

  /// - Parameter image: nil when the next image is made in the same memory.
  func begin(after image: OutputImage?) { previous = PreviousImage(number: number, image: image) }

  /// All of the next image is made.
  func end() { previous = nil }

  func forget() {
    records = Table(capacity: 1)
    blocks = []
    lists.removeAll()
    targets.removeAll()
    freshBytes = 0
    contents = 0
  }

  /// Bytes of memory.
  package var byteCount: Int { records.byteCount + lists.byteCount + targets.byteCount }

  /// Whether starting anew is better than adding to what is here.
  var isWasteful: Bool { lists.byteCount > 2 * freshBytes + 8 << 20 || targets.isWasteful }

  /// The records of symbols of a kind.
  func records(of kind: SymbolKind) -> Range<Int> {
    blocks.first { $0.kind == kind }?.records ?? 0..<0
  }

  /// Keeps what a link has made.
  ///
  /// - Parameter contents: of the image.
  func take(_ plan: ImagePlan, _ targets: Targets, contents: UInt64) {
    records = plan.takeRecords()
    blocks = plan.blocks.map { ($0.kind, $0.records) }
    self.targets.take(targets)
    if freshBytes == 0 { freshBytes = lists.byteCount }
    self.contents = contents
    number += 1
    knownCount = plan.knownCount
    inPlaceCount = plan.inPlaceCount
  }
}

/// An image that is still known when the next one is made.
struct PreviousImage {
  /// `ImageMemory.number` when it was made.
  let number: Int
  /// Nil when it is in the memory that the next one is made in, and is written over piece by piece.
  let image: OutputImage?
}
