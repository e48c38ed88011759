import Protocol

/// `linkctl status`: the daemon's own report, for people or as JSON. Never starts a daemon.
enum StatusVerb {
  /// Exit code when no daemon runs.
  static let notRunningCode: Int32 = 1

  static func run(_ words: [String]) throws(Verbs.VerbError) -> Int32 {
    let asJSON = words.contains("--json")
    try Verbs.none(words.filter { $0 != "--json" })
    let daemon = try Verbs.launcher()
    let missed = FallbackLog.last(daemon.locations)
    guard var connection = try Verbs.greeted(daemon) else {
      Output.say(notRunning(daemon, asJSON: asJSON))
      return notRunningCode
    }
    let report: StatusReport
    do {
      report = try connection.call(StatusRequest(), timeoutMilliseconds: 10_000)
    } catch {
      throw Verbs.VerbError(message: error.description)
    }
    if asJSON {
      var members = report.json.members ?? []
      if let missed { members.append(JSONValue.Member("lastClientFallback", missed)) }
      Output.say(pretty(.object(members)))
    } else {
      Output.say((text(report) + (missed.map { [line(missed: $0)] } ?? [])).joined(separator: "\n"))
    }
    return 0
  }

  /// What is said when no daemon runs: of links without one, too.
  static func notRunning(_ daemon: DaemonLauncher, asJSON: Bool) -> String {
    let missed = FallbackLog.last(daemon.locations)
    guard asJSON else { return "linkd does not run" + (missed.map { "\n" + line(missed: $0) } ?? "") }
    var object = JSONObjectBuilder()
    object.set("schema", StatusReport.schemaVersion)
    object.set("running", false)
    object.set("socket", daemon.locations.socket)
    object.set("log", daemon.locations.log)
    object.set("lastClientFallback", missed)
    return pretty(object.object)
  }

  static func pretty(_ value: JSONValue) -> String {
    String(decoding: value.serialized(pretty: true), as: UTF8.self)
  }

  private static func line(missed: JSONValue) -> String {
    let output = missed["output"]?.string.map { " (\($0))" } ?? ""
    return "last fallback without the daemon: \(ago(Int(missed["time"]?.integer ?? 0))), "
      + "\(missed["reason"]?.string ?? "")\(output)"
  }

  // MARK: Text

  private static func text(_ report: StatusReport) -> [String] {
    let links = report.links
    let kinds = links.byKind.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(
      separator: ", ")
    var lines = [
      "linkd \(report.version), build \(report.build), pid \(report.pid), "
        + "up \(Amounts.duration(seconds: report.uptimeSeconds))"
        + (report.stopping ? ", stopping" : ""),
      "  socket   \(report.socket)",
      "  log      \(report.log)",
      "  memory   \(Amounts.size(report.residentBytes)) resident, \(Amounts.size(report.privateBytes)) of it private; "
        + (report.engine.budgetBytes == 0
          ? "no budget" : "budget \(Amounts.size(report.engine.budgetBytes))"),
      "  idle     \(idle(report))",
      "  links    \(links.linked) linked\(kinds.isEmpty ? "" : " (\(kinds))"), \(links.failed) failed, "
        + "\(links.fellBack) fell back, \(links.cancelled) cancelled; \(links.running) running, "
        + "\(links.waiting) waiting, at most \(links.limit) at once",
      "  objects  \(report.engine.objectsParsed) parsed, \(report.engine.objectsReused) reused; "
        + "\(report.engine.programsResident) programs resident",
    ]
    for toolchain in report.engine.toolchains {
      lines.append(
        "           \(toolchain.name): \(toolchain.objects) objects, \(toolchain.programs) programs, "
          + Amounts.size(toolchain.residentBytes))
    }
    lines.append("  cache    \(cache(report.cache))")
    lines += verification(report.verification)
    if let last = report.lastFallback {
      lines.append("  last fallback: \(ago(last.time)), \(last.reason ?? "") (\(last.output))")
    }
    if !report.recentLinks.isEmpty { lines.append("  last links, newest first:") }
    return lines + report.recentLinks.prefix(10).map(link)
  }

  /// Nothing where nobody asked for it.
  private static func verification(_ status: VerificationStatus) -> [String] {
    guard status.verified + status.waiting + status.skipped > 0 else { return [] }
    var lines = [
      "  verified \(status.verified) links: \(status.identical) identical, \(status.differing) differing; "
        + "\(status.waiting) waiting, \(status.skipped) skipped"
    ]
    if status.distrusted {
      lines.append("  DISTRUST every link falls back until linkctl restart: a verified link differed")
    }
    if let last = status.lastDifference {
      lines.append("  last difference: \(ago(last.time)), \(last.output)")
      lines += last.explanation.split(separator: "\n").prefix(40).map { "    \($0)" }
      lines.append("    kept in \(last.bundle ?? "no place: see linkctl logs")")
    }
    return lines
  }

  private static func idle(_ report: StatusReport) -> String {
    guard report.idleTimeoutSeconds > 0 else { return "never stops by itself" }
    guard let deadline = report.idleDeadline else {
      return "at work; stops after \(Amounts.duration(seconds: report.idleTimeoutSeconds))"
    }
    return "stops in \(Amounts.duration(seconds: max(0, deadline - Int(Syscalls.wallClockSeconds()))))"
  }

  private static func cache(_ cache: CacheStatus) -> String {
    let note = cache.note.map { "; \($0)" } ?? ""
    guard let path = cache.path else { return "none\(note)" }
    return
      "\(path): \(cache.entries) entries, \(Amounts.size(cache.bytes)) of \(Amounts.size(cache.limitBytes)), "
      + "\(cache.hits) hits, \(cache.misses) misses, \(cache.stores) stores\(note)"
  }

  private static func link(_ record: LinkRecord) -> String {
    var line = "    \(ago(record.time)): \(record.outcome.rawValue)"
    if let report = record.report {
      line += " (\(report.how)), \(report.objectsParsed) objects parsed, \(report.objectsReused) reused"
    }
    if let reason = record.reason { line += ": \(reason)" }
    line += ", \(record.totalMilliseconds) ms"
    if record.waitedMilliseconds > 0 { line += " (\(record.waitedMilliseconds) waiting)" }
    return line + ", \(record.output)"
  }

  private static func ago(_ time: Int) -> String {
    "\(Amounts.duration(seconds: max(0, Int(Syscalls.wallClockSeconds()) - time))) ago"
  }
}
