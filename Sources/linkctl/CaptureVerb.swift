import Protocol
import Replay

/// `linkctl capture [--only] DIR [--] TOOL ARGS`: saves a link as a bundle, then goes on as `toolexec` does.
enum CaptureVerb {
  static func run(_ words: [String]) throws(Verbs.VerbError) -> Int32 {
    var rest = words[...]
    var only = false
    while let word = rest.first, word.hasPrefix("-") {
      rest.removeFirst()
      guard word == "--only" else { throw .usage("unknown option \(word)") }
      only = true
    }
    guard let directory = rest.popFirst() else { throw .usage("no folder given") }
    if rest.first == "--" { rest.removeFirst() }
    guard !rest.isEmpty else { throw .usage("no tool given") }
    let call = ToolCall(index: Arguments.count - rest.count)
    guard call.isLink else { call.goOn() }
    do {
      _ = try save(call, Array(rest.dropFirst()), in: directory)
    } catch {
      // The link itself is none of the worse for it.
      Output.complain("linkctl capture: \(error)")
      if only { return 2 }
    }
    // The go command must not take the link for made.
    if only { return 1 }
    call.goOn()
  }

  /// Writes the bundle of one link.
  static func save(
    _ call: ToolCall, _ words: [String], in directory: String
  ) throws(BundleError) -> LinkBundle {
    guard let here = Syscalls.workingDirectory() else { throw .unfit("the working directory is gone") }
    func read(_ path: String) -> [UInt8]? {
      try? ReplaySyscalls.read(LinkCommand.absolute(path, here))
    }
    guard let expanded = LinkArguments.expand(words, read: read) else {
      throw .unfit("a response file cannot be read")
    }
    guard let linker = call.linker.path else { throw .unfit("cannot find Go's own linker") }
    let arguments = LinkArguments(expanded)
    guard let config = arguments.value("importcfg") else {
      throw .unfit("no -importcfg: what such a link reads is not known before it runs")
    }
    guard let configText = read(config) else { throw .unfit("cannot read \(config)") }
    let request = BundleWriter.Request(
      tool: LinkCommand.absolute(linker, here), arguments: arguments, workingDirectory: here,
      environment: LinkCommand.relevantEnvironment,
      importPath: Syscalls.environment("TOOLEXEC_IMPORTPATH") ?? "")
    var writer = BundleWriter(in: LinkCommand.absolute(directory, here))
    return try writer.write(request, importConfig: configText) {
      path, store throws(SystemError) in
      let file = request.absolute(path)
      return ReplaySyscalls.exists(file) ? try store.keep(file: file) : store.absent(path)
    }
  }
}

/// A tool and its arguments, somewhere in this process's own.
struct ToolCall {
  /// Where the tool stands.
  let index: Int

  /// `link` without a folder is Go's own, not the system's program of that name.
  var linker: RealLinker {
    guard let tool = Arguments.text(index), tool.contains("/") else { return .search }
    return .tool(index: index)
  }

  var isLink: Bool { ToolExec.isRealLink(toolAt: index) }

  /// Does what `toolexec` would.
  func goOn() -> Never {
    if isLink {
      LinkCommand.run(
        LinkCommand.Invocation(firstArgument: index + 1, linker: linker, fallbackForbidden: false))
    }
    ToolExec.run(toolAt: index)
  }
}
