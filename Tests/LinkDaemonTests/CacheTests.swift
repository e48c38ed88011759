import Foundation
import GRDB
import LinkDaemon
import Logging
import Protocol
import Synchronization
import Testing

@Suite struct CacheTests {
  private func open(
    _ sandbox: Sandbox, limit: Int = 1 << 30, version: Int = 1, directory: String = "cache"
  ) -> ObjectCache {
    ObjectCache(
      directory: "\(sandbox.path)/\(directory)", limitBytes: limit, formatVersion: version,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  private func key(_ number: Int) -> [UInt8] {
    (0..<32).map { UInt8(truncatingIfNeeded: number >> ($0 % 8 * 8) &+ $0) }
  }

  private func blob(_ number: Int, size: Int = 1000) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
  }

  private func file(_ sandbox: Sandbox) -> String { "\(sandbox.path)/cache/objects.sqlite" }

  // MARK: Good days

  @Test func givesBackWhatItGot() throws {
    let sandbox = try Sandbox()
    let cache = open(sandbox)
    #expect(cache.load(kind: 1, key: key(1)) == nil)
    cache.store(kind: 1, key: key(1), blob: blob(1))
    cache.store(kind: 2, key: key(1), blob: [])
    #expect(cache.load(kind: 1, key: key(1)) == blob(1), "before it is written")
    cache.flush()
    #expect(cache.load(kind: 1, key: key(1)) == blob(1))
    #expect(cache.load(kind: 2, key: key(1)) == [])
    #expect(cache.load(kind: 3, key: key(1)) == nil)
    #expect(cache.load(kind: 1, key: key(2)) == nil)
    #expect(cache.load(kind: 1, key: []) == nil)
    let status = cache.status
    #expect(status.hits == 3)
    #expect(status.misses == 4)
    #expect(status.stores == 2)
    #expect(status.entries == 2)
    #expect(status.bytes == 1000)
    #expect(status.path == file(sandbox))
    #expect(status.note == nil)
  }

  @Test func survivesARestart() throws {
    let sandbox = try Sandbox()
    let large = blob(7, size: 3 << 20)
    do {
      let cache = open(sandbox)
      for number in 0..<50 { cache.store(kind: 1, key: key(number), blob: blob(number)) }
      cache.store(kind: 1, key: key(99), blob: large)
      cache.flush()
    }
    let cache = open(sandbox)
    let found = cache.loadMany(kind: 1, keys: (0..<51).map(key) + [key(99)])
    #expect(found == (0..<50).map { blob($0) } + [nil, large])
    #expect(eventually { cache.status.entries == 51 })
  }

  @Test func theLastStoreWins() throws {
    let sandbox = try Sandbox()
    let cache = open(sandbox)
    cache.store(kind: 1, key: key(1), blob: [1])
    cache.store(kind: 1, key: key(1), blob: [2, 2])
    cache.flush()
    cache.store(kind: 1, key: key(1), blob: [3, 3, 3])
    cache.flush()
    #expect(open(sandbox).load(kind: 1, key: key(1)) == [3, 3, 3])
    #expect(cache.status.entries == 1)
    #expect(cache.status.bytes == 3)
  }

  @Test func writesBySoonWithoutBeingAsked() throws {
    let sandbox = try Sandbox()
    let cache = open(sandbox)
    cache.store(kind: 1, key: key(1), blob: blob(1))
    #expect(eventually { cache.status.stores == 1 })
    #expect(open(sandbox).load(kind: 1, key: key(1)) == blob(1))
  }

  @Test func versionsDoNotSeeEachOther() throws {
    let sandbox = try Sandbox()
    let old = open(sandbox, version: 1)
    old.store(kind: 1, key: key(1), blob: [1])
    old.flush()
    let new = open(sandbox, version: 2)
    #expect(new.load(kind: 1, key: key(1)) == nil)
    new.store(kind: 1, key: key(1), blob: [2])
    new.flush()
    #expect(new.load(kind: 1, key: key(1)) == [2])
    #expect(old.load(kind: 1, key: key(1)) == [1], "an older daemon keeps working beside it")
  }

  /// SQLite turns away one of two that make a new file's write-ahead log: 3 of 100 rounds, were it not to try again.
  @Test func daemonsThatMakeTheFileAtOnceAllHaveIt() throws {
    for round in 0..<200 {
      let sandbox = try Sandbox()
      let caches = [open(sandbox), open(sandbox)]
      #expect(caches.map(\.status.note) == [nil, nil], "round \(round)")
      #expect(caches.map(\.status.path) == [file(sandbox), file(sandbox)], "round \(round)")
    }
  }

  @Test func manyThreadsAndTwoDaemons() throws {
    let sandbox = try Sandbox()
    let caches = [open(sandbox), open(sandbox)]
    let wrong = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 200) { number in
      let cache = caches[number % 2]
      cache.store(kind: 1, key: key(number % 40), blob: blob(number % 40))
      if number % 10 == 0 { cache.flush() }
      if let found = cache.load(kind: 1, key: key(number * 7 % 40)), found != blob(number * 7 % 40) {
        wrong.add(1, ordering: .relaxed)
      }
    }
    caches.forEach { $0.flush() }
    #expect(wrong.load(ordering: .relaxed) == 0)
    #expect(open(sandbox).loadMany(kind: 1, keys: (0..<40).map(key)) == (0..<40).map { blob($0) })
  }

