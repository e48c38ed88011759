import Protocol

/// What one link gave.
package struct LinkResult: Sendable {
  package var exitCode: Int32
  package var stdout: [UInt8]
  package var stderr: [UInt8]
  /// Where the output is, if the link made one.
  package var output: String

  package init(exitCode: Int32, stdout: [UInt8], stderr: [UInt8], output: String) {
    self.exitCode = exitCode
    self.stdout = stdout
    self.stderr = stderr
    self.output = output
  }
}

/// One run of Go's own linker.
package struct LinkRun: Sendable {
  package var linker: String
  /// What it is called as: its complaints start with it.
  package var programName: String
  package var arguments: [String]
  package var environment: [String]
  package var directory: String
  /// Where the output will be.
  package var output: String

  package init(
    linker: String, programName: String? = nil, arguments: [String], environment: [String], directory: String,
    output: String
  ) {
    self.linker = linker
    self.programName = programName ?? linker
    self.arguments = arguments
    self.environment = environment
    self.directory = directory
    self.output = output
  }

  /// Runs it to its end.
  ///
  /// - Parameters:
  ///   - scratch: a folder for what it prints, which nobody else uses at this time.
  ///   - started: told the process, for those who may want to end it.
  package func run(
    scratch: String, started: (ReplaySyscalls.ProcessID) -> Void = { _ in }
  ) throws(SystemError) -> LinkResult {
    let files = (stdout: "\(scratch)/stdout", stderr: "\(scratch)/stderr")
    let process = try ReplaySyscalls.start(
      linker, words: [programName] + arguments, environment: environment, directory: directory, output: files)
    started(process)
    let code = ReplaySyscalls.wait(for: process)
    let result = LinkResult(
      exitCode: code, stdout: try ReplaySyscalls.read(files.stdout),
      stderr: try ReplaySyscalls.read(files.stderr),
      output: output)
    _ = try? Syscalls.remove(files.stdout)
    _ = try? Syscalls.remove(files.stderr)
    return result
  }

  /// An environment for a bundle's link: a base without what would change the link, then the bundle's own.
  package static func environment(_ base: [String], bundle: [String: String]) -> [String] {
    let kept = base.filter { word in
      let name = word.prefix { $0 != "=" }
      return !name.hasPrefix("GO") && !name.hasPrefix("LINKD") && bundle[String(name)] == nil
    }
    return kept + bundle.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
  }
}
