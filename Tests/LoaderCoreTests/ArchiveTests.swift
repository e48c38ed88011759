import Foundation
import LoaderCore
import TestSupport
import Testing

@Suite struct ArchiveTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func open(_ bytes: [UInt8]) throws -> Archive {
    try Archive.open(try folder.write("file", bytes))
  }

  private func object(_ change: (inout ObjectBuilder) -> Void = { _ in }) -> [UInt8] {
    var o = ObjectBuilder()
    _ = o.add(.init("main.main", abi: 1, kind: 1, data: [0xc3]))
    change(&o)
    return o.bytes
  }

  /// What a member is, in a word or two.
  private func summary(_ content: Archive.Content) -> String {
    switch content {
    case .object(let o, _, let isMain, _): "object of \(o.view.symbolCount)" + (isMain ? ", main" : "")
    case .linkModeFlag(let f): "flag \(f)"
    case .foreign(let f): "foreign \(f)"
    case .error(let e): "error \(e.replacingOccurrences(of: folder.path + "/", with: ""))"
    }
  }

  private func members(_ list: [(name: String, bytes: [UInt8])]) throws -> [String] {
    try open(ArchiveBuilder.bytes(list)).members.map { "\($0.name) \(summary($0.content))" }
  }

  @Test func aBareObjectIsItsOnlyMember() throws {
    let archive = try open(object { $0.isMain = true })
    #expect(archive.members.map(\.name) == [""])
    #expect(archive.members.map { summary($0.content) } == ["object of 1, main"])
    if case .object(_, let header, _, _) = archive.members[0].content {
      #expect(header == "go object linux amd64 test\n")
    } else {
      Issue.record("no object")
    }
  }

  @Test func onlyTheHeaderSaysMain() throws {
    #expect(summary(try open(object()).members[0].content) == "object of 1")
    // A line behind the blank one is none of the header's.
    let late = object { $0.textSections = "main\n\n" }
    #expect(summary(try open(late).members[0].content) == "object of 1")
  }

  @Test func membersAreTakenByName() throws {
    let found = try members([
      ("__.PKGDEF", Array("anything".utf8)), ("_go_.o", object()), ("asm.o", object()),
      ("preferlinkext", []), ("README", Array("text".utf8)), ("dynimportfail", []),
      ("sixteen-letters!", object()), ("host.syso", [0x7f, 0x45, 0x4c, 0x46, 2, 1]),
    ])
    #expect(
      found == [
        "(_go_.o) object of 1", "(asm.o) object of 1", "(preferlinkext) flag preferlinkext",
        "(dynimportfail) flag dynimportfail", "(sixteen-letters!) object of 1", "(host.syso) foreign ELF",
      ])
  }

  @Test func anOddMemberIsPadded() throws {
    let odd = object().count % 2 == 1 ? object() : object { $0.header += "s" }
    #expect(odd.count % 2 == 1)
    #expect(try members([("a.o", odd), ("b.o", object())]).count == 2)
    // The last byte of the file may be missing.
    let file = ArchiveBuilder.bytes([("a.o", odd)])
    #expect(try open(file.dropLast()).members.count == 1)
  }

  @Test(
    arguments: [
      ([0x7f, 0x45, 0x4c, 0x46], "ELF"), ([0xfe, 0xed, 0xfa, 0xcf], "Mach-O"),
      ([0xcf, 0xfa, 0xed, 0xfe], "Mach-O"),
      ([0x64, 0x86, 0, 0], "PE"), ([0x4c, 0x01, 0, 0], "PE"), ([0x01, 0xf7, 0, 0], "XCOFF"),
      ([0x23, 0x21, 0x2f, 0x62], "unrecognized"), ([], "unrecognized"), ([0x67, 0x6f, 0x20], "unrecognized"),
    ] as [([UInt8], String)])
  func otherFormatsAreNamed(_ bytes: [UInt8], _ format: String) throws {
    #expect(summary(try open(bytes).members[0].content) == "foreign \(format)")
  }

  @Test func textThatIsNoObjectGetsTheRealLinkersWords() throws {
    #expect(
      try members([("a.o", Array("go o".utf8))]) == ["(a.o) error truncated object file: file(a.o): EOF"])
    #expect(
      try members([("a.o", Array("go object linux\nno end".utf8))])
        == ["(a.o) error truncated object file: file(a.o)"])
    #expect(
      try members([("a.o", Array("go other \"x\"\t\u{1}\n".utf8))])
        == ["(a.o) error file(a.o): not an object file: @68 \"go other \\\"x\\\"\\t\\x01\\n\""])
  }

  @Test func anEndMarkInAQuotedSectionIsNoEnd() throws {
    let quoted = object { $0.textSections = "$$B\n!\nquoted\n$$\n" }
    #expect(summary(try open(quoted).members[0].content) == "object of 1")
  }

  @Test func theWordsOfAnOldFormat() throws {
    let old = object { $0.magic = "\0go114ld" }
    #expect(
      refusal { try self.open(old) } == "failed(1): link: found object file file in old format\n")
    let none = object { $0.magic = "\0go199ld" }
    #expect(refusal { try self.open(none) } == "corrupt: file: wrong magic, not a Go object file")
  }

  @Test(arguments: ["9999999999", "-1"])
  func aMemberCannotLeaveTheFile(_ size: String) throws {
    var bytes = ArchiveBuilder.bytes([("a.o", object())])
    bytes.replaceSubrange(
      8 + 48..<8 + 58, with: Array(size.utf8) + [UInt8](repeating: 0x20, count: 10 - size.count))
    let words = refusal { try self.open(bytes) }
    #expect(words == "corrupt: file: malformed archive: member a.o leaves the file")
  }

  @Test func everyTruncationOfAnObjectIsRefused() throws {
    let whole = object { o in
      o.isMain = true
      o.imports = [("fmt", 1)]
      o.packages = ["fmt"]
      o.files = ["a.go"]
      _ = o.refer(to: "runtime.main")
      _ = o.add(.init("", hash: [1, 2, 3, 4, 5, 6, 7, 8]), .hashed64)
    }
    for n in 0..<whole.count {
      let words = refusal { try self.open(Array(whole.prefix(n))) }
      #expect(words != nil, "cut to \(n) bytes")
    }
    #expect(refusal { try self.open(whole) } == nil)
  }

  @Test func everyTruncationOfAnArchiveIsRefusedOrShorter() throws {
    let first = ArchiveBuilder.bytes([("_go_.o", object())])
    let whole = first + ArchiveBuilder.bytes([("asm.o", object())]).dropFirst(8)
    for n in 0..<whole.count {
      guard refusal({ try self.open(Array(whole.prefix(n))) }) == nil else { continue }
      // Between members, or in a header: what is there is whole. (The very last byte may be padding.)
      let isShorter = (first.count - 1...first.count + 59).contains(n) || (8..<68).contains(n)
      #expect(isShorter || n == whole.count - 1, "cut to \(n) bytes")
    }
  }

  @Test func knownNameHashesAreTakenInTheirPlace() throws {
    let path = try folder.write("a", ArchiveBuilder.bytes([("_go_.o", object()), ("b.o", object())]))
    let archive = try Archive.open(path)
    #expect(archive.computedHashes)
    let hashes = archive.nameHashes
    #expect(hashes.count == 8)
    let again = try Archive(file: archive.file, hashes: hashes)
    #expect(!again.computedHashes)
    #expect(again.nameHashes == hashes)
    // Too few of them: the objects that got none compute theirs.
    #expect(try Archive(file: archive.file, hashes: Array(hashes.prefix(4))).nameHashes == hashes)
    // What was kept is believed: where it comes from vouches for it.
    #expect(try Archive(file: archive.file, hashes: [UInt8](repeating: 7, count: 8)).nameHashes != hashes)
  }

  @Test func aFileThatIsNotThereHasAnErrno() {
    #expect(throws: ArchiveError.self) { try Archive.open("\(folder.path)/none") }
    guard case .failure(let e) = MappedFile.open("\(folder.path)/none") else {
      Issue.record("a file that is not there was opened")
      return
    }
    #expect(e.text == "no such file or directory")
    guard case .failure(let folderError) = MappedFile.open(folder.path) else {
      Issue.record("a folder was opened")
      return
    }
    #expect(folderError.text == "is a directory")
  }

  // MARK: cgo sections

  @Test(arguments: [
    ("[]", [[String]]()), ("[[\"a\",\"b\"],[]]", [["a", "b"], []]),
    (" [ [ \"\\\"\\\\\\/\" ] ] ", [["\"\\/"]]),
  ])
  func directivesAreLists(_ json: String, _ expected: [[String]]) throws {
    let archive = try open(object { $0.textSections = "$$  // cgo\n\(json)\n$$\n" })
    guard case .object(_, _, _, .directives(let d)) = archive.members[0].content else {
      Issue.record("no directives in \(json)")
      return
    }
    #expect(d.directives == expected)
  }

  @Test(arguments: ["", "[", "[[]", "[\"a\"]", "[[\"a]]", "[[\"\\u0041\"]]", "[[\"a\"],]", "{}"])
  func othersAreUnreadable(_ json: String) throws {
    let archive = try open(object { $0.textSections = "$$  // cgo\n\(json)\n$$\n" })
    guard case .object(_, _, _, .unreadable) = archive.members[0].content else {
      Issue.record("\(json) was read")
      return
    }
  }

  /// What the file is refused with, a content of no use included; nil when it is read.
  private func refusal(_ body: () throws -> Archive) -> String? {
    do {
      for m in try body().members {
        if case .object = m.content { continue }
        return summary(m.content)
      }
      return nil
    } catch ArchiveError.failure(let f) {
      return failure { throw f }?.replacingOccurrences(of: folder.path + "/", with: "")
    } catch {
      return "\(error)"
    }
  }
}
