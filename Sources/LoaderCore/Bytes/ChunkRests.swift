/// What writers of lists have left of their chunks of memory, for the next writers.
///
/// Chunks are as large as a first link has use for, and a later one fills little of a new one.
package struct ChunkRests: Sendable {
  /// A piece of a chunk: where it begins, how much there is, and when it was taken.
  package typealias Room = (position: UInt32, count: Int, epoch: Int)

  private var rests: [(position: UInt32, count: Int)] = []
  /// Counts how often all chunks were freed: what a writer has of one before is nobody's.
  package private(set) var epoch = 0

  /// Pieces that are smaller are not worth remembering.
  private static let fewest = 32

  package init() {}

  package mutating func giveBack(_ room: Room) {
    if room.count >= Self.fewest, room.epoch == epoch { rests.append((room.position, room.count)) }
  }

  /// A piece of at least so much.
  package mutating func take(_ count: Int) -> Room? {
    guard let k = rests.lastIndex(where: { $0.count >= count }) else { return nil }
    let rest = rests.remove(at: k)
    return (rest.position, rest.count, epoch)
  }

  /// All chunks are freed.
  package mutating func removeAll() {
    rests = []
    epoch += 1
  }
}
