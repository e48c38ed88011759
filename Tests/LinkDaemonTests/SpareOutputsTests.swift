import Foundation
import ImageWriter
import LinkDaemon
import Protocol
import Synchronization
import TestSupport
import Testing

/// Files that are written before they are wanted: what a link makes of one must be the file it would have made anew.
struct SpareOutputsTests {
  private let sandbox: Sandbox
  private var folder: String { "\(sandbox.path)/spares" }
  private var output: OutputFile { OutputFile(path: path, shown: "a.out", umask: 0o022) }
  private var path: String { "\(sandbox.path)/a.out" }

  init() throws { sandbox = try Sandbox() }

  private func spares() throws -> SpareOutputs {
    try #require(SpareOutputs(folder: folder, fewestBytes: 1))
  }

  /// An image of so many bytes, none of them 0.
  private func image(_ count: Int, seed: UInt8 = 0) throws -> OutputImage {
    let image = try OutputImage(count: count, spare: 0)
    let window = try #require(image.window(0, count))
    for i in 0..<count { window[i] = UInt8(truncatingIfNeeded: i &* 31) ^ seed | 1 }
    return image
  }

  private func bytes(_ image: OutputImage) -> Data { Data(bytes: image.base, count: image.count) }

  private func prepare(
    _ spares: SpareOutputs, _ image: OutputImage, pieces: Int = .max, program: Int = 1
  ) throws -> String {
    let asked = Counter()
    spares.prepare(program, contents: image.contents, while: { asked.next() <= pieces }, image: { image })
    return try #require(files.first)
  }

  private var files: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  private func put(_ image: OutputImage, _ spares: SpareOutputs, program: Int = 1) throws {
    try output.commit(try output.stage(image, program: program, spares: spares))
  }

  private func number(_ path: String) throws -> Int {
    try #require(FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int)
  }

  @Test(arguments: [3 << 20, 1000, (1 << 20) + 1])
  func aSpareBecomesTheOutput(count: Int) throws {
    let spares = try spares()
    let image = try image(count)
    let name = try prepare(spares, image)
    let (number, old) = (try number("\(folder)/\(name)"), Date(timeIntervalSinceNow: -1000))
    try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: "\(folder)/\(name)")
    try put(image, spares)
    #expect(FileManager.default.contents(atPath: path) == bytes(image))
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.systemFileNumber] as? Int == number)
    #expect(attributes[.posixPermissions] as? Int == 0o755)
    #expect(try #require(attributes[.modificationDate] as? Date) > old.addingTimeInterval(500))
    #expect(files.isEmpty)
  }

  @Test(arguments: [1000, 2 << 20, 5 << 20])
  func anotherImageTakesItsPlace(count: Int) throws {
    let spares = try spares()
    let first = try prepare(spares, try image(3 << 20, seed: 7))
    let number = try number("\(folder)/\(first)")
    let image = try image(count)
    try put(image, spares)
    #expect(FileManager.default.contents(atPath: path) == bytes(image))
    #expect(try self.number(path) == number)
  }

  @Test func whatWasGivenUpIsNotTrusted() throws {
    let spares = try spares()
    let image = try image(4 << 20)
    _ = try prepare(spares, image, pieces: 3)
    #expect(spares.filled(1) < image.count)
    try put(image, spares)
    #expect(FileManager.default.contents(atPath: path) == bytes(image))
  }

  @Test func foundMemoryIsNoImage() throws {
    let spares = try spares()
    spares.extend(1, to: 3 << 20) { true }
    #expect(spares.filled(1) == 3 << 20)
    let image = try image(2 << 20)
    try put(image, spares)
    #expect(FileManager.default.contents(atPath: path) == bytes(image))
  }

  /// Of an image that was patched, only the patch is written: the rest is not looked at.
  @Test func aPatchIsAllThatIsWritten() throws {
    let spares = try spares()
    let image = try image(3 << 20)
    let name = try prepare(spares, image)
    let handle = try #require(FileHandle(forWritingAtPath: "\(folder)/\(name)"))
    try handle.write(contentsOf: Data([0]))
    try handle.close()
    image.beginPatch()
    try #require(image.window(2 << 20, 3)).copyBytes(from: [0, 0, 0])
    image.endPatch()
    try put(image, spares)
    var expected = bytes(image)
    expected[0] = 0
    #expect(FileManager.default.contents(atPath: path) == expected)
  }

  @Test func aPatchOfAnotherImageIsNot() throws {
    let spares = try spares()
    let image = try image(3 << 20)
    _ = try prepare(spares, image)
    for at in [1 << 20, 2 << 20] {
      image.beginPatch()
      try #require(image.window(at, 3)).copyBytes(from: [0, 0, 0])
      image.endPatch()
    }
    try put(image, spares)
    #expect(FileManager.default.contents(atPath: path) == bytes(image))
  }

  @Test func aCopyThatIsPatchedHasWhatItIsACopyOf() throws {
    let image = try image(3 << 20)
    let copy = try image.copy(into: nil)
    #expect(copy.ranges(since: image.contents) == [])
    copy.beginPatch()
    _ = copy.window(5, 3)
    copy.endPatch()
    #expect(copy.ranges(since: image.contents) == [5..<8])
    #expect(copy.ranges(since: nil) == [0..<3 << 20])
    #expect(image.ranges(since: copy.contents) == [0..<3 << 20])
  }

  /// Somebody may still read or run what was there.
  @Test func whatWasThereIsLeftAlone() throws {
    let spares = try spares()
    try Data("the old output".utf8).write(to: URL(filePath: path))
    let reader = try #require(FileHandle(forReadingAtPath: path))
    let image = try image(2 << 20)
    _ = try prepare(spares, image)
    try put(image, spares)
    #expect(try reader.readToEnd() == Data("the old output".utf8))
    // It goes when nobody waits.
    #expect(files.count == 1)
    let isQuiet = Event()
    spares.whenQuiet(after: 0) { isQuiet.signal() }
    #expect(isQuiet.wait())
    #expect(files.isEmpty)
  }

  @Test func programsHaveTheirOwn() throws {
    let spares = try spares()
    let image = try image(1 << 20)
    _ = try prepare(spares, image, program: 1)
    #expect(spares.take(2, for: image.count) == nil)
    for program in 2...9 { _ = try prepare(spares, image, program: program) }
    #expect(files.count == SpareOutputs.limit)
    // One of about the size would go next; of other sizes none is given away.
    #expect(spares.take(1, for: 4 * image.count) == nil)
    #expect(spares.take(1, for: image.count / 4) == nil)
    #expect(files.count == SpareOutputs.limit)
    spares.removeAll(forGood: true)
    #expect(files.isEmpty)
    // For good: whoever forgets everything later does not open it again.
    spares.removeAll()
    spares.extend(1, to: 1 << 20) { true }
    #expect(files.isEmpty)
  }

  @Test func aProgramWithoutOneGetsTheNextToGo() throws {
    let spares = try spares()
    let old = try image(1 << 20)
    for program in 1...SpareOutputs.limit { _ = try prepare(spares, old, program: program) }
    let names = Set(files)
    #expect(spares.isReady(9, for: 1 << 20))
    let new = try image((1 << 20) + 4096)
    try put(new, spares, program: 9)
    #expect(FileManager.default.contents(atPath: path) == bytes(new))
    #expect(Set(files).isStrictSubset(of: names))
    // The first one's went; the others keep theirs, and there is room for one more.
    #expect(!spares.isReady(1, for: 1 << 20))
    #expect((2...SpareOutputs.limit).allSatisfy { spares.isReady($0, for: 1 << 20) })
    #expect(spares.take(9, for: 1 << 20) == nil)
  }

  @Test func anotherFileSystemGetsANewFile() throws {
    let place = "/dev/shm/linkd-test-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: place) }
    guard let device = try? FileManager.default.attributesOfItem(atPath: place)[.systemNumber] as? Int,
      device != (try FileManager.default.attributesOfItem(atPath: sandbox.path)[.systemNumber] as? Int)
    else { return }
    let spares = try spares()
    let image = try image(2 << 20)
    _ = try prepare(spares, image)
    let output = OutputFile(path: "\(place)/a.out", shown: "a.out", umask: 0o022)
    try output.commit(try output.stage(image, program: 1, spares: spares))
    #expect(FileManager.default.contents(atPath: "\(place)/a.out") == bytes(image))
    #expect(!spares.serves(place))
    #expect(spares.serves(sandbox.path))
  }

  /// Where files get the group of their folder.
  @Test func aFolderThatGivesItsGroupGetsANewFile() throws {
    let folder = "\(sandbox.path)/shared"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o2755])
    let spares = try spares()
    // Of another group, if this user may give one.
    guard chown(folder, getuid(), 12345) == 0 else { return }
    chmod(folder, 0o2755)
    #expect(!spares.serves(folder))
    chmod(folder, 0o755)
    #expect(spares.serves(folder))
  }

  @Test func whatAKilledDaemonLeftGoes() throws {
    _ = try spares()
    _ = try sandbox.write("spares/\(try endedProcess())-1", "left")
    _ = try sandbox.write("spares/1-1", "another daemon's")
    _ = try spares()
    #expect(files == ["1-1"])
  }

  private final class Counter: Sendable {
    private let count = Atomic(0)
    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
  }
}

