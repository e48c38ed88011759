import LoaderCore

/// What a table may take from the same one in the image before.
package enum KeptPiece {
  case nothing
  /// It lies in the same memory at the same place: what has not moved in it need not be written.
  case inPlace
  /// It lies elsewhere: what stays is copied from there, in long runs.
  case elsewhere(UnsafeRawPointer)
}

/// The two large tables that say the same of a function in each link, wherever it lies: names and pc tables.
package struct KeptTables {
  package var names = KeptPiece.nothing
  package var pcTables = KeptPiece.nothing
  package init() {}
}

/// Where the function tables are in an image.
struct WrittenTables: BitwiseCopyable {
  /// Of the image (`ImageMemory`).
  let number: Int
  /// Offsets in the file.
  let names: Int
  let pcTables: Int
}

extension PCLineTable {
  /// What may be used of the table in the image before.
  ///
  /// - Parameters:
  ///   - previous: that image.
  ///   - offset: of this table in the new image's file.
  func kept(of previous: PreviousImage?, at offset: Int) -> KeptTables {
    guard let previous, let last = memory.written, last.number == previous.number else { return KeptTables() }
    func kept(_ old: Int, _ parts: borrowing SharedParts, _ piece: Int) -> KeptPiece {
      guard let image = previous.image else {
        return old == offset + pieces[piece].offset ? .inPlace : .nothing
      }
      guard old >= 0, old + parts.keptEnd <= image.count else { return .nothing }
      return .elsewhere(UnsafeRawPointer(image.base + old))
    }
    var all = KeptTables()
    all.names = kept(last.names, memory.parts.names, PieceIndex.functionNames)
    all.pcTables = kept(last.pcTables, memory.parts.pcTables, PieceIndex.pcTables)
    return all
  }

  /// Says that the tables are written.
  ///
  /// - Parameters:
  ///   - offset: of this table in the image's file.
  ///   - number: of the image.
  func noteWritten(at offset: Int, number: Int) {
    memory.keep(
      WrittenTables(
        number: number, names: offset + pieces[PieceIndex.functionNames].offset,
        pcTables: offset + pieces[PieceIndex.pcTables].offset))
  }
}

extension SharedParts {
  /// Writes all parts with a place, those that stay in runs.
  ///
  /// - Parameter new: writes the `k`-th part.
  func write(to out: UnsafeMutableRawPointer, _ kept: KeptPiece, new: (_ k: Int) -> Void) {
    let (offsets, sizes) = (offsets.base, sizes.base)
    let (old, keptCount) = (keptOffsets.base, keptOffsets.count)
    Chunks.run(count, grain: 4096) { range in
      var run = Run(to: out)
      for k in range where offsets[k] != Self.unplaced && sizes[k] > 0 {
        let before = k < keptCount ? old[k] : Self.unplaced
        switch kept {
        case .inPlace where before == offsets[k]: continue
        case .elsewhere(let from) where before != Self.unplaced:
          run.add(from + Int(before), at: Int(offsets[k]), Int(sizes[k]))
        default: new(k)
        }
      }
      run.end()
    }
  }

  /// Bytes that go to one place from one place.
  private struct Run {
    let to: UnsafeMutableRawPointer
    private var from: UnsafeRawPointer?
    private var start = 0
    private var count = 0

    init(to: UnsafeMutableRawPointer) { self.to = to }

    @inline(__always)
    mutating func add(_ bytes: UnsafeRawPointer, at offset: Int, _ size: Int) {
      if let from, offset == start &+ count, bytes == from + count {
        count &+= size
        return
      }
      end()
      (from, start, count) = (bytes, offset, size)
    }

    @inline(__always)
    mutating func end() {
      if let from { (to + start).copyMemory(from: from, byteCount: count) }
      from = nil
    }
  }
}
