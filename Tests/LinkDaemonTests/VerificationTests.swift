import Foundation
import LinkDaemon
import Protocol
import Replay
import Testing

/// Real links, verified: needs a Go toolchain.
@Suite(
  .serialized,
  .enabled(
    if: ProcessInfo.processInfo.environment["LINKD_TEST_GOROOT"] != nil, "LINKD_TEST_GOROOT is not set"))
struct VerificationTests {
  private static let goroot = ProcessInfo.processInfo.environment["LINKD_TEST_GOROOT", default: ""]

  /// A daemon and a small program of this test's own.
  private final class Home {
    let sandbox: Sandbox
    var path: String { sandbox.path }

    init() throws {
      sandbox = try Sandbox()
      _ = try sandbox.write("hello.go", "package main\n\nfunc main() { println(\"hello\") }\n")
    }

    deinit { _ = try? linkctl(["stop"]) }

    var environment: [String: String] {
      let own = ProcessInfo.processInfo.environment
      return [
        "GOROOT": VerificationTests.goroot, "GOCACHE": own["GOCACHE"] ?? "\(path)/gocache",
        "GOPATH": "\(path)/go",
        "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GO111MODULE": "off", "GOFLAGS": "", "GOENV": "off",
        "PATH": "\(VerificationTests.goroot)/bin:/usr/bin:/bin",
      ]
    }

    func linkctl(_ words: [String], _ more: [String: String] = [:], in directory: String? = nil) throws
      -> LinkctlRun
    {
      try LinkctlRun(words, in: sandbox, environment.merging(more) { $1 }, directory: directory)
    }

    func build(_ toolexec: String, _ more: [String: String] = [:], flags: [String] = []) throws -> LinkctlRun
    {
      try LinkctlRun(
        ["build", "-toolexec=\(LinkctlTests.products)/linkctl \(toolexec)", "-o", "\(path)/hello"] + flags + [
          "hello.go"
        ],
        in: sandbox, environment.merging(more) { $1 }, program: "\(VerificationTests.goroot)/bin/go")
    }

    func captured() throws -> LinkBundle {
      _ = try build("capture --only \(path)/B")
      return try LinkBundle(folder: try #require(LinkBundle.find(in: "\(path)/B").first))
    }

    func status() throws -> StatusReport {
      try StatusReport(json: try JSONValue(parsing: Array(try linkctl(["status", "--json"]).stdout.utf8)))
    }

    /// A linker of the same release that adds a byte to what the real one writes.
    func strangeLinker() throws -> String {
      let folder = "\(path)/strange/pkg/tool/linux_amd64"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try FileManager.default.copyItem(
        atPath: "\(VerificationTests.goroot)/VERSION", toPath: "\(path)/strange/VERSION")
      return try sandbox.write(
        "strange/pkg/tool/linux_amd64/link",
        "#!/bin/sh\n\(VerificationTests.goroot)/pkg/tool/linux_amd64/link \"$@\" || exit\n"
          + "while [ $# -gt 1 ]; do [ \"$1\" = -o ] && out=$2; shift; done\nprintf x >>\"$out\"\n",
        permissions: 0o755)
    }
  }

  @Test func realBuildsAreVerifiedAfterTheirAnswers() throws {
    let home = try Home()
    for flags in [[], ["-ldflags=-s -w"]] {
      let build = try home.build("toolexec", ["LINKD_VERIFY": "always"], flags: flags)
      #expect(build == LinkctlRunText.silent)
      let program = try LinkctlRun([], in: home.sandbox, program: "\(home.path)/hello")
      #expect(program.stderr == "hello\n")
    }
    #expect(try eventually(seconds: 120) { try home.status().verification.waiting == 0 })
    let status = try home.status()
    #expect(status.links.linked == 2 && status.links.fellBack == 0)
    #expect(status.verification.verified == 2 && status.verification.identical == 2)
    #expect(status.verification.skipped == 0 && !status.verification.distrusted)
    #expect(try home.linkctl(["status"]).stdout.contains("verified 2 links: 2 identical, 0 differing"))
    let spool = try FileManager.default.contentsOfDirectory(atPath: "\(home.path)/cache/linkd/verify")
    #expect(spool.isEmpty, "nothing is left behind")
  }

