import Protocol

/// The inputs of bundles, each content once: `objects/xx/HASH.a` beside the bundles' own folders, where HASH is the
/// SHA-256 of the content and xx its first two digits.
///
/// An input from the go command's build cache keeps the form that it has there, `xx/HASH-d`: by that name linkd knows
/// a content without reading it, so a replay finds the same caches at work as the captured link did.
package struct ObjectStore: Sendable {
  /// The folder's name, in the folder that holds the bundles.
  package static let name = "objects"

  package let folder: String
  /// Cached files that are only pointed at so far: entry's path, file's path.
  package private(set) var references: [(entry: String, target: String)] = []

  /// - Parameter parent: the folder that holds the bundles.
  package init(beside parent: String) { folder = "\(parent)/\(Self.name)" }

  /// Takes a file in. One from the build cache becomes a second name of the same file where that can be.
  ///
  /// - Returns: its path from a bundle's folder.
  package mutating func keep(file path: String) throws(SystemError) -> String {
    guard let hash = Self.cacheHash(path) else {
      let bytes = try ReplaySyscalls.read(path)
      return try keep(bytes: bytes)
    }
    let entry = try place(hash, "-d")
    if !ReplaySyscalls.exists(entry.path), !ReplaySyscalls.hardLink(path, as: entry.path) {
      try ReplaySyscalls.write(entry.path, try ReplaySyscalls.read(path))
    }
    return entry.reference
  }

  package mutating func keep(bytes: [UInt8]) throws(SystemError) -> String {
    let entry = try place(SHA256.hexadecimal(of: bytes), ".a")
    if !ReplaySyscalls.exists(entry.path) { try ReplaySyscalls.write(entry.path, bytes) }
    return entry.reference
  }

  /// Takes bytes in that lie in memory.
  ///
  /// - Parameter hash: the name the build cache has for them, if it has one.
  package mutating func keep(
    bytes: UnsafeRawBufferPointer, cacheHash hash: String?
  ) throws(SystemError) -> String {
    let entry = try place(hash ?? SHA256.hexadecimal(of: bytes), hash == nil ? ".a" : "-d")
    if !ReplaySyscalls.exists(entry.path) { try ReplaySyscalls.write(entry.path, bytes) }
    return entry.reference
  }

  /// The path that `keep` or `refer` gives for the same content.
  package func reference(bytes: UnsafeRawBufferPointer, cacheHash hash: String?) -> String {
    let name = hash ?? SHA256.hexadecimal(of: bytes)
    return "../\(Self.name)/\(name.prefix(2))/\(name)\(hash == nil ? ".a" : "-d")"
  }

  /// Points at a file of the build cache, for a bundle that is not to last; `complete` makes it last.
  package mutating func refer(to path: String, cacheHash hash: String) throws(SystemError) -> String {
    let entry = try place(hash, "-d")
    if !ReplaySyscalls.exists(entry.path) {
      try ReplaySyscalls.symbolicLink(to: path, as: entry.path)
      references.append((entry.path, path))
    }
    return entry.reference
  }

  /// Puts files in the place of what only pointed at them.
  package mutating func complete() throws(SystemError) {
    for reference in references {
      // Where the cache's file is gone, the link to it tells at least what it was.
      guard let bytes = try? ReplaySyscalls.read(reference.target) else { continue }
      try ReplaySyscalls.write(reference.entry, bytes)
    }
    references = []
  }

  /// A path for an input that was not there: nothing is there on replay either.
  package func absent(_ path: String) -> String {
    "../\(Self.name)/absent/\(SHA256.hexadecimal(of: Array(path.utf8)).prefix(16)).a"
  }

  /// The content's hash in a path of the build cache, `…/xx/<64 hex digits>-d` (cmd/go/internal/cache); nil for others.
  package static func cacheHash(_ path: String) -> String? {
    let parts = path.split(separator: "/")
    guard parts.count >= 2, parts[parts.count - 1].hasSuffix("-d") else { return nil }
    let hash = parts[parts.count - 1].dropLast(2)
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    let letters = UInt8(ascii: "a")...UInt8(ascii: "f")
    guard hash.utf8.count == 64, hash.utf8.allSatisfy({ digits.contains($0) || letters.contains($0) }),
      hash.prefix(2) == parts[parts.count - 2]
    else { return nil }
    return String(hash)
  }

  private func place(
    _ hash: String, _ ending: String
  ) throws(SystemError) -> (path: String, reference: String) {
    let shelf = "\(folder)/\(hash.prefix(2))"
    try Locations.makeDirectories(shelf)
    let name = "\(hash.prefix(2))/\(hash)\(ending)"
    return ("\(folder)/\(name)", "../\(Self.name)/\(name)")
  }
}
