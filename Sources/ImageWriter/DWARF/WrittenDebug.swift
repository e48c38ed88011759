import LoaderCore
internal import Synchronization

/// The sections of the last link as they were before compression. Most of what a unit says is the same in the next one,
/// but for the offsets and addresses in it: that part is copied from here, in one piece, and these fields are changed,
/// instead of putting it together from the objects' symbols (`DebugInfo.write`).
final class WrittenDebug: @unchecked Sendable {
  /// Which link this is of: `WrittenPart` says the same, if it lies here.
  let stamp: Int
  fileprivate(set) var sections: [DebugInfo.Section.Kind: SectionBytes] = [:]
  /// Descriptors of types in the order of their entries, and the entries' offsets in .debug_info.
  var types: [TypePlace]
  /// Bytes that the next link copied.
  let copied = Atomic(0)

  struct TypePlace: BitwiseCopyable {
    /// None for one that went.
    var descriptor: SymbolID
    let offset: UInt32
  }

  init(stamp: Int, types: [TypePlace]) {
    self.stamp = stamp
    self.types = types
  }

  /// Keeps a section, if anything of it may be used again.
  func keep(_ kind: DebugInfo.Section.Kind, _ bytes: SectionBytes) {
    switch kind {
    case .info, .line, .locLists, .rngLists: sections[kind] = bytes
    // Written in one go, or from memory of their own.
    case .abbrev, .frame, .gdbScripts, .addr: break
    }
  }

  func size(of kind: DebugInfo.Section.Kind) -> Int { sections[kind]?.count ?? 0 }

  func follow(_ change: IndexChange) {
    for k in types.indices where !types[k].descriptor.isNone {
      types[k].descriptor = change.number(types[k].descriptor) ?? .none
    }
  }

  /// Bytes of memory.
  var byteCount: Int {
    sections.values.reduce(0) { $0 + $1.count } + types.capacity * MemoryLayout<TypePlace>.stride
  }
}

/// Where a unit's part of a section lies in `WrittenDebug`, without what the linker writes at its head. Good for as long
/// as the unit's scan (`UnitMemo`) is: then all symbols in it say what they said.
struct WrittenPart {
  let stamp: Int
  let start: Int
  let count: Int
  /// Offsets in the part of the addresses of functions, in the order of the functions; of line tables only.
  var addresses: [UInt32] = []

  var range: Range<Int> { start..<start + count }
}

/// The same for .debug_info: entries of inlined functions, then of functions.
struct WrittenInfo {
  private(set) var stamp: Int
  private(set) var start: Int
  let count: Int
  let fields: OffsetFields
  /// Where the functions' lists were in their sections.
  private(set) var lists: Lists
  /// The inlined functions, none for one that went, and the offsets of their entries in the section, with the end of
  /// them.
  fileprivate(set) var abstracts: [SymbolID]
  private(set) var abstractOffsets: [UInt32]
  /// Whether all of it says what it said. If not, it tells where the inlined functions were.
  var isIntact: Bool

  struct Lists: BitwiseCopyable {
    let locations: Int
    let ranges: Int
  }

  /// - Parameter fields: nil when the part cannot be used again.
  init(
    stamp: Int, start: Int, count: Int, fields: OffsetFields?, lists: Lists, abstracts: [SymbolID],
    abstractOffsets: [UInt32]
  ) {
    (self.stamp, self.start, self.count, self.lists) = (stamp, start, count, lists)
    self.fields = fields ?? OffsetFields()
    (self.abstracts, self.abstractOffsets) = (abstracts, abstractOffsets)
    isIntact = fields != nil
  }

  var range: Range<Int> { start..<start + count }

  /// The same part, as a later link wrote it.
  func moved(to start: Int, lists: Lists, stamp: Int) -> WrittenInfo {
    var other = self
    let shift = UInt32(truncatingIfNeeded: start &- self.start)
    (other.start, other.lists, other.stamp) = (start, lists, stamp)
    if shift != 0 { for k in abstractOffsets.indices { other.abstractOffsets[k] &+= shift } }
    return other
  }

  mutating func follow(_ change: IndexChange) {
    for k in abstracts.indices where !abstracts[k].isNone {
      let now = change.number(abstracts[k])
      if now == nil || change.isTouched(abstracts[k]) { isIntact = false }
      abstracts[k] = now ?? .none
    }
  }

  /// Bytes of memory.
  var byteCount: Int {
    2 * fields.words.capacity + 4 * (abstracts.capacity + abstractOffsets.capacity)
  }
}
