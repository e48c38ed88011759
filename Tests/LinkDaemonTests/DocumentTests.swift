import Foundation
import LinkDaemon
import Protocol
import Testing

/// Runs the examples of docs/protocol.md against a real server.
@Suite struct DocumentTests {
  private static let text: String = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return (try? String(contentsOf: root.appendingPathComponent("docs/protocol.md"), encoding: .utf8)) ?? ""
  }()

  private struct Example {
    var isFromClient: Bool
    var json: JSONValue
    var line: Int
  }

  private func examples() throws -> [Example] {
    var found: [Example] = []
    var open: (isFromClient: Bool, line: Int, text: String)?
    for (index, line) in Self.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line == "```json client" || line == "```json server" {
        open = (line.hasSuffix("client"), index + 1, "")
      } else if line == "```", let block = open {
        let json = try JSONValue(parsing: Array(block.text.utf8))
        found.append(Example(isFromClient: block.isFromClient, json: json, line: block.line))
        open = nil
      } else {
        open?.text += line + "\n"
      }
    }
    return found
  }

  /// What differs from run to run.
  private static let variable: Set<String> = [
    "pid", "version", "build", "socket", "log", "startedAt", "uptimeSeconds", "residentBytes", "privateBytes",
    "time",
    "totalMs", "waitedMs", "elapsedMilliseconds", "idleDeadline",
  ]

  private func expectSame(_ real: JSONValue, _ written: JSONValue, _ place: String) {
    switch (real, written) {
    case (.object(let members), .object(let others)):
      #expect(members.map(\.key) == others.map(\.key), "\(place)")
      for (member, other) in zip(members, others) {
        if Self.variable.contains(member.key) {
          #expect(kind(member.value) == kind(other.value), "\(place).\(member.key)")
        } else {
          expectSame(member.value, other.value, "\(place).\(member.key)")
        }
      }
    case (.array(let elements), .array(let others)):
      #expect(elements.count == others.count, "\(place)")
      for (index, pair) in zip(elements, others).enumerated() {
        expectSame(pair.0, pair.1, "\(place)[\(index)]")
      }
    default: #expect(real == written, "\(place)")
    }
  }

  private func kind(_ value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool: "bool"
    case .integer, .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }

  /// The engine of the page's story.
  private struct StoryEngine: LinkEngine {
    func link(_ request: LinkRequest, control: LinkControl) -> LinkOutcome {
      switch request.arguments[1] {
      case "hello":
        return .done(
          exitCode: 0, stdout: [], stderr: [],
          report: LinkReport(
            how: "relinked", objectsParsed: 1, objectsReused: 216,
            phases: [
              .init(name: "load", nanoseconds: 1_800_000), .init(name: "write", nanoseconds: 9_000_000),
            ],
            outputBytes: 2_310_144, wallNanoseconds: 24_000_000,
            explanation: request.verify == nil ? explanation : nil))
      case "broken":
        return .done(
          exitCode: 2, stdout: [], stderr: Array("main.".utf8) + [0x80, 0xFF] + Array(" undefined\n".utf8),
          report: LinkReport(how: "failed", objectsParsed: 1, wallNanoseconds: 1_000_000))
      case "plugin.so": return .fallback(reason: "-buildmode=plugin")
      case "slow":
        Syscalls.sleep(milliseconds: 20)
        control.progress("deadcode")
        Syscalls.sleep(milliseconds: 20)
        return .done(
          exitCode: 0, stdout: [], stderr: [],
          report: LinkReport(
            how: "cold", objectsParsed: 217, outputBytes: 2_310_144, wallNanoseconds: 310_000_000))
      default:
        while !control.isCancelled { Syscalls.sleep(milliseconds: 1) }
        return .fallback(reason: "cancelled")
      }
    }

    private var explanation: LinkExplanation {
      LinkExplanation(
        program: .init("kept"), packages: 57, changedCount: 1, changed: ["example.com/hello"],
        symbols: .init(all: 41_207, touched: 15, new: 2, gone: 0, keepNumbers: false),
        deadcode: .init("anew", reason: "lost-need"),
        image: .init("new", reason: "symbols", knownSymbols: 3120, keptSymbols: 0))
    }

    func status() -> EngineStatus {
      EngineStatus(
        toolchains: [
          .init(name: "go1.27.3 linux/amd64", residentBytes: 40_000_000, objects: 217, programs: 1)
        ],
        objectsParsed: 219, objectsReused: 216, programsResident: 1, budgetBytes: 2_000_000_000)
    }

    func invalidate() {}

    var verification: VerificationStatus {
      var status = VerificationStatus()
      status.verified = 3
      status.identical = 2
      status.differing = 1
      status.skipped = 4
      status.distrusted = true
      status.lastDifference = .init(
        time: 1_790_000_009, output: "/nest/me/hello/hello",
        headline: ".text+0x40: main.main+0x20; 32-bit word: expected 0x1, actual 0x2",
        explanation: "different: expected …, actual …\nfirst difference: .text+0x40, …",
        bundle: "/nest/me/.local/state/linkd/differences/1790000009-4711")
      return status
    }
  }

  private func cacheStatus() -> CacheStatus {
    var status = CacheStatus()
    status.path = "/nest/me/.cache/linkd/objects.sqlite"
    status.entries = 217
    status.bytes = 9_000_000
    status.limitBytes = 4_294_967_296
    status.misses = 217
    status.stores = 217
    return status
  }

  @Test func everyExampleIsTrue() throws {
    let examples = try examples()
    #expect(examples.count > 25)
    let server = try TestServer(StoryEngine(), cache: cacheStatus())
    let client = try server.connect()
    for example in examples {
      if example.isFromClient {
        // A cancelled link is answered at once and ends a little later; the page's status comes after that.
        if example.json["method"]?.string == "status" { Syscalls.sleep(milliseconds: 300) }
        // The frame is made from the page's own text, not from what our types would write.
        try client.send(raw: framed(example.json.serialized()))
      } else {
        expectSame(try client.receive().json, example.json, "docs/protocol.md:\(example.line)")
      }
    }
    #expect(client.waitForEnd())
  }

  @Test func requestsInExamplesAreTheRealTypes() throws {
    let known: [String: @Sendable (JSONValue) throws -> Void] = [
      "initialize": { _ = try InitializeRequest(json: $0) }, "link": { _ = try LinkRequest(json: $0) },
      "ping": { _ = try PingRequest(json: $0) }, "status": { _ = try StatusRequest(json: $0) },
      "invalidate": { _ = try InvalidateRequest(json: $0) },
      "shutdown": { _ = try ShutdownRequest(json: $0) },
      "$/cancelRequest": { _ = try CancelNotification(json: $0) },
      "$/progress": { _ = try ProgressNotification(json: $0) },
      "linkFellBack": { _ = try FellBackNotification(json: $0) },
    ]
    var seen: Set<String> = []
    for example in try examples() {
      guard let method = example.json["method"]?.string, let check = known[method],
        let params = example.json["params"], example.json["id"] != 12
      else { continue }
      #expect(throws: Never.self, "docs/protocol.md:\(example.line)") { try check(params) }
      seen.insert(method)
    }
    #expect(seen == Set(known.keys), "every message has an example")
    #expect(Set(LinkServer.methods).isSubset(of: seen), "every request the daemon answers is documented")
  }

  @Test func everyErrorCodeIsInTheTable() throws {
    let codes: [(RPCError.Code, String)] = [
      (.parseError, "parseError"), (.invalidRequest, "invalidRequest"), (.methodNotFound, "methodNotFound"),
      (.invalidParams, "invalidParams"), (.internalError, "internalError"),
      (.notInitialized, "notInitialized"),
      (.cancelled, "cancelled"), (.versionMismatch, "versionMismatch"), (.shuttingDown, "shuttingDown"),
      (.overloaded, "overloaded"),
    ]
    for (code, name) in codes { #expect(Self.text.contains("| \(code.rawValue) | \(name) |")) }
    let rows = Self.text.split(separator: "\n").count { $0.hasPrefix("| -32") }
    #expect(rows == codes.count)
  }

  @Test func theFrameOnThePageIsOne() throws {
    let block = try #require(Self.text.components(separatedBy: "```text\n").dropFirst().first)
    let frame = try #require(block.components(separatedBy: "\n```").first)
    var reader = FrameReader(maximumBodySize: 100)
    reader.push(Array(frame.replacingOccurrences(of: "\n", with: "\r\n").utf8))
    let body = try #require(try reader.next())
    #expect(try RPCMessage(body: body) == PingRequest().message(id: .integer(1)))
  }
}
