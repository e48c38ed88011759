/// The closure of packages of a program, in the real linker's load order.
///
/// Order (cmd/link/internal/ld: main.go addlibpath, lib.go loadlib, link.go addImports): the main object
/// first; each object's imports in object order, breadth first; then "runtime" if nobody imported it, and
/// what it imports.
package struct LoadedPackages: Sendable {
  package let libraries: [Library]
  /// In load order.
  package let objects: [GoObject]
  /// Index into `libraries`, by object.
  package let libraryOfObject: [UInt32]
  /// What the real linker prints while loading.
  package let printed: Printed
  /// How many errors among that did not stop the loading.
  package let errorCount: Int
  /// Symbols named by cgo exports, with their versions.
  let exports: [(name: String, version: Int32)]
}

extension LoadedPackages {
  /// The same packages, of other objects.
  init(_ packages: LoadedPackages, objects: [GoObject]) {
    self.init(
      libraries: packages.libraries, objects: objects, libraryOfObject: packages.libraryOfObject,
      printed: Printed(), errorCount: 0, exports: packages.exports)
  }
}

/// One package of a program.
package struct Library: Sendable {
  package let path: String
  package internal(set) var file: String
  /// The package that asked for it first.
  let sourceRef: String
  var fingerprint: UInt64
  package fileprivate(set) var isMain = false
  /// Indices into `LoadedPackages.libraries`, in import order.
  package fileprivate(set) var imports: [Int] = []
  /// ObjectID.raw of its objects.
  package fileprivate(set) var objects: [UInt32] = []
}

/// Where archives come from: the daemon keeps them parsed, a test reads them.
package protocol ArchiveSource {
  func archive(at path: String) throws(ArchiveError) -> Archive
}

