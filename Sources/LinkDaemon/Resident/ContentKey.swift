import Crypto
import LoaderCore

/// What a file contains, as 32 bytes: equal keys mean equal contents.
package struct ContentKey: Hashable, Sendable {
  package let words: (UInt64, UInt64, UInt64, UInt64)

  package static func == (a: ContentKey, b: ContentKey) -> Bool { a.words == b.words }
  package func hash(into h: inout Hasher) { h.combine(words.0) }

  init(_ bytes: [UInt8]) {
    func word(_ k: Int) -> UInt64 {
      (0..<8).reduce(0) { $0 | UInt64(bytes[8 * k + $1]) << UInt64(8 * $1) }
    }
    words = (word(0), word(1), word(2), word(3))
  }

  private init(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) { words = (a, b, c, d) }

  package var bytes: [UInt8] {
    [words.0, words.1, words.2, words.3].flatMap { w in
      (0..<8).map { UInt8(truncatingIfNeeded: w >> (8 * $0)) }
    }
  }

  /// Makes a hash of this part of what it hashes.
  func add(to hash: inout SHA256) {
    for word in [words.0, words.1, words.2, words.3] {
      withUnsafeBytes(of: word.littleEndian) { hash.update(bufferPointer: $0) }
    }
  }

  /// The SHA-256 of `bytes`.
  package static func hashing(_ bytes: ByteView) -> ContentKey {
    var h = SHA256()
    h.update(bufferPointer: bytes.buffer)
    return ContentKey(Array(h.finalize()))
  }

  /// A key for a file that is known by its path and stamp only.
  static func identity(_ path: String, _ stamp: FileStamp) -> ContentKey {
    var h = SHA256()
    h.update(data: Array("path\0\(path)\0".utf8))
    for v in [
      stamp.device, stamp.inode, UInt64(bitPattern: stamp.size),
      UInt64(bitPattern: stamp.modifiedNanoseconds), UInt64(bitPattern: stamp.changedNanoseconds),
    ] { withUnsafeBytes(of: v.littleEndian) { h.update(bufferPointer: $0) } }
    return ContentKey(Array(h.finalize()))
  }

  /// The key that a build cache path carries: `…/xx/<64 hex digits>-d`, where the digits are the file's
  /// SHA-256 and begin with xx (cmd/go/internal/cache). Nil for any other path.
  package static func named(by path: String) -> ContentKey? {
    var path = path
    return path.withUTF8 { named(by: $0) }
  }

  private static func named(by p: UnsafeBufferPointer<UInt8>) -> ContentKey? {
    guard p.count > 70, p[p.count - 1] == 0x64, p[p.count - 2] == 0x2d, p[p.count - 67] == 0x2f,
      p[p.count - 70] == 0x2f, p[p.count - 69] == p[p.count - 66], p[p.count - 68] == p[p.count - 65]
    else { return nil }
    let digits = p.count - 66
    func word(_ k: Int) -> UInt64? {
      var word: UInt64 = 0
      for i in 0..<8 {
        guard let a = digit(p[digits + 16 * k + 2 * i]), let b = digit(p[digits + 16 * k + 2 * i + 1]) else {
          return nil
        }
        word |= UInt64(a << 4 | b) << UInt64(8 * i)
      }
      return word
    }
    guard let a = word(0), let b = word(1), let c = word(2), let d = word(3) else { return nil }
    return ContentKey(a, b, c, d)
  }

  private static func digit(_ c: UInt8) -> UInt8? {
    switch c {
    case 0x30...0x39: c - 0x30
    case 0x61...0x66: c - 0x61 + 10
    default: nil
    }
  }
}
