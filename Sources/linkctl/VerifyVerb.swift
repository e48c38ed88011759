import Protocol
import Replay

/// `linkctl verify`: links requests with both linkers and explains the first difference.
enum VerifyVerb {
  enum Outcome {
    /// With a few words about the links.
    case identical(String)
    case differs(Difference)
    case fellBack(reason: String)
    case failed(problem: String)

    /// 0 identical, 1 differs, 2 could not be compared, 3 linkd leaves it to Go's linker.
    var exitCode: Int32 {
      switch self {
      case .identical: 0
      case .differs: 1
      case .failed: 2
      case .fellBack: 3
      }
    }

    var summary: String {
      switch self {
      case .identical(let words): "identical: \(words)"
      case .differs(let difference): "differs: \(difference.headline)"
      case .fellBack(let reason): "fell back: \(reason)"
      case .failed(let problem): "not compared: \(problem)"
      }
    }

    var explanation: String? {
      if case .differs(let difference) = self { difference.explanation } else { nil }
    }
  }

  private struct Call {
    var share = VerificationShare("always")
    /// Where the files of links that differ are left.
    var keep: String?
    var bundles: [String] = []
    /// Index of the tool in `-- TOOL ARGS`.
    var tool: Int?
  }

  static func run(_ words: [String]) throws(Verbs.VerbError) -> Int32 {
    let call = try parse(words)
    if let index = call.tool { return verify(ToolCall(index: index), call) }
    return try verifyBundles(call)
  }

  private static func parse(_ words: [String]) throws(Verbs.VerbError) -> Call {
    var call = Call()
    var rest = words[...]
    while let word = rest.popFirst() {
      switch word {
      case "--sample":
        guard let share = rest.popFirst().flatMap({ VerificationShare($0) }) else {
          throw .usage("--sample needs a percentage")
        }
        call.share = share
      case "--keep":
        guard let folder = rest.popFirst() else { throw .usage("--keep needs a folder") }
        call.keep = folder
      case "--":
        guard !rest.isEmpty, call.bundles.isEmpty else { throw .usage("-- needs a tool and its arguments") }
        call.tool = Arguments.count - rest.count
        return call
      case _ where word.hasPrefix("-"): throw .usage("unknown option \(word)")
      default: call.bundles.append(word)
      }
    }
    guard !call.bundles.isEmpty else { throw .usage("no bundle and no -- TOOL ARGS given") }
    return call
  }

  // MARK: Bundles

  private static func verifyBundles(_ call: Call) throws(Verbs.VerbError) -> Int32 {
    guard let here = Syscalls.workingDirectory() else {
      throw Verbs.VerbError(message: "the working directory is gone", exitCode: 2)
    }
    var folders: [String] = []
    for path in call.bundles {
      let found = LinkBundle.find(in: LinkCommand.absolute(path, here))
      guard !found.isEmpty else { throw .usage("\(path): no bundle there") }
      folders += found
    }
    var counts: [Int32: Int] = [:]
    for folder in folders where call.share?.takesOne() ?? true {
      let outcome = verify(bundle: folder, keep: call.keep.map { LinkCommand.absolute($0, here) })
      counts[outcome.exitCode, default: 0] += 1
      Output.say("\(folder): \(outcome.summary)")
      if let text = outcome.explanation { Output.say(indented(text)) }
    }
    if counts.values.reduce(0, +) != 1 || folders.count > 1 {
      Output.say(
        "\(counts[0] ?? 0) identical, \(counts[1] ?? 0) differing, \(counts[3] ?? 0) fell back, "
          + "\(counts[2] ?? 0) not compared")
    }
    // A difference is worse than a failed comparison, and that is worse than a fallback.
    return [1, 2, 3].first { counts[$0] != nil } ?? 0
  }

  private static func verify(bundle folder: String, keep: String?) -> Outcome {
    do {
      let bundle = try LinkBundle(folder: folder)
      guard let linker = linker(of: bundle) else { return .failed(problem: "cannot find Go's own linker") }
      let scratch = try ReplaySyscalls.makeTemporaryDirectory(
        in: Syscalls.environment("TMPDIR") ?? "/tmp", prefix: "linkd-verify-")
      defer { ReplaySyscalls.removeTree(scratch) }
      func run(_ name: String, _ words: [String]? = nil) -> LinkRun {
        let output = "\(scratch)/\(name)"
        return LinkRun(
          linker: linker, arguments: words ?? bundle.arguments(output: output),
          environment: LinkRun.environment(ReplaySyscalls.environment, bundle: bundle.environment),
          directory: folder, output: output)
      }
      var request = LinkRequest(
        arguments: bundle.arguments(output: "\(scratch)/actual"), workingDirectory: folder,
        environment: bundle.environment, umask: ClientSyscalls.currentUmask(), realLinker: linker)
      request.noFallback = true
      for name in ["PATH", "PWD", "TMPDIR"] {
        if let value = Syscalls.environment(name) { request.environment[name] = value }
      }
      let outcome = try compare(run("expected"), request, "\(scratch)/actual", scratch)
      if case .differs = outcome, let keep {
        let place = "\(keep)/\(bundle.name)"
        try Locations.makeDirectories(place)
        for name in ["expected", "actual"] where ReplaySyscalls.exists("\(scratch)/\(name)") {
          try ReplaySyscalls.write("\(place)/\(name)", try ReplaySyscalls.read("\(scratch)/\(name)"))
        }
      }
      return outcome
    } catch {
      return .failed(problem: "\(error)")
    }
  }

  /// The linker that the bundle was made with, else the one that `linkctl link` uses.
  private static func linker(of bundle: LinkBundle) -> String? {
    Syscalls.isExecutable(bundle.tool) ? bundle.tool : RealLinker.search.path
  }

