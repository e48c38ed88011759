import Foundation
import LoaderCore

/// A Go toolchain to compare with: at the directory that LINKD_TEST_GOROOT names.
struct RealToolchain {
  let goroot: String

  static let current = ProcessInfo.processInfo.environment["LINKD_TEST_GOROOT"].map(RealToolchain.init)

  struct Output {
    let stdout: String
    let stderr: String
    let exitCode: Int32
  }

  /// A compiled program that has not been linked.
  struct Program {
    let directory: URL
    let mainObject: String
    let packageFiles: [String: String]
    var importcfg: URL { directory.appending(path: "importcfg") }
  }

  /// Compiles a module "prog" of one package.
  func compile(_ files: [String: String], in directory: URL) throws -> Program {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    for (name, text) in files { try Data(text.utf8).write(to: directory.appending(path: name)) }
    try Data("module prog\n".utf8).write(to: directory.appending(path: "go.mod"))
    let list = try run(
      goroot + "/bin/go",
      [
        "list", "-export", "-deps", "-f", "{{if .Export}}packagefile {{.ImportPath}}={{.Export}}{{end}}", ".",
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
  func link(_ program: Program, _ flags: [String]) throws -> Output {
    try run(
      goroot + "/pkg/tool/linux_amd64/link",
      flags + ["-o", "out", "-importcfg", program.importcfg.path, program.mainObject], in: program.directory)
  }

  struct Failed: Error { let text: String }

  private func run(_ tool: String, _ arguments: [String], in directory: URL) throws -> Output {
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
