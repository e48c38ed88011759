import LoaderCore
internal import Synchronization

/// Writes go:func.*: the funcdata symbols with their relocations applied, and the trees of inlined calls
/// (cmd/link/internal/ld/pcln.go generateFuncdata, genInlTreeSym).
struct FuncdataWriter: ~Copyable {
  private let entries: UnsafeMutableBufferPointer<PCLineTable.Funcdata>
  private let order: UnsafeMutableBufferPointer<UInt32>
  private let bytes: Int
  private let calls: UnsafeMutablePointer<PCLineTable.InlinedCall>
  private let names: UnsafeMutablePointer<PCLineTable.FunctionName>
  private let reader: SymbolReader
  private let out: UnsafeMutableRawPointer
  /// The raw number of a symbol whose relocations cannot be applied.
  private let failed = Atomic<UInt32>(0)

  init(table: borrowing PCLineTable, reader: SymbolReader, to out: UnsafeMutableRawPointer) {
    entries = table.content.funcdata.buffer
    order = table.content.placement.buffer
    bytes = table.content.funcdataBytes
    calls = table.content.inlined.base
    names = table.content.names.base
    self.reader = reader
    self.out = out
  }

  func run(_ placement: PCLineTable.Placement?) throws(LinkFailure) {
    Chunks.run(order.count, grain: 4096) { range in
      for k in range {
        let f = entries[Int(order[k])]
        let end = k + 1 < order.count ? Int(entries[Int(order[k + 1])].offset) : bytes
        let room = end - Int(f.offset)
        let at = out + Int(f.offset)
        guard !f.symbol.isNone else {
          writeTree(f, to: at, room: room)
          continue
        }
        PCLineTable.copy(reader.data(f.symbol), to: at, room: room)
        if let placement, !relocate(f, at: at, placement) {
          failed.store(f.symbol.raw, ordering: .relaxed)
        }
      }
    }
    let bad = SymbolID(failed.load(ordering: .relaxed))
    guard bad.isNone else {
      throw .unsupported(reason: "relocations of funcdata \(reader.name(bad).string)")
    }
  }

  /// One record per inlined call (runtime/symtabinl.go inlinedCall): function id, three zeros, offset of
  /// the name, parent pc, first line.
  private func writeTree(_ f: PCLineTable.Funcdata, to out: UnsafeMutableRawPointer, room: Int) {
    let first = calls + Int(f.firstCall)
    let count = Int(f.size) / PCLineTable.inlinedCallBytes
    for k in 0..<count {
      let callee = names[Int(first[k].name)]
      let words = SIMD4<UInt32>(
        UInt32(callee.funcID), callee.offset, UInt32(bitPattern: first[k].parentPC),
        UInt32(bitPattern: callee.startLine))
      out.storeBytes(of: words, toByteOffset: k * PCLineTable.inlinedCallBytes, as: SIMD4<UInt32>.self)
    }
    PCLineTable.copy(.empty, to: out + Int(f.size), room: room - Int(f.size))
  }

  /// Applies the relocations of a funcdata symbol; false where the real linker reports an error.
  private func relocate(
    _ f: PCLineTable.Funcdata, at out: UnsafeMutableRawPointer, _ placement: PCLineTable.Placement
  ) -> Bool {
    let relocations = reader.relocations(f.symbol)
    for i in 0..<relocations.count {
      let r = relocations[i]
      guard r.type == RelocType.addrOff, r.size == 4, r.offset >= 0, Int(r.offset) <= Int(f.size) - 4 else {
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
