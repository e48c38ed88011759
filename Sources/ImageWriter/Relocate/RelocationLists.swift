import LoaderCore
internal import Synchronization

/// One relocation of a symbol that lies in the image, with its target looked up: what the inner loop needs, and no
/// more. The target is a number of `TargetSlots`.
struct ListedRelocation: BitwiseCopyable {
  /// Bytes from the symbol's start.
  let offset: UInt32
  private let targetAndKind: UInt32
  let addend: Int32

  /// What the field holds; sizes are in bytes. (Anything else is rare, and done from the object's record.)
  enum Kind {
    /// 4: the distance from the field's end.
    static let pcrel: UInt32 = 0
    /// 8: the address.
    static let addr: UInt32 = 1
    /// 8: the address; that of a function that throws when the target is not part of the program.
    static let weakAddr: UInt32 = 2
    /// 4: the distance from the start of the target's section.
    static let addrOff: UInt32 = 3
    /// 4: the same, or 0 when the target is not part of the program.
    static let weakAddrOff: UInt32 = 4
    /// 4: the same, or -1 when the target is not part of the program.
    static let methodOff: UInt32 = 5

    static func size(_ kind: UInt32) -> Int { kind == addr || kind == weakAddr ? 8 : 4 }
  }

  private static let kindShift: UInt32 = 28
  /// Targets have numbers below this.
  static let targetLimit = 1 << 28

  @inline(__always)
  init(offset: UInt32, target: UInt32, kind: UInt32, addend: Int32) {
    self.offset = offset
    targetAndKind = target | kind << Self.kindShift
    self.addend = addend
  }

  @inline(__always) var target: Int { Int(targetAndKind & (1 << Self.kindShift - 1)) }
  @inline(__always) var kind: UInt32 { targetAndKind >> Self.kindShift }
}

/// Lists of relocations in chunks of memory that never move: several workers add lists, each in a chunk of its
/// own. A list is found by its position, the chunk's number over the relocation's.
final class RelocationLists: @unchecked Sendable {
  private static let chunkShift: UInt32 = 14
  private static let chunkSize = 1 << 14
  /// 67 million relocations.
  private static let chunkLimit = 1 << 12
  /// Relocations that a list may have.
  static let listLimit = chunkSize

  private let chunks: UnsafeMutablePointer<UnsafeMutablePointer<ListedRelocation>>
  /// Chunks handed out; more than the limit when there were none left.
  private let taken = Atomic(0)
  private let rests = Mutex(ChunkRests())

  init() { chunks = .allocate(capacity: Self.chunkLimit) }

  deinit {
    removeAll()
    chunks.deallocate()
  }

  private var chunkCount: Int { min(taken.load(ordering: .relaxed), Self.chunkLimit) }

  /// Only while nobody else uses the lists.
  func removeAll() {
    for k in 0..<chunkCount { chunks[k].deallocate() }
    taken.store(0, ordering: .relaxed)
    rests.withLock { $0.removeAll() }
  }

  var byteCount: Int { chunkCount * Self.chunkSize * MemoryLayout<ListedRelocation>.stride }

  @inline(__always)
  func list(at position: UInt32) -> UnsafePointer<ListedRelocation> {
    UnsafePointer(place(position))
  }

  /// What one worker adds lists with: `begin`, then one `append` after the other, then `end`. What it leaves of a chunk is
  /// the next one's.
  struct Writer: ~Copyable {
    private let lists: RelocationLists
    private var chunk: UnsafeMutablePointer<ListedRelocation>?
    private var position: UInt32 = 0
    private var left = 0
    private var epoch = 0
    private(set) var count = 0

    init(_ lists: RelocationLists) { self.lists = lists }

    deinit { giveBack() }

    private func giveBack() { lists.rests.withLock { $0.giveBack((position, left, epoch)) } }

    /// Starts a list of up to `limit` relocations.
    ///
    /// - Returns: false when there is no room for it.
    @inline(__always)
    mutating func begin(_ limit: Int) -> Bool {
      count = 0
      return limit <= left || takeChunk(limit)
    }

    @inline(never)
    private mutating func takeChunk(_ limit: Int) -> Bool {
      giveBack()
      left = 0
      guard limit <= RelocationLists.chunkSize,
        let room = lists.rests.withLock({ $0.take(limit) }) ?? lists.takeChunk()
      else { return false }
      (position, left, epoch) = room
      chunk = lists.place(position)
      return true
    }

    @inline(__always)
    mutating func append(_ r: ListedRelocation) {
      chunk?[count] = r
      count &+= 1
    }

    /// Keeps the list.
    ///
    /// - Returns: its position.
    @inline(__always)
    mutating func end() -> UInt32 {
      let at = position
      chunk = chunk.map { $0 + count }
      position &+= UInt32(truncatingIfNeeded: count)
      left &-= count
      return at
    }
  }

  private func takeChunk() -> ChunkRests.Room? {
    let k = taken.add(1, ordering: .relaxed).oldValue
    guard k < Self.chunkLimit else { return nil }
    chunks[k] = .allocate(capacity: Self.chunkSize)
    return (UInt32(k) << Self.chunkShift, Self.chunkSize, rests.withLock { $0.epoch })
  }

  @inline(__always)
  private func place(_ position: UInt32) -> UnsafeMutablePointer<ListedRelocation> {
    chunks[Int(position >> Self.chunkShift)] + Int(position & (1 << Self.chunkShift - 1))
  }
}
