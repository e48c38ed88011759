import Foundation
import LinkDaemon
import Logging
import Protocol
import Testing

@Suite struct SocketTests {
  private func mode(_ path: String) throws -> UInt32 { try Syscalls.status(of: path).permissions }

  @Test func isForTheOwnerAlone() throws {
    let server = try TestServer()
    #expect(try mode(server.socket) == 0o600)
    #expect(try Syscalls.status(of: server.socket).kind == .socket)
    let pid = try String(contentsOfFile: "\(server.socket).pid", encoding: .utf8)
    #expect(pid == "\(Syscalls.processID)\n")
  }

  @Test func onlyOneServerHasASocket() throws {
    let sandbox = try Sandbox()
    let first = try TestServer(sandbox: sandbox)
    #expect(throws: ServerStartError.alreadyRunning) { try TestServer(sandbox: sandbox) }
    #expect(try first.greeted().call(PingRequest()) == Empty())
  }

  @Test func aSuccessorWaitsForItsPredecessorToEnd() throws {
    let sandbox = try Sandbox()
    let release = Event()
    var first: TestServer? = try TestServer(
      ScriptedEngine { _, _ in
        release.wait(); return .done()
      }, sandbox: sandbox)
    let client = try #require(try first?.greeted())
    _ = try client.send(link("a"))
    // It stopped listening, but has not ended.
    try FileManager.default.removeItem(atPath: "\(sandbox.path)/s")
    first?.server.stop(why: "test")
    DispatchQueue.global().asyncAfter(deadline: .now() + 0.2) { release.signal() }
    let predecessor = first?.server
    first = nil
    DispatchQueue.global().async { predecessor?.waitUntilStopped() }
    _ = predecessor
    let second = try TestServer(sandbox: sandbox) { $0.takeOverMilliseconds = 20_000 }
    #expect(try second.greeted().call(PingRequest()) == Empty())
  }

  @Test(arguments: ["socket", "file", "link"])
  func takesOverWhatTheDeadLeft(kind: String) throws {
    let sandbox = try Sandbox()
    let path = "\(sandbox.path)/s"
    switch kind {
    case "socket":
      // Bound and closed without being removed, as by a killed process.
      _ = try ServerSyscalls.listen(at: path, backlog: 1)
      #expect(try Syscalls.status(of: path).kind == .socket)
    case "file": _ = try sandbox.write("s", "not a socket")
    default: try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/nowhere")
    }
    _ = try sandbox.write("s.pid", "99999999\n", permissions: 0o600)
    let server = try TestServer(sandbox: sandbox)
    #expect(try server.greeted().call(PingRequest()) == Empty())
    #expect(try Syscalls.status(of: path).kind == .socket)
  }

  @Test func leavesDirectoriesAlone() throws {
    let sandbox = try Sandbox()
    let path = "\(sandbox.path)/s"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    #expect(throws: ServerStartError.socketPathTaken(path)) { try TestServer(sandbox: sandbox) }
  }

  @Test func removesOnlyItsOwnSocket() throws {
    let server = try TestServer()
    let path = server.socket
    try FileManager.default.removeItem(atPath: path)
    _ = try server.sandbox.write("s", "somebody else's")
    server.server.stop(why: "test")
    server.server.waitUntilStopped()
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "somebody else's")
  }

  @Test func saysWhenItCannotStart() throws {
    let sandbox = try Sandbox()
    #expect(throws: ServerStartError.self) {
      try TestServer(sandbox: sandbox) { $0.socket = "\(sandbox.path)/no/where/s" }
    }
    #expect(throws: ServerStartError.self) {
      try TestServer(sandbox: sandbox) { $0.socket = "\(sandbox.path)/" + String(repeating: "x", count: 200) }
    }
    #expect(throws: ServerStartError.self) {
      try TestServer(sandbox: sandbox) { $0.pidFile = "\(sandbox.path)/no/where/pid" }
    }
  }
}

@Suite struct LogFileTests {
  @Test func writesOneLineAMessage() throws {
    let sandbox = try Sandbox()
    let path = "\(sandbox.path)/deep/er/log"
    let file = LogFile(path: path, limitBytes: 10_000)
    var logger = Logger(label: "x") { _ in LogFileHandler(file: file) }
    logger.logLevel = .info
    logger.debug("hidden")
    logger.info("hello", metadata: ["b": "2", "a": "1"])
    logger.error("forged\n2026-01-01T00:00:00Z 1 notice line")
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines[0].hasSuffix("Z \(Syscalls.processID) info hello a=1 b=2"))
    let time = try #require(lines[0].split(separator: " ").first)
    let date = try #require(ISO8601DateFormatter().date(from: String(time)))
    #expect(abs(date.timeIntervalSinceNow) < 10)
    #expect(try Syscalls.status(of: path).permissions == 0o600)
  }

  @Test func neverGrowsWithoutEnd() throws {
    let sandbox = try Sandbox()
    let path = "\(sandbox.path)/log"
    let file = LogFile(path: path, limitBytes: 1000)
    for number in 0..<200 { file.write("line \(number) " + String(repeating: "x", count: 50)) }
    let size = try Syscalls.status(of: path).size
    let old = try Syscalls.status(of: "\(path).1").size
    #expect(size > 0 && size <= 1000)
    #expect(old > 900 && old <= 1000)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.contains("line 199 "))
  }

  @Test func anUnwritablePlaceIsNoTrouble() throws {
    let sandbox = try Sandbox()
    let path = "\(sandbox.path)/file/log"
    _ = try sandbox.write("file", "in the way")
    let file = LogFile(path: path, limitBytes: 100)
    for _ in 0..<5 { file.write("into the void") }
    #expect(try String(contentsOfFile: "\(sandbox.path)/file", encoding: .utf8) == "in the way")
    // Once it can be written, the next file is.
    try FileManager.default.removeItem(atPath: "\(sandbox.path)/file")
    try FileManager.default.createDirectory(
      atPath: "\(sandbox.path)/file", withIntermediateDirectories: false)
    for _ in 0..<5 { file.write("into a file at last") }
    #expect(try String(contentsOfFile: path, encoding: .utf8).contains("into a file at last\n"))
  }
}