  // MARK: Bounds

  @Test func theOldestGoFirst() throws {
    let sandbox = try Sandbox()
    let cache = open(sandbox, limit: 100_000)
    for number in 0..<90 { cache.store(kind: 1, key: key(number), blob: blob(number)) }
    cache.flush()
    // Times of use count in seconds.
    Syscalls.sleep(milliseconds: 1100)
    let used = (0..<20).map(key)
    #expect(!cache.loadMany(kind: 1, keys: used).contains(nil))
    for number in 90..<120 { cache.store(kind: 1, key: key(number), blob: blob(number)) }
    cache.flush()
    let status = cache.status
    #expect(status.bytes <= 100_000)
    #expect(status.bytes >= 80_000, "no more is thrown away than has to be")
    #expect(!cache.loadMany(kind: 1, keys: used).contains(nil))
    #expect(!cache.loadMany(kind: 1, keys: (90..<120).map(key)).contains(nil))
    #expect(cache.loadMany(kind: 1, keys: (20..<90).map(key)).contains(nil))
  }

  @Test func theFileShrinksToo() throws {
    let sandbox = try Sandbox()
    do {
      let cache = open(sandbox)
      for number in 0..<40 { cache.store(kind: 1, key: key(number), blob: blob(number, size: 100_000)) }
      cache.flush()
    }
    let before = try Syscalls.status(of: file(sandbox)).size
    #expect(before > 4_000_000)
    let cache = open(sandbox, limit: 1_000_000)
    #expect(eventually { cache.status.bytes > 0 && cache.status.bytes <= 1_000_000 })
    cache.flush()
    #expect(try Syscalls.status(of: file(sandbox)).size < 1_500_000)
  }

  @Test func tooLargeABlobIsNotKept() throws {
    let sandbox = try Sandbox()
    let cache = open(sandbox, limit: 1000)
    cache.store(kind: 1, key: key(1), blob: blob(1, size: 1001))
    cache.flush()
    #expect(cache.load(kind: 1, key: key(1)) == nil)
    #expect(cache.status.bytes == 0)
  }

  // MARK: Bad days

  /// A database with 60 blobs, closed, in one file.
  private func filled() throws -> Sandbox {
    let sandbox = try Sandbox()
    let cache = open(sandbox)
    for number in 0..<60 { cache.store(kind: 1, key: key(number), blob: blob(number, size: 5000)) }
    cache.flush()
    return sandbox
  }

