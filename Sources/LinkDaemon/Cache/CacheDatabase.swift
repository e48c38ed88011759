import Dispatch
import Foundation
import GRDB
import Protocol
import Synchronization

/// The only file that touches SQLite. One table of checksummed blobs; what is read is either exactly what was
/// written or nothing.
///
/// A pool and not a queue: SQLite's write-ahead log lets readers go on beside the one writer
/// (https://sqlite.org/wal.html, "Concurrency"), so a link never waits for the cache's own background writing.
final class CacheDatabase: Sendable {
  struct Key: Hashable, Sendable {
    let kind: UInt8
    /// The version of the blob's format; another version's blobs are other keys.
    let version: Int
    let hash: [UInt8]
  }

  /// What a new database gets as `user_version`; any other is not ours to read.
  private static let schemaVersion = 1

  private let pool: DatabasePool
  /// Readers beside each other, or the one who closes. A GRDB pool does not keep them apart: a reader that waits for
  /// a connection while the pool closes is handed a closed one, and SQLite reads through its null handle.
  private let readers = DispatchQueue(label: "linkd.cache.readers", attributes: .concurrent)
  private let isClosed = Atomic(false)

  /// Opens or creates the file.
  /// - Throws: a `DatabaseError`; see `isDamage`.
  init(path: String) throws {
    var configuration = Configuration()
    configuration.label = "linkd.cache"
    configuration.maximumReaderCount = 8
    // Another daemon of the same user may be writing; only background work ever waits for it.
    configuration.busyMode = .timeout(5)
    configuration.prepareDatabase { database in
      // Has an effect on a new file only, and must come before its first table; readers may not say it.
      if !database.configuration.readonly { try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL") }
    }
    pool = try DatabasePool(path: path, configuration: configuration)
    try pool.writeWithoutTransaction { database in
      let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
      guard version == 0 || version == Self.schemaVersion else {
        throw DatabaseError(resultCode: .SQLITE_NOTADB, message: "schema version \(version)")
      }
      try database.execute(
        sql: """
          PRAGMA synchronous = NORMAL;
          CREATE TABLE IF NOT EXISTS blob (
            id INTEGER PRIMARY KEY,
            kind INTEGER NOT NULL,
            version INTEGER NOT NULL,
            hash BLOB NOT NULL,
            used INTEGER NOT NULL,
            size INTEGER NOT NULL,
            checksum INTEGER NOT NULL,
            data BLOB NOT NULL);
          CREATE UNIQUE INDEX IF NOT EXISTS blobByKey ON blob (hash, kind, version);
          CREATE INDEX IF NOT EXISTS blobByUse ON blob (used, size);
          PRAGMA user_version = \(Self.schemaVersion);
          """)
    }
  }

  /// Waits for those who read; whoever reads or writes afterwards finds nothing, or gets an error.
  func close() {
    readers.sync(flags: .barrier) {
      isClosed.store(true, ordering: .relaxed)
      try? pool.close()
    }
  }

  /// The file itself is unusable, as opposed to a full disk or a lock that is taken.
  static func isDamage(_ error: any Error) -> Bool {
    guard let error = error as? DatabaseError else { return false }
    // A changed table is found as a plain SQL error.
    return [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT, .SQLITE_ERROR, .SQLITE_SCHEMA, .SQLITE_MISMATCH]
      .contains(error.resultCode)
  }

  /// Another connection has the lock.
  static func isBusy(_ error: any Error) -> Bool {
    guard let error = error as? DatabaseError else { return false }
    return [.SQLITE_BUSY, .SQLITE_LOCKED].contains(error.resultCode)
  }

  // MARK: Reading

  /// The blobs under these keys, in their order; nil for a missing or damaged one.
  func read(_ keys: [Key]) throws -> [[UInt8]?] {
    try readers.sync {
      isClosed.load(ordering: .relaxed) ? keys.map { _ in nil } : try readOpen(keys)
    }
  }

  private func readOpen(_ keys: [Key]) throws -> [[UInt8]?] {
    try pool.read { database in
      let statement = try database.cachedStatement(
        sql: "SELECT data, checksum FROM blob WHERE hash = ? AND kind = ? AND version = ?")
      return try keys.map { key in
        let rows = try Row.fetchCursor(
          statement, arguments: [Data(key.hash), Int(key.kind), key.version])
        guard let row = try rows.next(), let checksum = Int64.fromDatabaseValue(row[1]) else { return nil }
        return try row.withUnsafeData(atIndex: 0) { data in
          guard let data else { return nil }
          return data.withUnsafeBytes { bytes in
            Self.checksum(key, bytes) == checksum ? Array(bytes) : nil
          }
        }
      }
    }
  }

  /// Covers the key too: a blob that a damaged index finds under another key does not pass.
  private static func checksum(_ key: Key, _ bytes: UnsafeRawBufferPointer) -> Int64 {
    var checksum = Checksum()
    checksum.add(UInt64(key.kind))
    checksum.add(UInt64(bitPattern: Int64(key.version)))
    checksum.add(key.hash)
    checksum.add(bytes)
    return Int64(bitPattern: checksum.value)
  }

  // MARK: Writing

  /// Writes blobs and notes uses, in one transaction.
  /// - Parameter time: the time of use that both get; any unit, as long as it grows.
  func write(_ blobs: [Key: [UInt8]], used: Set<Key>, time: Int64) throws {
    try pool.write { database in
      let insert = try database.cachedStatement(
        sql: """
          INSERT OR REPLACE INTO blob (hash, kind, version, used, size, checksum, data)
          VALUES (?, ?, ?, ?, ?, ?, ?)
          """)
      for (key, bytes) in blobs {
        try insert.execute(arguments: [
          Data(key.hash), Int(key.kind), key.version, time, bytes.count,
          bytes.withUnsafeBytes { Self.checksum(key, $0) }, Data(bytes),
        ])
      }
      let touch = try database.cachedStatement(
        sql: "UPDATE blob SET used = ? WHERE hash = ? AND kind = ? AND version = ? AND used <> ?")
      for key in used {
        try touch.execute(arguments: [time, Data(key.hash), Int(key.kind), key.version, time])
      }
    }
  }

  /// Number and total size of the blobs, from an index alone.
  func totals() throws -> (entries: Int, bytes: Int) {
    let sql = "SELECT COUNT(*), TOTAL(size), MIN(size) FROM blob INDEXED BY blobByUse"
    let values = try pool.read { database in
      try Row.fetchOne(database, sql: sql).map { Array($0.databaseValues) } ?? []
    }
    guard values.count == 3, let entries = Int.fromDatabaseValue(values[0]) else { throw Self.oddRow }
    if entries == 0 { return (0, 0) }
    guard let sum = Double.fromDatabaseValue(values[1]), let bytes = Int(exactly: sum),
      let least = Int.fromDatabaseValue(values[2]), least >= 0
    else { throw Self.oddRow }
    return (entries, bytes)
  }

  /// SQLite takes any value in any column: what a damaged file has there need not be what was written.
  private static var oddRow: DatabaseError {
    DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a row of another type")
  }

  /// Removes the blobs used longest ago until at most so many bytes are left, in small transactions, and gives the
  /// file's free pages back to the file system.
  func trim(toBytes limit: Int) throws {
    var (_, bytes) = try totals()
    while bytes > limit {
      let removed = try pool.write { database in
        var removed = 0
        let rows = try Row.fetchCursor(
          database, sql: "SELECT id, size FROM blob ORDER BY used, size, id LIMIT 256")
        var ids: [Int64] = []
        while bytes - removed > limit, let row = try rows.next() {
          guard let id = Int64.fromDatabaseValue(row[0]), let size = Int32.fromDatabaseValue(row[1]),
            size >= 0
          else { throw Self.oddRow }
          ids.append(id)
          removed += Int(size)
        }
        for id in ids { try database.execute(sql: "DELETE FROM blob WHERE id = ?", arguments: [id]) }
        return ids.isEmpty ? nil : removed
      }
      guard let removed else { break }
      bytes -= removed
    }
    try pool.writeWithoutTransaction { database in
      try database.execute(sql: "PRAGMA incremental_vacuum")
      _ = try? database.checkpoint(.truncate)
    }
  }
}
