import Foundation
import ImageWriter
import LinkDaemon
import LoaderCore
import Protocol
import TestSupport
import Testing

/// Folders of files that one life of the daemon leaves to the next.
struct KeptFolderTests {
  private let sandbox: Sandbox
  private var path: String { "\(sandbox.path)/kept" }

  init() throws { sandbox = try Sandbox() }

  private func folder(_ change: (inout KeptFolder.Limits) -> Void = { _ in }) throws -> KeptFolder {
    var limits = KeptFolder.Limits(bytes: 1 << 30)
    change(&limits)
    return try #require(KeptFolder(path, limits: limits))
  }

  private func name(_ key: String, _ group: String = "g") -> KeptFolder.Name { .init(group: group, key: key) }

  private func write(_ folder: KeptFolder, _ name: KeptFolder.Name, _ count: Int, age: Double = 0)
    -> [UInt64]?
  {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let sums = bytes.withUnsafeBytes { bytes in
      folder.write(name, while: { true }) { file in
        // In pieces of odd sizes.
        for at in stride(from: 0, to: bytes.count, by: 999_983) {
          file.add(UnsafeRawBufferPointer(rebasing: bytes[at..<min(at + 999_983, bytes.count)]))
        }
        return true
      }?.sums
    }
    try? FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: "\(path)/\(name.text)")
    return sums
  }

  private var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  @Test func aFileIsWrittenWholeWithAChecksumAPiece() throws {
    let folder = try folder()
    let sums = write(folder, name("a"), KeptFolder.chunk + 5)
    #expect(sums?.count == 2)
    #expect(names == ["g-a"])
    #expect(folder.open(name("a"), size: KeptFolder.chunk + 5) != nil)
    #expect(folder.open(name("a"), size: KeptFolder.chunk) == nil)
    #expect(folder.open(name("b"), size: 5) == nil)
  }

  @Test func aFileThatIsNotWantedAnyMoreLeavesNothing() throws {
    let folder = try folder()
    let bytes = [UInt8](repeating: 1, count: 3 * KeptFolder.chunk)
    let counter = Counter()
    let written = bytes.withUnsafeBytes {
      let all = $0
      return folder.write(name("a"), while: { [counter] in counter.next() < 3 }) { file in
        file.add(all)
        return true
      }
    }
    #expect(written == nil)
    #expect(folder.write(name("a"), while: { true }) { _ in false } == nil)
    #expect(names.isEmpty)
  }

  private final class Counter {
    private var count = 0

    func next() -> Int {
      count += 1
      return count
    }
  }

  @Test func nothingIsKeptInAFolderThatOthersCanEnter() throws {
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    #expect(KeptFolder(path, limits: KeptFolder.Limits(bytes: 1 << 30)) == nil)
  }

  @Test func sizeTakesWhatWasUsedLongestAgo() throws {
    let folder = try folder { $0.bytes = 1000 }
    for (k, key) in ["a", "b", "c"].enumerated() {
      _ = write(folder, name(key, key), 400, age: Double(100 - k))
    }
    #expect(write(folder, name("large"), 1001) == nil)
    // Being opened is a use.
    #expect(folder.open(name("a", "a"), size: 400) != nil)
    folder.trim()
    #expect(names == ["a-a", "c-c"])
  }

  @Test func ageAndGroupsHaveLimits() throws {
    let folder = try folder { $0.seconds = 1000 }
    for (k, key) in ["a", "b", "c"].enumerated() { _ = write(folder, name(key), 10, age: Double(100 - k)) }
    _ = write(folder, name("a", "other"), 10, age: 900)
    _ = write(folder, name("b", "other"), 10, age: 1100)
    folder.trim()
    #expect(names == ["g-b", "g-c", "other-a"])
  }

  @Test func whatAKilledDaemonLeftHalfWrittenGoes() throws {
    let folder = try folder()
    _ = try sandbox.write("kept/.\(try endedProcess())-1", "half")
    _ = try sandbox.write("kept/.\(ProcessInfo.processInfo.processIdentifier)-1", "being written")
    folder.trim()
    #expect(names == [".\(ProcessInfo.processInfo.processIdentifier)-1"])
  }

  @Test func anEntryOfTheCatalogueIsReadAsItWasWritten() throws {
    let image = try OutputImage(count: KeptFolder.chunk + 1, spare: 4096)
    var printed = Printed()
    printed.out("a")
    printed.err("bc")
    printed.out("é")
    let linked = LinkedImage(image: image, printed: printed, fipsModule: FIPSModule(ranges: [1..<2, 5..<5]))
    let bytes = KeptResultEntry(linked, [7, .max]).encoded
    let entry = try #require(KeptResultEntry(bytes))
    #expect(entry.count == image.count)
    #expect(entry.sums == [7, .max])
    #expect(entry.fipsModule.ranges == [1..<2, 5..<5])
    #expect(entry.printed.stdout == "aé")
    #expect(entry.printed.stderr == "bc")
    #expect(entry.printed.turns == printed.turns)
    for n in 0..<bytes.count { #expect(KeptResultEntry(Array(bytes.prefix(n))) == nil) }
    #expect(KeptResultEntry(KeptResultEntry(linked, [7]).encoded) == nil)
  }
}

