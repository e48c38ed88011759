import LoaderCore

/// The GC programs of the last link: where the same variables lie at the same places and no type that they are made of
/// was touched, so is the program.
struct GCMemory: Sendable {
  /// A program, and all that it was made of.
  struct Known: Sendable {
    let name: String
    /// The objects' variables, and their offsets.
    var symbols: [SymbolID]
    let offsets: [UInt64]
    /// The linker's own variables, whose symbols are others in each link.
    var own: [OwnVariable]
    let end: UInt64
    /// What was read: type descriptors and masks, each once.
    var read: [SymbolID]
    let bytes: [UInt8]
  }

  struct OwnVariable: Equatable, Sendable {
    let offset: UInt64
    let type: SymbolID
  }

  private var programs: [Known] = []

  var byteCount: Int {
    programs.reduce(0) { $0 + $1.symbols.count * 12 + $1.read.count * 4 + $1.bytes.count }
  }

  /// Follows an exchange of objects.
  mutating func follow(_ change: IndexChange) {
    if change.namesMoved { return programs.removeAll() }
    programs = programs.compactMap { $0.following(change) }
  }

  mutating func keep(_ programs: [Known]) { self.programs = programs }

  /// The bytes of a region's program, if they are known.
  func bytes(for region: GCRegionContents) -> [UInt8]? {
    programs.first { p in
      p.name == region.name && p.end == region.end && p.own == region.own && p.symbols == region.symbols
        && p.offsets == region.offsets
    }?.bytes
  }
}

extension GCMemory.Known {
  fileprivate func following(_ change: IndexChange) -> Self? {
    // A type of one's own is among what was read.
    if change.keeps(symbols), change.keeps(read) { return self }
    func number(_ s: SymbolID) -> SymbolID? { change.isTouched(s) ? nil : change.number(s) }
    func numbers(_ all: [SymbolID]) -> [SymbolID]? {
      let now = all.compactMap(number)
      return now.count == all.count ? now : nil
    }
    guard let symbols = numbers(symbols), let read = numbers(read) else { return nil }
    var own: [GCMemory.OwnVariable] = []
    for v in self.own {
      // A type is among what was read.
      guard let type = v.type.isNone ? v.type : change.number(v.type) else { return nil }
      own.append(.init(offset: v.offset, type: type))
    }
    var known = self
    (known.symbols, known.read, known.own) = (symbols, read, own)
    return known
  }
}

/// A region as `GCMemory` knows it: the objects' variables apart from the linker's own.
struct GCRegionContents {
  let name: String
  var symbols: [SymbolID] = []
  var offsets: [UInt64] = []
  var own: [GCMemory.OwnVariable] = []
  let end: UInt64

  /// - Parameter isOwned: whether a symbol is the linker's own.
  /// - Returns: nil when one of these lacks a type, which is an error.
  init?(_ region: GCRegion, _ reader: SymbolReader, isOwned: (SymbolID) -> Bool) {
    name = reader.name(region.target).string
    end = region.end
    guard let first = region.symbols.firstIndex(where: isOwned) else {
      (symbols, offsets) = (region.symbols, region.offsets)
      return
    }
    (symbols, offsets) = (Array(region.symbols[..<first]), Array(region.offsets[..<first]))
    for (s, offset) in zip(region.symbols[first...], region.offsets[first...]) {
      if isOwned(s) {
        let type = reader.goType(s)
        if type.isNone, !GCProgramBuilder.mayLackType(reader.name(s).string) { return nil }
        own.append(.init(offset: offset, type: type))
      } else {
        symbols.append(s)
        offsets.append(offset)
      }
    }
  }
}
