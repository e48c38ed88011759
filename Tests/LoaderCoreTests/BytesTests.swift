import Foundation
import LoaderCore
import TestSupport
import Testing

@Suite struct BytesTests {
  private let view: ByteView
  private let arena = Arena()

  init() { view = arena.intern("\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}go") }

  @Test func readsThatDoNotFitAreZero() {
    #expect(view.u8(9) == 0x6f && view.u8(10) == 0 && view.u8(-1) == 0 && view.u8(.min) == 0)
    #expect(view.u16(8) == 0x6f67 && view.u16(9) == 0)
    #expect(view.u32(6) == 0x6f67_0807 && view.u32(7) == 0 && view.u32(.max) == 0)
    #expect(view.u64(0) == 0x0807_0605_0403_0201 && view.u64(3) == 0)
    #expect(ByteView.empty.u64(0) == 0 && ByteView.empty.string == "")
  }

  /// What finds memory for the next link ends when that begins.
  @Test func memoryIsPreparedAsLongAsItIsWanted() {
    #if canImport(Glibc)
      var asked = 0
      Heap.prepare(1 << 20) {
        asked += 1
        return asked < 5
      }
      #expect(asked == 5)
      asked = 0
      Heap.prepare(1 << 20) {
        asked += 1
        return true
      }
      #expect(asked >= (1 << 20) / 65536)
    #endif
  }

  @Test func slicesThatDoNotFitAreEmpty() {
    #expect(view.slice(8, 2).string == "go")
    for (at, n) in [(8, 3), (11, 0), (-1, 2), (0, -1), (10, 1), (Int.max, 1), (1, Int.max), (0, 0)] {
      #expect(view.slice(at, n).isEmpty, "\(at), \(n)")
    }
    #expect(view.fits(10, 0) && !view.fits(11, 0) && !view.fits(1, .max))
  }

  @Test(arguments: [
    ("", "", false), ("a", "b", true), ("b", "a", false), ("a", "ab", true), ("ab", "a", false),
    ("a", "a", false),
    ("\u{7f}", "é", true), ("", "a", true),
  ])
  func ordersBytesAsGoOrdersStrings(_ a: String, _ b: String, _ isLess: Bool) {
    let (x, y) = (arena.intern(a), arena.intern(b))
    #expect((x < y) == isLess)
    #expect((x == y) == (a == b))
  }

  @Test func prefixesAndSuffixes() {
    let text = arena.intern("type:main.T")
    #expect(text.hasPrefix("type:") && !text.hasPrefix("type.") && !arena.intern("typ").hasPrefix("type:"))
    #expect(text.hasSuffix(".T") && !text.hasSuffix("main") && !ByteView.empty.hasSuffix("a"))
    #expect(text.contains(0x3a) && !text.contains(0x7f) && !ByteView.empty.contains(0))
  }

  @Test func anArenaKeepsItsPieces() {
    let pieces = (0..<2000).map { arena.intern("piece \($0)") }
    let large = arena.allocate(300_000)
    #expect((0..<300_000).allSatisfy { large.load(fromByteOffset: $0, as: UInt8.self) == 0 })
    #expect((0..<2000).allSatisfy { pieces[$0].string == "piece \($0)" })
    #expect(UInt(bitPattern: arena.allocate(3)) % 8 == 0)
  }

  @Test func tablesGrowAndKeep() {
    var t = Table<Int>()
    for i in 0..<1000 { t.append(i * i) }
    t.grow(to: 1500, with: -1)
    t.grow(to: 10, with: 7)
    #expect(t.count == 1500 && t[999] == 998_001 && t[1000] == -1)
    #expect(t.removeLast() == -1 && t.count == 1499)
    let sum = t.buffer.prefix(1000).reduce(0, +)
    #expect(sum == 332_833_500)
  }

  private struct Odd: BitwiseCopyable, Equatable {
    var a: UInt32
    var b: UInt16
    init(_ a: UInt32, _ b: UInt16) { (self.a, self.b) = (a, b) }
  }

