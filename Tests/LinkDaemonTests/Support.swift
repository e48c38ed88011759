import Dispatch
import Foundation
import LinkDaemon
import Logging
import Protocol
import Synchronization
import Testing

/// An engine that does what a test says.
final class ScriptedEngine: LinkEngine {
  typealias Script = @Sendable (LinkRequest, LinkControl) -> LinkOutcome

  private let script: Script
  private let invalidations = Atomic(0)

  init(_ script: @escaping Script = { _, _ in .fallback(reason: "scripted") }) { self.script = script }

  func link(_ request: LinkRequest, control: LinkControl) -> LinkOutcome { script(request, control) }

  func status() -> EngineStatus { EngineStatus(objectsParsed: 11, objectsReused: 22) }

  func invalidate() { invalidations.add(1, ordering: .sequentiallyConsistent) }

  var invalidationCount: Int { invalidations.load(ordering: .sequentiallyConsistent) }

  func estimatedBytes(_ request: LinkRequest) -> Int { request.arguments.first.flatMap { Int($0) } ?? 0 }
}

extension LinkOutcome {
  static func done(
    _ how: String = "scripted", exitCode: Int32 = 0, stdout: [UInt8] = [], stderr: [UInt8] = [],
    turns: [Int] = []
  ) -> Self {
    .done(exitCode: exitCode, stdout: stdout, stderr: stderr, report: LinkReport(how: how, turns: turns))
  }
}

/// Something that happens once and is waited for; a wait that takes too long fails the test instead of hanging it.
final class Event: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)

  func signal() { semaphore.signal() }

  /// Consumes one signal; false after the time limit.
  @discardableResult
  func wait(seconds: Double = 20) -> Bool {
    semaphore.wait(timeout: .now() + seconds) == .success
  }
}

/// A place of a test's own for sockets, caches and logs, removed with the last reference.
final class Sandbox: Sendable {
  let path: String

  init() throws {
    // Short, because a socket's path must be.
    path = "/tmp/lt-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
  }

  deinit { remove() }

  /// Again and again: a server that is ending may remove its own files meanwhile, which disturbs the removal.
  func remove() {
    for _ in 0..<100 where FileManager.default.fileExists(atPath: path) {
      if (try? FileManager.default.removeItem(atPath: path)) == nil { Syscalls.sleep(milliseconds: 5) }
    }
  }

  var environment: [String: String] {
    [
      "XDG_RUNTIME_DIR": path, "XDG_CACHE_HOME": "\(path)/cache", "XDG_STATE_HOME": "\(path)/state",
      "HOME": path,
    ]
  }

  func write(_ name: String, _ text: String, permissions: Int = 0o644) throws -> String {
    let file = "\(path)/\(name)"
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: file)
    if permissions & 0o111 != 0 { Self.waitForWriters(of: file) }
    return file
  }

  /// A process that another test starts meanwhile may hold the file open for a moment longer, and then it cannot
  /// be executed (ETXTBSY). A read lease is given once nobody writes any more.
  private static func waitForWriters(of file: String) {
    #if os(Linux)
      let descriptor = open(file, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return }
      defer { close(descriptor) }
      // F_SETLEASE, a macro that is not imported.
      let setLease: Int32 = 1024
      for _ in 0..<1000 {
        if fcntl(descriptor, setLease, Int32(F_RDLCK)) == 0 {
          _ = fcntl(descriptor, setLease, Int32(F_UNLCK))
          return
        }
        guard errno == EAGAIN else { return }
        Syscalls.sleep(milliseconds: 2)
      }
    #endif
  }
}

/// A server in this process, with a socket in a sandbox; stopped with the last reference.
final class TestServer: Sendable {
  static let build = "test"

  let sandbox: Sandbox
  let server: LinkServer

