import Foundation
import Protocol
import Testing

/// A place with a daemon of its own, which is stopped at the end.
final class DaemonHome {
  struct Result {
    var code: Int32
    var stdout: String
    var stderr: String
  }

  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  deinit { _ = try? linkctl(["stop"]) }

  func linkctl(_ arguments: [String], _ more: [String: String] = [:], input: String? = nil) throws -> Result {
    try run("\(LinkctlTests.products)/linkctl", arguments, more, input: input)
  }

  func run(
    _ program: String, _ arguments: [String], _ more: [String: String] = [:], input: String? = nil
  ) throws -> Result {
    let (process, output, errors) = try start(program, arguments, more, input: input)
    let text = String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
    let complaint = String(decoding: errors.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Result(code: process.terminationStatus, stdout: text, stderr: complaint)
  }

  func start(
    _ arguments: [String], _ more: [String: String] = [:], input: String? = nil
  ) throws -> (Process, FileHandle, FileHandle) {
    try start("\(LinkctlTests.products)/linkctl", arguments, more, input: input)
  }

  private func start(
    _ program: String, _ arguments: [String], _ more: [String: String], input: String?
  ) throws -> (Process, FileHandle, FileHandle) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: sandbox.path)
    process.environment = sandbox.environment.merging(["PATH": "/usr/bin:/bin"]) { $1 }.merging(more) { $1 }
    // Pipes, which a daemon that kept one open would keep from ending.
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    if let input {
      let pipe = Pipe()
      process.standardInput = pipe
      try process.run()
      pipe.fileHandleForWriting.write(Data(input.utf8))
      try pipe.fileHandleForWriting.close()
    } else {
      process.standardInput = FileHandle.nullDevice
      try process.run()
    }
    return (process, output.fileHandleForReading, errors.fileHandleForReading)
  }

  func status() throws -> JSONValue {
    let result = try linkctl(["status", "--json"])
    try #require(!result.stdout.isEmpty, "\(result.stderr)")
    return try JSONValue(parsing: Array(result.stdout.utf8))
  }

  func pid() throws -> Int32 { Int32(try #require(try status()["pid"]?.integer)) }
}
