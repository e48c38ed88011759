internal import Dispatch
import LoaderCore

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
  /// Bytes of the file.
  package var count: Int

  /// Zeroed memory for `count` bytes, with room for `spare` more.
  package init(count: Int, spare: Int) throws(LinkFailure) {
    capacity = (count + spare + 0x1f_ffff) & ~0x1f_ffff
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

  /// Makes this zeroed memory for another file. That is cheaper than new memory, which the kernel must find and clear.
  ///
  /// - Returns: false when it is too small, or much too large.
  package func reset(count: Int, spare: Int) -> Bool {
    guard count + spare <= capacity, count > capacity / 2 else { return false }
    let block = Block(base: base, count: capacity)
    let parts = 8
    DispatchQueue.concurrentPerform(iterations: parts) { k in
      let (from, to) = (block.count * k / parts, block.count * (k + 1) / parts)
      (block.base + from).initializeMemory(as: UInt8.self, repeating: 0, count: to - from)
    }
    self.count = count
    return true
  }

  private struct Block: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let count: Int
  }

  /// The bytes from `offset` on, `length` of them; nil when they do not fit.
  package func window(_ offset: Int, _ length: Int) -> UnsafeMutableRawBufferPointer? {
    guard offset >= 0, length >= 0, offset <= capacity - length else { return nil }
    return UnsafeMutableRawBufferPointer(start: base + offset, count: length)
  }

  package func append(_ bytes: [UInt8]) throws(LinkFailure) {
    guard let w = window(count, bytes.count) else {
      throw .unsupported(reason: "image outgrew its memory")
    }
    w.copyBytes(from: bytes)
    count += bytes.count
  }
}
