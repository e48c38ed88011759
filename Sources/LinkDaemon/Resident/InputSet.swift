import LoaderCore
import Synchronization

/// The files of one link, as they were when it began.
package struct InputSet: Sendable {
  package struct File: Sendable {
    package let file: MappedFile
    package let key: ContentKey
    /// What its path says of its contents (`ContentKey.named`).
    let named: ContentKey?
    package let stamp: FileStamp
    /// Parsed by an earlier link; nil for a file that is new.
    let archive: Archive?
    /// The file was modified within the clock's grain of being looked at.
    var isYoung = false
    /// File and archive are another path's, the same but for the build id.
    var isTwin = false

    init(
      file: MappedFile, key: ContentKey, named: ContentKey?, stamp: FileStamp, archive: Archive?,
      isYoung: Bool = false, isTwin: Bool = false
    ) {
      self.file = file
      self.key = key
      self.named = named
      self.stamp = stamp
      self.archive = archive
      self.isYoung = isYoung
      self.isTwin = isTwin
    }

    /// A known archive of the build cache.
    init(named key: ContentKey, _ archive: Archive) {
      self.init(file: archive.file, key: key, named: key, stamp: archive.file.stamp, archive: archive)
    }
  }

  let files: [String: Result<File, ErrorNumber>]
  let directory: String
  /// The number of the link.
  let link: Int

  /// Absolute.
  func place(of path: String) -> String { path.hasPrefix("/") ? path : "\(directory)/\(path)" }

  /// How many are still to be parsed.
  var unknownFiles: Int { files.values.count { (try? $0.get())?.archive == nil } }

  /// Bytes of all files.
  var bytes: Int { files.values.reduce(0) { $0 + ((try? $1.get())?.file.bytes.count ?? 0) } }

  /// The paths that the set was made for.
  var paths: [String] { Array(files.keys) }

  /// A file as it was read; nil when it could not be.
  func mapped(_ path: String) -> MappedFile? { (try? files[path]?.get())?.file }

  /// A file that shrank under its mapping.
  var tornFile: String? { paths.first { mapped($0)?.isTorn ?? false } }

  /// Whether the bytes that the link has read are still there to be read again, wherever the files went.
  var canBeReadAgain: Bool { paths.allSatisfy { mapped($0)?.isAsItWas ?? false } }

  /// A file that is not what it was when the link began.
  package func changedFile() -> String? { InputCheck(self).changedFile() }

  fileprivate func hasChanged(_ f: File, at path: String) -> Bool {
    if f.file.isTorn { return true }
    guard case .success(let now) = FileStamp.of(path: place(of: path)) else { return true }
    if now == f.stamp { return false }
    // The go command renews the times of files in its cache; what their name says stays true.
    return f.named == nil || now.size != f.stamp.size
  }
}

/// Looks whether the files of a link are what they were when it began, in part beside it.
///
/// What a file of the build cache holds is in its name, and no link changes that: whether it is there at all can be asked
/// at any time. The others must be what they were when nobody reads them any more.
final class InputCheck: Sendable {
  private let inputs: InputSet
  private let named: [(path: String, file: InputSet.File)]
  private let others: [(path: String, file: InputSet.File)]
  private let changed = Mutex<String?>(nil)
  private let isBegun = Atomic(false)

  /// Files that are worth a turn.
  private static let grain = 16

  init(_ inputs: InputSet) {
    self.inputs = inputs
    var (named, others): ([(path: String, file: InputSet.File)], [(path: String, file: InputSet.File)]) =
      ([], [])
    for (path, outcome) in inputs.files {
      guard case .success(let file) = outcome else { continue }
      if file.named == nil { others.append((path, file)) } else { named.append((path, file)) }
    }
    (self.named, self.others) = (named, others)
  }

  /// How often `run` is to be called, from 0 on, on any thread before `changedFile` is called; or not at all.
  var turns: Int { (named.count + Self.grain - 1) / Self.grain }

  /// Looks at some files of the build cache.
  func run(_ turn: Int) {
    isBegun.store(true, ordering: .relaxed)
    look(at: named[turn * Self.grain..<min((turn + 1) * Self.grain, named.count)])
  }

  /// Looks at the files that nobody has looked at.
  ///
  /// - Returns: one that is not what it was.
  func changedFile() -> String? {
    if !isBegun.load(ordering: .relaxed) { Chunks.each(turns, run) }
    // What somebody cut short is known only when it is read behind its end, which may be later than it was looked at.
    if let torn = named.first(where: { $0.file.file.isTorn }) { return torn.path }
    Chunks.run(others.count, grain: Self.grain) { look(at: others[$0]) }
    return changed.withLock { $0 }
  }

  private func look(at some: ArraySlice<(path: String, file: InputSet.File)>) {
    for (path, file) in some where inputs.hasChanged(file, at: path) {
      changed.withLock { $0 = path }
      return
    }
  }
}

/// The archives of one link, parsed.
package struct ArchiveSet: ArchiveSource, Sendable {
  let inputs: InputSet
  /// Of files that were not known.
  let archives: [String: Result<Archive, ArchiveError>]
  /// How many of them were parsed for this link.
  package let newFiles: Int
  /// Files of archives that stand for others, the same but for their build ids.
  let twinFiles: [MappedFile]
  /// Of these, those that are to be confirmed before the link counts (`ArchiveStore.confirm`).
  let twins: TwinCheck

  var hasTwins: Bool { !twinFiles.isEmpty }

  package var knownFiles: Int { inputs.files.count - newFiles }

  package func archive(at path: String) throws(ArchiveError) -> Archive {
    switch inputs.files[path] {
    case .success(let file):
      if let archive = file.archive { return archive }
      if let archive = archives[path] { return try archive.get() }
    case .failure(let e): throw .cannotOpen(e)
    case nil: break
    }
    throw .cannotOpen(ErrorNumber(ErrorNumber.noSuchFile))
  }
}

/// Name hashes of archives that were parsed before, from an earlier life of the daemon.
package protocol NameHashCache: Sendable {
  func load(_ key: ContentKey) -> [UInt8]?
  func store(_ key: ContentKey, _ archive: Archive)
}
