#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// How much memory there is for this process, and for everybody.
package enum SystemMemory {
  /// Bytes that this process may use at most: the machine's, or those that its control group is limited to.
  package static var size: Int {
    let physical = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
    return min(physical, groupLimit ?? .max)
  }

  /// Bytes that could be used without swapping; nil when the system does not tell.
  package static var available: Int? {
    #if os(Linux)
      return text("/proc/meminfo").flatMap { parseAvailable($0) }
    #else
      return nil
    #endif
  }

  /// The limit of the process's control group, of version 2 or 1; nil when there is none. (A container sees its own group
  /// as the root.)
  private static var groupLimit: Int? {
    #if os(Linux)
      let own = text("/proc/self/cgroup").flatMap { parseGroup($0) } ?? ""
      let files = ["\(own)/memory.max", "/memory.max", "/memory/memory.limit_in_bytes"]
      return files.compactMap { text("/sys/fs/cgroup\($0)").flatMap { parseLimit($0) } }.min()
    #else
      return nil
    #endif
  }

  /// - Parameter text: of /proc/meminfo, which counts in KB.
  package static func parseAvailable(_ text: String) -> Int? {
    for line in text.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
      return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
    }
    return nil
  }

  /// - Parameter text: of /proc/self/cgroup.
  package static func parseGroup(_ text: String) -> String? {
    text.split(separator: "\n").first { $0.hasPrefix("0::/") }.map { String($0.dropFirst(3)) }
  }

  /// - Parameter text: of a limit's file, which says `max` when there is none.
  package static func parseLimit(_ text: String) -> Int? {
    Int(text.prefix { $0 != "\n" }).flatMap { $0 > 0 ? $0 : nil }
  }

  /// A small file of the kernel's.
  private static func text(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let n = read(file, &bytes, bytes.count)
    return n > 0 ? String(decoding: bytes[..<n], as: UTF8.self) : nil
  }
}
