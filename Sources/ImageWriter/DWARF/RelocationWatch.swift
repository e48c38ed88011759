import LoaderCore

/// Is told of the relocations of a DWARF symbol while it is copied (`DebugRelocator.copy`).
protocol RelocationWatch {
  /// A section offset of 4 bytes, at an offset in the symbol.
  mutating func noteOffset(at offset: Int, of target: SymbolID)
  /// Anything else that is no number of a function in the unit.
  mutating func noteOther(_ r: Relocation, of target: SymbolID)
}

/// Of no relocations.
struct NoWatch: RelocationWatch {
  @inline(__always) mutating func noteOffset(at offset: Int, of target: SymbolID) {}
  @inline(__always) mutating func noteOther(_ r: Relocation, of target: SymbolID) {}
}

/// Whether there are none but numbers of functions: location and range lists.
struct ListWatch: RelocationWatch {
  private(set) var isGood = true
  @inline(__always) mutating func noteOffset(at offset: Int, of target: SymbolID) { isGood = false }
  @inline(__always) mutating func noteOther(_ r: Relocation, of target: SymbolID) { isGood = false }
}

/// Notes where a line table has the address of its function; it has nothing else.
struct LineWatch: RelocationWatch {
  private(set) var addresses: [UInt32] = []
  private(set) var isGood = true
  private var function = SymbolID.none
  private var start = 0
  private var isDone = true

  /// The part of a function begins.
  ///
  /// - Parameter start: its offset in the unit's part.
  mutating func begin(_ function: SymbolID, at start: Int) {
    end()
    (self.function, self.start, isDone) = (function, start, false)
  }

  mutating func end() { if !isDone { isGood = false } }

  @inline(__always) mutating func noteOffset(at offset: Int, of target: SymbolID) { isGood = false }

  @inline(__always)
  mutating func noteOther(_ r: Relocation, of target: SymbolID) {
    guard r.type == RelocType.addr, !r.isWeak, r.size == 8, r.addend == 0, target == function, !isDone else {
      isGood = false
      return
    }
    addresses.append(UInt32(truncatingIfNeeded: start &+ Int(r.offset)))
    isDone = true
  }
}

/// Notes the section offsets in a unit's part of .debug_info, and what they name.
struct InfoWatch: RelocationWatch {
  private(set) var fields = OffsetFieldWriter()
  private let reader: SymbolReader
  /// Of the symbol that is copied, in the unit's part; and the lists of that function.
  private var start = 0
  private var lists = FunctionDebugSymbols()
  /// Entries met lately, by a hash: most are repeats.
  private var seen = InlineArray<256, UInt32>(repeating: 0)

  init(_ reader: SymbolReader) { self.reader = reader }

  mutating func begin(_ lists: FunctionDebugSymbols, at start: Int) {
    (self.lists, self.start) = (lists, start)
  }

  @inline(__always)
  mutating func noteOffset(at offset: Int, of target: SymbolID) {
    let at = start &+ offset
    if target == lists.location { return fields.add(at, .locations) }
    if target == lists.ranges { return fields.add(at, .ranges) }
    if !isEntry(target) { return fields.fail() }
    fields.add(at, .info)
  }

  @inline(__always)
  mutating func noteOther(_ r: Relocation, of target: SymbolID) { fields.fail() }

  @inline(__always)
  private mutating func isEntry(_ s: SymbolID) -> Bool {
    let slot = Int(s.raw & 255)
    if seen[slot] == s.raw { return true }
    switch reader.kind(s) {
    // "go:info.T" is what nobody defines.
    case .undefined, .dwarfAbstractFunction, .dwarfFunction: seen[slot] = s.raw
    default: return false
    }
    return true
  }
}
