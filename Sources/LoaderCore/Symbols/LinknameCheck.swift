/// Whether a package may refer to a symbol by name (`//go:linkname`, or from assembly): loader.go
/// checkLinkname.
struct LinknameCheck {
  let index: SymbolIndex
  let blocked: [String: [String]]

  /// - Throws: the real linker's "invalid reference" when the definition does not allow it.
  func reference(from object: ObjectID, name: ByteView, to s: SymbolID) throws(LinkFailure) {
    let package_ = index.library(of: object).path
    let text = name.string
    if let allowed = blocked[text] {
      if allowed.contains(package_) || allowed.contains(unversioned(package_)) { return }
      throw refusal(package_, text)
    }
    let r = index.reader
    let place = r.place(s)
    guard place.object > 1 else { return }
    let definer = index.loaded[Int(place.object)]
    guard definer.view.isStd, index.libraries[Int(definer.library)].path != package_ else { return }
    var flags = definer.view.symbolFlags(place.local)
    if definer.view.isFromAssembly, flags.isDisjoint(with: [.linkname, .linknameStd]) {
      // Pushed by its name, or not a Go symbol at all: allowed.
      if text.hasPrefix(package_) || !name.contains(0x2e) { return }
      // Else the Go declaration decides: the wrapper of the other ABI carries its linkname.
      let other: Int32 = 1 - r.version(s)
      let wrapper = index.lookup(name, version: other)
      if !wrapper.isNone { flags = r.flags(wrapper) }
    }
    let referrer = index.loaded[object.index].view
    if flags.contains(.linknameStd), referrer.isStd { return }
    if flags.contains(.linkname) { return }
    throw refusal(package_, text)
  }

  private func refusal(_ package_: String, _ name: String) -> LinkFailure {
    .fatal("\(package_): invalid reference to \(name)")
  }

  /// A frozen copy of the FIPS module counts as the module: crypto/internal/fips140/v1.0.0/x is
  /// crypto/internal/fips140/x.
  private func unversioned(_ path: String) -> String {
    guard path.hasPrefix("crypto/internal/fips140/v") else { return path }
    var parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count > 3 else { return path }
    parts.remove(at: 3)
    return parts.joined(separator: "/")
  }
}