  @Test func failuresAreVerifiedToo() throws {
    let home = try Home()
    let bundle = try home.captured()
    let words = bundle.arguments(output: "\(home.path)/out")
    let broken = Array(words.dropLast()) + ["-E=nosuchsymbol", try #require(words.last)]
    let linker = bundle.tool
    let run = try home.linkctl(
      ["link"] + broken, ["LINKD_VERIFY": "always", "LINKD_REAL_LINK": linker], in: bundle.folder)
    #expect(run.code != 0)
    #expect(try eventually(seconds: 120) { try home.status().verification.identical == 1 })
  }

  @Test func aDifferenceEndsTheTrust() throws {
    let home = try Home()
    let bundle = try home.captured()
    let words = ["link"] + bundle.arguments(output: "\(home.path)/out")
    let environment = try [
      "LINKD_VERIFY": "always", "LINKD_REAL_LINK": home.strangeLinker(), "LINKD_FALLBACK": "0",
    ]
    let first = try home.linkctl(words, environment, in: bundle.folder)
    #expect(first == LinkctlRunText.silent)
    #expect(try eventually(seconds: 120) { try home.status().verification.lastDifference?.bundle != nil })
    let found = try home.status().verification
    #expect(found.differing == 1 && found.distrusted && found.identical == 0)
    let difference = try #require(found.lastDifference)
    #expect(difference.output == "\(home.path)/out")
    #expect(difference.headline.contains("size") || difference.headline.contains("ends here"))
    let place = try #require(difference.bundle)
    #expect(difference.explanation.contains("\(place)/expected"))
    let kept = try LinkBundle(folder: try #require(LinkBundle.find(in: place).first))
    #expect(kept.arguments.first == "-o")
    let sizes = try ["expected", "actual"].map {
      try #require(FileManager.default.attributesOfItem(atPath: "\(place)/\($0)")[.size] as? Int)
    }
    #expect(sizes[0] == sizes[1] + 1)
    for name in FileManager.default.subpaths(atPath: place) ?? [] {
      #expect(
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(place)/\(name)")) == nil, "\(name)")
    }
    let text = try home.linkctl(["status"]).stdout
    #expect(text.contains("DISTRUST") && text.contains(place))

    let second = try home.linkctl(words, environment, in: bundle.folder)
    #expect(second.code == 3 && second.stderr.contains("distrust"))
    #expect(try home.status().lastFallback?.reason?.hasPrefix("distrust") == true)
    // What was kept replays, and shows the same.
    #expect(try home.linkctl(["restart"]).code == 0)
    let replay = try home.linkctl(["verify", place])
    #expect(replay.code == 1 && replay.stdout.contains("differs"))
    #expect(try home.linkctl(words, environment, in: bundle.folder) == LinkctlRunText.silent)
  }

  @Test func bundlesOfRealLinksReplay() throws {
    let home = try Home()
    let bundle = try home.captured()
    try FileManager.default.moveItem(atPath: "\(home.path)/B", toPath: "\(home.path)/elsewhere")
    try FileManager.default.removeItem(atPath: "\(home.path)/hello.go")
    let run = try home.linkctl(["verify", "\(home.path)/elsewhere"])
    #expect(run.code == 0 && run.stdout.contains("\(bundle.name): identical"), "\(run)")
    let call = try home.linkctl(
      ["verify", "--", bundle.tool] + bundle.arguments(output: "\(home.path)/x") + [],
      in: "\(home.path)/elsewhere/\(bundle.name)")
    #expect(call.code == 0, "\(call)")
  }
}

private enum LinkctlRunText {
  static let silent = LinkctlRun(code: 0, stdout: "", stderr: "")
}
