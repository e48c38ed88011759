import LoaderCore

/// Bytes of an image that have their place somewhere else in the next one.
package struct ImageMove: Sendable {
  /// Offsets in the memory.
  let from: Int
  let to: Int
  var count: Int

  package init(from: Int, to: Int, count: Int) {
    self.from = from
    self.to = to
    self.count = count
  }
}

/// Moves parts of an image within its memory.
package enum ImageMoves {
  /// - Parameters:
  ///   - moves: rising, both in what they move and in where to, and without overlaps in either.
  ///   - base: the memory, with room for all of it.
  package static func run(_ moves: [ImageMove], in base: UnsafeMutableRawPointer) {
    // What goes down makes room for what follows it, what goes up for what is before it.
    var i = 0
    while i < moves.count {
      guard moves[i].to > moves[i].from else {
        run(moves[i], base)
        i += 1
        continue
      }
      var end = i + 1
      while end < moves.count, moves[end].to > moves[end].from { end += 1 }
      for k in (i..<end).reversed() { run(moves[k], base) }
      i = end
    }
  }

  /// Bytes from which on a move is for all cores.
  private static let manyBytes = 1 << 20

  private static func run(_ move: ImageMove, _ base: UnsafeMutableRawPointer) {
    let shift = move.to - move.from
    guard shift != 0, move.count > 0 else { return }
    let parts = min(16, move.count / (manyBytes / 2))
    guard move.count >= manyBytes, abs(shift) < move.count / parts / 2 else {
      (base + move.to).copyMemory(from: base + move.from, byteCount: move.count)
      return
    }
    runParts(move, shift, parts, base)
  }

  /// Each part overwrites the first bytes of the next one, or the last of the one before: these are put aside.
  private static func runParts(_ move: ImageMove, _ shift: Int, _ parts: Int, _ base: UnsafeMutableRawPointer)
  {
    let edge = abs(shift)
    let saved = UnsafeMutableRawPointer.allocate(byteCount: edge * parts, alignment: 16)
    defer { saved.deallocate() }
    func start(_ k: Int) -> Int { move.from + move.count * k / parts }
    for k in 0..<parts {
      let from = shift > 0 ? start(k) : start(k + 1) - edge
      (saved + k * edge).copyMemory(from: base + from, byteCount: edge)
    }
    Chunks.run(parts, grain: 1) { range in
      for k in range {
        let (from, to) = (start(k), start(k + 1))
        let rest = shift > 0 ? from + edge : from
        (base + rest + shift).copyMemory(from: base + rest, byteCount: to - from - edge)
        let last = shift > 0 ? from : to - edge
        (base + last + shift).copyMemory(from: saved + k * edge, byteCount: edge)
      }
    }
  }
}
