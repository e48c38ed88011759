import Protocol

/// What the client says by itself. During a build that is nothing, unless it was asked to fail.
enum Output {
  static func complain(_ text: String) {
    try? Syscalls.writeAll(2, Array("\(text)\n".utf8))
  }

  static func say(_ text: String) {
    try? Syscalls.writeAll(1, Array("\(text)\n".utf8))
  }
}
