import LoaderCore
internal import Synchronization

/// Writes go:func.*: the funcdata symbols with their relocations applied, and the trees of inlined calls
/// (cmd/link/internal/ld/pcln.go generateFuncdata, genInlTreeSym).
struct FuncdataWriter: ~Copyable {
  private let symbols: UnsafeMutableBufferPointer<SymbolID>
  private let sizes: UnsafeMutablePointer<UInt32>
  private let offsets: UnsafeMutablePointer<UInt32>
  private let shapes: UnsafeMutablePointer<FunctionParts.FuncdataShape>
  private let places: FuncdataPlaces
  private let calls: UnsafeMutablePointer<FunctionParts.InlinedCall>
  private let names: UnsafeMutablePointer<UInt32>
  private let facts: UnsafeMutablePointer<FunctionParts.NameFact>
  private let reader: SymbolReader
  private let out: UnsafeMutableRawPointer
  /// The raw number of a symbol whose relocations cannot be applied.
  private let failed = Atomic<UInt32>(0)

  init(_ parts: borrowing FunctionParts, reader: SymbolReader, to out: UnsafeMutableRawPointer) {
    (symbols, sizes) = parts.funcdata.buffers
    offsets = parts.funcdata.offsets.base
    shapes = parts.shapes.base
    places = parts.funcdataPlaces
    calls = parts.calls.base
    names = parts.names.offsets.base
    facts = parts.facts.base
    self.reader = reader
    self.out = out
  }

  func run(_ placement: PCLineTable.Placement?) throws(LinkFailure) {
    Chunks.run(symbols.count, grain: 4096) { range in
      for k in max(range.lowerBound, 1)..<max(range.upperBound, 1) where offsets[k] != SharedParts.unplaced {
        let size = Int(sizes[k])
        let room = places.room(offsets[k], size: sizes[k], alignmentLog2: shapes[k].alignmentLog2)
        let at = out + Int(offsets[k])
        let s = symbols[k]
        guard !s.isNone else {
          writeTree(calls + Int(shapes[k].firstCall), size: size, to: at, room: room)
          continue
        }
        PCLineTable.copy(reader.data(s), to: at, room: room)
        if let placement, !relocate(s, size: size, at: at, placement) {
          failed.store(s.raw, ordering: .relaxed)
        }
      }
    }
    for gap in places.gaps {
      (out + gap.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: gap.count)
    }
    let bad = SymbolID(failed.load(ordering: .relaxed))
    guard bad.isNone else {
      throw .unsupported(reason: "relocations of funcdata \(reader.name(bad).string)")
    }
  }

  /// One record per inlined call (runtime/symtabinl.go inlinedCall): function id, three zeros, offset of
  /// the name, parent pc, first line.
  private func writeTree(
    _ calls: UnsafeMutablePointer<FunctionParts.InlinedCall>, size: Int, to out: UnsafeMutableRawPointer,
    room: Int
  ) {
    for k in 0..<(size / PCLineTable.inlinedCallBytes) {
      let callee = Int(calls[k].name)
      let words = SIMD4<UInt32>(
        UInt32(facts[callee].funcID), names[callee], UInt32(bitPattern: calls[k].parentPC),
        UInt32(bitPattern: facts[callee].startLine))
      out.storeBytes(of: words, toByteOffset: k * PCLineTable.inlinedCallBytes, as: SIMD4<UInt32>.self)
    }
    PCLineTable.copy(.empty, to: out + size, room: room - size)
  }

  /// Applies the relocations of a funcdata symbol; false where the real linker reports an error.
  private func relocate(
    _ s: SymbolID, size: Int, at out: UnsafeMutableRawPointer, _ placement: PCLineTable.Placement
  ) -> Bool {
    let relocations = reader.relocations(s)
    for i in 0..<relocations.count {
      let r = relocations[i]
      guard r.type == RelocType.addrOff, r.size == 4, r.offset >= 0, Int(r.offset) <= size - 4 else {
        return false
      }
      let target = reader.target(r, in: relocations)
      // The real linker leaves the rest alone as well.
      if r.isWeak, !placement.isLive(target) { return true }
      guard let base = placement.offset(of: target) else { return false }
      let (value, overflow) = base.addingReportingOverflow(r.addend)
      guard !overflow, Int64(Int32.min)...Int64(UInt32.max) ~= value else { return false }
      out.storeBytes(
        of: UInt32(truncatingIfNeeded: value), toByteOffset: Int(r.offset), as: UInt32.self)
    }
    return true
  }
}
