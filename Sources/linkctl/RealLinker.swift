import Protocol

/// Go's own linker, which takes over whenever the daemon does not link.
enum RealLinker {
  /// The tool that `toolexec` was given, in this process's arguments; executed as it came.
  case tool(index: Int)
  /// To be found, for `linkctl link`.
  case search
  /// To be found, when this program lies in the linker's own place under the linker's name.
  case standIn

  /// Its path; nil when none is found.
  var path: String? {
    if case .tool(let index) = self { return Arguments.text(index) }
    return Self.found
  }

  /// What it calls itself: it starts its complaints with its argv[0] as it was called (cmd/link/internal/ld/util.go,
  /// Exitf, with os.Args[0]).
  var programName: String? {
    if case .standIn = self { return Arguments.text(0) }
    return path
  }

  /// Becomes the real linker. Returns only when that failed.
  /// - Parameter firstArgument: where the linker's own arguments start in this process's.
  func execute(firstArgument: Int) -> String {
    if case .tool(let index) = self {
      return ClientSyscalls.execute(Arguments.vector(from: index)).description
    }
    guard let path, let programName else {
      return "cannot find Go's own linker: set LINKD_REAL_LINK or GOROOT, or put go into PATH"
    }
    return ClientSyscalls.execute(path, named: programName, argumentsFrom: firstArgument).description
  }

  /// LINKD_REAL_LINK, else the one in GOROOT's tool folder, else the one in the folder that go names.
  private static let found: String? = {
    if let given = Syscalls.environment("LINKD_REAL_LINK"), !given.isEmpty { return given }
    if let root = Syscalls.environment("GOROOT"), !root.isEmpty {
      // Tools run here, so their folder is named for this machine, whatever GOOS and GOARCH the link is for.
      let path = "\(root)/pkg/tool/\(hostTarget)/link"
      if isLinker(path) { return path }
    }
    guard let printed = ClientSyscalls.output(of: "go", arguments: ["env", "GOTOOLDIR"]) else { return nil }
    let path = String(decoding: printed.prefix { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self) + "/link"
    return isLinker(path) ? path : nil
  }()

  /// Executable, and not this very program, which may have taken the linker's place: executing that would never end.
  private static func isLinker(_ path: String) -> Bool {
    guard Syscalls.isExecutable(path), let status = try? Syscalls.statusFollowingLinks(of: path) else {
      return false
    }
    guard let own = Syscalls.executablePath(), let ownStatus = try? Syscalls.status(of: own) else {
      return true
    }
    return status.device != ownStatus.device || status.inode != ownStatus.inode
  }

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
