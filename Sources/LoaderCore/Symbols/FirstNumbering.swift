internal import Synchronization

/// Gives definitions their symbols' numbers, on all cores: package definitions of all objects, then the other
/// definitions object by object, each with room behind it. What is the first of its name or content gets a number,
/// what repeats one has that one's.
struct FirstNumbering: @unchecked Sendable {
  private let index: SymbolIndex
  private let slots: DefinitionSlots.Pointers
  /// Slot of each object's first definition; indexed by ObjectID.
  private let bases: [Int]
  private let objects: Range<Int>
  /// Stands in `slots.first`, beside the number, at what was the first.
  private static let isFirst: UInt32 = 1 << 31

  private enum Section { case package, others }

  init(_ index: SymbolIndex, _ slots: DefinitionSlots.Pointers, bases: [Int]) {
    self.index = index
    self.slots = slots
    self.bases = bases
    objects = 2..<index.loaded.count
  }

  func run() {
    var next = index.symbols.count
    index.packageStarts = starts(countFirsts(.package), from: &next)
    index.othersStarts = starts(countFirsts(.others), from: &next)
    // With room for undefined names, whose number is not known.
    let room = next + next / 64 + 4096
    index.symbols.reserve(room)
    index.classes.reserve(room)
    index.alignments.reserve(room)
    index.symbols.extend(to: next)
    index.classes.extend(to: next)
    index.alignments.extend(to: next)
    index.attributes.grow(to: next, with: [])
    numberFirsts(.package, index.packageStarts)
    numberFirsts(.others, index.othersStarts)
    numberAll(.package)
    numberAll(.others)
  }

  private func range(_ section: Section, _ o: Int) -> Range<Int> {
    let v = index.loaded[o].view
    return section == .package ? 0..<v.packageDefs : v.packageDefs..<v.definitions
  }

  /// - Returns: how many definitions of each object are the first.
  private func countFirsts(_ section: Section) -> Table<Int> {
    let counts = Table<Int>(uninitialized: objects.count)
    let out = Shared(counts.base)
    Chunks.run(objects.count, grain: 8) { part in
      for k in part {
        let o = k + objects.lowerBound
        var n = 0
        for i in range(section, o) {
          let slot = bases[o] &+ i
          if slots.first[slot] == UInt32(truncatingIfNeeded: slot) { n &+= 1 }
        }
        out.base[k] = n
      }
    }
    return counts
  }

  /// The first number that each object's may have, and the end of them; indexed by ObjectID.
  private func starts(_ counts: borrowing Table<Int>, from next: inout Int) -> [UInt32] {
    var starts: [UInt32] = [0, 0]
    for k in 0..<counts.count {
      starts.append(UInt32(truncatingIfNeeded: next))
      next += counts[k] + NumberRoom.behind(counts[k])
    }
    return starts + [UInt32(truncatingIfNeeded: next)]
  }

  private func numberFirsts(_ section: Section, _ starts: [UInt32]) {
    let (symbols, classes, alignments) = (
      Shared(index.symbols.base), Shared(index.classes.base), Shared(index.alignments.base)
    )
    let loaded = Shared(index.loaded.base)
    Chunks.run(objects.count, grain: 8) { part in
      for o in part.lowerBound + objects.lowerBound..<part.upperBound + objects.lowerBound {
        let traits = loaded.base[o].traits
        var s = Int(starts[o])
        for i in range(section, o) {
          let slot = bases[o] &+ i
          guard slots.first[slot] == UInt32(truncatingIfNeeded: slot) else { continue }
          let winner = slots.winner[slot]
          symbols.base[s] = winner
          classes.base[s] = loaded.base[Int(winner.object)].classes[Int(winner.local)]
          alignments.base[s] = SymbolTraits(rawValue: traits[i]).alignment
          slots.first[slot] = Self.isFirst | UInt32(truncatingIfNeeded: s)
          s &+= 1
        }
        for free in s..<Int(starts[o + 1]) {
          symbols.base[free] = NumberRoom.nobody
          classes.base[free] = 0
          alignments.base[free] = 0
        }
      }
    }
  }

  /// Gives all definitions their symbols, and symbols what adds up over definitions.
  private func numberAll(_ section: Section) {
    let noted = Mutex<[(Int, [(SymbolTraits, SymbolID)])]>([])
    let alignments = SharedAlignments(index.alignments)
    let loaded = Shared(index.loaded.base)
    Chunks.run(objects.count, grain: 8) { part in
      var notes: [(SymbolTraits, SymbolID)] = []
      for o in part.lowerBound + objects.lowerBound..<part.upperBound + objects.lowerBound {
        let object = loaded.base[o]
        for i in range(section, o) {
          let slot = bases[o] &+ i
          let known = slots.first[slot]
          let isFirst = known & Self.isFirst != 0
          let s = (isFirst ? known : slots.first[Int(known)]) & ~Self.isFirst
          object.symbols[i] = s
          let traits = SymbolTraits(rawValue: object.traits[i])
          if !isFirst { alignments.raise(Int(s), to: traits.alignment) }
          if traits.hasFlags { notes.append((traits, SymbolID(s))) }
        }
      }
      if !notes.isEmpty { noted.withLock { $0.append((part.lowerBound, notes)) } }
    }
    for (_, notes) in noted.withLock({ $0 }).sorted(by: { $0.0 < $1.0 }) {
      for (traits, s) in notes { note(traits, s) }
    }
  }

  private func note(_ traits: SymbolTraits, _ s: SymbolID) {
    if traits.isLocal { index.attributes[s.index].insert(.local) }
    if traits.isUsedInIface { index.attributes[s.index].insert(.usedInIface) }
    if traits.isWasmExport { index.wasmExports.append(s) }
  }

  /// The symbol of a slot, when all have theirs.
  func symbol(_ slot: UInt32) -> SymbolID {
    let known = slots.first[Int(slot)]
    return SymbolID((known & Self.isFirst != 0 ? known : slots.first[Int(known)]) & ~Self.isFirst)
  }
}

/// A table of which workers fill disjoint parts.
private struct Shared<Element>: @unchecked Sendable {
  let base: UnsafeMutablePointer<Element>
  init(_ base: UnsafeMutablePointer<Element>) { self.base = base }
}

/// Alignments that several workers raise.
private struct SharedAlignments: @unchecked Sendable {
  /// An `Atomic<UInt8>` is its value in memory.
  private let base: UnsafeMutablePointer<Atomic<UInt8>>

  init(_ table: borrowing Table<UInt8>) {
    base = UnsafeMutableRawPointer(table.base).assumingMemoryBound(to: Atomic<UInt8>.self)
  }

  @inline(__always)
  func raise(_ i: Int, to value: UInt8) {
    if base[i].load(ordering: .relaxed) < value { base[i].max(value, ordering: .relaxed) }
  }
}
