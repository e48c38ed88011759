import Foundation
import LinkDaemon
import LoaderCore
import Protocol
import TestSupport
import Testing

/// Damaged inputs and impossible outputs: one clear error, no file, and the next link as if nothing had been.
@Suite(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
struct BadInputTests {
  private let program: RealProgram
  private let engine = LinkDaemonTests.engine()
  private let expected: Data

  init() throws {
    program = try RealProgram()
    expected = try program.expected()
  }

  private func link(_ flags: [String] = [], output: String? = nil) -> LinkOutcome {
    engine.link(program.request(flags, output: output), control: LinkControl())
  }

  /// Links with other bytes in an archive, then with the right ones again.
  private func damage(_ archive: String, _ bytes: Data) throws -> LinkOutcome {
    let url = URL(filePath: archive)
    let whole = try Data(contentsOf: url)
    try bytes.write(to: url)
    let outcome = link()
    try whole.write(to: url)
    return outcome
  }

  private func expectRefusal(_ outcome: LinkOutcome, _ comment: Comment) {
    if let reason = outcome.fallbackReason {
      Issue.record("handed over: \(reason): \(comment)")
      return
    }
    #expect(outcome.exitCode != 0, comment)
    #expect(!outcome.complaint.isEmpty, comment)
    #expect(program.linked == nil, comment)
  }

  @Test func everyTruncationIsAnErrorOrHarmless() throws {
    #expect(link().exitCode == 0)
    for archive in [program.part, program.main] {
      let whole = try Data(contentsOf: URL(filePath: archive))
      // The end of the file, which an odd member may be padded with, its beginning, and a sample of the rest.
      var lengths = Array(0..<10) + Array((whole.count - 20)..<whole.count)
      lengths += stride(from: 10, to: whole.count - 20, by: max(whole.count / 40, 1))
      for n in lengths {
        try? FileManager.default.removeItem(atPath: program.output)
        let outcome = try damage(archive, whole.prefix(n))
        if outcome.exitCode == 0 {
          #expect(n == whole.count - 1 && program.linked == expected, "\(archive) cut to \(n) was linked")
        } else {
          expectRefusal(outcome, "\(archive) cut to \(n)")
        }
      }
    }
    #expect(link().exitCode == 0)
    #expect(program.linked == expected)
  }

  @Test func anErrorNamesTheFile() throws {
    let whole = try Data(contentsOf: URL(filePath: program.part))
    for bytes in [whole.prefix(2000), Data(), Data("#!/bin/sh\n".utf8)] {
      let outcome = try damage(program.part, bytes)
      #expect(outcome.exitCode == 2)
      #expect(outcome.complaint.hasPrefix("\(program.go.linker): \(program.part)"), "\(outcome.complaint)")
      #expect(outcome.complaint.split(separator: "\n").count == 1)
    }
  }

  /// Bytes turned at random, also where they count: nothing may trap, hang or spoil the next link.
  @Test(arguments: 0..<3) func turnedBytesEndNothing(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    #expect(link().exitCode == 0)
    for archive in [program.part, program.main] {
      let whole = try Data(contentsOf: URL(filePath: archive))
      for _ in 0..<25 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          let at = Int.random(in: 0..<bytes.count, using: &random)
          bytes[at] =
            [0, 0xff, bytes[at] ^ 1, UInt8.random(in: 0...255, using: &random)].randomElement(
              using: &random) ?? 0
        }
        try? FileManager.default.removeItem(atPath: program.output)
        let outcome = try damage(archive, bytes)
        if outcome.exitCode != 0, outcome.fallbackReason == nil { expectRefusal(outcome, "seed \(seed)") }
      }
    }
    #expect(link().exitCode == 0)
    #expect(program.linked == expected)
  }

  // MARK: outputs

  @Test func placesThatCannotBeWrittenAreNamedAsTheRealLinkerNamesThem() throws {
    let root = program.sandbox.path
    try FileManager.default.createDirectory(atPath: "\(root)/folder", withIntermediateDirectories: false)
    let long = String(repeating: "n", count: 300)
    let places = [
      "\(root)/folder", "\(root)/none/a.out", "\(program.main)/a.out", "folder", "\(root)/\(long)",
    ]
    for place in places {
      let outcome = link(output: place)
      let real = try program.go.run(
        program.go.linker, program.request(output: place).arguments, in: URL(filePath: root))
      #expect(real.exitCode == 2)
      #expect(outcome.exitCode == 2, "\(place)")
      #expect(outcome.complaint == real.stderr)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(root)/folder").isEmpty)
  }

  @Test func theLongestNameCanBeWritten() throws {
    let name = "\(program.sandbox.path)/" + String(repeating: "n", count: 255)
    #expect(link(output: name).exitCode == 0)
    #expect(FileManager.default.contents(atPath: name) == expected)
  }

  @Test func otherThingsThanFilesAreLeftToTheRealLinker() throws {
    let path = "\(program.sandbox.path)/elsewhere"
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "target")
    #expect(link(output: path).fallbackReason == "output is not an ordinary file")
    #expect(link(output: "/dev/null").fallbackReason == "output is not an ordinary file")
  }

  @Test func aFailedLinkRemovesTheOldFile() throws {
    #expect(link().exitCode == 0)
    #expect(link(["-E=nosuchsymbol"]).exitCode == 2)
    #expect(program.linked == nil)
    #expect(program.leftovers.isEmpty)
  }

  @Test func modeBitsFollowTheClientsMask() throws {
    for umask in [0o022, 0o077, 0, 0o777] {
      var request = program.request()
      request.umask = umask
      #expect(engine.link(request, control: LinkControl()).exitCode == 0)
      let attributes = try FileManager.default.attributesOfItem(atPath: program.output)
      #expect(attributes[.posixPermissions] as? Int == 0o775 & ~umask)
    }
  }

  // MARK: -fipso

  @Test func theFIPSModuleIsWrittenAlsoOnReplay() throws {
    let path = "\(program.sandbox.path)/fips.o"
    _ = try program.expected(["-fipso=\(path)"])
    let real = FileManager.default.contents(atPath: path)
    #expect(real != nil)
    for how in ["cold", "replayed"] {
      try FileManager.default.removeItem(atPath: path)
      #expect(link(["-fipso=\(path)"]).report?.how == how)
      #expect(FileManager.default.contents(atPath: path) == real)
    }
    #expect(program.linked == expected)
    let failed = link(["-fipso=none/fips.o"])
    #expect(failed.exitCode == 2)
    #expect(failed.complaint == "asmbfips: open none/fips.o: no such file or directory\n")
    #expect(program.linked == nil)
  }
}
