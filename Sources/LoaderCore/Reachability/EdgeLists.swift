internal import CPrefetch
internal import Synchronization

/// Lists of edges in chunks of memory that never move: several workers add lists, each in a chunk of its own,
/// while others read. A list is found by its position, the chunk's number over the word's.
final class EdgeLists: @unchecked Sendable {
  /// Words of a list before its edges: their number, and what is known of the symbol.
  static let headerWords = 2

  private static let chunkShift: UInt32 = 16
  private static let chunkWords = 1 << 16
  /// 2 GB of lists. A position and its "plus 1" fit 32 bits, with room to spare.
  private static let chunkLimit = 1 << 13

  private let chunks: UnsafeMutablePointer<UnsafeMutablePointer<UInt32>>
  /// Chunks handed out; more than the limit when there were none left.
  private let taken = Atomic(0)
  private let memory = Mutex(Memory())

  /// How many chunks, from the first on, are a snapshot's.
  private var borrowed = 0

  private struct Memory: @unchecked Sendable {
    /// The first word of each allocation: one can serve as several chunks.
    var allocations: [UnsafeMutablePointer<UInt32>] = []
    var rests = ChunkRests()
  }

  init() { chunks = .allocate(capacity: Self.chunkLimit) }

  deinit {
    removeAll()
    chunks.deallocate()
  }

  /// Only while nobody else uses the lists.
  func removeAll() {
    memory.withLock { m in
      for a in m.allocations { a.deallocate() }
      m.allocations = []
      m.rests.removeAll()
    }
    for k in 0..<borrowed { SnapshotBlock.giveBack(chunks[k], 4 * Self.chunkWords) }
    borrowed = 0
    taken.store(0, ordering: .relaxed)
  }

  // MARK: from one life of the daemon to the next

  func write(to writer: SnapshotWriter) {
    let n = min(taken.load(ordering: .relaxed), Self.chunkLimit)
    writer.numbers(n)
    for k in 0..<n { writer.bytes(UnsafeRawBufferPointer(start: chunks[k], count: 4 * Self.chunkWords)) }
  }

  /// The chunks stay where the snapshot has them.
  convenience init(_ reader: inout SnapshotReader) {
    self.init()
    let n = min(max(reader.numbers(1)[0], 0), Self.chunkLimit)
    for k in 0..<n {
      let chunk = reader.memory(of: UInt32.self)
      guard chunk.count == Self.chunkWords, let base = chunk.baseAddress else {
        reader.fail()
        return
      }
      chunks[k] = base
    }
    taken.store(n, ordering: .relaxed)
    borrowed = n
  }

  var byteCount: Int { min(taken.load(ordering: .relaxed), Self.chunkLimit) * Self.chunkWords * 4 }

  @inline(__always)
  func list(at position: UInt32) -> UnsafeMutablePointer<UInt32> {
    chunks[Int(position >> Self.chunkShift)] + Int(position & (1 << Self.chunkShift - 1))
  }

  /// Has a list brought near that is read soon.
  @inline(__always)
  func prefetch(at position: UInt32) { cprefetch(list(at: position)) }

  /// What one worker adds lists with. What it leaves of a chunk is the next one's.
  struct Writer: ~Copyable {
    private let lists: EdgeLists
    private var next: UInt32 = 0
    private var left = 0
    private var epoch = 0

    init(_ lists: EdgeLists) { self.lists = lists }

    deinit { giveBack() }

    private func giveBack() { lists.memory.withLock { $0.rests.giveBack((next, left, epoch)) } }

    /// Keeps a list.
    ///
    /// - Returns: its position; nil when there is no room for more.
    mutating func add(_ header: UInt32, _ list: borrowing Table<UInt32>) -> UInt32? {
      let need = list.count + EdgeLists.headerWords
      if need > left {
        giveBack()
        left = 0
        guard let room = lists.memory.withLock({ $0.rests.take(need) }) ?? lists.takeChunks(words: need)
        else { return nil }
        (next, left, epoch) = room
      }
      let position = next
      let p = lists.list(at: position)
      p[0] = UInt32(truncatingIfNeeded: list.count)
      p[1] = header
      (p + EdgeLists.headerWords).update(from: list.base, count: list.count)
      next &+= UInt32(truncatingIfNeeded: need)
      left &-= need
      return position
    }
  }

  private func takeChunks(words: Int) -> ChunkRests.Room? {
    let n = (words + Self.chunkWords - 1) / Self.chunkWords
    let first = taken.add(n, ordering: .relaxed).oldValue
    guard first + n <= Self.chunkLimit else { return nil }
    let base = UnsafeMutablePointer<UInt32>.allocate(capacity: n * Self.chunkWords)
    for k in 0..<n { chunks[first + k] = base + k * Self.chunkWords }
    let keep = UnsafeBase(base: base)
    let epoch = memory.withLock { m in
      m.allocations.append(keep.base)
      return m.rests.epoch
    }
    return (UInt32(first) << Self.chunkShift, n * Self.chunkWords, epoch)
  }

  private struct UnsafeBase: @unchecked Sendable { let base: UnsafeMutablePointer<UInt32> }
}
