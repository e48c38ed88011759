import Protocol
import Testing

@Suite struct VerificationShareTests {
  @Test(arguments: [
    ("always", 100.0, "always"), ("100%", 100, "always"), ("5%", 5, "5%"), ("5", 5, "5%"),
    ("0.5%", 0.5, "0.5%"),
    ("never", 0, "0%"), ("0", 0, "0%"),
  ])
  func reads(_ text: String, _ percent: Double, _ written: String) throws {
    let share = try #require(VerificationShare(text))
    #expect(share.percent == percent)
    #expect(share.json == .string(written))
    #expect(try VerificationShare(json: share.json) == share)
  }

  @Test(arguments: ["", "%", "yes", "101%", "-1", "5%%", "1e1", "inf", "0x5", "5 %", "1.2.3"])
  func refuses(_ text: String) {
    #expect(VerificationShare(text) == nil)
    #expect(throws: JSONShapeError.self) { _ = try VerificationShare(json: .string(text)) }
  }

  @Test func takesItsShare() throws {
    let (all, none, half) = (
      try #require(VerificationShare("always")), try #require(VerificationShare("never")),
      try #require(VerificationShare("50%"))
    )
    let taken = (0..<2000).count { _ in half.takesOne() }
    #expect((700..<1300).contains(taken))
    #expect((0..<100).allSatisfy { _ in all.takesOne() && !none.takesOne() })
  }

  @Test func requestsCarryIt() throws {
    var request = LinkRequest(arguments: ["-o", "a"], workingDirectory: "/")
    #expect(request.json["verify"] == nil)
    request.verify = VerificationShare("12.5%")
    #expect(try LinkRequest(json: request.json) == request)
    let wrong = try JSONValue(parsing: Array(#"{"argv": [], "cwd": "/", "verify": "sometimes"}"#.utf8))
    #expect(throws: JSONShapeError.self) { _ = try LinkRequest(json: wrong) }
  }

  @Test func statusSurvivesTheWire() throws {
    var status = VerificationStatus()
    status.verified = 3
    status.differing = 1
    status.distrusted = true
    status.lastDifference = .init(time: 7, output: "/o", headline: "h", explanation: "e\nf", bundle: nil)
    #expect(try VerificationStatus(json: status.json) == status)
  }
}
