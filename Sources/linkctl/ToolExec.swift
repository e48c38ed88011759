import Protocol

/// `linkctl toolexec TOOL ARGS`, as the go command's -toolexec calls it: every tool but a real link is executed at
/// once, with the same argv[0], no output and no look at the daemon. The go command asks tools for their version this
/// way (cmd/go/internal/work/buildid.go, toolID) and puts the answer into every build id, so nothing may be added.
enum ToolExec {
  /// Whether this program was called by this name: a symbolic link to it. `linkctl-toolexec` serves places that cannot
  /// quote two words; as `link` it can lie in the linker's own place in a Go tree.
  static func isCalled(_ name: StaticString) -> Bool {
    guard let own = Arguments.vector(from: 0)[0] else { return false }
    return Arguments.equals(Arguments.baseName(own), name)
  }

  static func run(toolAt index: Int) -> Never {
    guard index < Arguments.count else {
      Output.complain("linkctl toolexec: no tool given")
      ClientSyscalls.exit(2)
    }
    if isRealLink(toolAt: index) {
      LinkCommand.run(
        LinkCommand.Invocation(
          firstArgument: index + 1, linker: .tool(index: index), fallbackForbidden: false))
    }
    let error = ClientSyscalls.execute(Arguments.vector(from: index))
    Output.complain("linkctl toolexec: \(error)")
    ClientSyscalls.exit(127)
  }

  /// A call of the linker that makes a file: named `link`, with arguments, none of which asks for the version.
  static func isRealLink(toolAt index: Int) -> Bool {
    guard let tool = Arguments.vector(from: index)[0] else { return false }
    let name = Arguments.baseName(tool)
    guard Arguments.equals(name, "link") || Arguments.equals(name, "link.exe") else { return false }
    return makesFile(argumentsFrom: index + 1)
  }

  /// There are arguments, and none of them is one that makes the linker print its version and do nothing.
  static func makesFile(argumentsFrom index: Int) -> Bool {
    guard Arguments.count > index else { return false }
    let vector = Arguments.vector(from: 0)
    for position in index..<Arguments.count {
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