  // MARK: Tool calls

  /// `-- TOOL ARGS`: Go's linker makes the output, linkd's is made beside it. Below the go command, whose record of a
  /// tool's words is replayed in later builds, only a difference is told, and the tool's own words pass.
  private static func verify(_ call: ToolCall, _ options: Call) -> Int32 {
    guard call.isLink, options.share?.takesOne() ?? true, Syscalls.environment("LINKD") != "0" else {
      call.goOn()
    }
    let words = Arguments.strings(from: call.index + 1)
    let isBuild = Syscalls.environment("TOOLEXEC_IMPORTPATH") != nil
    var expected: LinkResult?
    let outcome: Outcome
    do {
      outcome = try verify(call, words ?? [], &expected)
    } catch {
      outcome = .failed(problem: "\(error)")
    }
    // Nothing has been linked, or nobody knows how it went.
    guard let expected else {
      if isBuild { call.goOn() }
      Output.complain("linkctl verify: \(outcome.summary)")
      return outcome.exitCode
    }
    try? Syscalls.writeAll(1, expected.stdout)
    try? Syscalls.writeAll(2, expected.stderr)
    if isBuild {
      guard case .differs = outcome else { return expected.exitCode }
    }
    let text = ["linkctl verify: \(outcome.summary)"] + (outcome.explanation.map { [indented($0)] } ?? [])
    Output.complain(text.joined(separator: "\n"))
    return outcome.exitCode
  }

  /// - Parameter expected: gets what Go's linker gave, as soon as it is known.
  private static func verify(
    _ call: ToolCall, _ words: [String], _ expected: inout LinkResult?
  ) throws -> Outcome {
    guard let here = Syscalls.workingDirectory(), !words.isEmpty else {
      return .failed(problem: "arguments or folder are not UTF-8")
    }
    guard let linker = call.linker.path, let name = call.linker.programName else {
      return .failed(problem: "cannot find Go's own linker")
    }
    guard
      let expanded = LinkArguments.expand(
        words, read: { try? ReplaySyscalls.read(LinkCommand.absolute($0, here)) })
    else { return .failed(problem: "a response file cannot be read") }
    var arguments = LinkArguments(expanded)
    if arguments.value("o") == nil { arguments.prepend("o", "a.out") }
    let output = LinkCommand.absolute(arguments.value("o") ?? "a.out", here)
    let parent = String(output[..<(output.lastIndex(of: "/") ?? output.startIndex)])
    let scratch = try ReplaySyscalls.makeTemporaryDirectory(in: parent, prefix: ".linkd-verify-")
    defer { ReplaySyscalls.removeTree(scratch) }
    // Both get the same spelling, which messages repeat.
    arguments.replaceValues(of: "o") { _ in output }
    let run = LinkRun(
      linker: LinkCommand.absolute(linker, here), programName: name, arguments: arguments.words,
      environment: ReplaySyscalls.environment, directory: here, output: output)
    arguments.replaceValues(of: "o") { _ in "\(scratch)/actual" }
    arguments.replaceValues(of: "fipso") { _ in "\(scratch)/actual.fips.o" }
    var request = LinkCommand.request(arguments.words, here, call.linker)
    request.noFallback = true
    return try compare(run, request, "\(scratch)/actual", scratch) { expected = $0 }
  }

  // MARK: Comparing

  private static func compare(
    _ run: LinkRun, _ request: LinkRequest, _ output: String, _ scratch: String,
    linked: (LinkResult) -> Void = { _ in }
  ) throws -> Outcome {
    let start = Syscalls.monotonicNanoseconds()
    let expected = try run.run(scratch: scratch)
    let middle = Syscalls.monotonicNanoseconds()
    linked(expected)
    let reply = LinkCommand.ask(try DaemonLauncher(), request)
    let end = Syscalls.monotonicNanoseconds()
    guard case .done(let exitCode, let stdout, let stderr, let report) = reply else {
      if case .fallback(let reason) = reply { return .fellBack(reason: reason) }
      return .failed(problem: "no answer")
    }
    let actual = LinkResult(exitCode: exitCode, stdout: stdout.bytes, stderr: stderr.bytes, output: output)
    var comparison = Comparison(arguments: LinkArguments(run.arguments))
    comparison.symbols = { names(for: run, scratch) }
    if let theirs = LinkArguments(run.arguments).value("fipso"),
      let ours = LinkArguments(request.arguments).value("fipso")
    {
      comparison.otherOutputs = [
        (LinkCommand.absolute(theirs, run.directory), LinkCommand.absolute(ours, request.workingDirectory))
      ]
    }
    if let difference = try comparison.difference(expected: expected, actual: actual) {
      return .differs(difference)
    }
    let times = "Go's linker \((middle - start) / 1_000_000) ms, linkd \((end - middle) / 1_000_000) ms"
    if exitCode != 0 { return .identical("both fail with exit code \(exitCode); \(times)") }
    return .identical("\(report.outputBytes) bytes, \(times) (\(report.how))")
  }

  /// The same program with a symbol table, when `-s` left it without.
  private static func names(for run: LinkRun, _ scratch: String) -> String? {
    var arguments = LinkArguments(run.arguments)
    guard arguments.has("s") else { return nil }
    var run = run
    run.output = "\(scratch)/names"
    arguments.replaceValues(of: "o") { _ in run.output }
    arguments.replaceValues(of: "fipso") { _ in "\(scratch)/names.fips.o" }
    arguments.append("s", "false")
    arguments.append("w", "true")
    run.arguments = arguments.words
    guard let result = try? run.run(scratch: scratch), result.exitCode == 0 else { return nil }
    return run.output
  }

  private static func indented(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }.joined(separator: "\n")
  }
}
