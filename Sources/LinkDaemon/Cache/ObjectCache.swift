import Dispatch
import Logging
import Protocol
import Synchronization

/// What makes the first link after a restart warm: blobs by content hash, on disk, shared by all daemons of a user.
///
/// A cache and never a source of truth. Whatever is odd about it (damaged, foreign, unwritable, full) reads as "not
/// there"; nothing here throws. Writing happens behind the caller's back. Safe from any thread.
package final class ObjectCache: Sendable {
  package static let defaultLimitBytes = 4 << 30
  /// Raise when any blob's encoding changes; blobs of other versions are never read and go by age.
  package static let formatVersion = 1
  /// Larger blobs are not kept.
  package static let maximumBlobBytes = 256 << 20
  /// What may wait for being written; beyond that, new blobs are dropped.
  private static let maximumPendingBytes = 512 << 20
  /// Time in which a file that is busy is tried again.
  private static let openNanoseconds: UInt64 = 1_000_000_000

  private struct State {
    var database: CacheDatabase?
    var note: String?
    var pending: [CacheDatabase.Key: [UInt8]] = [:]
    var pendingBytes = 0
    var used: Set<CacheDatabase.Key> = []
    var isWriteScheduled = false
    var isDamaged = false
    var counts = CacheStatus()
  }

  private let directory: String
  private let path: String
  private let version: Int
  private let limitBytes: Int
  private let logger: Logger
  private let state = Mutex(State())
  /// Whether the directory is there; its files may be of no use all the same.
  private let hasDirectory: Bool
  /// Left when the file is open, or was found to be of no use.
  private let opening = DispatchGroup()
  /// All writing and trimming, one after another.
  private let queue = DispatchQueue(label: "linkd.cache", qos: .utility)

  /// Opens the cache; an unusable directory leaves one that keeps nothing. Opening waits for the disk, so it goes on
  /// behind the caller's back, and whoever needs the file first waits for the rest.
  /// - Parameters:
  ///   - directory: made with its parents.
  ///   - limitBytes: total size of the blobs; the oldest go when it is passed.
  package init(
    directory: String, limitBytes: Int = ObjectCache.defaultLimitBytes,
    formatVersion: Int = ObjectCache.formatVersion, logger: Logger
  ) {
    self.directory = directory
    path = "\(directory)/objects.sqlite"
    version = formatVersion
    self.limitBytes = limitBytes
    self.logger = logger
    let made = Result { try Locations.makeDirectories(directory) }
    hasDirectory = (try? made.get()) != nil
    if case .failure(let error) = made {
      state.withLock { $0.note = "no cache: \(error)" }
      return
    }
    opening.enter()
    queue.async(qos: .userInitiated, flags: .enforceQoS) {
      self.open()
      self.opening.leave()
    }
    // Counting walks an index of the whole file: not on the way to the first link.
    queue.async { [weak self] in self?.trimAndCount() }
  }

  /// The state when the file is open, if it can be.
  private func withOpened<Value>(_ body: (inout sending State) -> sending Value) -> sending Value {
    opening.wait()
    return state.withLock(body)
  }

  // MARK: The interface

  /// The blob stored under this key; nil when there is none.
  /// - Parameter key: a content hash, 32 bytes by convention; any bytes will do.
  package func load(kind: UInt8, key: [UInt8]) -> [UInt8]? {
    loadMany(kind: kind, keys: [key]).first ?? nil
  }

  /// The blobs under these keys, in their order, in one transaction.
  package func loadMany(kind: UInt8, keys: [[UInt8]]) -> [[UInt8]?] {
    let full = keys.map { CacheDatabase.Key(kind: kind, version: version, hash: $0) }
    let (database, pending) = withOpened { state in (state.database, full.map { state.pending[$0] }) }
    var found = pending
    if let database, found.contains(where: { $0 == nil }) {
      do {
        let missing = full.indices.filter { found[$0] == nil }
        for (index, blob) in zip(missing, try database.read(missing.map { full[$0] })) { found[index] = blob }
      } catch {
        noteFailure(error, of: database)
      }
    }
    state.withLock { state in
      for (key, blob) in zip(full, found) where blob != nil { state.used.insert(key) }
      state.counts.hits += found.count { $0 != nil }
      state.counts.misses += found.count { $0 == nil }
    }
    return found
  }

  /// Stores a blob some time soon. A later `load` sees it at once.
  package func store(kind: UInt8, key: [UInt8], blob: [UInt8]) {
    guard blob.count <= min(Self.maximumBlobBytes, limitBytes) else { return }
    let isFirst = withOpened { state in
      guard state.database != nil, state.pendingBytes + blob.count <= Self.maximumPendingBytes else {
        return false
      }
      let old = state.pending.updateValue(
        blob, forKey: CacheDatabase.Key(kind: kind, version: version, hash: key))
      state.pendingBytes += blob.count - (old?.count ?? 0)
      defer { state.isWriteScheduled = true }
      return !state.isWriteScheduled
    }
    // Late enough to gather what one link stores, and to let that link end first.
    if isFirst {
      queue.asyncAfter(deadline: .now() + .milliseconds(200)) { [weak self] in self?.writePending() }
    }
  }

  /// A folder beside the database, for what is too large for it; nil without a cache.
  /// - Parameter share: the part of the limit that its files may have.
  func folder(_ name: String, share: Int) -> KeptFolder? {
    guard hasDirectory else { return nil }
    return KeptFolder("\(directory)/\(name)", limits: KeptFolder.Limits(bytes: limitBytes / share))
  }

  /// This daemon's spares; nil without a cache.
  func spares(fewestBytes: Int) -> SpareOutputs? {
    guard hasDirectory else { return nil }
    return SpareOutputs(folder: "\(directory)/spares", fewestBytes: fewestBytes)
  }

  /// Whether what is stored is kept.
  var isUsable: Bool { withOpened { $0.database != nil } }

  /// Writes everything that waits, uses included; returns when it is on its way to the disk.
  package func flush() {
    queue.sync { writePending() }
  }

  package var status: CacheStatus {
    withOpened { state in
      var status = state.counts
      status.path = state.database == nil ? nil : path
      status.note = state.note
      status.limitBytes = limitBytes
      return status
    }
  }

  // MARK: Behind the scenes

  /// Opens the file; a damaged one is put aside, once, and a new one made. Of two daemons that make the file at the
  /// same moment, SQLite turns one away without any waiting (both hold what the other wants to write): it tries again for
  /// a second. Where SQLite has waited (`CacheDatabase`), that is over: a link may wait for this.
  private func open() {
    var mayPutAside = true
    let end = Syscalls.monotonicNanoseconds() + Self.openNanoseconds
    while true {
      do {
        let database = try CacheDatabase(path: path)
        state.withLock { state in
          state.database = database
          state.isDamaged = false
        }
        return
      } catch let error where CacheDatabase.isBusy(error) && Syscalls.monotonicNanoseconds() < end {
        Syscalls.sleep(milliseconds: 10)
      } catch {
        logger.warning("cannot open the cache: \(error)")
        state.withLock { $0.note = "cannot open the cache: \(error)" }
        guard mayPutAside, CacheDatabase.isDamage(error) else { return }
        mayPutAside = false
        putAside()
      }
    }
  }

  /// Keeps the damaged file for whoever wonders, one at most.
  private func putAside() {
    ServerSyscalls.moveFile(path, to: "\(path).damaged")
    for suffix in ["-wal", "-shm"] { try? Syscalls.remove(path + suffix) }
    state.withLock { $0.note = "a damaged cache was put aside as \(path).damaged" }
  }

  private func noteFailure(_ error: any Error, of database: CacheDatabase) {
    logger.warning("cache: \(error)")
    let isNew = state.withLock { state in
      // Who read from the file that was put aside meanwhile says nothing of the new one.
      guard state.database === database else { return false }
      state.note = "\(error)"
      guard CacheDatabase.isDamage(error), !state.isDamaged else { return false }
      state.isDamaged = true
      return true
    }
    if isNew { queue.async { [weak self] in self?.reopen() } }
  }

  /// On `queue`.
  private func reopen() {
    let old = state.withLock { state in
      defer { state.database = nil }
      return state.database
    }
    old?.close()
    putAside()
    open()
    trimAndCount()
  }

  /// On `queue`.
  private func writePending() {
    let (database, blobs, used) = state.withLock { state in
      defer {
        state.isWriteScheduled = false
        state.used = []
      }
      return (state.database, state.pending, state.used)
    }
    guard let database, !blobs.isEmpty || !used.isEmpty else { return }
    do {
      try database.write(blobs, used: used.subtracting(blobs.keys), time: Syscalls.wallClockSeconds())
      state.withLock { $0.counts.stores += blobs.count }
    } catch {
      noteFailure(error, of: database)
    }
    // Written or not, they do not wait any more; a blob that replaced one of these meanwhile does.
    state.withLock { state in
      for (key, blob) in blobs where state.pending[key] == blob {
        state.pending[key] = nil
        state.pendingBytes -= blob.count
      }
    }
    if !blobs.isEmpty { trimAndCount() }
  }

  /// On `queue`.
  private func trimAndCount() {
    guard let database = state.withLock({ $0.database }) else { return }
    do {
      var (entries, bytes) = try database.totals()
      if bytes > limitBytes {
        // Some room at once, so that the next store does not trim again.
        try database.trim(toBytes: limitBytes / 10 * 9)
        (entries, bytes) = try database.totals()
      }
      state.withLock { state in
        state.counts.entries = entries
        state.counts.bytes = bytes
      }
    } catch {
      noteFailure(error, of: database)
    }
  }
}
