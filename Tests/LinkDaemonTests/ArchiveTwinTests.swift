import Foundation
import LinkDaemon
import LoaderCore
import Protocol
import TestSupport
import Testing

/// The go command builds a package again when one that it imports changed, and mostly gets the same archive but for the
/// action in its build id. Such an archive is known; one that differs in anything else is not.
struct ArchiveTwinTests {
  @Test(arguments: [
    "!<arch>\nno id", "build id \"abcdefghijklmnopqrst/ABCDEFGHIJKLMNOPQRST\"\n",
    "!<arch>\n\nbuild id \"redacted\"\n", "!<arch>\n\nbuild id \"abcdefghijklmnopqrst/short\"\n",
    "!<arch>\n\nbuild id \"abcdefghijklmnopqrst/ABCDEFGHIJKLMNOPQRST",
  ])
  func otherFilesHaveNoTwins(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(bytes.withUnsafeBytes { ArchiveTwin(ByteView($0.baseAddress, $0.count)) == nil })
  }

  // MARK: links

  /// A program's package under another build id, in its place.
  private func rename(_ program: RealProgram, from old: RealProgram, action: String) throws {
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: old.part)))
    let whole = try Data(contentsOf: URL(filePath: program.part))
    let id = try #require(
      [UInt8](whole).withUnsafeBytes { ArchiveTwin(ByteView($0.baseAddress, $0.count))?.buildID.string })
    let theirs = try #require(
      bytes.withUnsafeBytes { ArchiveTwin(ByteView($0.baseAddress, $0.count))?.buildID.string })
    let wanted = Array((action + id.dropFirst(action.utf8.count)).utf8)
    #expect(wanted.count == theirs.utf8.count)
    var data = Data(bytes)
    while let range = data.range(of: Data(theirs.utf8)) { data.replaceSubrange(range, with: wanted) }
    bytes = [UInt8](data)
    try FileManager.default.removeItem(atPath: program.part)
    try Data(bytes).write(to: URL(filePath: program.part))
    try RealProgram.age(program.part)
  }

  @Test(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
  func whatWasBuiltAgainIsKnown() throws {
    let program = try RealProgram()
    let engine = engine()
    _ = engine.link(program.request(), control: LinkControl())
    try rename(program, from: program, action: "zyxwvutsrqponmlkjihg")
    // Another flag, so that the answer is not the last image.
    let outcome = engine.link(program.request(["-X=main.nothing=1"]), control: LinkControl())
    #expect(outcome.report?.objectsParsed == 0, "\(outcome)")
    #expect(try program.linked == program.expected(["-X=main.nothing=1"]))
  }

  /// A first build links what it has just compiled; the next one finds the same in the build cache.
  @Test(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
  func whatGoesIntoTheBuildCacheIsKnown() throws {
    let program = try RealProgram()
    let engine = engine()
    _ = engine.link(program.request(), control: LinkControl())
    let cached = try moveIntoCache(program)
    let outcome = engine.link(program.request(["-X=main.nothing=1"]), control: LinkControl())
    #expect(outcome.report?.objectsParsed == 0, "\(outcome)")
    #expect(try program.linked == program.expected(["-X=main.nothing=1"]))
    let text = said(engine, program.request(["-v=2"]))
    #expect(text.contains(cached))
    #expect(!text.contains(program.part))
  }

  /// Puts a program's package, or a copy of it, where the build cache has such a file.
  private func moveIntoCache(_ program: RealProgram, leavesFile: Bool = false) throws -> String {
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: program.part)))
    let hash = bytes.withUnsafeBytes { ContentKey.hashing(ByteView($0.baseAddress, $0.count)) }.bytes
      .map { String(format: "%02x", $0) }.joined()
    let folder = "\(program.sandbox.path)/\(hash.prefix(2))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let cached = "\(folder)/\(hash)-d"
    if leavesFile {
      try Data(bytes).write(to: URL(filePath: cached))
    } else {
      try FileManager.default.moveItem(atPath: program.part, toPath: cached)
    }
    let config = try String(contentsOfFile: "\(program.sandbox.path)/importcfg", encoding: .utf8)
    _ = try program.sandbox.write("importcfg", config.replacingOccurrences(of: program.part, with: cached))
    return cached
  }

  /// What a link says names the files of the request, not those that were read before.
  @Test(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
  func aTraceNamesTheRequestsFiles() throws {
    let first = try RealProgram()
    let second = try RealProgram()
    let engine = engine()
    _ = engine.link(first.request(), control: LinkControl())
    try rename(second, from: second, action: "zyxwvutsrqponmlkjihg")
    let text = said(engine, second.request(["-v=2"]))
    #expect(text.contains(second.part))
    #expect(!text.contains(first.part))
  }

  /// The same build id is no proof outside of the build cache.
  @Test(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
  func aBuildIDAloneIsNotBelieved() throws {
    let program = try RealProgram()
    let changed = try RealProgram(text: "replaced")
    let engine = engine()
    _ = engine.link(program.request(), control: LinkControl())
    let before = program.linked
    try rename(program, from: changed, action: "zyxwvutsrqponmlkjihg")
    let outcome = engine.link(program.request(), control: LinkControl())
    #expect(outcome.report?.objectsParsed == 1, "\(outcome)")
    #expect(try program.linked == program.expected())
    #expect(program.linked != before)
  }

  /// The archive that stood for another is written over in place: the other is read, and the link is made.
  @Test(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
  func anOverwrittenTwinIsReadByItself() throws {
    let first = try RealProgram()
    let second = try RealProgram()
    let engine = engine()
    _ = engine.link(first.request(), control: LinkControl())
    try rename(second, from: second, action: "zyxwvutsrqponmlkjihg")
    _ = engine.link(second.request(["-X=main.nothing=1"]), control: LinkControl())
    let changed = try RealProgram(text: "replaced")
    try overwrite(first.part, with: Data(contentsOf: URL(filePath: changed.part)))
    let outcome = engine.link(second.request(["-X=main.nothing=2"]), control: LinkControl())
    #expect(outcome.report != nil, "\(outcome)")
    #expect(try second.linked == second.expected(["-X=main.nothing=2"]))
  }

  /// The same of one that stood for a file of the build cache.
  @Test(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
  func anOverwrittenStandInIsNotRead() throws {
    let program = try RealProgram()
    let engine = engine()
    _ = engine.link(program.request(), control: LinkControl())
    _ = try moveIntoCache(program, leavesFile: true)
    let outcome = engine.link(program.request(["-X=main.nothing=1"]), control: LinkControl())
    #expect(outcome.report?.objectsParsed == 0, "\(outcome)")
    let changed = try RealProgram(text: "replaced")
    try overwrite(program.part, with: Data(contentsOf: URL(filePath: changed.part)))
    let after = engine.link(program.request(["-X=main.nothing=2"]), control: LinkControl())
    #expect(after.report?.objectsParsed == 1, "\(after)")
    #expect(try program.linked == program.expected(["-X=main.nothing=2"]))
  }

  /// Writes into the file that is there.
  private func overwrite(_ path: String, with data: Data) throws {
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.truncate(atOffset: 0)
    try file.write(contentsOf: data)
    try file.close()
  }
}
