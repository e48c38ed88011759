import Foundation
import LinkDaemon
import Protocol
import TestSupport
import Testing

/// Links of a real program by the real daemon, where something fails on the way: the disk, the client, the daemon.
@Suite(.enabled(if: RealToolchain.current != nil, "LINKD_TEST_GOROOT is not set"))
struct DaemonLinkTests {
  private let home: DaemonHome
  private let program: RealProgram
  private let expected: Data

  init() throws {
    home = try DaemonHome()
    program = try RealProgram()
    expected = try program.expected()
  }

  private var environment: [String: String] {
    ["LINKD_REAL_LINK": program.go.linker, "GOROOT": program.go.goroot, "GOOS": "linux", "GOARCH": "amd64"]
  }

  private func arguments(_ output: String? = nil) -> [String] {
    ["link"] + program.request(output: output).arguments
  }

  /// A link that must be the daemon's own.
  private func link(to output: String? = nil) throws -> DaemonHome.Result {
    try home.linkctl(arguments(output), environment.merging(["LINKD_FALLBACK": "0"]) { $1 })
  }

  /// The daemon is the one that `pid` was, and links as ever.
  private func expectGoodLink(of pid: Int32) throws {
    let result = try link()
    #expect(result.code == 0, "\(result.stderr)")
    #expect(program.linked == expected)
    #expect(try home.pid() == pid)
    #expect(eventually { program.leftovers.isEmpty })
  }

  @Test func theLastLinksAreExplained() throws {
    #expect(try link().code == 0)
    #expect(try link().code == 0)
    let last = try home.linkctl(["explain"])
    #expect(last.code == 0 && last.stdout.contains(" ago: nothing changed\n"), "\(last)")
    let first = try home.linkctl(["explain", "2"]).stdout
    #expect(first.hasPrefix("linked \(program.output), "))
    #expect(first.contains("\n  why        the daemon held no earlier link of this program\n"), "\(first)")
    #expect(first.contains("\n  passes     loadlib "))
    let json = try home.linkctl(["explain", "--json", "2"]).stdout
    let record = try LinkRecord(json: JSONValue(parsing: Array(json.utf8)))
    #expect(record.report?.explanation?.program == .init("new", reason: "none-resident"))
    let none = try home.linkctl(["explain", "3"])
    #expect(none.code == 2 && none.stdout.isEmpty)
    #expect(none.stderr == "linkctl explain: no link 3: the daemon remembers 2\n")
  }

  // MARK: disks

  /// A file system of 512 KiB; nil where one may not be mounted.
  private final class SmallDisk {
    let path: String
    /// Removed after the disk.
    private let sandbox: Sandbox

    init?(in sandbox: Sandbox) {
      self.sandbox = sandbox
      path = "\(sandbox.path)/small"
      #if os(Linux)
        guard mkdir(path, 0o700) == 0, mount("tmpfs", path, "tmpfs", 0, "size=512k") == 0 else { return nil }
      #else
        return nil
      #endif
    }

    deinit {
      #if os(Linux)
        umount(path)
      #endif
    }

    static let isPossible: Bool = {
      guard let sandbox = try? Sandbox() else { return false }
      return SmallDisk(in: sandbox) != nil
    }()
  }

  @Test(.enabled(if: SmallDisk.isPossible, "no file system may be mounted here"))
  func aFullDiskIsOneClearError() throws {
    try expectGoodLink(of: try startedPID())
    let pid = try home.pid()
    let disk = try #require(SmallDisk(in: program.sandbox))
    let place = "\(disk.path)/a.out"
    // Kept from the link before, and linked anew.
    for forget in [false, true] {
      if forget { #expect(try home.linkctl(["invalidate"]).code == 0) }
      let result = try link(to: place)
      #expect(result.code == 2)
      #expect(result.stderr == "\(program.go.linker): writing \(place): no space left on device\n")
      #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path).isEmpty)
    }
    // As with the real linker, what was there is gone too.
    try Data("old".utf8).write(to: URL(filePath: place))
    #expect(try link(to: place).code == 2)
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path).isEmpty)
    try expectGoodLink(of: pid)
  }

  private func startedPID() throws -> Int32 {
    #expect(try home.linkctl(["start"], environment).code == 0)
    return try home.pid()
  }

  /// Files of this daemon may not grow beyond 512 KiB.
  @Test func aFileThatMayNotGrowIsOneClearError() throws {
    let linkctl = "\(LinkctlTests.products)/linkctl"
    let start = try home.run("/bin/sh", ["-c", "ulimit -f 1024 && exec '\(linkctl)' start"], environment)
    #expect(start.code == 0, "\(start.stderr)")
    let pid = try home.pid()
    for _ in 0..<2 {
      let result = try link()
      #expect(result.code == 2)
      #expect(result.stderr == "\(program.go.linker): writing \(program.output): file too large\n")
      #expect(program.linked == nil)
      #expect(program.leftovers.isEmpty)
    }
    #expect(try home.pid() == pid)
  }

  // MARK: killed on the way

  @Test func aKilledClientLeavesNoHalfFile() throws {
    let pid = try startedPID()
    for round in 0..<16 {
      // Every second one is linked from nothing.
      if round % 2 == 0 { #expect(try home.linkctl(["invalidate"]).code == 0) }
      try? FileManager.default.removeItem(atPath: program.output)
      let (process, _, _) = try home.start(arguments(), environment.merging(["LINKD_FALLBACK": "0"]) { $1 })
      Syscalls.sleep(milliseconds: round * 5)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      // What the daemon is at, it finishes or gives up: whole, or not at all.
      #expect(try eventually { try home.status()["links"]?["running"] == 0 })
      if let left = program.linked { #expect(left == expected, "killed after \(round * 5) ms") }
      #expect(program.leftovers.isEmpty)
    }
    try expectGoodLink(of: pid)
  }

  @Test func aKilledDaemonStillMeansALink() throws {
    for round in 0..<8 {
      let pid = try startedPID()
      try? FileManager.default.removeItem(atPath: program.output)
      let (process, _, errors) = try home.start(arguments(), environment)
      Syscalls.sleep(milliseconds: round * 8)
      kill(pid, SIGKILL)
      process.waitUntilExit()
      // A dying daemon may still answer the next client's knock.
      #expect(eventually { kill(pid, 0) != 0 })
      let complaint = String(decoding: errors.readDataToEndOfFile(), as: UTF8.self)
      #expect(process.terminationStatus == 0, "\(complaint)")
      #expect(complaint == "")
      #expect(program.linked == expected, "killed after \(round * 8) ms")
    }
    #expect(try home.linkctl(["start"]).code == 0)
    let result = try link()
    #expect(result.code == 0, "\(result.stderr)")
    #expect(program.linked == expected)
  }
}
