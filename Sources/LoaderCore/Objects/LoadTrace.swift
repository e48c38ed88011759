/// What -v=2 prints of the loading of packages, line by line (cmd/link/internal/ld: ld.go addlib, addlibpath;
/// lib.go loadlib, loadobjfile).
struct LoadTrace {
  /// What is being read, and so asks for packages: a file with its member, or words.
  var object = "command line"
  /// Whether packages are still loaded because others import them; the runtime, and what only it imports, comes
  /// after that without a word of who asked.
  var isOfImports = true
  /// By library: the `object` that asked for it first.
  private var askers: [String] = []

  /// A package is imported whose object was not read yet.
  func importing(file: String, by importer: String) -> String {
    "addlib: \(object) \(importer) pulls in \(file) isshlib false\n"
  }

  /// A package joins the list.
  ///
  /// - Parameter fingerprint: the one that the importer expects, in hexadecimal.
  mutating func adding(_ library: Library, fingerprint: String) -> String {
    askers.append(object)
    return
      "addlibpath: srcref: \(library.sourceRef) objref: \(object) file: \(library.file) pkg: \(library.path)"
      + " shlib:  fingerprint: \(fingerprint)\n"
  }

  /// The archive of the k-th package is about to be opened.
  func loading(_ library: Library, _ k: Int) -> String {
    let asked = isOfImports ? "autolib: \(library.file) (from \(askers[k]))\n" : ""
    return asked + "ldobj: \(library.file) (\(PackagePath.prefix(library.path)))\n"
  }
}
