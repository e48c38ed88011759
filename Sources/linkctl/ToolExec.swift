import Protocol

/// `linkctl toolexec TOOL ARGS`, as the go command's -toolexec calls it: every tool but a real link is executed at
/// once, with the same argv[0], no output and no look at the daemon. The go command asks tools for their version this
/// way (cmd/go/internal/work/buildid.go, toolID) and puts the answer into every build id, so nothing may be added.
enum ToolExec {
  /// The one-word form: a symbolic link of that name, for places that cannot quote two words.
  static var isCalledByItsOwnName: Bool {
    guard let name = Arguments.vector(from: 0)[0] else { return false }
    return Arguments.equals(Arguments.baseName(name), "linkctl-toolexec")
  }

  static func run(toolAt index: Int) -> Never {
    guard index < Arguments.count else {
      Output.complain("linkctl toolexec: no tool given")
      ClientSyscalls.exit(2)
    }
    if isRealLink(toolAt: index), let tool = Arguments.vector(from: index)[0].map({ String(cString: $0) }) {
      LinkCommand.run(
        LinkCommand.Invocation(
          firstArgument: index + 1, linker: .tool(tool, vectorIndex: index), fallbackForbidden: false))
    }
    let error = ClientSyscalls.execute(Arguments.vector(from: index))
    Output.complain("linkctl toolexec: \(error)")
    ClientSyscalls.exit(127)
  }

  /// A call of the linker that makes a file: named `link`, with arguments, none of which asks for the version.
  static func isRealLink(toolAt index: Int) -> Bool {
    let vector = Arguments.vector(from: index)
    guard let tool = vector[0], Arguments.count > index + 1 else { return false }
    let name = Arguments.baseName(tool)
    guard Arguments.equals(name, "link") || Arguments.equals(name, "link.exe") else { return false }
    for position in 1..<(Arguments.count - index) {
      guard let argument = vector[position] else { return false }
      if Arguments.equals(argument, "-V") || Arguments.equals(argument, "--V")
        || Arguments.hasPrefix(argument, "-V=") || Arguments.hasPrefix(argument, "--V=")
      {
        return false
      }
    }
    return true
  }
}
