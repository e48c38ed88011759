import LoaderCore

/// Per-object symbol arrays from an earlier life of the daemon: the hash of every symbol's name, by content
/// of the archive, so that the first link after a restart does not read all names again.
struct CachedNameHashes: NameHashCache {
  /// The blob kind in `ObjectCache`.
  private static let kind: UInt8 = 1
  private let cache: ObjectCache

  init(_ cache: ObjectCache) { self.cache = cache }

  func load(_ key: ContentKey) -> [UInt8]? { cache.load(kind: Self.kind, key: key.bytes) }

  func store(_ key: ContentKey, _ archive: Archive) {
    cache.store(kind: Self.kind, key: key.bytes, blob: archive.nameHashes)
  }
}
