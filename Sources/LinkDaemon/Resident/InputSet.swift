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
  package func changedFile() -> String? {
    let all = Array(files)
    let found = Mutex<String?>(nil)
    Chunks.run(all.count, grain: 32) { range in
      for (path, file) in all[range] {
        guard let f = try? file.get(), hasChanged(f, at: path) else { continue }
        found.withLock { $0 = path }
        return
      }
    }
    return found.withLock { $0 }
  }

  private func hasChanged(_ f: File, at path: String) -> Bool {
    if f.file.isTorn { return true }
    guard case .success(let now) = FileStamp.of(path: place(of: path)) else { return true }
    if now == f.stamp { return false }
    // The go command renews the times of files in its cache; what their name says stays true.
    return f.named == nil || now.size != f.stamp.size
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
