internal import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Tables from an earlier life of the daemon, in one block of private memory. What is made of them borrows them, and
/// keeps the block alive.
package final class SnapshotBlock: @unchecked Sendable {
  package let memory: UnsafeMutableRawBufferPointer

  /// Memory for so many bytes; nil when there is none.
  package init?(count: Int) {
    guard count > 0, let p = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0),
      p != MAP_FAILED
    else { return nil }
    #if os(Linux)
      madvise(p, count, MADV_HUGEPAGE)
    #endif
    memory = UnsafeMutableRawBufferPointer(start: p, count: count)
    let range = (UInt(bitPattern: p), UInt(bitPattern: p) + UInt(count))
    Self.living.withLock { $0.append(range) }
  }

  /// Where blocks are that are still there.
  private static let living = Mutex([(start: UInt, end: UInt)]())

  /// Gives the pages of a table back that nobody uses any more: whoever borrowed it may have outlived the block.
  static func giveBack(_ table: UnsafeMutableRawPointer, _ count: Int) {
    let page: UInt = 4096
    let start = (UInt(bitPattern: table) + page - 1) & ~(page - 1)
    let end = (UInt(bitPattern: table) + UInt(count)) & ~(page - 1)
    guard end > start + 16 * page, let first = UnsafeMutableRawPointer(bitPattern: start) else { return }
    living.withLock { all in
      guard all.contains(where: { $0.start <= start && end <= $0.end }) else { return }
      madvise(first, Int(end - start), MADV_DONTNEED)
    }
  }

  func owns(_ place: UnsafeRawPointer) -> Bool {
    guard let base = memory.baseAddress else { return false }
    return place >= UnsafeRawPointer(base) && place <= UnsafeRawPointer(base + memory.count)
  }

  deinit {
    let start = UInt(bitPattern: memory.baseAddress)
    Self.living.withLock { all in
      all.removeAll { $0.start == start }
      munmap(memory.baseAddress, memory.count)
    }
  }
}

/// Writes tables one behind the other: each as its number of bytes, then the bytes, both aligned to 16.
package struct SnapshotWriter {
  private let emit: (UnsafeRawBufferPointer) -> Void

  package init(_ emit: @escaping (UnsafeRawBufferPointer) -> Void) { self.emit = emit }

  package func bytes(_ bytes: UnsafeRawBufferPointer) {
    withUnsafeBytes(of: (UInt64(bytes.count), 0 as UInt64), emit)
    emit(bytes)
    let rest = -bytes.count & 15
    if rest > 0 {
      withUnsafeBytes(of: (0 as UInt64, 0 as UInt64)) { emit(UnsafeRawBufferPointer(rebasing: $0[..<rest])) }
    }
  }

  package func table<T: BitwiseCopyable>(_ table: borrowing Table<T>) {
    bytes(UnsafeRawBufferPointer(UnsafeBufferPointer(table.buffer)))
  }

  package func array<T: BitwiseCopyable>(_ array: [T]) { array.withUnsafeBytes { bytes($0) } }

  package func numbers(_ numbers: Int...) { array(numbers) }

  package func text(_ text: String) { array(Array(text.utf8)) }

  package func views(_ texts: [ByteView]) {
    array(texts.map { UInt32(truncatingIfNeeded: $0.count) })
    array(texts.flatMap { Array($0.buffer) })
  }

  package func texts(_ texts: [String]) {
    array(texts.map { UInt32(truncatingIfNeeded: $0.utf8.count) })
    array(texts.flatMap { Array($0.utf8) })
  }
}

/// Reads what a `SnapshotWriter` of the same build wrote. The bytes have been checked to be those: what is looked at
/// here is that no table leaves the block, not whether numbers in tables make sense.
package struct SnapshotReader: Sendable {
  package let block: SnapshotBlock
  private var offset = 0
  /// False once something was read that is not there.
  package private(set) var isGood = true

  package init(_ block: SnapshotBlock) { self.block = block }

  /// Says that what was read makes no sense.
  package mutating func fail() { isGood = false }

  package mutating func bytes() -> UnsafeMutableRawBufferPointer {
    let memory = block.memory
    guard isGood, memory.count - offset >= 16, let base = memory.baseAddress else {
      isGood = false
      return UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }
    let count = base.load(fromByteOffset: offset, as: UInt64.self)
    let start = offset + 16
    guard count <= UInt64(memory.count - start) else {
      isGood = false
      return UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }
    offset = min(memory.count, (start + Int(count) + 15) & ~15)
    return UnsafeMutableRawBufferPointer(start: base + start, count: Int(count))
  }

  package mutating func memory<T: BitwiseCopyable>(of _: T.Type) -> UnsafeMutableBufferPointer<T> {
    let bytes = bytes()
    if bytes.count % MemoryLayout<T>.stride != 0 { isGood = false }
    return bytes.bindMemory(to: T.self)
  }

  /// A table in the block's memory, which must outlive it.
  package mutating func table<T: BitwiseCopyable>() -> Table<T> { Table(borrowing: memory(of: T.self)) }

  package mutating func array<T: BitwiseCopyable>() -> [T] { Array(memory(of: T.self)) }

  /// So many numbers; zeros when there are others.
  package mutating func numbers(_ count: Int) -> [Int] {
    let found: [Int] = array()
    if found.count != count { isGood = false }
    return isGood ? found : Array(repeating: 0, count: count)
  }

  package mutating func text() -> String { String(decoding: bytes(), as: UTF8.self) }

  package mutating func texts() -> [String] { views().map(\.string) }

  /// Texts as they lie in the block.
  package mutating func views() -> [ByteView] {
    let lengths = memory(of: UInt32.self)
    let all = bytes()
    let view = ByteView(UnsafeRawPointer(all.baseAddress), all.count)
    var at = 0
    return lengths.map { n in
      defer { at += Int(n) }
      return view.slice(at, Int(n))
    }
  }
}