  @Test(arguments: [0, 1, 2, 3, 7, 1023, 1024, 1025, 4097, 300_000])
  func tablesAreFilled(count: Int) {
    func check<T: BitwiseCopyable & Equatable>(_ value: T, _ other: T) {
      var t = Table(repeating: value, count: count, spare: 3)
      #expect(t.count == count && t.buffer.allSatisfy { $0 == value })
      t.grow(to: count + 1000, with: other)
      #expect(t.buffer.prefix(count).allSatisfy { $0 == value })
      #expect(t.count == count + 1000 && t.buffer.dropFirst(count).allSatisfy { $0 == other })
    }
    check(UInt8(7), 0)
    check(UInt16(0x0102), 0xffff)
    check(Int16(-1), 3)
    check(UInt32(0), 0x0102_0304)
    check(UInt64.max, 5)
    check(Odd(1, 2), Odd(0, 0))
    check(3.5, -0.0)
  }

  @Test func bitmapsKnowTheirMembers() {
    var b = Bitmap(count: 65)
    b[0] = true
    b[64] = true
    let copy = b.copy()
    b[0] = false
    b.grow(to: 1000)
    b[999] = true
    #expect(b.population == 2 && !b[0] && b[64] && b[999] && !b[998])
    #expect(copy.population == 2 && copy[0])
  }

  // MARK: mapped files

  @Test func aMappedFileIsItsBytes() throws {
    let folder = try ScratchFolder()
    let path = try folder.write("file", [1, 2, 3])
    guard case .success(let file) = MappedFile.open(path) else {
      Issue.record("not opened")
      return
    }
    #expect(Array(file.bytes.buffer) == [1, 2, 3] && !file.isTorn)
    #expect(try FileStamp.of(path: path).get() == file.stamp)
    // Removed is not gone.
    try FileManager.default.removeItem(atPath: path)
    #expect(file.bytes.u8(2) == 3)
    guard case .success(let empty) = MappedFile.open(try folder.write("empty", [])) else {
      Issue.record("not opened")
      return
    }
    #expect(empty.bytes.isEmpty && !empty.isTorn)
  }

  @Test func aFileCutShortReadsAsZerosAndIsTorn() throws {
    MappingGuard.install()
    let folder = try ScratchFolder()
    // More than any page, and another file beside it that stays whole.
    let path = try folder.write("file", [UInt8](repeating: 7, count: 300_000))
    let other = try folder.write("other", [UInt8](repeating: 8, count: 300_000))
    guard case .success(let file) = MappedFile.open(path), case .success(let whole) = MappedFile.open(other)
    else {
      Issue.record("not opened")
      return
    }
    #expect(file.bytes.u8(299_999) == 7)
    #expect(truncate(path, 70_000) == 0)
    #expect(!file.isTorn, "nothing was read yet")
    #expect(file.bytes.u8(65_536) == 7)
    #expect(file.bytes.u8(299_999) == 0 && file.isTorn)
    #expect(file.bytes.u64(150_000) == 0 && file.bytes.u8(0) == 7)
    #expect(whole.bytes.u8(299_999) == 8 && !whole.isTorn)
  }

  @Test func everyMappingIsWatchedAlsoThoseInPlacesUsedBefore() throws {
    MappingGuard.install()
    let folder = try ScratchFolder()
    for round in 0..<3 {
      var files: [MappedFile] = []
      for k in 0..<40 {
        let path = try folder.write("\(k)", [UInt8](repeating: UInt8(k + 1), count: 200_000))
        guard case .success(let file) = MappedFile.open(path) else {
          Issue.record("not opened")
          return
        }
        files.append(file)
      }
      for k in stride(from: round, to: 40, by: 3) { #expect(truncate("\(folder.path)/\(k)", 0) == 0) }
      for (k, file) in files.enumerated() {
        let isCut = k % 3 == round
        #expect(file.bytes.u8(199_999) == (isCut ? 0 : UInt8(k + 1)))
        #expect(file.isTorn == isCut)
      }
    }
  }

  @Test func errorsHaveGosWords() {
    #expect(ErrorNumber(ENOSPC).text == "no space left on device")
    #expect(ErrorNumber(EACCES).text == "permission denied")
    #expect(ErrorNumber(ErrorNumber.noSuchFile).text == "no such file or directory")
  }
}