  /// Whatever is found is right, new blobs can be stored, and a reopened cache has them.
  private func expectUsable(_ sandbox: Sandbox, _ comment: Comment, limit: Int = 1 << 30) {
    for round in 0..<3 {
      let cache = open(sandbox, limit: limit)
      for (number, found) in cache.loadMany(kind: 1, keys: (0..<60).map(key)).enumerated() {
        #expect(found == nil || found == blob(number, size: 5000), comment)
      }
      cache.flush()
      cache.store(kind: 2, key: key(1000 + round), blob: blob(round))
      cache.flush()
      let fresh = cache.load(kind: 2, key: key(1000 + round))
      #expect(fresh == nil || fresh == blob(round), comment)
      if round == 2 { #expect(fresh == blob(round), comment) }
    }
  }

  @Test(arguments: 0..<24)
  func flippedBytesAreMissesAtMost(seed: Int) throws {
    let sandbox = try filled()
    let path = file(sandbox)
    var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    var state = UInt64(seed) &* 2_862_933_555_777_941_757 &+ 3_037_000_493
    for _ in 0..<(1 << (seed % 8)) {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      bytes[Int(state >> 20) % bytes.count] ^= UInt8(1 << (state >> 61))
    }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    expectUsable(sandbox, "seed \(seed)")
  }

  @Test(arguments: [0, 1, 16, 99, 100, 511, 512, 4095, 4096, 4097, 20_000, 100_000])
  func truncatedFilesAreMissesAtMost(size: Int) throws {
    let sandbox = try filled()
    let path = file(sandbox)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(bytes.count > 100_000)
    try bytes.prefix(size).write(to: URL(fileURLWithPath: path))
    expectUsable(sandbox, "\(size) bytes")
  }

  @Test func aFlippedBlobIsAMiss() throws {
    let sandbox = try filled()
    let path = file(sandbox)
    var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    // In the middle of a blob, where SQLite itself notices nothing.
    let pattern = Array(blob(33, size: 5000)[100..<140])
    let position = try #require(bytes.indices.first { bytes[$0...].starts(with: pattern) })
    bytes[position + 20] ^= 0x10
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let cache = open(sandbox)
    let found = cache.loadMany(kind: 1, keys: (0..<60).map(key))
    #expect(found.indices.filter { found[$0] == nil }.count == 1)
    #expect(found.enumerated().allSatisfy { $1 == nil || $1 == blob($0, size: 5000) })
  }

  /// A flipped byte can make any value of a row one of another type or size, and SQLite does not mind.
  @Test(
    arguments: [
      "size = 1e300", "size = 1.5", "size = -5", "size = 9223372036854775807", "size = 'much'",
      "size = x'0102'", "checksum = 'odd'", "checksum = 1.5", "data = 7", "data = 'text'", "used = 'never'",
      "hash = 1",
    ], [1 << 30, 100_000])
  func oddValuesAreMissesAtMost(change: String, limit: Int) throws {
    let sandbox = try filled()
    let database = try DatabaseQueue(path: file(sandbox))
    try database.write { try $0.execute(sql: "UPDATE OR IGNORE blob SET \(change) WHERE id % 2 = 0") }
    try database.close()
    expectUsable(sandbox, "\(change)", limit: limit)
  }

  /// The first reader to notice damage makes the cache close the file and start anew, while others still ask it.
  @Test(arguments: 0..<8)
  func aCacheThatIsReadMayBeReopened(seed: Int) throws {
    for round in 0..<10 {
      let sandbox = try filled()
      let path = file(sandbox)
      var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
      // All but the first page, which has the schema: the file opens, and is damaged wherever it is read.
      for position in stride(from: 4096, to: bytes.count, by: 61) { bytes[position] ^= 0x5a }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let cache = open(sandbox)
      DispatchQueue.concurrentPerform(iterations: 200) { number in
        let found = cache.load(kind: 1, key: key(number % 60))
        #expect(found == nil || found == blob(number % 60, size: 5000), "seed \(seed), round \(round)")
      }
      // Behind whatever the damage set going.
      cache.flush()
      cache.store(kind: 2, key: key(1), blob: [1])
      cache.flush()
      #expect(cache.load(kind: 2, key: key(1)) == [1])
      #expect(cache.status.note?.contains("put aside") == true)
    }
  }

  @Test func aFileOfAnotherKindIsPutAside() throws {
    let sandbox = try Sandbox()
    try FileManager.default.createDirectory(
      atPath: "\(sandbox.path)/cache", withIntermediateDirectories: false)
    try Data(String(repeating: "no database ", count: 1000).utf8).write(
      to: URL(fileURLWithPath: file(sandbox)))
    let cache = open(sandbox)
    cache.store(kind: 1, key: key(1), blob: [1])
    cache.flush()
    #expect(cache.load(kind: 1, key: key(1)) == [1])
    #expect(cache.status.note?.contains("put aside") == true)
    let kept = try String(contentsOfFile: "\(file(sandbox)).damaged", encoding: .utf8)
    #expect(kept.hasPrefix("no database"))
  }

  @Test(arguments: ["/proc/nowhere", "cache/file/below"])
  func withoutAPlaceItKeepsNothing(directory: String) throws {
    let sandbox = try Sandbox()
    try FileManager.default.createDirectory(
      atPath: "\(sandbox.path)/cache", withIntermediateDirectories: false)
    _ = try sandbox.write("cache/file", "in the way")
    let cache = ObjectCache(
      directory: directory.hasPrefix("/") ? directory : "\(sandbox.path)/\(directory)",
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    cache.store(kind: 1, key: key(1), blob: [1])
    cache.flush()
    #expect(cache.load(kind: 1, key: key(1)) == nil)
    #expect(cache.status.path == nil)
    #expect(cache.status.note != nil)
  }
}

@Suite struct ChecksumTests {
  private func sum(_ bytes: [UInt8]) -> UInt64 {
    var checksum = Checksum()
    checksum.add(bytes)
    return checksum.value
  }

  @Test func everyBitCounts() {
    for length in [1, 7, 8, 9, 31, 64] {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 77) }
      var sums: Set<UInt64> = [sum(bytes)]
      for bit in 0..<length * 8 {
        var changed = bytes
        changed[bit / 8] ^= 1 << UInt8(bit % 8)
        sums.insert(sum(changed))
      }
      #expect(sums.count == length * 8 + 1)
    }
  }

  @Test func lengthsAndOrderCount() {
    let zeros = Set((0..<40).map { sum([UInt8](repeating: 0, count: $0)) })
    #expect(zeros.count == 40)
    #expect(
      sum([1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9])
        != sum([0, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8]))
  }
}
