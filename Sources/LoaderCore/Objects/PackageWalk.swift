/// What loading a program's packages came to, and from which archives: after an edit, loading comes to the same with
/// some objects exchanged.
///
/// Which packages there are, and in which order, is decided by whom objects import (`PackageLoader`). As long as no
/// object imports others than it did, only what is said of the exchanged ones is looked at: that their headers are the
/// linker's, and that fingerprints agree. Whatever is not as plain as that is walked anew, which finds the words for it.
package struct PackageWalk: Sendable {
  package let packages: LoadedPackages
  /// By library; none when the walk cannot be repeated.
  private let archives: [Archive]
  private let expectedHeader: String?

  init(_ packages: LoadedPackages, _ request: PackageLoader.Request, _ archives: [Archive]) {
    self.packages = packages
    expectedHeader = request.expectedHeader
    let isPlain =
      packages.printed.isEmpty && packages.errorCount == 0
      && packages.libraries.indices.allSatisfy { Self.agrees($0, packages.libraries, packages.objects) }
    self.archives = isPlain ? archives : []
  }

  private init(_ packages: LoadedPackages, _ archives: [Archive], _ expectedHeader: String?) {
    self.packages = packages
    self.archives = archives
    self.expectedHeader = expectedHeader
  }

  /// Loads the closure of a request.
  ///
  /// - Returns: nil when it has to be walked.
  package func repeated(_ request: PackageLoader.Request, from source: any ArchiveSource) -> PackageWalk? {
    guard !archives.isEmpty, !request.trace, !request.ignorePackageData,
      request.expectedHeader == expectedHeader
    else { return nil }
    var (libraries, archives) = (packages.libraries, archives)
    var exchanged: [Int] = []
    for k in libraries.indices {
      let file = k == 0 ? request.mainObject : request.packageFiles[libraries[k].path] ?? ""
      guard !file.isEmpty, let archive = try? source.archive(at: file) else { return nil }
      if libraries[k].file != file { libraries[k].file = file }
      if archive.isParsed(as: archives[k]) { continue }
      guard archive.isWalked(like: archives[k], expectedHeader: expectedHeader) else { return nil }
      archives[k] = archive
      exchanged.append(k)
    }
    guard let objects = exchange(exchanged, archives, &libraries) else { return nil }
    let packages = LoadedPackages(
      libraries: libraries, objects: objects, libraryOfObject: packages.libraryOfObject, printed: Printed(),
      errorCount: 0, exports: packages.exports)
    return PackageWalk(packages, archives, expectedHeader)
  }

  /// All objects, with those of some libraries exchanged.
  ///
  /// - Returns: nil when fingerprints do not agree.
  private func exchange(
    _ exchanged: [Int], _ archives: [Archive], _ libraries: inout [Library]
  ) -> [GoObject]? {
    var objects = packages.objects
    var isRenewed = [Bool](repeating: false, count: libraries.count)
    for k in exchanged {
      for (id, object) in zip(libraries[k].objects, archives[k].objects) {
        objects[Int(id) - 2] = object
        // Assembly objects have none, and neither had the one before.
        guard object.fingerprint != 0, object.fingerprint != libraries[k].fingerprint else { continue }
        guard !isRenewed[k] else { return nil }
        libraries[k].fingerprint = object.fingerprint
        isRenewed[k] = true
      }
    }
    let isExchanged = Set(exchanged)
    let isAnyRenewed = isRenewed.contains(true)
    for k in libraries.indices {
      if isExchanged.contains(k) {
        guard Self.agrees(k, libraries, objects) else { return nil }
      } else if isAnyRenewed, libraries[k].imports.contains(where: { isRenewed[$0] }) {
        return nil
      }
    }
    return objects
  }

  /// Whether a library has one fingerprint, and expects those that its imports have: then no order in which these are
  /// met finds a mismatch (ld/lib.go checkFingerprint). One that expects nothing may be told from others by the order.
  private static func agrees(_ k: Int, _ libraries: [Library], _ objects: [GoObject]) -> Bool {
    var imports = libraries[k].imports[...]
    for id in libraries[k].objects {
      let object = objects[Int(id) - 2]
      guard object.fingerprint == 0 || object.fingerprint == libraries[k].fingerprint else { return false }
      for i in object.imports {
        guard let imported = imports.popFirst(), libraries[imported].fingerprint == i.fingerprint else {
          return false
        }
      }
    }
    return true
  }
}

extension Archive {
  /// Whether both are one archive that was parsed once.
  fileprivate func isParsed(as other: Archive) -> Bool {
    members.withUnsafeBufferPointer { a in
      other.members.withUnsafeBufferPointer { b in a.baseAddress == b.baseAddress && a.count == b.count }
    }
  }

  /// Whether loading packages finds the same in both archives, but for fingerprints, and nothing to complain of.
  fileprivate func isWalked(like other: Archive, expectedHeader: String?) -> Bool {
    members.count == other.members.count
      && zip(members, other.members).allSatisfy { now, was in
        guard case .object(let object, let header, let isMain, cgo: .none) = now.content,
          case .object(let old, _, let wasMain, cgo: .none) = was.content
        else { return false }
        return (expectedHeader == nil || header == expectedHeader) && isMain == wasMain
          && !object.view.isUnlinkable && (object.fingerprint == 0) == (old.fingerprint == 0)
          && object.imports.count == old.imports.count
          && zip(object.imports, old.imports).allSatisfy { $0.path == $1.path }
      }
  }
}
