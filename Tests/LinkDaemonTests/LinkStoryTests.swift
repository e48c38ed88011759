import Foundation
import LinkDaemon
import LoaderCore
import Protocol
import TestSupport
import Testing

/// Links are explained as what they are.
@Suite struct LinkStoryTests {
  /// People get a sentence for each reason, and the page names it.
  @Test func everyReasonHasWords() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/protocol.md"), encoding: .utf8)
    let program =
      LinkStory.Anew.allCases.map(\.rawValue) + ExchangeRefusal.allCases.map(\.rawValue)
    let deadcode = FloodStart.allCases.filter { $0 != .wentOn }.map(\.rawValue)
    let image = LinkStory.NotPatched.allCases.map(\.rawValue)
    for (member, reasons, words) in [
      ("program", program, ExplanationWords.program), ("deadcode", deadcode, ExplanationWords.deadcode),
      ("image", image, ExplanationWords.image),
    ] {
      #expect(Set(reasons) == Set(words.keys))
      let row = page.split(separator: "\n").first { $0.hasPrefix("| `\(member)` | ") } ?? ""
      for reason in reasons { #expect(row.contains("`\(reason)`"), "\(member): \(reason)") }
    }
  }

  @Test(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
  func editsAreExplained() throws {
    let program = try RealProgram(part: PatchedLinkTests.Part().source)
    let engine = engine()
    func link(_ part: PatchedLinkTests.Part) throws -> LinkExplanation {
      try program.takePart(of: try RealProgram(part: part.source))
      let outcome = engine.link(program.request(), control: LinkControl())
      return try #require(outcome.report?.explanation, "\(outcome)")
    }
    var part = PatchedLinkTests.Part()

    let first = try link(part)
    #expect(first.program == .init("new", reason: "none-resident"))
    #expect(first.changedCount == nil && first.changed.isEmpty)
    #expect((first.packages ?? 0) > 20 && (first.symbols?.all ?? 0) > 1000)
    #expect(first.symbols?.touched == nil)
    #expect(first.deadcode == .init("anew", reason: "first"))
    #expect(first.image?.how == "new" && first.image?.reason == "anew" && first.image?.knownSymbols == 0)

    #expect(try link(part) == LinkExplanation(program: .init("replayed")))

    part.number += 1
    let constant = try link(part)
    #expect(constant.program == .init("kept"))
    #expect(constant.changed == ["prog/part"] && constant.changedCount == 1)
    #expect(constant.packages == first.packages)
    #expect(constant.symbols?.otherContents == 1 && constant.symbols?.keepNumbers == true)
    #expect(constant.deadcode == nil, "no pass runs")
    #expect(constant.image == .init("patched"))

    part.call = "println(len(m.String()))"
    let call = try link(part)
    #expect(call.program == .init("kept") && call.changed == ["prog/part"])
    let symbols = try #require(call.symbols)
    #expect(symbols.otherContents == nil && (symbols.touched ?? 0) > 5)
    #expect((symbols.touched ?? 0) < symbols.all / 10)
    let before = try #require(first.symbols?.all)
    #expect(symbols.all == before + (symbols.new ?? 0) - (symbols.gone ?? 0))
    #expect(call.image?.how == "same-memory", "that of the image before the last")
    #expect(call.image?.reason == (symbols.keepNumbers == true ? "shape" : "symbols"))
    #expect((call.image?.knownSymbols ?? 0) > 100)
    #expect(call.deadcode != nil)

    // Without the call again, but no link that was there before.
    part.call = ""
    part.number += 1
    let back = try link(part)
    #expect(back.symbols?.new == symbols.gone && back.symbols?.gone == symbols.new)
    #expect(back.symbols?.all == before)
  }

  @Test(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
  func otherFlagsAreExplained() throws {
    let program = try RealProgram()
    let engine = engine()
    func link(_ flags: [String], buildID: String = "test") throws -> LinkExplanation {
      let outcome = engine.link(program.request(flags, buildID: buildID), control: LinkControl())
      return try #require(outcome.report?.explanation, "\(outcome)")
    }
    _ = try link([])
    let aligned = try link(["-funcalign=64"])
    #expect(aligned.changedCount == 0 && aligned.symbols?.otherContents == 0)
    #expect(aligned.deadcode == .init("went-on"))
    #expect(aligned.image?.reason == "flags")
    #expect(try link(["-funcalign=64"], buildID: "longer").image?.reason == "build-id")
    #expect(try link(["-checklinkname=0"]).program == .init("new", reason: "options"))
    engine.invalidate()
    #expect(try link([]).program == .init("new", reason: "none-resident"))
  }
}
