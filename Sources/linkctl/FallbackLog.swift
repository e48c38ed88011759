import Protocol

/// Fallbacks that no daemon heard of, one JSON object a line, for `linkctl status`. Best effort: a build must not
/// notice when this cannot be written.
enum FallbackLog {
  /// At this size the file starts anew; only its last lines are ever read.
  private static let limitBytes: Int64 = 64 << 10

  static func append(reason: String, output: String?, locations: Locations?) {
    let locations =
      locations ?? Locations(build: BuildIdentity(name: "unknown"), environment: Syscalls.environment)
    let entry: JSONValue = [
      "time": .integer(Syscalls.wallClockSeconds()), "reason": .string(reason),
      "output": output.map { .string($0) } ?? .null,
    ]
    do {
      try Locations.makeDirectories(locations.stateDirectory)
      if let status = try? Syscalls.status(of: locations.clientLog), status.size > limitBytes {
        try Syscalls.remove(locations.clientLog)
      }
      let file = try Syscalls.openPrivateFile(locations.clientLog, append: true)
      try Syscalls.writeAll(file.raw, entry.serialized() + [0x0A])
    } catch {
      // Nothing left to tell, and nobody to tell it to.
    }
  }

  /// The last entry, or nil.
  static func last(_ locations: Locations) -> JSONValue? {
    guard let tail = try? Syscalls.readTail(locations.clientLog, limit: 8192) else { return nil }
    for line in tail.split(separator: 0x0A).reversed() {
      if let entry = try? JSONValue(parsing: Array(line)), entry["reason"]?.string != nil { return entry }
    }
    return nil
  }
}