package struct PackageLoader {
  package struct Request: Sendable {
    package var mainObject: String
    /// Package path -> archive file, from -importcfg.
    package var packageFiles: [String: String]
    /// The first line every object must start with, "\n" included; nil skips the check (-f).
    package var expectedHeader: String?
    /// -e: do not stop at the 21st error.
    package var allErrors = false
    /// -g: packages are not asked whether they are main, and so none is (ld/go.go ldpkg).
    package var ignorePackageData = false
    /// -v=2: tell what is loaded, and why.
    package var trace = false
    /// The import path of package main, which objects do not say; nil when its file is not among the others'.
    package var mainPath: String? { packageFiles.filter { $0.value == mainObject }.keys.min() }

    /// Which package a file is the archive of; package main's too, when it has an import path.
    package var packagesByFile: [String: String] {
      Dictionary(packageFiles.map { ($0.value, $0.key) }, uniquingKeysWith: min)
    }

    package init(mainObject: String, packageFiles: [String: String], expectedHeader: String?) {
      self.mainObject = mainObject
      self.packageFiles = packageFiles
      self.expectedHeader = expectedHeader
    }
  }

  private let request: Request
  private let source: any ArchiveSource
  private var libraries: [Library] = []
  private var byPath: [String: Int] = [:]
  private var objects: [GoObject] = []
  private var libraryOfObject: [UInt32] = []
  /// By library.
  private var archives: [Archive] = []
  private var printed = Printed()
  private var exports: [(name: String, version: Int32)] = []
  private var errorCount = 0
  private var trace: LoadTrace?

  /// Loads the closure.
  ///
  /// - Throws: `LinkFailure` in the real linker's words; `.unsupported` for host objects and cgo.
  package static func load(_ request: Request, from source: any ArchiveSource) throws(LinkFailure)
    -> LoadedPackages
  {
    try walk(request, from: source).packages
  }

  /// Loads the closure.
  ///
  /// - Parameter last: what an earlier load came to: mostly all but some archives is as it was.
  package static func walk(
    _ request: Request, from source: any ArchiveSource, last: PackageWalk? = nil
  ) throws(LinkFailure) -> PackageWalk {
    if let again = last?.repeated(request, from: source) { return again }
    var loader = PackageLoader(request: request, source: source)
    do throws(LinkFailure) {
      try loader.run()
    } catch {
      throw error.after(loader.printed)
    }
    let packages = LoadedPackages(
      libraries: loader.libraries, objects: loader.objects, libraryOfObject: loader.libraryOfObject,
      printed: loader.printed, errorCount: loader.errorCount, exports: loader.exports)
    return PackageWalk(packages, request, loader.archives)
  }

  private mutating func report(_ error: String) throws(LinkFailure) {
    printed.err(error + "\n")
    errorCount += 1
    if errorCount > 20, !request.allErrors { throw .exit(message: "too many errors") }
  }

  private init(request: Request, source: any ArchiveSource) {
    self.request = request
    self.source = source
    trace = request.trace ? LoadTrace() : nil
  }

  private mutating func run() throws(LinkFailure) {
    _ = add(path: "main", file: request.mainObject, from: "command line", fingerprint: 0)
    var next = 0
    while next < libraries.count {
      try loadLibrary(next)
      next += 1
    }
    trace?.isOfImports = false
    trace?.object = "internal"
    if let file = request.packageFiles["runtime"] {
      _ = add(path: "runtime", file: file, from: "internal", fingerprint: 0)
    } else {
      printed.out("loadinternal: cannot find runtime\n")
    }
    while next < libraries.count {
      try loadLibrary(next)
      next += 1
    }
  }

  private mutating func add(path: String, file: String, from: String, fingerprint: UInt64) -> Int {
    if let known = byPath[path] { return known }
    byPath[path] = libraries.count
    let library = Library(path: path, file: file, sourceRef: from, fingerprint: fingerprint)
    libraries.append(library)
    if let line = trace?.adding(library, fingerprint: Self.hex(fingerprint)) { printed.out(line) }
    return libraries.count - 1
  }

  private mutating func loadLibrary(_ k: Int) throws(LinkFailure) {
    let file = libraries[k].file
    if let lines = trace?.loading(libraries[k], k) { printed.out(lines) }
    let archive: Archive
    do throws(ArchiveError) {
      archive = try source.archive(at: file)
    } catch {
      switch error {
      case .cannotOpen(let e):
        throw .exit(message: "cannot open file \(file): open \(file): \(e.text)")
      case .failure(let f): throw f
      }
    }
    archives.append(archive)
    for member in archive.members { try loadMember(member, of: k) }
    if libraries[k].path == "main", !libraries[k].isMain || request.ignorePackageData {
      throw .exit(message: "\(file): not package main")
    }
  }

  private mutating func loadMember(_ member: Archive.Member, of k: Int) throws(LinkFailure) {
    switch member.content {
    case .linkModeFlag(let f): throw .unsupported(reason: "archive member \(f)")
    case .foreign(let format):
      if format == Archive.unrecognized, member.isExpectedToBeGo {
        // Real linker: external linking, which cannot make up for a package without an object.
        if libraries[k].path == "main", member.name.isEmpty { return }
        throw .corrupt(file: libraries[k].file + member.name, detail: "neither an archive nor a Go object")
      }
      throw .unsupported(reason: "host object (\(format)) in \(libraries[k].file)\(member.name)")
    case .error(let message): try report(message)
    case .object(let object, let header, let isMain, let cgo):
      if let want = request.expectedHeader, header != want {
        try report(
          "\(libraries[k].file)\(member.name): linked object header mismatch:\nhave \(quoted(header))"
            + "\nwant \(quoted(want))\n")
      }
      trace?.object = "\(libraries[k].file)\(member.name)"
      if isMain { libraries[k].isMain = true }
      try note(cgo, of: libraries[k].path)
      try addObject(object, to: k)
    }
  }

  /// Exports concern host objects and dynamic symbol tables; an executable without either only makes sure
  /// that the symbol exists (ld/go.go setCgoAttr). Anything else is a cgo link.
  private mutating func note(_ cgo: Archive.Cgo, of package_: String) throws(LinkFailure) {
    switch cgo {
    case .none: return
    case .unreadable: throw .unsupported(reason: "cgo directives in \(package_)")
    case .directives(let d):
      for words in d.directives {
        guard words.first == "cgo_export_static", words.count >= 2, words.count <= 4,
          words.count < 3 || words[2] == words[1]
        else { throw .unsupported(reason: "cgo directive \(words.first ?? "") in \(package_)") }
        exports.append((words[1], words.count == 4 && words[3] == "ABIInternal" ? 1 : 0))
      }
    }
  }

  private mutating func addObject(_ object: GoObject, to k: Int) throws(LinkFailure) {
    if object.view.isUnlinkable {
      throw .fatal(
        "link: unlinkable object (from package \(libraries[k].path)) - compiler requires -p flag")
    }
    libraries[k].objects.append(UInt32(objects.count + 2))
    objects.append(object)
    libraryOfObject.append(UInt32(k))
    // Assembly objects have no fingerprint.
    if object.fingerprint != 0 {
      if libraries[k].fingerprint == 0 { libraries[k].fingerprint = object.fingerprint }
      try checkFingerprint(k, object.fingerprint, libraries[k].sourceRef, libraries[k].fingerprint)
    }
    for i in object.imports { try addImport(i, to: k) }
  }

  private mutating func addImport(_ i: GoObject.Import, to k: Int) throws(LinkFailure) {
    let path = i.path
    if let known = byPath[path], libraries[known].fingerprint != 0 {
      if libraries[known].fingerprint != i.fingerprint {
        let importer = PackagePath.prefix(libraries[k].path)
        try checkFingerprint(known, libraries[known].fingerprint, importer, i.fingerprint)
      }
      libraries[k].imports.append(known)
      return
    }
    let importer = PackagePath.prefix(libraries[k].path)
    let file = request.packageFiles[path] ?? ""
    if file.isEmpty { printed.out("cannot find package \(path) (using -importcfg)\n") }
    if let line = trace?.importing(file: file, by: importer) { printed.out(line) }
    libraries[k].imports.append(
      add(path: path, file: file, from: importer, fingerprint: i.fingerprint))
  }

  private func checkFingerprint(
    _ k: Int, _ have: UInt64, _ from: String, _ want: UInt64
  ) throws(LinkFailure) {
    guard have != want else { return }
    throw .exit(
      message: "fingerprint mismatch: \(libraries[k].path) has \(Self.hex(have)), import from \(from)"
        + " expecting \(Self.hex(want))")
  }

  private static func hex(_ fingerprint: UInt64) -> String {
    let digits = String(fingerprint.byteSwapped, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private func quoted(_ text: String) -> String {
    var text = text
    return text.withUTF8 { goQuoted(ByteView(UnsafeRawPointer($0.baseAddress), $0.count)) }
  }
}
