import LoaderCore
internal import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The output file while it is being made: one block of private memory, written out at once
/// (writing into a mapped file costs more than building in memory and one `write`).
package final class OutputImage: @unchecked Sendable {
  package let base: UnsafeMutableRawPointer
  private let capacity: Int
  /// Bytes of a huge page.
  private static let unit = 1 << 21
  /// Bytes of the file.
  package var count: Int
  /// Bytes from the start that may be other than zero: those of the last file that was made here.
  private(set) var usedBytes = 0
  /// Stands for what is in the memory: no other contents, here or elsewhere, ever have the same number.
  package private(set) var contents = OutputImage.nextContents()
  /// What was written between other contents and these; nil when that is not known.
  private var patch: (of: UInt64, ranges: [Range<Int>])?
  /// What was handed out to be written since `beginPatch`.
  private var handedOut: [Range<Int>]?

  private static let contentsCount = Atomic<UInt64>(0)
  private static func nextContents() -> UInt64 {
    contentsCount.add(1, ordering: .relaxed).newValue
  }

  /// Zeroed memory for `count` bytes, with room for `spare` more.
  package init(count: Int, spare: Int) throws(LinkFailure) {
    capacity = (count + spare + Self.unit - 1) & ~(Self.unit - 1)
    let p = mmap(nil, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let p, p != MAP_FAILED else {
      throw .unsupported(reason: "no memory for an image of \(count) bytes")
    }
    #if os(Linux)
      // Fresh memory is dear page by page: touching 4 KiB at a time takes longer than relocating.
      madvise(p, capacity, MADV_HUGEPAGE)
    #endif
    base = p
    self.count = count
  }

  /// Bytes of memory behind the file's.
  package var spare: Int { capacity - count }

  deinit { munmap(base, capacity) }

  /// Makes this the memory of another file. That is cheaper than new memory, which the kernel must find and clear.
  ///
  /// What is in it stays: who writes the new file moves what it can use of it, and clears what it does not write
  /// (`clear`).
  ///
  /// - Returns: false when it is too small, or much too large.
  package func reuse(count: Int, spare: Int) -> Bool {
    guard canHold(count: count, spare: spare) else { return false }
    usedBytes = max(usedBytes, min(self.count, capacity))
    self.count = count
    return true
  }

  /// Makes the file that is being made here longer or shorter, at its end.
  ///
  /// - Returns: false when there is no room for it.
  package func resize(to count: Int, spare: Int) -> Bool {
    guard count + spare <= capacity else { return false }
    self.count = count
    return true
  }

  /// Whether the memory is large enough for a file, and not much too large.
  package func canHold(count: Int, spare: Int) -> Bool {
    count + spare <= capacity && count > (capacity - Self.unit) / 2
  }

  /// A copy, with a number of its own.
  ///
  /// - Parameter memory: what it is made in, if it fits; of an image that this one differs little from, and is known to,
  ///   most stays.
  package func copy(into memory: OutputImage?) throws(LinkFailure) -> OutputImage {
    let other: OutputImage
    var ranges = [0..<count]
    if let memory, memory.canHold(count: count, spare: 0) {
      if memory.count == count { ranges = self.ranges(since: memory.contents) }
      _ = memory.reuse(count: count, spare: 0)
      other = memory
      other.renewContents()
    } else {
      other = try OutputImage(count: count, spare: 0)
    }
    let (from, to) = (Memory(base: base), Memory(base: other.base))
    for range in ranges {
      Chunks.run(range.count, grain: 1 << 20) { part in
        let at = range.lowerBound + part.lowerBound
        (to.base + at).copyMemory(from: from.base + at, byteCount: part.count)
      }
    }
    other.patch = (contents, [])
    return other
  }

  /// Has the system find the first `bytes` of memory now; what is there stays, also while others write.
  ///
  /// - Parameter isWanted: asked for each piece; false ends it.
  package func populate(_ bytes: Int, while isWanted: () -> Bool) {
    #if os(Linux)
      // MADV_POPULATE_WRITE (Linux 5.14), which is not imported.
      let advice: Int32 = 23
      for at in stride(from: 0, to: min(bytes, capacity), by: Self.unit) {
        guard isWanted(), madvise(base + at, Self.unit, advice) == 0 else { return }
      }
    #endif
  }

  /// Says that what is in the memory is about to change.
  func renewContents() {
    contents = Self.nextContents()
    patch = nil
    handedOut = nil
  }

  /// Says that from now on all changes are made by `window`, until `endPatch`.
  package func beginPatch() { handedOut = [] }

  /// Says that what has changed since `beginPatch` is another image.
  package func endPatch() {
    // A copy differs from nothing yet.
    let origin = patch.flatMap { $0.ranges.isEmpty ? $0.of : nil } ?? contents
    let ranges = handedOut
    renewContents()
    if let ranges { patch = (origin, ranges.map { $0.clamped(to: 0..<count) }) }
  }

  /// Whether something in one of these ranges may have changed since `beginPatch`.
  func isPatched(in ranges: [Range<Int>]) -> Bool {
    guard let handedOut else { return true }
    return handedOut.contains { part in ranges.contains { $0.overlaps(part) } }
  }

  /// What to write into a file to make it this image.
  ///
  /// - Parameter contents: what the file has; nil if that is not known.
  package func ranges(since contents: UInt64?) -> [Range<Int>] {
    if contents == self.contents { return [] }
    if let contents, let patch, patch.of == contents { return patch.ranges }
    return [0..<count]
  }

  /// Zeros everything but `written`: ranges in file order that do not overlap.
  func clear(except written: [Range<Int>]) {
    var at = 0
    for range in written + [usedBytes..<usedBytes] {
      let end = min(range.lowerBound, usedBytes)
      if at < end {
        let memory = Memory(base: base + at)
        Chunks.run(end - at, grain: 1 << 20) { part in
          (memory.base + part.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: part.count)
        }
      }
      at = max(at, range.upperBound)
    }
  }

  private struct Memory: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
  }

  /// Fills the memory, as a file would that was made here before; for tests.
  package func poison(with byte: UInt8) {
    base.initializeMemory(as: UInt8.self, repeating: byte, count: capacity)
    usedBytes = capacity
    renewContents()
  }

  /// The bytes from `offset` on, `length` of them; nil when they do not fit.
  package func window(_ offset: Int, _ length: Int) -> UnsafeMutableRawBufferPointer? {
    guard offset >= 0, length >= 0, offset <= capacity - length else { return nil }
    handedOut?.append(offset..<offset + length)
    return UnsafeMutableRawBufferPointer(start: base + offset, count: length)
  }

  /// The same, to read only.
  package func bytes(_ offset: Int, _ length: Int) -> UnsafeRawBufferPointer? {
    guard offset >= 0, length >= 0, offset <= capacity - length else { return nil }
    return UnsafeRawBufferPointer(start: base + offset, count: length)
  }

  package func append(_ bytes: [UInt8]) throws(LinkFailure) {
    guard let w = window(count, bytes.count) else {
      throw .unsupported(reason: "image outgrew its memory")
    }
    w.copyBytes(from: bytes)
    count += bytes.count
  }
}
