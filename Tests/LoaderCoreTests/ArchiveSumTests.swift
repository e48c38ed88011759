import Foundation
import LoaderCore
import TestSupport
import Testing

/// An archive's sum tells each byte that a link reads from one that it does not.
@Suite struct ArchiveSumTests {
  private let id = "abcdefghijklmnopqrst/ABCDEFGHIJKLMNOPQRST"

  private func archive(
    id: String? = nil, exports: String = "exported", fingerprint: UInt64 = 0x1122_3344_5566_7788,
    imported: UInt64 = 77, data: [UInt8] = [0xc3, 0x90]
  ) -> [UInt8] {
    let id = id ?? self.id
    var o = ObjectBuilder()
    o.header = "go object linux amd64 test\nbuild id \"\(id)\""
    o.fingerprint = fingerprint
    o.imports = [("fmt", imported), ("os", 3)]
    _ = o.add(.init("main.main", abi: 1, kind: 1, data: data))
    return ArchiveBuilder.bytes([
      ("__.PKGDEF", Array("build id \"\(id)\"\n\(exports)".utf8)), ("_go_.o", o.bytes),
    ])
  }

  private func withSum<R>(_ bytes: [UInt8], _ body: (ArchiveSum?) throws -> R) rethrows -> R {
    try bytes.withUnsafeBytes { b in
      let file = ByteView(b.baseAddress, b.count)
      return try body(ArchiveOutline(file).flatMap { ArchiveSum(file, $0) })
    }
  }

  /// What two archives have in common: nothing, what passes read, or all that a link reads.
  private func compare(_ a: [UInt8], _ b: [UInt8]) -> String {
    withSum(a) { a in
      withSum(b) { b in
        guard let a, let b else { return "no sum" }
        if a.isTwin(of: b) { return a.isLinked(like: b) ? "twins" : "contradiction" }
        return a.isLinked(like: b) ? "alike" : "others"
      }
    }
  }

  @Test func whatIsBuiltAgainIsKnown() {
    let first = archive()
    #expect(compare(first, first) == "twins")
    #expect(compare(first, archive(id: "zyxwvutsrqponmlkjihg/ABCDEFGHIJKLMNOPQRST")) == "twins")
    #expect(compare(first, archive(exports: "much more is exported")) == "twins")
    #expect(compare(first, archive(fingerprint: 1)) == "alike")
    #expect(compare(first, archive(imported: 78)) == "alike")
    #expect(compare(first, archive(data: [0xc3, 0x91])) == "others")
    #expect(compare(first, archive(data: [0xc3])) == "others")
    // Another length moves what follows it.
    #expect(compare(first, archive(id: id + "U")) == "others")
  }

  @Test func everyByteCounts() throws {
    let first = archive()
    let text = String(decoding: first, as: UTF8.self)
    let object = try #require(text.range(of: "_go_.o"))
    let start = text.utf8.distance(from: text.startIndex, to: object.lowerBound)
    func position(_ part: [UInt8]) throws -> Int {
      try #require(
        (start..<first.count - part.count).first { first[$0..<$0 + part.count].elementsEqual(part) })
    }
    let idStart = try position(Array(id.utf8))
    let magic = try position(Array("\0go120ld".utf8))
    let imports = try position(little(UInt64(77))) - 8
    for at in start..<first.count {
      var changed = first
      changed[at] ^= 0x01
      let found = compare(first, changed)
      switch at {
      // Date, owner, mode, and the end of the member's header are read nowhere either.
      case idStart..<idStart + id.utf8.count, start + 16..<start + 48, start + 58..<start + 60:
        #expect(found == "twins", "\(at)")
      case magic + 8..<magic + 16, imports..<imports + 32: #expect(found == "alike", "\(at)")
      default: #expect(found == "others" || found == "no sum", "\(at)")
      }
    }
  }

  @Test func large() {
    let data = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let first = archive(data: data)
    #expect(compare(first, archive(fingerprint: 2, data: data)) == "alike")
    for at in [0, 131_000, 131_071, 131_072, 262_144, 299_999] {
      var other = data
      other[at] ^= 0x80
      #expect(compare(first, archive(data: other)) == "others", "\(at)")
    }
  }

  @Test(arguments: ["", "!<arch>\n", "go object", "!<arch>\nshort"])
  func whatIsNoArchiveHasNone(_ text: String) { withSum(Array(text.utf8)) { #expect($0 == nil) } }

  @Test func whatIsNoGoObjectHasNone() {
    let good = archive()
    withSum(ArchiveBuilder.bytes([("host.syso", [0x7f, 0x45, 0x4c, 0x46])])) { #expect($0 == nil) }
    withSum(ArchiveBuilder.bytes([("preferlinkext", [])])) { #expect($0 == nil) }
    for count in 1..<good.count { withSum(Array(good.prefix(count))) { #expect($0 == nil, "\(count)") } }
  }

  /// What is computed of an object's symbols serves one that is like it, and outlives the first.
  @Test func tablesAreShared() throws {
    let folder = try ScratchFolder()
    func file(_ name: String, _ bytes: [UInt8]) throws -> MappedFile {
      try MappedFile.open(try folder.write(name, bytes)).get()
    }
    var first: Archive? = try Archive(file: file("first", archive()), hashes: nil)
    let old = try #require(first).objects[0]
    let second = try Archive(
      file: file("second", archive(fingerprint: 5)), like: #require(first), isLinked: true)
    let object = try #require(second.objects.first)
    #expect(object.isKnownToBeLinked(like: old))
    #expect(object.nameHashes == old.nameHashes)
    #expect((old.fingerprint, object.fingerprint) == (0x1122_3344_5566_7788, 5))
    #expect(!second.computedHashes)
    first = nil
    // The same symbols with other contents, and other symbols.
    let third = try Archive(file: file("third", archive(data: [0xc3, 0x91])), like: second, isLinked: false)
    #expect(third.objects[0].nameHashes == old.nameHashes)
    #expect(!third.objects[0].isKnownToBeLinked(like: object))
    let fourth = try Archive(file: file("fourth", archive(data: [0xc3])), like: third, isLinked: false)
    #expect(fourth.objects[0].nameHashes != old.nameHashes)
    let own = try Archive(file: file("own", archive(fingerprint: 5)), hashes: nil)
    #expect(!own.objects[0].isKnownToBeLinked(like: object))
    #expect(own.nameHashes == second.nameHashes && own.nameHashes == third.nameHashes)
  }
}