/// Links one after the other, with time between them.
@Suite(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
struct SpareOutputLinkTests {
  @Test(arguments: [false, true])
  func outputsAreTheSameWhereverTheyComeFrom(debug: Bool) throws {
    let program = try RealProgram(part: PatchedLinkTests.Part().source)
    let cache = ObjectCache(directory: "\(program.sandbox.path)/cache", logger: silent)
    let engine = engine(cache: cache) { $0.spareBytes = 1 }
    let folder = "\(program.sandbox.path)/cache/spares"
    func spare() -> String? {
      (try? FileManager.default.contentsOfDirectory(atPath: folder))?.map { "\(folder)/\($0)" }.first {
        FileManager.default.contentsEqual(atPath: $0, andPath: program.output)
      }
    }
    func number(_ path: String) -> Int? {
      (try? FileManager.default.attributesOfItem(atPath: path))?[.systemFileNumber] as? Int
    }
    func link(_ part: PatchedLinkTests.Part, _ how: String, _ what: Comment) throws {
      try program.takePart(of: try RealProgram(part: part.source))
      let next = spare().flatMap(number)
      let outcome = engine.link(program.request(debug: debug), control: LinkControl())
      #expect(outcome.report?.how == how, what)
      #expect(try program.linked == program.expected(debug: debug), what)
      #expect(next == nil || number(program.output) == next, "the spare was not used")
      #expect(waitUntil { spare() != nil }, what)
    }
    var part = PatchedLinkTests.Part()
    try link(part, "cold", "the first link")
    try link(part, "replayed", "nothing changed")
    part.number += 1
    try link(part, "relinked", "a constant")
    part.number += 1
    try link(part, "relinked", "another one")
    part.call = "println(len(m.String()))"
    try link(part, "relinked", "a call")
    part.call = ""
    try link(part, "replayed", "without it")
    engine.stop()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}
