import Protocol

/// Go's own linker, which takes over whenever the daemon does not link.
enum RealLinker {
  /// The tool that `toolexec` was given; executed with the vector as it came.
  case tool(String, vectorIndex: Int)
  /// To be found, for `linkctl link`.
  case search

  /// Its path; nil when none is found.
  func path() -> String? {
    switch self {
    case .tool(let path, _): path
    case .search: Self.found
    }
  }

  /// Becomes the real linker. Returns only when that failed.
  /// - Parameter firstArgument: where the linker's own arguments start in this process's.
  func execute(firstArgument: Int) -> String {
    switch self {
    case .tool(_, let index): return ClientSyscalls.execute(Arguments.vector(from: index)).description
    case .search:
      guard let path = path() else {
        return "cannot find Go's own linker: set LINKD_REAL_LINK or GOROOT, or put go into PATH"
      }
      return ClientSyscalls.execute(path, argumentsFrom: firstArgument).description
    }
  }

  /// LINKD_REAL_LINK, else the one in GOROOT's tool folder, else the one in the folder that go names.
  private static let found: String? = {
    if let given = Syscalls.environment("LINKD_REAL_LINK"), !given.isEmpty { return given }
    if let root = Syscalls.environment("GOROOT"), !root.isEmpty {
      // Tools run here, so their folder is named for this machine, whatever GOOS and GOARCH the link is for.
      let path = "\(root)/pkg/tool/\(hostTarget)/link"
      if Syscalls.isExecutable(path) { return path }
    }
    guard let printed = ClientSyscalls.output(of: "go", arguments: ["env", "GOTOOLDIR"]) else { return nil }
    let folder = String(decoding: printed.prefix { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self)
    let path = "\(folder)/link"
    return !folder.isEmpty && Syscalls.isExecutable(path) ? path : nil
  }()

  private static var hostTarget: String {
    #if os(macOS)
      let system = "darwin"
    #else
      let system = "linux"
    #endif
    #if arch(arm64)
      return "\(system)_arm64"
    #else
      return "\(system)_amd64"
    #endif
  }
}
