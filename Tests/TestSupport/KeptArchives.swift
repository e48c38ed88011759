import LoaderCore

/// Archives that stay the same as long as their files do not change, as the daemon keeps them; those that a test makes
/// lie in a folder of their own.
package final class KeptArchives: ArchiveSource {
  private let folder: ScratchFolder
  private var known: [String: Archive] = [:]
  /// Archives made so far.
  package private(set) var writes = 0

  package init() throws { folder = try ScratchFolder() }

  package func archive(at path: String) throws(ArchiveError) -> Archive {
    if let archive = known[path] { return archive }
    let archive = try Archive.open(path)
    known[path] = archive
    return archive
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
