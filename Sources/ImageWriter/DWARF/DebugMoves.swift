import LoaderCore

/// How far the entries of .debug_info moved since the last link, by the offset that they had: the same for all from one
/// offset to the next one in the table.
struct DebugMoves: ~Copyable, @unchecked Sendable {
  /// Of entries that are not there any more, or whose place is not known.
  static let unknown = Int32.min

  private let starts: Table<UInt32>
  private let shifts: Table<Int32>
  /// By offset in pages, the last start that is not behind the page's first byte.
  private let pages: Table<UInt32>
  private static let pageBits: UInt32 = 12

  struct Piece: BitwiseCopyable {
    let start: UInt32
    let shift: Int32
  }

  /// - Parameters:
  ///   - pieces: in any order.
  ///   - size: of the section that was.
  init(_ pieces: [Piece], size: Int) {
    var starts = Table<UInt32>(capacity: 64)
    var shifts = Table<Int32>(capacity: 64)
    starts.append(0)
    shifts.append(Self.unknown)
    // Where a piece begins as another ends, the former counts.
    let ordered = pieces.sorted {
      $0.start != $1.start ? $0.start < $1.start : $0.shift == Self.unknown && $1.shift != Self.unknown
    }
    for p in ordered {
      if p.start == starts[starts.count - 1] {
        shifts[shifts.count - 1] = p.shift
      } else if p.shift != shifts[shifts.count - 1] {
        starts.append(p.start)
        shifts.append(p.shift)
      }
    }
    let pages = Table<UInt32>(repeating: 0, count: size >> Int(Self.pageBits) + 1)
    var piece = 0
    for k in 0..<pages.count {
      let first = UInt32(truncatingIfNeeded: k << Int(Self.pageBits))
      while piece + 1 < starts.count, starts[piece + 1] <= first { piece += 1 }
      pages[k] = UInt32(truncatingIfNeeded: piece)
    }
    self.starts = starts
    self.shifts = shifts
    self.pages = pages
  }

  var view: View {
    View(
      starts: UnsafePointer(starts.base), shifts: UnsafePointer(shifts.base), count: starts.count,
      pages: UnsafePointer(pages.base), pageCount: pages.count)
  }

  /// For inner loops on all cores; somebody else keeps the table.
  struct View: @unchecked Sendable {
    fileprivate let starts: UnsafePointer<UInt32>
    fileprivate let shifts: UnsafePointer<Int32>
    fileprivate let count: Int
    fileprivate let pages: UnsafePointer<UInt32>
    fileprivate let pageCount: Int

    /// - Returns: `unknown` for an offset beyond the section, too.
    @inline(__always)
    func shift(of offset: UInt32) -> Int32 {
      let page = Int(offset >> DebugMoves.pageBits)
      guard page < pageCount else { return DebugMoves.unknown }
      var k = Int(pages[page])
      while k &+ 1 < count, starts[k &+ 1] <= offset { k &+= 1 }
      return shifts[k]
    }
  }
}

extension DebugInfo {
  /// How entries moved since the sections were written that the memory has.
  func moves(since last: WrittenDebug, _ memory: DebugMemory) -> DebugMoves {
    var pieces: [DebugMoves.Piece] = []
    for u in 0..<images.count {
      guard let part = memory.units[contents.tables.unit(u).object.index].info, part.stamp == last.stamp
      else {
        continue
      }
      if isSame(part, u) {
        let shift = Int32(truncatingIfNeeded: images[u].entriesStart &- part.start)
        pieces.append(.init(start: UInt32(truncatingIfNeeded: part.start), shift: shift))
        let end = UInt32(truncatingIfNeeded: part.start + part.count)
        pieces.append(.init(start: end, shift: DebugMoves.unknown))
        continue
      }
      for (s, offset) in zip(part.abstracts, part.abstractOffsets) {
        pieces.append(.init(start: offset, shift: shift(from: offset, to: s.isNone ? 0 : places[s])))
      }
      if let end = part.abstractOffsets.last { pieces.append(.init(start: end, shift: DebugMoves.unknown)) }
    }
    addTypes(last, &pieces)
    return DebugMoves(pieces, size: last.size(of: .info))
  }

  private func addTypes(_ last: WrittenDebug, _ pieces: inout [DebugMoves.Piece]) {
    var previous: Int32?
    for t in last.types {
      let place = t.descriptor.isNone ? 0 : Int(places[t.descriptor])
      let now =
        place == 0 || place > typeOffsets.count
        ? 0 : typeOffsets[place - 1] &+ UInt32(truncatingIfNeeded: typesStart) &+ 1
      let shift = shift(from: t.offset, to: now)
      if shift != previous { pieces.append(.init(start: t.offset, shift: shift)) }
      previous = shift
    }
  }

  /// - Parameter place: an offset plus 1, or 0 for none.
  private func shift(from offset: UInt32, to place: UInt32) -> Int32 {
    place == 0 ? DebugMoves.unknown : Int32(bitPattern: place &- 1 &- offset)
  }

  /// Whether the entries of inlined functions and functions are those that were written.
  func isSame(_ part: WrittenInfo, _ u: Int) -> Bool {
    guard part.isIntact, let functions = part.abstractOffsets.last,
      part.range.upperBound - Int(functions) == contents.tables.findings(u).infoSize
    else { return false }
    return contents.hasAbstracts(part.abstracts, u)
  }

  /// Where the types are, for the next link.
  static func places(
    of types: borrowing DebugTypes, _ offsets: borrowing Table<UInt32>, start: Int, bytes: Int,
    _ places: borrowing DebugPlaces
  ) -> [WrittenDebug.TypePlace] {
    var list: [WrittenDebug.TypePlace] = []
    list.reserveCapacity(types.entries.count)
    let start = UInt32(truncatingIfNeeded: start)
    for k in 0..<types.entries.count {
      let descriptor = types.entries[k].descriptor
      // Of the entries of a type one is the type's.
      guard !descriptor.isNone, Int(places[descriptor]) == k + 1 else { continue }
      list.append(.init(descriptor: descriptor, offset: offsets[k] &+ start))
    }
    list.append(.init(descriptor: .none, offset: start &+ UInt32(truncatingIfNeeded: bytes)))
    return list
  }
}
