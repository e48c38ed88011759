// The thin client. What a build calls thousands of times is looked at first and costs least: a tool that is no link
// becomes that tool before anything else is even considered.

if ToolExec.isCalled("linkctl-toolexec") {
  ToolExec.run(toolAt: 1)
} else if ToolExec.isCalled("link") {
  LinkCommand.run(LinkCommand.Invocation(firstArgument: 1, linker: .standIn, fallbackForbidden: false))
} else if Arguments.equals(1, "toolexec") {
  ToolExec.run(toolAt: 2)
} else if Arguments.equals(1, "link") {
  LinkCommand.run(argumentsFrom: 2)
} else {
  ClientSyscalls.exit(Verbs.run())
}
