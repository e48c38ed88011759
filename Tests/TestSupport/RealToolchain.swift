import Foundation
import LoaderCore

/// A Go toolchain to compare with: at the directory that LINKD_TEST_GOROOT names.
package struct RealToolchain: Sendable {
  package let goroot: String

  package static let current = ProcessInfo.processInfo.environment["LINKD_TEST_GOROOT"].map {
    RealToolchain(goroot: $0)
  }

  package var linker: String { goroot + "/pkg/tool/linux_amd64/link" }

  package struct Output: Sendable {
    package let stdout: String
    package let stderr: String
    package let exitCode: Int32
  }

  /// A compiled program that has not been linked.
  package struct Program: Sendable {
    package let directory: URL
    package let mainObject: String
    /// Package path -> archive file.
    package let packageFiles: [String: String]
    package var importcfg: URL { directory.appending(path: "importcfg") }
  }

  /// Compiles a module "prog"; the package in its root is the program.
  ///
  /// - Parameter flags: for the go command, like -gcflags.
  package func compile(_ files: [String: String], in directory: URL, flags: [String] = []) throws -> Program {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    for (name, text) in files {
      let file = directory.appending(path: name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    try Data("module prog\n\ngo 1.27\n".utf8).write(to: directory.appending(path: "go.mod"))
    let list = try run(
      goroot + "/bin/go",
      ["list"] + flags + [
        "-export", "-deps", "-f", "{{if .Export}}packagefile {{.ImportPath}}={{.Export}}{{end}}", ".",
      ],
      in: directory)
    guard list.exitCode == 0 else { throw Failed(text: list.stderr) }
    var packageFiles: [String: String] = [:]
    for line in list.stdout.split(separator: "\n") {
      let pair = line.dropFirst("packagefile ".count).split(separator: "=", maxSplits: 1)
      if pair.count == 2 { packageFiles[String(pair[0])] = String(pair[1]) }
    }
    try Data(list.stdout.utf8).write(to: directory.appending(path: "importcfg"))
    return Program(
      directory: directory, mainObject: packageFiles["prog"] ?? "", packageFiles: packageFiles)
  }

  /// Links with the real linker; the output goes to "out" in the program's directory.
  package func link(_ program: Program, _ flags: [String]) throws -> Output {
    try run(
      linker,
      flags + ["-o", "out", "-importcfg", program.importcfg.path, program.mainObject], in: program.directory)
  }

  package struct Failed: Error { package let text: String }

  /// Runs a tool of Go's to its end.
  package func run(_ tool: String, _ arguments: [String], in directory: URL) throws -> Output {
    let process = Process()
    process.executableURL = URL(filePath: tool)
    process.arguments = arguments
    process.currentDirectoryURL = directory
    var environment = ProcessInfo.processInfo.environment
    for (k, v) in [
      "GOROOT": goroot, "GOOS": "linux", "GOARCH": "amd64", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local",
      "GOFLAGS": "", "GO111MODULE": "on", "GOEXPERIMENT": "", "GOWORK": "off",
    ] { environment[k] = v }
    process.environment = environment
    // Files, not pipes: nobody has to read while the process writes.
    let stdout = directory.appending(path: "stdout")
    let stderr = directory.appending(path: "stderr")
    for file in [stdout, stderr] { try Data().write(to: file) }
    process.standardOutput = try FileHandle(forWritingTo: stdout)
    process.standardError = try FileHandle(forWritingTo: stderr)
    try process.run()
    process.waitUntilExit()
    return Output(
      stdout: String(decoding: try Data(contentsOf: stdout), as: UTF8.self),
      stderr: String(decoding: try Data(contentsOf: stderr), as: UTF8.self),
      exitCode: process.terminationStatus)
  }
}
