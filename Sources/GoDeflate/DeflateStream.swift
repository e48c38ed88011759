import Hashing

/// A zlib stream, with what is needed to make the stream of nearly the same bytes from it: `ZlibCompressor.stream`.
///
/// Why the next stream comes out as if it were made from nothing: a block's bits are a function of
/// 1. its bytes, and whether it is the last;
/// 2. the matcher's state at its start: the table's entries for the 32 KiB before it, and those bytes;
/// 3. the coder's state: the code of an open block and its header's size;
/// 4. if it is stored, the position within a byte.
/// So a block may be copied, moved by some bits, when all four are what they were. The first is compared by hash
/// (`SecretHash`), the third and the fourth as they are. The second is equal at the start of the stream, after a block
/// whose bytes and state were equal, and after one whose bytes were and whose search went the same way in the end
/// (`SearchTrail`).
///
/// A copied block leaves the matcher's table behind. When it is wanted, the search starts from an empty table some blocks
/// before; whether it has become the right one by then, the trail tells, and if not, the search goes on from where copying
/// began. It is kept then (`tables`): one edit often follows another in the same package, whose blocks are
/// compressed again.
package final class DeflateStream: @unchecked Sendable {
  struct Block: BitwiseCopyable {
    let hash: SecretHash
    /// Of the block alone.
    let sum: Adler32
    let trail: SearchTrail
    /// Bytes of input.
    let count: UInt32
    let isLast: Bool
    /// Whether it is stored, which puts it at a byte boundary.
    let isStored: Bool
    /// Bits of the stream before it.
    let start: Int
  }

  struct KeptTable {
    let block: Int
    let state: Matcher.State
    /// Streams that have been made since it was of use.
    let age: Int
  }

  /// Of these at most: 64 KiB each.
  private static let mostTables = 24

  var sink: ByteSink
  var blocks: [Block] = []
  /// At the start of each block.
  var coderStates: [CoderState] = []
  /// The matcher's state at the start of some blocks.
  private(set) var tables: [KeptTable] = []
  /// Bits of the stream before its last, empty block.
  var end = 0
  /// Blocks that were copied from the stream before.
  package var copiedBlocks = 0

  init(capacity: Int, blocks count: Int) {
    sink = ByteSink(capacity: capacity)
    blocks.reserveCapacity(count)
    coderStates.reserveCapacity(count)
  }

  /// Blocks, without the empty one that ends the stream.
  package var blockCount: Int { blocks.count }
  /// Bytes of the stream.
  package var count: Int { sink.count }

  /// Calls `body` with the stream. The pointer is good for the length of the call.
  package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try sink.withUnsafeBytes(body)
  }

  /// Bytes of memory.
  package var byteCount: Int {
    sink.room + blocks.capacity * MemoryLayout<Block>.stride
      + coderStates.capacity * MemoryLayout<CoderState>.stride
      + tables.count * Matcher.State.byteCount
  }

  /// The matcher's state at the start of a block, if it is known.
  func table(of block: Int) -> KeptTable? { tables.first { $0.block == block } }

  /// Keeps a table, if need be instead of the one that was of no use for longest.
  func keep(_ table: KeptTable) {
    tables.append(table)
    guard tables.count > Self.mostTables else { return }
    if let oldest = tables.indices.max(by: { tables[$0].age < tables[$1].age }) { tables.remove(at: oldest) }
  }

  /// Bits of the stream that block `k` takes.
  @inline(__always)
  func bits(of k: Int) -> Range<Int> {
    blocks[k].start..<(k &+ 1 < blocks.count ? blocks[k &+ 1].start : end)
  }
}

/// What a coder carries from one block to the next, in a form in which equal states are equal.
struct CoderState: BitwiseCopyable, Equatable {
  enum Form: UInt8 { case closed, full, literals }
  var form = Form.closed
  /// Bits of the open code's header.
  var header: Int32 = 0
  /// Code lengths of the open code, a byte each: 288 of literals and lengths, 32 of distances; 0 for what the form does
  /// not have.
  var lengths = InlineArray<40, UInt64>(repeating: 0)

  mutating func setLengths(_ from: UnsafePointer<UInt8>, _ count: Int, at start: Int) {
    Swift.withUnsafeMutableBytes(of: &lengths) { bytes in
      for i in 0..<count { bytes[start &+ i] = from[i] }
    }
  }

  func lengths(_ count: Int, at start: Int) -> [UInt8] {
    Swift.withUnsafeBytes(of: lengths) { [UInt8]($0[start..<(start + count)]) }
  }

  @inline(__always)
  static func == (a: CoderState, b: CoderState) -> Bool {
    guard a.form == b.form, a.header == b.header else { return false }
    for i in 0..<40 where a.lengths[i] != b.lengths[i] { return false }
    return true
  }
}
