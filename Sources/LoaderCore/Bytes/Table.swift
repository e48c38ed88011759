/// A growable array of trivial values in memory of its own, without reference counting or uniqueness
/// checks: the flat storage of the symbol index and of the passes.
///
/// Indexing is checked in debug builds only; an index comes from the tables themselves or has been
/// checked where it was read from an input.
package struct Table<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
  package private(set) var base: UnsafeMutablePointer<Element>
  package private(set) var count: Int
  private var capacity: Int
  /// Whether the memory is somebody else's (`SnapshotBlock`), who outlives the table.
  private var isBorrowed: Bool

  package init(capacity: Int = 0) {
    isBorrowed = false
    self.capacity = max(capacity, 1)
    base = UnsafeMutablePointer<Element>.allocate(capacity: self.capacity)
    count = 0
  }

  /// - Parameter spare: elements beyond `count` that there is room for.
  package init(repeating value: Element, count: Int, spare: Int = 0) {
    self.init(capacity: count + spare)
    self.count = count
    // Filling a large table is mostly the kernel's work, finding its memory.
    let memory = Filling(base: UnsafeMutableRawPointer(base), value: value)
    let stride = MemoryLayout<Element>.stride
    Chunks.run(count, grain: max(1, (1 << 20) / stride)) { part in
      memory.fill(from: part.lowerBound * stride, count: part.count * stride)
    }
  }

  /// `count` elements of whatever the memory holds, for tables that are filled before they are read.
  package init(uninitialized count: Int) {
    self.init(capacity: count)
    self.count = count
  }

  /// A table in memory that outlives it.
  init(borrowing memory: UnsafeMutableBufferPointer<Element>) {
    isBorrowed = memory.count > 0 && memory.baseAddress != nil
    count = isBorrowed ? memory.count : 0
    capacity = max(count, 1)
    if isBorrowed, let start = memory.baseAddress {
      base = start
    } else {
      base = UnsafeMutablePointer<Element>.allocate(capacity: 1)
    }
  }

  deinit { leave() }

  private func leave() {
    if isBorrowed {
      SnapshotBlock.giveBack(base, capacity * MemoryLayout<Element>.stride)
    } else {
      base.deallocate()
    }
  }

  private mutating func move(to newCapacity: Int) {
    let other = UnsafeMutablePointer<Element>.allocate(capacity: newCapacity)
    other.update(from: base, count: count)
    leave()
    isBorrowed = false
    base = other
    capacity = newCapacity
  }

  @inline(__always)
  package subscript(_ i: Int) -> Element {
    get {
      assert(i >= 0 && i < count)
      return base[i]
    }
    nonmutating set {
      assert(i >= 0 && i < count)
      base[i] = newValue
    }
  }

  @inline(__always)
  package mutating func append(_ value: Element) {
    if count == capacity { reserve(capacity &* 2) }
    base[count] = value
    count &+= 1
  }

  package mutating func append(from start: UnsafePointer<Element>, count n: Int) {
    if count &+ n > capacity { reserve(max(count &+ n, capacity &* 2)) }
    (base + count).update(from: start, count: n)
    count &+= n
  }

  /// Makes room for `n` elements in all.
  package mutating func reserve(_ n: Int) {
    guard n > capacity else { return }
    move(to: n)
  }

  /// Lengthens the table to `n` elements, new ones being `value`; never shortens it.
  package mutating func grow(to n: Int, with value: Element) {
    guard n > count else { return }
    if n > capacity { reserve(max(n, capacity &+ capacity / 4)) }
    let stride = MemoryLayout<Element>.stride
    Filling(base: UnsafeMutableRawPointer(base), value: value)
      .fill(from: count * stride, count: (n - count) * stride)
    count = n
  }

  /// Lengthens the table to `n` elements, new ones being whatever the memory holds.
  package mutating func extend(to n: Int) {
    guard n > count else { return }
    reserve(n)
    count = n
  }

  package mutating func removeAll() { count = 0 }

  /// Drops what lies behind the first `n` elements.
  package mutating func truncate(to n: Int) { count = min(count, n) }

  /// Drops the first `n` elements.
  package mutating func removeFirst(_ n: Int) {
    let k = min(n, count)
    base.update(from: base + k, count: count - k)
    count -= k
  }

  @inline(__always)
  package mutating func removeLast() -> Element {
    assert(count > 0)
    count &-= 1
    return base[count]
  }

  package var buffer: UnsafeMutableBufferPointer<Element> {
    UnsafeMutableBufferPointer(start: base, count: count)
  }

  /// Makes room for `n` more elements, and in a table that stays for a few more after that.
  package mutating func makeRoom(for n: Int) {
    if count + n > capacity { reserve(count + n + count / 16) }
  }

  /// Gives back what a table that stays has too much of.
  package mutating func tighten() {
    guard capacity > count + count / 3, capacity > 1024 else { return }
    move(to: max(count, 1))
  }

  /// Bytes of memory.
  package var byteCount: Int { capacity * MemoryLayout<Element>.stride }
}

