import Logging
import Protocol
import Synchronization

/// The daemon's log: a file that others may read and that never grows without end. Safe from any thread.
package final class LogFile: Sendable {
  private struct State {
    var file: FileDescriptor?
    var size: Int
  }

  private let path: String
  private let limitBytes: Int
  private let copyToStandardError: Bool
  private let state: Mutex<State>

  /// - Parameters:
  ///   - path: made with its directories; when that fails, nothing is logged and nothing else suffers.
  ///   - limitBytes: at this size the file becomes `path.1`, replacing an older one, and a new one starts.
  package init(path: String, limitBytes: Int, copyToStandardError: Bool = false) {
    self.path = path
    self.limitBytes = limitBytes
    self.copyToStandardError = copyToStandardError
    if let slash = path.lastIndex(of: "/") { try? Locations.makeDirectories(String(path[..<slash])) }
    state = Mutex(Self.open(path))
  }

  private static func open(_ path: String) -> State {
    State(
      file: try? Syscalls.openPrivateFile(path, append: true),
      size: Int((try? Syscalls.status(of: path).size) ?? 0))
  }

  package func write(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    state.withLock { state in
      if state.size + bytes.count > limitBytes, state.size > 0 {
        ServerSyscalls.moveFile(path, to: "\(path).1")
        state = Self.open(path)
      }
      state.size += bytes.count
      if let file = state.file { try? Syscalls.writeAll(file.raw, bytes) }
      if copyToStandardError { try? Syscalls.writeAll(2, bytes) }
    }
  }
}

/// swift-log's door to the file: one line a message, `TIME PID LEVEL MESSAGE key=value...`.
package struct LogFileHandler: LogHandler {
  package var logLevel = Logger.Level.notice
  package var metadata: Logger.Metadata = [:]
  private let file: LogFile

  package init(file: LogFile) { self.file = file }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    let pairs = all.sorted { $0.key < $1.key }.map { " \($0.key)=\(Self.oneLine("\($0.value)"))" }.joined()
    file.write(
      "\(Self.timestamp()) \(Syscalls.processID) \(event.level) \(Self.oneLine("\(event.message)"))\(pairs)")
  }

  /// What clients send ends up in messages; it must not be able to forge lines.
  private static func oneLine(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return text }
    return String(
      text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "\u{FFFD}" : Character($0) })
  }

  /// UTC, as in 2026-02-03T04:05:06Z.
  private static func timestamp() -> String {
    let seconds = Syscalls.wallClockSeconds()
    let day = seconds / 86400
    // Civil date from a day count: the era of 400 years has 146,097 days and starts on 1 March of year 0.
    let shifted = day + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let parts = [month, dayOfMonth, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60].map { part in
      part < 10 ? "0\(part)" : "\(part)"
    }
    return "\(year)-\(parts[0])-\(parts[1])T\(parts[2]):\(parts[3]):\(parts[4])Z"
  }
}
