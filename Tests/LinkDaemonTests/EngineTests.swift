import Foundation
import LinkDaemon
import LoaderCore
import Protocol
import Synchronization
import TestSupport
import Testing

/// What stays between links must never show in what they write.
@Suite(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
struct EngineTests {
  private func link(
    _ engine: any LinkEngine, _ program: RealProgram, _ flags: [String] = [],
    control: LinkControl = LinkControl()
  ) -> LinkOutcome {
    engine.link(program.request(flags), control: control)
  }

  // MARK: same bytes

  @Test func linksAsTheRealLinkerDoes() throws {
    let program = try RealProgram()
    let outcome = link(engine(), program)
    #expect(outcome.exitCode == 0, "\(outcome)")
    #expect(outcome.report?.how == "cold")
    #expect(try program.linked == program.expected())
    #expect(program.leftovers.isEmpty)
  }

  @Test func anUnchangedRequestIsReplayed() throws {
    let program = try RealProgram()
    let engine = engine()
    _ = link(engine, program)
    let expected = try program.expected()
    for _ in 0..<2 {
      try FileManager.default.removeItem(atPath: program.output)
      let outcome = link(engine, program)
      #expect(outcome.report?.how == "replayed")
      #expect(program.linked == expected)
    }
    // The place of the output decides nothing of its bytes.
    let other = "\(program.sandbox.path)/other"
    #expect(
      engine.link(program.request(output: other), control: LinkControl()).report?.how == "replayed")
    #expect(FileManager.default.contents(atPath: other) == expected)
    // Other flags do.
    let flagged = link(engine, program, ["-X=main.nothing=1", "-funcalign=64"])
    #expect(flagged.report?.how == "linked")
    #expect(try program.linked == program.expected(["-X=main.nothing=1", "-funcalign=64"]))
    #expect(program.linked != expected)
  }

  /// Inputs that were too many to be hashed before the answer are hashed after it.
  @Test func aResultWhoseKeyCameLateIsReplayed() throws {
    let program = try RealProgram()
    let engine = engine { $0.hashLimit = 0 }
    #expect(link(engine, program).report?.how == "cold")
    let expected = try program.expected()
    for _ in 0..<2 {
      try FileManager.default.removeItem(atPath: program.output)
      #expect(link(engine, program).report?.how == "replayed")
      #expect(program.linked == expected)
    }
    try program.takePart(of: try RealProgram(text: "replaced"))
    #expect(link(engine, program).report?.how == "relinked")
    #expect(try program.linked == program.expected())
    engine.invalidate()
    #expect(link(engine, program).report?.how == "cold")
    // Not even what still waited for its key.
    engine.invalidate()
    #expect(link(engine, program).report?.how == "cold")
  }

  /// By the time an input is hashed it may be another one.
  @Test func anInputWrittenOverAfterTheAnswerIsNotTakenForWhatItWas() throws {
    let texts = ["original", "replaced"]
    let parts = try texts.map { text in
      let program = try RealProgram(text: text)
      return try withExtendedLifetime(program) { try Data(contentsOf: URL(filePath: program.part)) }
    }
    let program = try RealProgram()
    let engine = engine { $0.hashLimit = 0 }
    for step in 1...6 {
      _ = link(engine, program)
      let file = try #require(FileHandle(forWritingAtPath: program.part))
      try file.truncate(atOffset: 0)
      try file.write(contentsOf: parts[step % 2])
      try file.close()
      _ = link(engine, program)
      #expect(try program.linked == program.expected(), "step \(step)")
    }
  }

  @Test func aReplayedFileIsThePrivateCopyOfItsLink() throws {
    let program = try RealProgram()
    let engine = engine()
    _ = link(engine, program)
    let expected = try #require(program.linked)
    // The go command writes the final build id into the file it got.
    let file = try #require(FileHandle(forWritingAtPath: program.output))
    try file.seek(toOffset: 4000)
    try file.write(contentsOf: Data(repeating: 0x7a, count: 100))
    try file.close()
    #expect(program.linked != expected)
    #expect(link(engine, program).report?.how == "replayed")
    #expect(program.linked == expected)
  }

  @Test func aChangedPackageIsReadAgainAlone() throws {
    let program = try RealProgram()
    let changed = try RealProgram(text: "replaced")
    let engine = engine()
    _ = link(engine, program)
    let before = program.linked
    try program.takePart(of: changed)
    let outcome = link(engine, program)
    #expect(outcome.report?.how == "relinked")
    #expect(outcome.report?.objectsParsed == 1)
    #expect(try program.linked == program.expected())
    #expect(program.linked != before)
  }

  /// Same size, same time, other content, written into the same file: nothing that `stat` tells by seconds differs.
  @Test func aRewriteWithinTheSameSecondIsSeen() throws {
    let program = try RealProgram()
    let changed = try RealProgram(text: "replaced")
    let engine = engine()
    let time = Date(timeIntervalSince1970: 1_700_000_000)
    func setTime() throws {
      try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: program.part)
    }
    try setTime()
    _ = link(engine, program)
    let before = program.linked
    let content = try Data(contentsOf: URL(filePath: changed.part))
    #expect(try content.count == Data(contentsOf: URL(filePath: program.part)).count)
    let file = try #require(FileHandle(forWritingAtPath: program.part))
    try file.write(contentsOf: content)
    try file.close()
    try setTime()
    let outcome = link(engine, program)
    #expect(outcome.exitCode == 0, "\(outcome)")
    #expect(try program.linked == program.expected())
    #expect(program.linked != before)
  }

  @Test func forgettingEverythingChangesNothing() throws {
    let program = try RealProgram()
    let engine = engine()
    _ = link(engine, program)
    let expected = program.linked
    #expect(engine.status().programsResident == 1)
    engine.invalidate()
    #expect(engine.status().programsResident == 0)
    let outcome = link(engine, program)
    #expect(outcome.report?.how == "cold")
    #expect(program.linked == expected)
  }

  @Test func aNewLifeStartsFromTheCache() throws {
    let program = try RealProgram()
    let place = "\(program.sandbox.path)/cache"
    let expected = try program.expected()
    for life in 0..<3 {
      let cache = ObjectCache(directory: place, logger: silent)
      // What another build left is of no use, but for what parsing computed.
      let engine = engine(cache: cache, build: "life \(life)")
      let outcome = link(engine, program)
      #expect(outcome.report?.how == "cold")
      #expect(program.linked == expected)
      engine.keepForNextLife()
      #expect(life == 0 || cache.status.hits > 0, "nothing came from the cache")
    }
  }

  // MARK: giving up

  @Test(arguments: ["loadlib", "deadcode", "dodata", "Asmb"])
  func aCancelledLinkLeavesThingsAsTheyAre(phase: String) throws {
    let program = try RealProgram()
    _ = try program.sandbox.write("a.out", "what was there")
    let engine = engine()
    let hook = Hook()
    let control = LinkControl(onPhase: { if $0 == phase { hook.run() } })
    hook.action.withLock { $0 = { _ = control.cancel() } }
    let outcome = link(engine, program, control: control)
    #expect(outcome.fallbackReason == "cancelled")
    #expect(program.linked == Data("what was there".utf8))
    #expect(program.leftovers.isEmpty)
    // The next one does not suffer.
    #expect(link(engine, program).exitCode == 0)
    #expect(try program.linked == program.expected())
  }

  /// Something a phase callback does, set after the control that calls it was made.
  private final class Hook: Sendable {
    let action = Mutex<(@Sendable () -> Void)?>(nil)

    /// Once: what it holds may hold the hook.
    func run() {
      let action = action.withLock { $0.take() }
      action?()
    }
  }

  /// A failing link that was given up must not remove what somebody else writes at its place.
  @Test func aFailureAfterGivingUpRemovesNothing() throws {
    let program = try RealProgram()
    let hook = Hook()
    let control = LinkControl(onPhase: { if $0 == "loadlib" { hook.run() } })
    let sandbox = program.sandbox
    hook.action.withLock {
      $0 = {
        _ = control.cancel()
        _ = try? sandbox.write("a.out", "by the real linker")
      }
    }
    _ = link(engine(), program, ["-E=nosuchsymbol"], control: control)
    #expect(program.linked == Data("by the real linker".utf8))
  }

  @Test func twoLinksOfOnePlaceLeaveOneOfTheirFiles() throws {
    let one = try RealProgram()
    let two = try RealProgram(text: "replaced")
    let wanted = try [one.expected(), two.expected()]
    let engine = engine()
    for _ in 0..<8 {
      DispatchQueue.concurrentPerform(iterations: 2) { k in
        let program = k == 0 ? one : two
        let outcome = engine.link(program.request(output: one.output), control: LinkControl())
        #expect(outcome.exitCode == 0, "\(outcome)")
      }
      #expect(wanted.contains(try #require(one.linked)))
    }
    #expect(one.leftovers.isEmpty)
  }

  // MARK: inputs that move

  @Test(arguments: ["loadlib", "loadsyms", "deadcode", "textaddress", "dodata"])
  func anInputCutShortDuringALinkEndsThatLinkOnly(phase: String) throws {
    let program = try RealProgram()
    let whole = try Data(contentsOf: URL(filePath: program.part))
    let part = program.part
    let engine = engine()
    let control = LinkControl(onPhase: { if $0 == phase { truncate(part, 0) } })
    let outcome = link(engine, program, control: control)
    #expect(outcome.fallbackReason == "input changed while linking: \(part)")
    #expect(program.linked == nil)
    #expect(program.leftovers.isEmpty)
    let file = try #require(FileHandle(forWritingAtPath: part))
    try file.write(contentsOf: whole)
    try file.close()
    #expect(link(engine, program).exitCode == 0)
    #expect(try program.linked == program.expected())
  }

  /// What the build cache's names say of their files is believed, but not that all of a file is there.
  @Test(arguments: ["loadlib", "loadsyms", "deadcode", "textaddress", "dodata"])
  func aFileOfTheBuildCacheCutShortDuringALinkIsNotLinked(phase: String) throws {
    let program = try RealProgram()
    let folder = "\(program.sandbox.path)/ab"
    let part = "\(folder)/ab\(String(repeating: "0", count: 62))-d"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    try FileManager.default.moveItem(atPath: program.part, toPath: part)
    let config = try String(contentsOfFile: "\(program.sandbox.path)/importcfg", encoding: .utf8)
    _ = try program.sandbox.write("importcfg", config.replacingOccurrences(of: program.part, with: part))
    let expected = try program.expected()
    let control = LinkControl(onPhase: { if $0 == phase { truncate(part, 0) } })
    let outcome = link(engine(), program, control: control)
    if outcome.exitCode == 0 {
      // Nothing was read any more.
      #expect(program.linked == expected)
    } else {
      #expect(outcome.fallbackReason == "input changed while linking: \(part)")
      #expect(program.linked == nil)
    }
    #expect(program.leftovers.isEmpty)
  }

  @Test func anInputReplacedDuringALinkIsNotLinked() throws {
    let program = try RealProgram()
    let changed = try RealProgram(text: "replaced")
    let engine = engine()
    let (from, to) = (changed.part, program.part)
    let control = LinkControl(onPhase: { phase in
      guard phase == "deadcode" else { return }
      try? FileManager.default.removeItem(atPath: to)
      try? FileManager.default.copyItem(atPath: from, toPath: to)
    })
    #expect(
      link(engine, program, control: control).fallbackReason == "input changed while linking: \(to)")
    #expect(link(engine, program).exitCode == 0)
    #expect(try program.linked == program.expected())
  }
}
