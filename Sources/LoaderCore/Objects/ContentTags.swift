internal import Synchronization

/// By what a content is looked for in `ContentTags`.
struct ContentTag: BitwiseCopyable {
  fileprivate let hash: UInt64

  /// - Parameter low: the first 8 bytes of the content's hash, or a short content itself.
  @inline(__always)
  init(_ low: UInt64, isShort: Bool) {
    // Short contents are no hashes.
    let mixed = (low ^ (isShort ? 0x5bd1_e995 : 0)) &* 0x9e37_79b9_7f4a_7c15
    hash = mixed ^ mixed >> 29
  }

  /// - Parameter local: of a definition that has a content hash.
  init(_ view: ObjectView, _ local: UInt32) {
    let k = Int(local) - view.packageDefs
    if k < view.hashed64Defs {
      self.init(view.hash64(k), isShort: true)
    } else {
      self.init(view.hash(k - view.hashed64Defs).u64(0), isShort: false)
    }
  }

  /// Never 0.
  @inline(__always) fileprivate var tag: UInt16 { UInt16(truncatingIfNeeded: hash) | 1 }

  @inline(__always)
  fileprivate func start(_ slots: Int) -> Int {
    Int(truncatingIfNeeded: ((hash >> 32) &* UInt64(slots)) >> 32)
  }
}

/// Tells of most contents that an object does not have that it does not, without a look at all its hashes: 15 bits of each,
/// in a table with open addressing that is two thirds full. Four of its entries stand where another content would, on the
/// average, so of one in about eight thousand it says that the object may have it.
final class ContentTags: @unchecked Sendable {
  private let slots: UnsafeMutablePointer<UInt16>
  private let count: Int

  init(_ view: ObjectView) {
    let contents = view.hashed64Defs + view.hashedDefs
    count = contents + contents / 2 + 1
    slots = .allocate(capacity: count)
    slots.initialize(repeating: 0, count: count)
    for k in 0..<view.hashed64Defs { add(ContentTag(view.hash64(k), isShort: true)) }
    for k in 0..<view.hashedDefs { add(ContentTag(view.hash(k).u64(0), isShort: false)) }
  }

  deinit { slots.deallocate() }

  var byteCount: Int { count * MemoryLayout<UInt16>.stride }

  private func add(_ content: ContentTag) {
    var at = content.start(count)
    while slots[at] != 0, slots[at] != content.tag { at = at &+ 1 == count ? 0 : at &+ 1 }
    slots[at] = content.tag
  }

  /// Whether the object may have a content; false means that it does not.
  @inline(__always)
  func mayHave(_ content: ContentTag) -> Bool {
    var at = content.start(count)
    while slots[at] != 0 {
      if slots[at] == content.tag { return true }
      at = at &+ 1 == count ? 0 : at &+ 1
    }
    return false
  }
}

/// An object's `ContentTags`, made when they are asked for a second time: whom they are of use once only, a look at the
/// hashes costs less.
final class ContentTagsMemo: Sendable {
  private struct State {
    var isAsked = false
    var tags: ContentTags?
  }
  private let state = Mutex(State())

  /// Bytes of memory.
  var byteCount: Int { state.withLock { $0.tags?.byteCount ?? 0 } }

  func tags(_ view: ObjectView) -> ContentTags? {
    let (known, isWanted) = state.withLock { s in
      defer { s.isAsked = true }
      return (s.tags, s.isAsked)
    }
    if known != nil || !isWanted { return known }
    let made = ContentTags(view)
    state.withLock { $0.tags = made }
    return made
  }
}