/// Results that outlive an engine: needs a Go toolchain.
@Suite(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
struct KeptResultsTests {
  private let program: RealProgram
  private var cachePath: String { "\(program.sandbox.path)/cache" }
  private var folder: String { "\(cachePath)/results" }

  init() throws { program = try RealProgram() }

  private func newEngine(_ build: String = "test") -> any LinkEngine {
    engine(cache: ObjectCache(directory: cachePath, logger: silent), build: build)
  }

  private func link(_ engine: any LinkEngine, _ flags: [String] = []) -> LinkOutcome {
    engine.link(program.request(flags), control: LinkControl())
  }

  /// One life that links and leaves its result.
  private func firstLife(_ flags: [String] = []) throws -> Data {
    let engine = newEngine()
    #expect(link(engine, flags).report?.how == "cold")
    engine.keepForNextLife()
    engine.stop()
    let linked = try #require(program.linked)
    try FileManager.default.removeItem(atPath: program.output)
    return linked
  }

  private var keptFile: String {
    get throws {
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(names.count == 1)
      return "\(folder)/\(try #require(names.first))"
    }
  }

  @Test func anEngineAnswersWhatTheOneBeforeItLinked() throws {
    let before = try firstLife()
    let second = newEngine()
    let outcome = link(second)
    #expect(outcome.report?.how == "replayed")
    #expect(program.linked == before)
    let mode = try FileManager.default.attributesOfItem(atPath: program.output)[.posixPermissions] as? Int
    #expect(mode == 0o755)
    // The output is a file of its own.
    let file = try #require(FileHandle(forWritingAtPath: program.output))
    try file.write(contentsOf: Data(repeating: 0x7a, count: 100))
    try file.close()
    #expect(link(second).report?.how == "replayed")
    #expect(program.linked == before)
    // A link after an answer has its objects still to read.
    let changed = try RealProgram(text: "replaced")
    try FileManager.default.removeItem(atPath: program.part)
    try FileManager.default.copyItem(atPath: changed.part, toPath: program.part)
    try RealProgram.age(program.part)
    #expect(link(second).exitCode == 0)
    #expect(try program.linked == program.expected())
    #expect(program.linked != before)
  }

  @Test func otherFlagsAreAnotherResult() throws {
    let before = try firstLife()
    let outcome = link(newEngine(), ["-X=prog/part.unused=x"])
    #expect(outcome.report?.how != "replayed")
    #expect(program.linked != nil)
    #expect(before.count > 0)
  }

  @Test func aChangedInputIsAnotherResult() throws {
    let before = try firstLife()
    let changed = try RealProgram(text: "replaced")
    try FileManager.default.removeItem(atPath: program.part)
    try FileManager.default.copyItem(atPath: changed.part, toPath: program.part)
    #expect(link(newEngine()).report?.how == "restored")
    #expect(try program.linked == program.expected())
    #expect(program.linked != before)
  }

  @Test func anotherBuildsResultIsNotUsed() throws {
    _ = try firstLife()
    #expect(link(newEngine("another")).report?.how == "cold")
  }

  @Test(arguments: [0.0, 0.5, 0.999])
  func aFlippedBitMakesANewLink(place: Double) throws {
    let before = try firstLife()
    let path = try keptFile
    var bytes = try Data(contentsOf: URL(filePath: path))
    bytes[Int(Double(bytes.count) * place)] ^= 0x10
    try bytes.write(to: URL(filePath: path))
    #expect(link(newEngine()).report?.how == "restored")
    #expect(program.linked == before)
  }

  @Test(arguments: [-1, 1])
  func aFileOfAnotherSizeMakesANewLink(change: Int) throws {
    let before = try firstLife()
    let path = try keptFile
    var bytes = try Data(contentsOf: URL(filePath: path))
    if change < 0 { bytes.removeLast() } else { bytes.append(0) }
    try bytes.write(to: URL(filePath: path))
    #expect(link(newEngine()).report?.how == "restored")
    #expect(program.linked == before)
  }

  @Test func aFileWithoutItsEntryIsNotUsed() throws {
    let before = try firstLife()
    for suffix in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: "\(cachePath)/objects.sqlite\(suffix)")
    }
    #expect(link(newEngine()).report?.how == "cold")
    #expect(program.linked == before)
  }

  @Test func whatIsInvalidatedIsGoneForGood() throws {
    _ = try firstLife()
    let second = newEngine()
    second.invalidate()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    #expect(link(second).report?.how == "cold")
  }
}