  init(
    _ engine: any LinkEngine = ScriptedEngine(), build: String = TestServer.build, sandbox: Sandbox? = nil,
    cache: CacheStatus = CacheStatus(),
    change: (inout ServerConfiguration) -> Void = { _ in }
  ) throws {
    let sandbox = try sandbox ?? Sandbox()
    self.sandbox = sandbox
    var configuration = ServerConfiguration(
      socket: "\(sandbox.path)/s", pidFile: "\(sandbox.path)/s.pid", log: "", build: build, maximumLinks: 4)
    configuration.takeOverMilliseconds = 50
    change(&configuration)
    server = try LinkServer(
      configuration, engine: engine, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      cacheStatus: { cache })
    server.start()
  }

  deinit { server.stop(why: "the test is over") }

  var socket: String { server.configuration.socket }

  func connect() throws -> Client { try Client(socket: socket, of: self) }

  /// A connection that has said hello.
  func greeted() throws -> Client {
    let client = try connect()
    _ = try client.call(InitializeRequest(client: "test", build: server.configuration.build))
    return client
  }

  func status() throws -> StatusReport { try greeted().call(StatusRequest()) }
}

/// A test's connection: the client's own code, kept in a class so that tests can pass it around.
final class Client {
  static let limit = 20_000
  private var connection: ClientConnection
  /// The server lives as long as its clients: a test may not mention it any more.
  private let server: TestServer?
  private var answers: [RequestID: Result<JSONValue, RPCError>] = [:]

  init(socket: String, of server: TestServer? = nil) throws {
    connection = try ClientConnection(socket: socket)
    self.server = server
  }

  func call<Request: RequestMessage>(_ request: Request) throws -> Request.Reply {
    try answer(try send(request))
  }

  func send<Request: RequestMessage>(_ request: Request) throws -> RequestID {
    try connection.send(request, timeoutMilliseconds: Self.limit)
  }

  func send(raw bytes: [UInt8]) throws { try connection.send(bytes, timeoutMilliseconds: Self.limit) }

  func send(_ message: RPCMessage) throws { try send(raw: message.frame) }

  func receive(milliseconds: Int = Client.limit) throws -> RPCMessage {
    try connection.receive(timeoutMilliseconds: milliseconds)
  }

  /// Waits for one answer; others that come first are kept for whoever asks for them.
  func answer<Reply: JSONConvertible>(_ id: RequestID, as type: Reply.Type = Reply.self) throws -> Reply {
    while answers[id] == nil {
      switch try receive() {
      case .response(let other, let result): answers[other] = .success(result)
      case .failure(.some(let other), let error): answers[other] = .failure(error)
      default: continue
      }
    }
    switch answers.removeValue(forKey: id) {
    case .success(let result): return try Reply(json: result)
    case .failure(let error): throw ClientError.refused(error)
    case nil: throw ClientError.closed
    }
  }

  func waitForEnd(milliseconds: Int = Client.limit) -> Bool {
    connection.waitForEnd(timeoutMilliseconds: milliseconds)
  }

  /// The code of the refusal that a call must end with.
  func refusal<Request: RequestMessage>(_ request: Request) -> RPCError.Code? {
    do {
      _ = try call(request)
      return nil
    } catch ClientError.refused(let error) {
      return error.code
    } catch {
      return nil
    }
  }
}

func link(_ output: String, _ more: String...) -> LinkRequest {
  LinkRequest(arguments: more + ["-o", output], workingDirectory: "/")
}

/// Looks again and again until something is so; false after the time limit.
func eventually(seconds: Double = 20, _ condition: () throws -> Bool) rethrows -> Bool {
  let deadline = Date(timeIntervalSinceNow: seconds)
  while Date() < deadline {
    if try condition() { return true }
    Syscalls.sleep(milliseconds: 2)
  }
  return try condition()
}

/// Waits for something that happens on another thread; false when it does not within ten seconds.
func waitUntil(_ condition: () -> Bool) -> Bool {
  for _ in 0..<5000 {
    if condition() { return true }
    Thread.sleep(forTimeInterval: 0.002)
  }
  return condition()
}

/// The id of a process that has ended.
func endedProcess() throws -> Int32 {
  let process = Process()
  process.executableURL = URL(filePath: "/bin/true")
  try process.run()
  process.waitUntilExit()
  return process.processIdentifier
}
