import LoaderCore

/// Archives that stay the same as long as their files do not change, as the daemon keeps them; those that a test makes
/// lie in a folder of their own.
package final class KeptArchives: ArchiveSource {
  private let folder: ScratchFolder
  private var known: [String: Archive] = [:]
  /// The archive of each package that was parsed last, by what its file's name begins with.
  private var latest: [Substring: Archive] = [:]
  /// Archives made so far.
  package private(set) var writes = 0
  /// How many archives were of the shape of the one before.
  package private(set) var likenesses = 0

  package init() throws { folder = try ScratchFolder() }

  package func archive(at path: String) throws(ArchiveError) -> Archive {
    if let archive = known[path] { return archive }
    var archive = try Archive.open(path)
    // One that was there before may be much the same.
    let package = path[..<(path.lastIndex(of: "-") ?? path.endIndex)]
    if let last = latest[package], let differences = Self.differences(archive.file, last.file) {
      do throws(LinkFailure) {
        archive = try Archive(file: archive.file, like: last, isLinked: false, differences: differences)
      } catch {
        throw .failure(error)
      }
      likenesses += 1
    }
    known[path] = archive
    latest[package] = archive
    return archive
  }

  /// Where two files may differ, to a few bytes; nil when they have another shape.
  private static func differences(_ file: MappedFile, _ other: MappedFile) -> [Range<Int>]? {
    func sum(_ file: MappedFile) -> ArchiveSum? {
      ArchiveOutline(file.bytes).flatMap { ArchiveSum(file.bytes, $0, pieceBytes: 16) }
    }
    return sum(file).flatMap { mine in sum(other).flatMap { mine.differences(from: $0) } }
  }

  /// Writes a new archive of these members; its path, "" when that fails.
  package func write(_ package_: Int, _ members: [(String, [UInt8])]) -> String {
    writes += 1
    return (try? folder.write("p\(package_)-\(writes).a", ArchiveBuilder.bytes(members))) ?? ""
  }

  /// Loads packages "p1", "p2" … from these files, the main package from the first.
  package func load(_ files: [String]) throws -> LoadedPackages {
    var packageFiles: [String: String] = [:]
    for p in files.indices.dropFirst() { packageFiles["p\(p)"] = files[p] }
    let request = PackageLoader.Request(mainObject: files[0], packageFiles: packageFiles, expectedHeader: nil)
    return try PackageLoader.load(request, from: self)
  }
}
