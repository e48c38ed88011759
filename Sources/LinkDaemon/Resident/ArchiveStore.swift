import Dispatch
import LoaderCore
import Synchronization

/// The parsed archives of all programs: what stays resident between links, keyed by content.
///
/// A file counts as unchanged when its stamp (device, inode, size, mtime, ctime in ns) is, unless it was so
/// young when it was read that a second write could have left the same stamp: then it is read again. A
/// build cache path names its content, so the same content is parsed once wherever it lies; any other file
/// is known by its path and stamp (a cold build of a big program brings gigabytes of them: hashing those
/// would cost more than parsing).
package final class ArchiveStore: Sendable {
  private struct Entry: Sendable {
    let stamp: FileStamp
    let key: ContentKey
    /// The file was modified within the clock's grain of being read.
    let isYoung: Bool
  }

  private struct State {
    var files: [String: Entry] = [:]
    var archives: [ContentKey: Archive] = [:]
    /// The link that last used an archive, for dropping old ones.
    var lastUse: [ContentKey: Int] = [:]
    var link = 0
    var parsed = 0
    var reused = 0
  }

  /// A second write within this time after the first may go unnoticed by the stamp.
  private static let grainNanoseconds: Int64 = 2_000_000_000

  private let state = Mutex(State())
  private let hashes: (any NameHashCache)?

  package init(hashes: (any NameHashCache)? = nil) { self.hashes = hashes }

  package struct Counts: Sendable {
    package var parsed = 0
    package var reused = 0
    package var resident = 0
    package var mappedBytes = 0
    package var privateBytes = 0
  }

  package var counts: Counts {
    state.withLock { s in
      var c = Counts(parsed: s.parsed, reused: s.reused, resident: s.archives.count)
      for a in s.archives.values {
        c.mappedBytes += a.file.bytes.count
        for m in a.members {
          if case .object(let o, _, _, _) = m.content { c.privateBytes += o.view.symbolCount * 4 + 512 }
        }
      }
      return c
    }
  }

  package func removeAll() {
    state.withLock { s in
      s.files = [:]
      s.archives = [:]
      s.lastUse = [:]
    }
  }

  /// Drops the archives that none of the last `links` links used.
  package func trim(keeping links: Int) {
    state.withLock { s in
      let old = s.lastUse.filter { $0.value + links < s.link }.map(\.key)
      guard !old.isEmpty else { return }
      for key in old {
        s.archives[key] = nil
        s.lastUse[key] = nil
      }
      s.files = s.files.filter { s.archives[$0.value.key] != nil }
    }
  }

  /// Looks at every file that a link may need, in parallel, reading those that changed.
  package func open(_ paths: [String]) -> ArchiveSet {
    let link = state.withLock { s in
      s.link += 1
      return s.link
    }
    let n = paths.count
    let slots = Mutex([Result<ArchiveSet.File, ArchiveError>?](repeating: nil, count: n))
    let workers = max(1, min(n / 16, 8))
    let next = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      var done: [(Int, Result<ArchiveSet.File, ArchiveError>)] = []
      while true {
        let i = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard i < n else { break }
        done.append((i, self.look(at: paths[i], link: link)))
      }
      slots.withLock { s in for (i, r) in done { s[i] = r } }
    }
    var files: [String: Result<ArchiveSet.File, ArchiveError>] = [:]
    slots.withLock { s in for i in 0..<n { files[paths[i]] = s[i] } }
    return ArchiveSet(files: files)
  }

  private func look(at path: String, link: Int) -> Result<ArchiveSet.File, ArchiveError> {
    let known = state.withLock { s in s.files[path] }
    if let known, !known.isYoung, case .success(let stamp) = FileStamp.of(path: path), stamp == known.stamp,
      let archive = use(known.key, link: link)
    {
      return .success(ArchiveSet.File(archive: archive, key: known.key, stamp: stamp, isNew: false))
    }
    switch MappedFile.open(path) {
    case .failure(let e): return .failure(.cannotOpen(e))
    case .success(let file): return read(file, path: path, link: link)
    }
  }

  private func use(_ key: ContentKey, link: Int) -> Archive? {
    state.withLock { s in
      guard let a = s.archives[key] else { return nil }
      s.lastUse[key] = link
      s.reused += 1
      return a
    }
  }

  private func read(_ file: MappedFile, path: String, link: Int) -> Result<ArchiveSet.File, ArchiveError> {
    let key = ContentKey.named(by: path) ?? ContentKey.identity(path, file.stamp)
    let age = Clock.realtimeNanoseconds() - file.stamp.modifiedNanoseconds
    let entry = Entry(
      stamp: file.stamp, key: key,
      isYoung: ContentKey.named(by: path) == nil && age < Self.grainNanoseconds)
    if let archive = use(key, link: link) {
      state.withLock { s in s.files[path] = entry }
      return .success(ArchiveSet.File(archive: archive, key: key, stamp: file.stamp, isNew: false))
    }
    do throws(LinkFailure) {
      let archive = try Archive(file: file, hashes: hashes?.load(key))
      if let hashes, archive.computedHashes { hashes.store(key, archive) }
      state.withLock { s in
        s.files[path] = entry
        s.archives[key] = archive
        s.lastUse[key] = link
        s.parsed += 1
      }
      return .success(ArchiveSet.File(archive: archive, key: key, stamp: file.stamp, isNew: true))
    } catch {
      return .failure(.failure(error))
    }
  }
}

/// The archives of one link, as they were when it began.
package struct ArchiveSet: ArchiveSource, Sendable {
  package struct File: Sendable {
    package let archive: Archive
    package let key: ContentKey
    package let stamp: FileStamp
    package let isNew: Bool
  }

  let files: [String: Result<File, ArchiveError>]

  package func archive(at path: String) throws(ArchiveError) -> Archive {
    guard let file = files[path] else { throw .cannotOpen(ErrorNumber(ErrorNumber.noSuchFile)) }
    return try file.get().archive
  }

  package func key(of path: String) -> ContentKey? { try? files[path]?.get().key }

  package var newFiles: Int {
    files.values.reduce(0) { $0 + (((try? $1.get())?.isNew ?? false) ? 1 : 0) }
  }

  package var knownFiles: Int { files.count - newFiles }

  /// The first file that is not what it was when the link began.
  package func changedFile() -> String? {
    for (path, file) in files {
      guard let f = try? file.get() else { continue }
      guard case .success(let now) = FileStamp.of(path: path), now == f.stamp else { return path }
    }
    return nil
  }
}

/// Name hashes of archives that were parsed before, from an earlier life of the daemon.
package protocol NameHashCache: Sendable {
  func load(_ key: ContentKey) -> [UInt8]?
  func store(_ key: ContentKey, _ archive: Archive)
}