/// Fills memory with one value again and again, as bytes: an unspecialised `initialize(repeating:)` asks for each element
/// how it is copied.
private struct Filling: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  private let stride: Int
  /// The value, with zeros for its padding.
  private let pattern: [UInt8]
  /// What all of its bytes are, if they are equal.
  private let byte: UInt8?

  init<Element: BitwiseCopyable>(base: UnsafeMutableRawPointer, value: Element) {
    self.base = base
    stride = MemoryLayout<Element>.stride
    let bytes = withUnsafeBytes(of: value) { [UInt8]($0) }
    pattern = bytes + [UInt8](repeating: 0, count: stride - bytes.count)
    byte = bytes.allSatisfy { $0 == bytes[0] } ? bytes.first : nil
  }

  /// - Parameters: bytes, both multiples of the stride.
  func fill(from start: Int, count: Int) {
    let to = base + start
    if let byte {
      to.initializeMemory(as: UInt8.self, repeating: byte, count: count)
      return
    }
    // Each copy doubles what there is, up to what stays in the first cache.
    var done = min(stride, count)
    to.copyMemory(from: pattern, byteCount: done)
    while done < count {
      let n = min(done, count - done, max(stride, Self.copyBytes / stride * stride))
      (to + done).copyMemory(from: to, byteCount: n)
      done += n
    }
  }

  private static var copyBytes: Int { 8192 }
}

/// A set of small integers, one bit each.
package struct Bitmap: ~Copyable, @unchecked Sendable {
  package private(set) var words: Table<UInt64>

  package init(count: Int) { words = Table(repeating: 0, count: (count + 63) / 64) }

  init(words: consuming Table<UInt64>) { self.words = words }

  var wordBuffer: UnsafeMutableBufferPointer<UInt64> { words.buffer }

  @inline(__always)
  package subscript(_ i: Int) -> Bool {
    get { (words[i >> 6] >> UInt64(i & 63)) & 1 != 0 }
    nonmutating set {
      let bit = UInt64(1) << UInt64(i & 63)
      if newValue { words[i >> 6] |= bit } else { words[i >> 6] &= ~bit }
    }
  }

  /// 64 members a word, the first in the lowest bit.
  var base: UnsafePointer<UInt64> { UnsafePointer(words.base) }

  package mutating func grow(to count: Int) { words.grow(to: (count + 63) / 64, with: 0) }

  /// The number of members.
  package var population: Int {
    var n = 0
    for w in words.buffer { n += w.nonzeroBitCount }
    return n
  }

  /// Calls `body` with every member, rising.
  package func forEach(_ body: (Int) -> Void) {
    for (k, word) in words.buffer.enumerated() {
      var rest = word
      while rest != 0 {
        body(64 * k + rest.trailingZeroBitCount)
        rest &= rest &- 1
      }
    }
  }

  /// The members of both; there is room for all that either has room for.
  func union(_ other: borrowing Bitmap) -> Bitmap {
    let all = Bitmap(count: 64 * max(words.count, other.words.count))
    for k in 0..<words.count { all.words[k] = words[k] }
    for k in 0..<other.words.count { all.words[k] |= other.words[k] }
    return all
  }

  package func copy() -> Bitmap {
    let other = Bitmap(count: words.count * 64)
    other.words.base.update(from: words.base, count: words.count)
    return other
  }
}

/// A view of a set, for inner loops on all cores; somebody else keeps the set.
struct BitmapView: @unchecked Sendable {
  private let words: UnsafePointer<UInt64>
  init(_ marks: borrowing Bitmap) { words = marks.base }
  @inline(__always) func has(_ n: UInt32) -> Bool { words[Int(n >> 6)] >> UInt64(n & 63) & 1 != 0 }
}

/// Memory that is handed out in pieces and freed all at once: names and contents of linker-made symbols.
package final class Arena: @unchecked Sendable {
  private var chunks: [UnsafeMutableRawPointer] = []
  private var next: UnsafeMutableRawPointer?
  private var left = 0
  package private(set) var bytesReserved = 0

  package init() {}
  deinit { for c in chunks { c.deallocate() } }

  /// `count` zeroed bytes, aligned to 8.
  package func allocate(_ count: Int) -> UnsafeMutableRawPointer {
    let need = (count + 7) & ~7
    if need > left || next == nil {
      let size = max(need, 64 << 10)
      let chunk = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
      chunk.initializeMemory(as: UInt8.self, repeating: 0, count: size)
      chunks.append(chunk)
      bytesReserved += size
      next = chunk
      left = size
    }
    guard let p = next else { return UnsafeMutableRawPointer.allocate(byteCount: need, alignment: 16) }
    next = p + need
    left -= need
    return p
  }

  /// A copy of `text`'s UTF-8 that lives as long as the arena.
  package func intern(_ text: String) -> ByteView {
    var text = text
    return text.withUTF8 { utf8 in
      guard let start = utf8.baseAddress, utf8.count > 0 else { return ByteView.empty }
      return copy(ByteView(UnsafeRawPointer(start), utf8.count))
    }
  }

  package func copy(_ bytes: ByteView) -> ByteView {
    guard let base = bytes.base, bytes.count > 0 else { return .empty }
    let p = allocate(bytes.count)
    p.copyMemory(from: base, byteCount: bytes.count)
    return ByteView(UnsafeRawPointer(p), bytes.count)
  }
}