/// Programs that outlive an engine: needs a Go toolchain.
@Suite(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
struct KeptProgramsTests {
  private let program: RealProgram
  private let changed: RealProgram
  private var cachePath: String { "\(program.sandbox.path)/cache" }
  private var folder: String { "\(cachePath)/programs" }

  init() throws {
    program = try RealProgram()
    changed = try RealProgram(text: "replaced")
  }

  private func newEngine(_ build: String = "test") -> any LinkEngine {
    engine(cache: ObjectCache(directory: cachePath, logger: silent), build: build)
  }

  private func link(_ engine: any LinkEngine, _ flags: [String] = []) -> LinkOutcome {
    engine.link(program.request(flags), control: LinkControl())
  }

  /// One life that links and leaves what it knows.
  private func firstLife() throws {
    let engine = newEngine()
    #expect(link(engine).report?.how == "cold")
    engine.keepForNextLife()
    engine.stop()
  }

  private func edit(_ path: KeyPath<RealProgram, String> = \.part) throws {
    try FileManager.default.removeItem(atPath: program[keyPath: path])
    try FileManager.default.copyItem(atPath: changed[keyPath: path], toPath: program[keyPath: path])
    try RealProgram.age(program[keyPath: path])
  }

  private var keptFile: String {
    get throws {
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(names.count == 1)
      return "\(folder)/\(try #require(names.first))"
    }
  }

  private func expectLinked() throws { #expect(try program.linked == program.expected()) }

  /// Several lives, each of which begins with another edit.
  @Test(arguments: [[], ["-w=false", "-s=false"]])
  func anEditAfterARestartIsOne(flags: [String]) throws {
    let first = newEngine()
    #expect(link(first, flags).report?.how == "cold")
    first.keepForNextLife()
    for text in ["replaced", "original", "replaced"] {
      let other = try RealProgram(text: text)
      try FileManager.default.removeItem(atPath: program.part)
      try FileManager.default.copyItem(atPath: other.part, toPath: program.part)
      try RealProgram.age(program.part)
      let engine = newEngine()
      // Which its maker has answered before.
      try? FileManager.default.removeItem(atPath: "\(cachePath)/results")
      #expect(link(engine, flags).report?.how == "restored")
      #expect(try program.linked == program.expected(flags))
      engine.keepForNextLife()
    }
  }

  @Test func otherFlagsAreLinkedFromTheSameProgram() throws {
    try firstLife()
    let flags = ["-w=false", "-s=false"]
    #expect(link(newEngine(), flags).report?.how == "restored")
    #expect(try program.linked == program.expected(flags))
  }

  @Test func anotherBuildsProgramIsNotUsed() throws {
    try firstLife()
    try edit()
    #expect(link(newEngine("another")).report?.how == "cold")
    try expectLinked()
  }

  @Test(arguments: [0.0, 0.01, 0.3, 0.6, 0.9, 0.9999])
  func aFlippedBitMakesANewLink(place: Double) throws {
    try firstLife()
    try edit()
    let path = try keptFile
    var bytes = try Data(contentsOf: URL(filePath: path))
    bytes[Int(Double(bytes.count) * place)] ^= 0x04
    try bytes.write(to: URL(filePath: path))
    #expect(link(newEngine()).report?.how == "cold")
    try expectLinked()
  }

  @Test(arguments: [0.0, 0.5, 0.9999])
  func aShorterFileMakesANewLink(length: Double) throws {
    try firstLife()
    try edit()
    let path = try keptFile
    let bytes = try Data(contentsOf: URL(filePath: path))
    try bytes.prefix(Int(Double(bytes.count) * length)).write(to: URL(filePath: path))
    #expect(link(newEngine()).report?.how == "cold")
    try expectLinked()
  }

  /// The main package lies in a work folder that the go command removes: what an exchange needs of it is in the file.
  @Test func aRemovedMainPackageIsExchanged() throws {
    try firstLife()
    try FileManager.default.removeItem(atPath: program.main)
    try FileManager.default.copyItem(atPath: changed.main, toPath: program.main)
    try edit()
    let outcome = link(newEngine())
    #expect(outcome.report?.how == "restored")
    try expectLinked()
  }

  @Test func whatIsInvalidatedIsGoneForGood() throws {
    try firstLife()
    let second = newEngine()
    second.invalidate()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    #expect(link(second).report?.how == "cold")
  }
}
