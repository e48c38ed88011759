import Protocol

/// `linkctl explain`: what one of the last links cost, and why. Never starts a daemon.
enum ExplainVerb {
  static func run(_ words: [String]) throws(Verbs.VerbError) -> Int32 {
    let asJSON = words.contains("--json")
    let number = try number(words.filter { $0 != "--json" })
    let daemon = try Verbs.launcher()
    guard var connection = try Verbs.greeted(daemon) else {
      Output.say(StatusVerb.notRunning(daemon, asJSON: asJSON))
      return StatusVerb.notRunningCode
    }
    let links: [LinkRecord]
    do {
      links = try connection.call(StatusRequest(), timeoutMilliseconds: 10_000).recentLinks
    } catch {
      throw Verbs.VerbError(message: error.description)
    }
    guard number <= links.count else {
      throw .usage(
        links.isEmpty
          ? "the daemon has linked nothing yet"
          : "no link \(number): the daemon remembers \(links.count)")
    }
    let link = links[number - 1]
    Output.say(
      asJSON
        ? StatusVerb.pretty(link.json)
        : link.explained(now: Int(Syscalls.wallClockSeconds())).joined(separator: "\n"))
    return 0
  }

  /// Which link: 1 is the last one.
  private static func number(_ words: [String]) throws(Verbs.VerbError) -> Int {
    try Verbs.none(Array(words.dropFirst()))
    guard let word = words.first else { return 1 }
    guard let number = Int(word), number > 0 else {
      throw .usage("\(word) is no number of a link: 1 is the last one")
    }
    return number
  }
}
