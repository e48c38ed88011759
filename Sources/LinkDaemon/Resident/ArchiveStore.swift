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
    /// What its path says of its contents.
    let named: ContentKey?
    /// The file was modified within the clock's grain of being read.
    let isYoung: Bool
    /// The link that found the archive to be another file's, the same but for its build id (`ArchiveTwin`).
    var twinSince: Int?

    var isTwin: Bool { twinSince != nil }
  }

  private struct State {
    var files: [String: Entry] = [:]
    var archives: [ContentKey: Archive] = [:]
    /// Archives by what their twins have in common (`ArchiveTwin`).
    var twins: [ContentKey: ContentKey] = [:]
    /// The archives that stand for files of the build cache: the same, but maybe for their build ids. A first build links
    /// what it has just compiled, and the next one the same from the cache.
    var standing: [ContentKey: ContentKey] = [:]
    /// What was read of archives that others were compared with.
    var sums: [ContentKey: ArchiveSum] = [:]
    /// The archives of a package (`read`) that were parsed last, newest first.
    var latest: [String: [ContentKey]] = [:]
    /// Hashes of what archives outside the build cache hold, as far as they were asked for.
    var contents: [ContentKey: ContentKey] = [:]
    /// Archives in the build cache whose name hashes are not stored yet.
    var unstored: [ContentKey] = []
    /// The link that last used an archive, for dropping old ones.
    var lastUse: [ContentKey: Int] = [:]
    var link = 0

    /// A file of the build cache whose archive is known, or one that stands for it. Its name says all there is to know,
    /// but that it is there, and of the other whether it is what it was: who links asks that in the end (`InputCheck`, `ResidentEngine.put`).
    mutating func inCache(_ named: ContentKey, twins: Bool) -> InputSet.File? {
      if let archive = use(named, link: link) { return InputSet.File(named: named, archive) }
      guard twins, let key = standing[named], let archive = use(key, link: link) else { return nil }
      return InputSet.File(
        file: archive.file, key: key, named: named, stamp: archive.file.stamp, archive: archive, isTwin: true)
    }

    mutating func use(_ key: ContentKey, link: Int) -> Archive? {
      // A file that shrank under its mapping is of no use to anybody any more.
      guard let archive = archives[key], !archive.file.isTorn else { return nil }
      lastUse[key] = link
      return archive
    }
  }

  /// Bytes that are hashed one file after the other, to see whether it is of use, before all others are at once.
  private static let mostTried = 1 << 20

  /// So many versions of a package's archive are looked at for one that a new one is like.
  private static let latestPerPackage = 4

  /// A second write within this time after the first may go unnoticed by the stamp.
  private static let grainNanoseconds: Int64 = 2_000_000_000

  private let state = Mutex(State())
  private let hashes: (any NameHashCache)?

  package init(hashes: (any NameHashCache)? = nil) { self.hashes = hashes }

  package struct Counts: Sendable {
    package var resident = 0
    /// Bytes of memory besides the mapped ones.
    package var privateBytes = 0
  }

  package var counts: Counts {
    state.withLock { s in
      var c = Counts(resident: s.archives.count)
      for a in s.archives.values { c.privateBytes += a.objects.reduce(0) { $0 + $1.privateBytes } }
      return c
    }
  }

  package func removeAll() {
    state.withLock { s in
      s.files = [:]
      s.archives = [:]
      s.lastUse = [:]
      s.twins = [:]
      s.standing = [:]
      s.sums = [:]
      s.latest = [:]
      s.contents = [:]
      s.unstored = []
    }
  }

  /// Stores what parsing has computed since it was last asked to.
  ///
  /// - Parameter isWanted: asked again and again; false leaves the rest for the next time.
  func storeHashes(while isWanted: () -> Bool) {
    while isWanted(), let key = state.withLock({ $0.unstored.popLast() }) {
      if let archive = state.withLock({ $0.archives[key] }) { hashes?.store(key, archive) }
    }
  }

  /// Drops the archives that none of the last links used, now and then.
  ///
  /// - Parameters:
  ///   - links: how many of them count.
  ///   - held: asks for the files whose archives stay, as somebody has them anyway.
  package func trim(keeping links: Int, held: () -> Set<ObjectIdentifier>) {
    let isTime = state.withLock { s in
      s.link % 64 == 0
        && (s.lastUse.values.contains { $0 + links < s.link } || s.files.count > 4 * s.archives.count + 1024)
    }
    guard isTime else { return }
    let held = held()
    state.withLock { s in
      for (key, use) in s.lastUse where use + links < s.link {
        if let archive = s.archives[key], held.contains(ObjectIdentifier(archive.file)) { continue }
        s.archives[key] = nil
        s.lastUse[key] = nil
      }
      s.unstored.removeAll { s.archives[$0] == nil }
      // Of twins the paths are left that nobody will ask for again: each build has a work folder of its own.
      s.files = s.files.filter {
        s.archives[$0.value.key] != nil && ($0.value.twinSince ?? s.link) + links >= s.link
      }
      s.twins = s.twins.filter { s.archives[$0.value] != nil }
      s.standing = s.standing.filter { s.archives[$0.value] != nil }
      s.sums = s.sums.filter { s.archives[$0.key] != nil }
      s.latest = s.latest.mapValues { $0.filter { s.archives[$0] != nil } }.filter { !$0.value.isEmpty }
      s.contents = s.contents.filter { s.archives[$0.key] != nil }
    }
  }

  /// Looks at every file that a link may need, in parallel, and maps those that are not known.
  ///
  /// - Parameters:
  ///   - directory: where relative paths start; the set knows files by the paths as given.
  ///   - twins: as for `read`.
  package func look(at paths: [String], from directory: String = "/", twins: Bool = true) -> InputSet {
    let names = paths.map(ContentKey.named)
    var known = [InputSet.File?](repeating: nil, count: paths.count)
    // Mostly all but a few are known archives of the build cache: not worth another core, nor a lock for each.
    let link = state.withLock { s in
      s.link += 1
      for (k, name) in names.enumerated() {
        if let name { known[k] = s.inCache(name, twins: twins) }
      }
      return s.link
    }
    let others = paths.indices.filter { known[$0] == nil }
    let found = Self.concurrentMap(others.count, grain: 4) { i in
      let path = paths[others[i]]
      return self.look(at: path.hasPrefix("/") ? path : "\(directory)/\(path)", link: link, twins: twins)
    }
    var files: [String: Result<InputSet.File, ErrorNumber>] = [:]
    files.reserveCapacity(paths.count)
    for (k, file) in known.enumerated() where file != nil { files[paths[k]] = file.map { .success($0) } }
    for (k, file) in zip(others, found) { files[paths[k]] = file }
    return InputSet(files: files, directory: directory, link: link)
  }

  /// Parses those of the files that are not known, in parallel.
  ///
  /// - Parameters:
  ///   - packages: which package a path is the archive of, as far as that is known.
  ///   - known: what parsing computed in an earlier life.
  ///   - twins: whether an archive may stand for another one that is the same but for its build id. Its file's path is
  ///     then the other's, which messages would show. Where only the ids say so yet, `ArchiveSet.twins` is still to be
  ///     confirmed.
  func read(
    _ inputs: InputSet, packages: @autoclosure () -> [String: String] = [:], known: DormantArchives? = nil,
    twins: Bool = true
  ) -> ArchiveSet {
    var unknown: [(path: String, file: InputSet.File)] = []
    var twinFiles: [MappedFile] = []
    for (path, file) in inputs.files {
      guard case .success(let f) = file else { continue }
      if f.archive == nil { unknown.append((path, f)) }
      if f.isTwin { twinFiles.append(f.file) }
    }
    let packages = unknown.isEmpty ? [:] : packages()
    // The largest first: the last one to be begun should not keep the others waiting.
    unknown.sort { $0.file.file.bytes.count > $1.file.file.bytes.count }
    let read = Self.concurrentMap(unknown.count, grain: 1) { [unknown] i in
      self.read(
        unknown[i].file, path: inputs.place(of: unknown[i].path), package: packages[unknown[i].path],
        link: inputs.link, known, twins)
    }
    var archives: [String: Result<Archive, ArchiveError>] = [:]
    var unconfirmed: [Twin] = []
    var newFiles = unknown.count
    for (u, outcome) in zip(unknown, read) {
      switch outcome {
      case .parsed(let archive): archives[u.path] = archive
      case .twin(let twin, let isTrusted):
        archives[u.path] = .success(twin.archive)
        twinFiles.append(twin.archive.file)
        newFiles -= 1
        if !isTrusted { unconfirmed.append(twin) }
      }
    }
    return ArchiveSet(
      inputs: inputs, archives: archives, newFiles: newFiles, twinFiles: twinFiles,
      twins: TwinCheck(unconfirmed, isTwin: isTwin))
  }

  /// The hashes of some files' contents, in their order: in its name for the build cache's, computed for others.
  ///
  /// - Parameters:
  ///   - limit: bytes to be hashed at most.
  ///   - isUrgent: whether it is done on all cores, or on the caller's thread alone.
  ///   - isOfUse: asked of the hashes of the smallest files that have none yet, before the others are hashed.
  /// - Returns: the hashes, and those of files that the build cache does not name; nil when there is too much to hash,
  ///   it is of no use, or a file could not be read.
  func contentKeys(
    of paths: [String], in inputs: InputSet, limit: Int, isUrgent: Bool, isOfUse: (ContentKey) -> Bool
  ) -> (all: [ContentKey], unnamed: Set<ContentKey>)? {
    var files: [InputSet.File] = []
    var keys: [ContentKey?] = []
    var unnamed: [Int] = []
    for path in paths {
      // A name is no content: a file that is gone must not be answered for.
      guard let file = try? inputs.files[path]?.get() else { return nil }
      files.append(file)
      if file.named == nil { unnamed.append(keys.count) }
      keys.append(file.named ?? knownContent(of: file))
    }
    func size(_ k: Int) -> Int { files[k].file.bytes.count }
    var missing = unnamed.filter { keys[$0] == nil }
    guard missing.reduce(0, { $0 + size($1) }) <= limit else { return nil }
    // Some may be what they were when another is not: a package that was imported before is compiled again.
    missing.sort { size($0) > size($1) }
    var tried = 0
    while let next = missing.last, tried == 0 || tried + size(next) <= Self.mostTried {
      let hash = ContentKey.hashing(files[next].file.bytes)
      note(hash, of: files[next])
      guard isOfUse(hash) else { return nil }
      keys[next] = hash
      tried += size(next)
      missing.removeLast()
    }
    let hashing: @Sendable (Int) -> ContentKey = { [files, missing] in
      ContentKey.hashing(files[missing[$0]].file.bytes)
    }
    let hashes =
      isUrgent
      ? Self.concurrentMap(missing.count, grain: 1, hashing) : missing.indices.map(hashing)
    for (k, hash) in zip(missing, hashes) {
      keys[k] = hash
      note(hash, of: files[k])
    }
    return (keys.compactMap { $0 }, Set(unnamed.compactMap { keys[$0] }))
  }

  private func note(_ hash: ContentKey, of file: InputSet.File) {
    guard !file.isYoung else { return }
    state.withLock { s in
      s.contents[file.key] = hash
      s.standing[hash] = file.key
    }
  }

  /// The hash of a file that an earlier link asked for, if its stamp tells that it is the same.
  private func knownContent(of file: InputSet.File) -> ContentKey? {
    file.archive == nil ? nil : state.withLock { $0.contents[file.key] }
  }

  /// What `body` gives for 0 up to `n`, from several threads.
  ///
  /// - Parameter grain: how many are worth a thread.
  private static func concurrentMap<T: Sendable>(
    _ n: Int, grain: Int, _ body: @Sendable (Int) -> T
  ) -> [T] {
    let slots = Mutex([T?](repeating: nil, count: n))
    let next = Atomic(0)
    Chunks.each(max(1, min(n / grain, 8))) { _ in
      var done: [(Int, T)] = []
      while true {
        let i = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard i < n else { break }
        done.append((i, body(i)))
      }
      slots.withLock { s in for (i, r) in done { s[i] = r } }
    }
    return slots.withLock { $0.compactMap { $0 } }
  }

  private func look(at path: String, link: Int, twins: Bool) -> Result<InputSet.File, ErrorNumber> {
    let known = state.withLock { s in s.files[path] }
    if let known, !known.isYoung, case .success(let stamp) = FileStamp.of(path: path), stamp == known.stamp,
      !known.isTwin || twins, let archive = use(known.key, link: link),
      !known.isTwin || archive.file.isAsItWas
    {
      return .success(
        InputSet.File(
          file: archive.file, key: known.key, named: known.named, stamp: stamp, archive: archive,
          isTwin: known.isTwin))
    }
    switch MappedFile.open(path) {
    case .failure(let e): return .failure(e)
    case .success(let file): return .success(look(at: file, path: path, link: link, twins: twins))
    }
  }

  private func look(at file: MappedFile, path: String, link: Int, twins: Bool) -> InputSet.File {
    let named = ContentKey.named(by: path)
    let key = named ?? ContentKey.identity(path, file.stamp)
    // A young file may have been written again within its stamp: only a name tells that it was not.
    let age = Clock.realtimeNanoseconds() - file.stamp.modifiedNanoseconds
    return InputSet.File(
      file: file, key: key, named: named, stamp: file.stamp, archive: nil,
      isYoung: named == nil && age < Self.grainNanoseconds)
  }

  private func use(_ key: ContentKey, link: Int) -> Archive? { state.withLock { $0.use(key, link: link) } }

  // MARK: twins

  /// A file, and the known archive that is said to be the same but for the build id.
  struct Twin: Sendable {
    /// Absolute.
    let path: String
    let file: InputSet.File
    let key: ContentKey
    let archive: Archive
  }

  private func twin(
    of file: InputSet.File, _ twinKey: ContentKey, path: String, link: Int
  ) -> (twin: Twin, isTrusted: Bool)? {
    guard let key = state.withLock({ $0.twins[twinKey] }), let archive = use(key, link: link),
      !archive.file.mayBeOverwritten
    else { return nil }
    let twin = Twin(path: path, file: file, key: key, archive: archive)
    // Of what lies in the build cache the names are trusted, and so is what the go command wrote into it.
    let isTrusted = file.named != nil && ContentKey.named(by: archive.file.path) != nil
    if isTrusted { note([twin]) }
    return (twin, isTrusted)
  }

  private func note(_ twins: [Twin]) {
    state.withLock { s in
      for t in twins {
        s.files[t.path] = Entry(
          stamp: t.file.stamp, key: t.key, named: t.file.named, isYoung: t.file.isYoung, twinSince: s.link)
        if let named = t.file.named { s.standing[named] = t.key }
      }
    }
  }

  /// Whether the archives of a link that stand for others may: until then only their build ids say so.
  func confirm(_ check: TwinCheck) -> Bool {
    guard check.areTwins() else { return false }
    note(check.twins)
    return true
  }

  private func isTwin(_ twin: Twin) -> Bool {
    let bytes = twin.file.file.bytes
    guard let outline = ArchiveOutline(bytes), let known = sum(of: twin.archive, twin.key),
      let sum = ArchiveSum(bytes, outline)
    else { return false }
    return sum.isTwin(of: known) && !twin.archive.file.mayBeOverwritten && !twin.file.file.isTorn
  }

  /// Read once as long as the archive is known.
  private func sum(of archive: Archive, _ key: ContentKey) -> ArchiveSum? {
    if let known = state.withLock({ $0.sums[key] }) { return known }
    guard let outline = ArchiveOutline(archive.file.bytes), let sum = ArchiveSum(archive.file.bytes, outline)
    else { return nil }
    // What was read must be what was parsed.
    guard !archive.file.mayBeOverwritten else { return nil }
    state.withLock { s in if s.archives[key] != nil { s.sums[key] = sum } }
    return sum
  }

  /// A known archive of a package that a new file of it is like.
  private struct Alike {
    let archive: Archive
    /// Whether a link reads both alike.
    let isLinked: Bool
    /// Where they may differ.
    let differences: [Range<Int>]?
    /// The new file's.
    let sum: ArchiveSum?
  }

  private func alike(_ file: MappedFile, package: String) -> Alike? {
    var mine: ArchiveSum?
    var similar: Alike?
    guard let outline = ArchiveOutline(file.bytes) else { return nil }
    for key in state.withLock({ $0.latest[package] ?? [] }) {
      guard let archive = state.withLock({ $0.archives[key] }),
        let other = ArchiveOutline(archive.file.bytes), outline.isShaped(like: other),
        let known = sum(of: archive, key), let sum = mine ?? ArchiveSum(file.bytes, outline)
      else { continue }
      mine = sum
      let isLinked = sum.isLinked(like: known)
      // Whether it is what it was is asked of the system: of as few as possible.
      guard isLinked || similar == nil, !archive.file.mayBeOverwritten else { continue }
      if isLinked { return Alike(archive: archive, isLinked: true, differences: nil, sum: sum) }
      similar = Alike(
        archive: archive, isLinked: false, differences: sum.differences(from: known), sum: sum)
    }
    return similar
  }

  /// Forgets which files have twins: they are parsed by themselves when they are next looked at.
  func forgetTwins() {
    state.withLock { s in
      s.files = s.files.filter { !$0.value.isTwin }
      s.twins = [:]
      s.standing = [:]
    }
  }

  /// Forgets what was found to contradict itself: it is parsed again when it is next asked for.
  func forgetCorrupt() {
    state.withLock { s in
      for (key, archive) in s.archives where archive.objects.contains(where: \.isCorrupt) {
        s.archives[key] = nil
        s.sums[key] = nil
      }
    }
  }

  private enum Reading {
    case parsed(Result<Archive, ArchiveError>)
    case twin(Twin, isTrusted: Bool)
  }

  private func read(
    _ file: InputSet.File, path: String, package: String?, link: Int, _ known: DormantArchives?,
    _ twins: Bool
  ) -> Reading {
    let twinKey = ArchiveTwin(file.file.bytes)?.key(file.file.bytes)
    if twins, let twinKey, let found = twin(of: file, twinKey, path: path, link: link) {
      return .twin(found.twin, isTrusted: found.isTrusted)
    }
    do throws(LinkFailure) {
      // Only what the build cache names can be met again after a restart.
      let cache = file.named == nil ? nil : hashes
      let tables = known?.tables(file.key) ?? []
      let like = tables.isEmpty ? package.flatMap { alike(file.file, package: $0) } : nil
      let archive =
        if let like {
          try Archive(
            file: file.file, like: like.archive, isLinked: like.isLinked, differences: like.differences)
        } else {
          try Archive(
            file: file.file, hashes: tables.isEmpty ? cache?.load(file.key) : nil, tables: tables)
        }
      state.withLock { s in
        if cache != nil, archive.computedHashes { s.unstored.append(file.key) }
        s.sums[file.key] = like?.sum
        if let package {
          let others = s.latest[package, default: []].filter { $0 != file.key }
          s.latest[package] = [file.key] + others.prefix(Self.latestPerPackage - 1)
        }
        s.files[path] = Entry(
          stamp: file.stamp, key: file.key, named: file.named, isYoung: file.isYoung)
        s.archives[file.key] = archive
        s.lastUse[file.key] = link
        if let twinKey { s.twins[twinKey] = file.key }
      }
      return .parsed(.success(archive))
    } catch {
      return .parsed(.failure(.failure(error)))
    }
  }
}
