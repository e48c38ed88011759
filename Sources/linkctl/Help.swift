import Protocol

/// `linkctl help`: an overview, and a page for each command.
enum Help {
  static func run(_ words: [String]) throws(Verbs.VerbError) -> Int32 {
    try Verbs.none(Array(words.dropFirst()))
    guard let name = words.first else {
      Output.say(overview)
      return 0
    }
    guard let page = page(name) else { throw .usage("no command \(name)") }
    Output.say(page)
    return 0
  }

  static var overview: String {
    let left = Verbs.table.map { $0.arguments.isEmpty ? $0.name : "\($0.name) \($0.arguments)" }
    let width = left.map(\.count).max() ?? 0
    let lines = zip(left, Verbs.table).map { text, verb in
      "  \(text)\(String(repeating: " ", count: width - text.count))  \(verb.summary)"
    }
    return "usage: linkctl COMMAND\n\n\(lines.joined(separator: "\n"))\n\n"
      + "`linkctl help COMMAND` tells more.\n\nenvironment:\n\(environment)"
  }

  /// What a command's page says; nil when there is no such command.
  static func page(_ name: String) -> String? {
    guard let verb = Verbs.table.first(where: { $0.name == name }), let text = HelpPages.all[name] else {
      return nil
    }
    let usage = verb.arguments.isEmpty ? name : "\(name) \(verb.arguments)"
    return "NAME\n  linkctl \(name) - \(verb.summary)\n\nUSAGE\n  linkctl \(usage)\n\n\(text)"
  }

  private static let environment = """
      LINKD=0               no daemon: the real linker at once
      LINKD_FALLBACK=0      a link the daemon cannot do is an error (exit code 3)
      LINKD_VERIFY          always, or a share such as 5%: links that the daemon makes again with the real linker
      LINKD_REAL_LINK       the real linker, for `linkctl link`
      LINKD_SOCKET          the socket's path
      LINKD_TIMEOUT         seconds of silence after which the daemon is given up (30)
      LINKD_IDLE_TIMEOUT    seconds without work after which the daemon ends (1800; 0: never), read at its start
      LINKD_MAX_LINKS       links that run at once (one a core), read at its start
      LINKD_MEMORY          private memory to keep between links, in MB, read at the daemon's start
      LINKD_CACHE_SIZE      limit of the cache on disk, in MB (0: no cache), read at the daemon's start
      LINKD_LOG             trace, debug, info, notice, warning, error: what the daemon logs, read at its start
    """
}
