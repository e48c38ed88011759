import Protocol
import Testing

@Suite struct ExplanationTests {
  /// One of each member.
  private static let edit = LinkExplanation(
    program: .init("kept"), packages: 1591, changedCount: 2,
    changed: ["k8s.io/kubernetes/pkg/kubelet/pleg", "k8s.io/kubernetes/cmd/kubelet"],
    symbols: .init(all: 1_203_456, touched: 3410, new: 12, gone: 0, keepNumbers: false),
    deadcode: .init("anew", reason: "gone"),
    image: .init("same-memory", reason: "symbols", knownSymbols: 200_100, keptSymbols: 200_000))

  private static func record(_ explanation: LinkExplanation?, how: String = "relinked") -> LinkRecord {
    LinkRecord(
      time: 1000, output: "/tmp/a.out", outcome: .linked, exitCode: 0,
      report: LinkReport(
        how: how,
        phases: [
          .init(name: "loadlib", nanoseconds: 9_449_000), .init(name: "loadsyms", nanoseconds: 105_400_000),
          .init(name: "write", nanoseconds: 40_000),
        ],
        outputBytes: 105_300_000, wallNanoseconds: 155_000_000, explanation: explanation),
      totalMilliseconds: 389, waitedMilliseconds: 0)
  }

  @Test(arguments: [
    edit, LinkExplanation(program: .init("replayed")),
    LinkExplanation(
      program: .init("new", reason: "none-resident"), packages: 3, symbols: .init(all: 7),
      deadcode: .init("went-on"), image: .init("patched")),
    LinkExplanation(
      program: .init("kept"), changedCount: 0, symbols: .init(all: 1, keepNumbers: true, otherContents: 0)),
  ])
  func survivesTheWire(_ explanation: LinkExplanation) throws {
    let json = explanation.json
    #expect(try LinkExplanation(json: JSONValue(parsing: json.serialized())) == explanation)
    // Nothing that is absent is written.
    #expect(!String(decoding: json.serialized(), as: UTF8.self).contains("null"))
    let record = Self.record(explanation)
    #expect(try LinkRecord(json: JSONValue(parsing: record.json.serialized())) == record)
  }

  @Test func shapesAreChecked() {
    let error = #expect(throws: JSONShapeError.self) {
      try LinkExplanation(json: ["program": ["how": "kept"], "symbols": ["all": 1, "gone": "x"]])
    }
    #expect(error?.path == ".symbols.gone")
  }

  @Test func anEditInWords() {
    #expect(
      Self.record(Self.edit).explained(now: 1012) == [
        "linked /tmp/a.out, 105 MB, in 389 ms, 12 s ago: 2 of 1591 packages changed",
        "  changed    k8s.io/kubernetes/pkg/kubelet/pleg, k8s.io/kubernetes/cmd/kubelet",
        "  symbols    3410 of 1203456 looked at again, 12 new, 0 gone; the others moved up or down",
        "  deadcode   started anew: a definition with needs of its own went away",
        "  image      made in the memory of the last one, 200000 symbols kept or moved",
        "  why        symbols came, went or moved, so that addresses move",
        "  passes     loadlib 9.4 ms, loadsyms 105 ms, write 0.0 ms",
        "  besides    40 ms to look at inputs, read new ones and keep the result",
      ])
  }

  @Test func otherLinksInWords() {
    let first = LinkExplanation(
      program: .init("new", reason: "none-resident"), packages: 1, symbols: .init(all: 7),
      deadcode: .init("anew", reason: "first"), image: .init("new", reason: "anew"))
    #expect(
      Self.record(first).explained(now: 0).dropLast(2) == [
        "linked /tmp/a.out, 105 MB, in 389 ms, 0 s ago: 1 package, linked from the start",
        "  symbols    7, all looked at",
        "  deadcode   started anew: no last time to go on from",
        "  image      new",
        "  why        the daemon held no earlier link of this program",
      ])
    let replayed = Self.record(LinkExplanation(program: .init("replayed"))).explained(now: 1000)
    #expect(
      replayed.prefix(2) == [
        "linked /tmp/a.out, 105 MB, in 389 ms, 0 s ago: nothing changed",
        "  image      an earlier link's, written again",
      ])
    let patched = LinkExplanation(
      program: .init("kept"), packages: 2, changedCount: 17, changed: ["a"],
      symbols: .init(all: 9, touched: 3, new: 0, gone: 0, keepNumbers: true, otherContents: 1),
      image: .init("patched"))
    let text = Self.record(patched, how: "restored").explained(now: 1000)
    #expect(
      text.dropFirst().prefix(4) == [
        "  changed    a, and 16 more",
        "  program    from what an earlier daemon left on disk",
        "  symbols    other contents in 1 of 9, nothing else",
        "  image      the last one, with the new contents written into it",
      ])
    #expect(!text.contains { $0.hasPrefix("  why") }, "there is no cheaper way")
    // A daemon of another build may know more words, or none.
    #expect(
      Self.record(LinkExplanation(program: .init("new", reason: "later"))).explained(now: 0)[1]
        == "  why        later")
    #expect(Self.record(nil).explained(now: 1000)[0].hasSuffix(": relinked"))
  }

  @Test func whatWasNotLinkedInWords() {
    var record = LinkRecord(
      time: 0, output: "/tmp/p.so", outcome: .fellBack, reason: "-buildmode=plugin", totalMilliseconds: 1,
      waitedMilliseconds: 2)
    #expect(
      record.explained(now: 7200) == [
        "left /tmp/p.so to Go's linker, in 1 ms, 2 h ago", "  why        -buildmode=plugin",
        "  waited     2 ms for other links",
      ])
    record.outcome = .failed
    record.exitCode = 2
    #expect(record.explained(now: 0)[0] == "failed /tmp/p.so, exit code 2, in 1 ms, 0 s ago")
    record.outcome = .cancelled
    #expect(record.explained(now: 0)[0] == "gave /tmp/p.so up, in 1 ms, 0 s ago")
  }

  @Test func longLinesAreFolded() {
    var explanation = Self.edit
    explanation.changed = (0..<16).map { "example.com/some/package\($0)" }
    explanation.changedCount = 20
    let lines = Self.record(explanation).explained(now: 0).dropFirst()
    #expect(lines.allSatisfy { $0.count <= 110 })
    #expect(lines.count { $0.hasPrefix("             ") } >= 4)
    #expect(lines.contains { $0.hasSuffix("and 4 more") })
  }
}
