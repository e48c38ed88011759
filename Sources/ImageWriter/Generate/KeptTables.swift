import LoaderCore

/// What a table may take from the same one in the image before.
package enum KeptPiece {
  case nothing
  /// It was in the same memory, where what stays of it has been moved to its new place.
  case moved([ImageMove], PieceMove)
  /// It lies elsewhere: what stays is copied from there, in long runs.
  case elsewhere(UnsafeRawPointer)
}

/// Where a piece was in an image, and where it is, as offsets in the memory.
package struct PieceMove: Sendable {
  let old: Int
  let new: Int
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
  ///   - previous: that image. If it was made in the memory of `image`, what stays is moved there: nobody else has
  ///     written to where this table is.
  ///   - offset: of this table in the new image's file.
  func kept(of previous: PreviousImage?, at offset: Int, in image: OutputImage) -> KeptTables {
    guard let previous, let last = memory.written, last.number == previous.number else { return KeptTables() }
    var all = KeptTables()
    if let old = previous.image {
      func kept(_ start: Int, _ parts: borrowing SharedParts) -> KeptPiece {
        guard start >= 0, start + parts.keptEnd <= old.count else { return .nothing }
        return .elsewhere(UnsafeRawPointer(old.base + start))
      }
      all.names = kept(last.names, memory.parts.names)
      all.pcTables = kept(last.pcTables, memory.parts.pcTables)
    } else {
      let room = offset..<offset + size
      let names = PieceMove(old: last.names, new: offset + pieces[PieceIndex.functionNames].offset)
      let pcTables = PieceMove(old: last.pcTables, new: offset + pieces[PieceIndex.pcTables].offset)
      let moves = ImageMove.rising(
        memory.parts.names.moves(names, within: room) + memory.parts.pcTables.moves(pcTables, within: room))
      ImageMoves.run(moves, in: image.base)
      all.names = .moved(moves, names)
      all.pcTables = .moved(moves, pcTables)
    }
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
      var cursor = 0
      for k in range where offsets[k] != Self.unplaced && sizes[k] > 0 {
        let before = k < keptCount ? old[k] : Self.unplaced
        switch kept {
        case .moved(let moves, let piece) where before != Self.unplaced:
          let (from, to) = (piece.old + Int(before), piece.new + Int(offsets[k]))
          if !ImageMove.hasMoved(moves, from, to, Int(sizes[k]), &cursor) { new(k) }
        case .elsewhere(let from) where before != Self.unplaced:
          run.add(from + Int(before), at: Int(offsets[k]), Int(sizes[k]))
        default: new(k)
        }
      }
      run.end()
    }
  }

  /// What of the last image's parts has a place in the new one, in runs.
  ///
  /// - Parameter room: where in the memory the last image's bytes still are.
  func moves(_ piece: PieceMove, within room: Range<Int>) -> [ImageMove] {
    var moves: [ImageMove] = []
    for k in 0..<min(count, keptOffsets.count)
    where offsets[k] != Self.unplaced && sizes[k] > 0 && keptOffsets[k] != Self.unplaced {
      let (from, to) = (piece.old + Int(keptOffsets[k]), piece.new + Int(offsets[k]))
      if let last = moves.last, from == last.from + last.count, to == last.to + last.count,
        from + Int(sizes[k]) <= room.upperBound
      {
        moves[moves.count - 1].count += Int(sizes[k])
      } else if from >= room.lowerBound, from + Int(sizes[k]) <= room.upperBound {
        moves.append(ImageMove(from: from, to: to, count: Int(sizes[k])))
      }
    }
    return moves
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

extension ImageMove {
  /// The moves that `ImageMoves` can make: rising in what they move and in where to. Of two that cross, the larger one.
  static func rising(_ moves: [ImageMove]) -> [ImageMove] {
    var some: [ImageMove] = []
    next: for m in moves {
      while let last = some.last, m.from < last.from + last.count || m.to < last.to + last.count {
        if m.count <= last.count { continue next }
        some.removeLast()
      }
      some.append(m)
    }
    return some
  }

  /// Whether one of these has moved some bytes.
  ///
  /// - Parameter cursor: an index of a move; most ask for the same one as before, or the next.
  @inline(__always)
  static func hasMoved(_ moves: [ImageMove], _ from: Int, _ to: Int, _ count: Int, _ cursor: inout Int)
    -> Bool
  {
    if cursor >= moves.count || to < moves[cursor].to || to >= moves[cursor].to + moves[cursor].count {
      var (low, high) = (0, moves.count)
      while low < high {
        let middle = (low + high) / 2
        if moves[middle].to + moves[middle].count <= to { low = middle + 1 } else { high = middle }
      }
      cursor = low
    }
    guard cursor < moves.count else { return false }
    let m = moves[cursor]
    return to >= m.to && to + count <= m.to + m.count && to - from == m.to - m.from
  }
}
