import Protocol

/// `linkctl status`: the daemon's own report, for people or as JSON. Never starts a daemon.
enum StatusVerb {
  /// Exit code when no daemon runs.
  private static let notRunningCode: Int32 = 1

  static func run(_ words: [String]) throws(Verbs.VerbError) -> Int32 {
    let asJSON = words.contains("--json")
    try Verbs.none(words.filter { $0 != "--json" })
    let daemon = try Verbs.launcher()
    let missed = FallbackLog.last(daemon.locations)
    guard var connection = try Verbs.greeted(daemon) else {
      var object = JSONObjectBuilder()
      object.set("schema", StatusReport.schemaVersion)
      object.set("running", false)
      object.set("socket", daemon.locations.socket)
      object.set("log", daemon.locations.log)
      object.set("lastClientFallback", missed)
      Output.say(
        asJSON ? pretty(object.object) : "linkd does not run" + (missed.map { "\n" + line(missed: $0) } ?? "")
      )
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

  private static func pretty(_ value: JSONValue) -> String {
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
      "linkd \(report.version), build \(report.build), pid \(report.pid), up \(duration(report.uptimeSeconds))"
        + (report.stopping ? ", stopping" : ""),
      "  socket   \(report.socket)",
      "  log      \(report.log)",
      "  memory   \(size(report.residentBytes)) resident, \(size(report.privateBytes)) of it private; "
        + (report.engine.budgetBytes == 0 ? "no budget" : "budget \(size(report.engine.budgetBytes))"),
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
          + size(toolchain.residentBytes))
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
      return "at work; stops after \(duration(report.idleTimeoutSeconds))"
    }
    return "stops in \(duration(max(0, deadline - Int(Syscalls.wallClockSeconds()))))"
  }

  private static func cache(_ cache: CacheStatus) -> String {
    let note = cache.note.map { "; \($0)" } ?? ""
    guard let path = cache.path else { return "none\(note)" }
    return "\(path): \(cache.entries) entries, \(size(cache.bytes)) of \(size(cache.limitBytes)), "
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
    "\(duration(max(0, Int(Syscalls.wallClockSeconds()) - time))) ago"
  }

  private static func duration(_ seconds: Int) -> String {
    switch seconds {
    case ..<120: "\(seconds) s"
    case ..<7200: "\(seconds / 60) min"
    default: "\(seconds / 3600) h"
    }
  }

  private static func size(_ bytes: Int) -> String {
    switch bytes {
    case ..<10_000: "\(bytes) B"
    case ..<10_000_000: "\(bytes / 1000) kB"
    case ..<10_000_000_000: "\(bytes / 1_000_000) MB"
    default: "\(bytes / 1_000_000_000) GB"
    }
  }
}
