/// A program between links: its resolved index and the graph that deadcode follows, both made to take changed
/// objects in. One link at a time uses it.
package final class ResidentProgram: @unchecked Sendable {
  package private(set) var packages: LoadedPackages
  package let index: SymbolIndex
  package let graph: EdgeGraph
  /// What the last exchange did; nil when the program was resolved anew.
  package private(set) var change: IndexChange?
  /// Why an exchange was not made; nil as long as none was asked for in vain.
  package private(set) var refusal: ExchangeRefusal?
  private let profile: ReleaseProfile
  let options: SymbolResolver.Options
  /// Objects that the last link exchanged; all of them when it resolved anew.
  package private(set) var exchanged: Int

  /// Resolves a program anew.
  ///
  /// - Returns: the program, and what -strictdups prints on stderr.
  package static func resolve(
    _ packages: LoadedPackages, profile: ReleaseProfile, options: SymbolResolver.Options
  ) throws(LinkFailure) -> (program: ResidentProgram, warnings: String) {
    let (index, warnings) = try SymbolResolver.resolve(packages, profile: profile, options: options)
    let graph = EdgeGraph(symbolCount: index.count)
    let program = ResidentProgram(packages, index, graph, profile, options)
    try program.finish()
    return (program, warnings)
  }

  init(
    _ packages: LoadedPackages, _ index: SymbolIndex, _ graph: EdgeGraph, _ profile: ReleaseProfile,
    _ options: SymbolResolver.Options
  ) {
    self.packages = packages
    self.index = index
    self.profile = profile
    self.options = options
    self.graph = graph
    exchanged = packages.objects.count
  }

  /// Names of cgo exports exist, wherever they come from (ld/go.go setCgoAttr).
  private func finish() throws(LinkFailure) {
    for e in packages.exports { _ = index.lookupOrCreate(e.name, version: e.version) }
    if let bad = index.corruptObject {
      throw .corrupt(file: bad.file.path, detail: "object contradicts itself")
    }
  }

  /// Gives the mapped pages of all inputs back, in the first link of a big program: passes look at different parts
  /// of the objects, and nobody needs to hold all of them at a time. (A later link has most of them at hand,
  /// and wants them again.)
  package func releasePages() {
    guard exchanged == packages.objects.count else { return }
    var files: [MappedFile] = []
    for o in packages.objects where o.file !== files.last { files.append(o.file) }
    guard files.reduce(0, { $0 + $1.bytes.count }) > Self.manyBytes else { return }
    for f in files { f.releasePages() }
  }

  /// Bytes of inputs from which on they are a burden.
  private static let manyBytes = 256 << 20

  /// Whether another link can start from this program; one that cannot is not worth its memory.
  package var isReusable: Bool { index.isPatchable }

  /// Bytes of private memory, roughly.
  package var byteCount: Int { index.byteCount + graph.byteCount }

  /// How many objects would have to be exchanged for these packages; nil when they are not this program's.
  package func distance(to other: LoadedPackages) -> Int? {
    guard packages.isShaped(like: other) else { return nil }
    return zip(packages.objects, other.objects).reduce(0) { $0 + ($1.0 === $1.1 ? 0 : 1) }
  }

  /// The files, as they were, of the objects that would be exchanged for those of `new`.
  package func replacedFiles(by new: LoadedPackages) -> [MappedFile] {
    zip(packages.objects, new.objects).compactMap { $0 === $1 ? nil : $0.file }
  }

  /// Makes this the program of `new`: as if it had been resolved anew.
  ///
  /// - Returns: false when that has to be done; this program is of no use then, and `refusal` says why.
  package func update(
    to new: LoadedPackages, profile other: ReleaseProfile, options wanted: SymbolResolver.Options
  ) -> Bool {
    do throws(ExchangeRefusal) {
      try exchange(new, other, wanted)
      return true
    } catch {
      refusal = error
      return false
    }
  }

  private func exchange(
    _ new: LoadedPackages, _ other: ReleaseProfile, _ wanted: SymbolResolver.Options
  ) throws(ExchangeRefusal) {
    guard index.isPatchable else { throw .speaks }
    guard other.version == profile.version, wanted == options, packages.isShaped(like: new) else {
      throw .options
    }
    let changed = new.objects.indices.filter { new.objects[$0] !== packages.objects[$0] }.map { $0 + 2 }
    index.rewind()
    if changed.isEmpty {
      index.adopt(new)
      index.noteAttributes()
      change = IndexChange(
        sameSymbols: index.count, touched: Bitmap(count: index.count), unlike: [], exchanged: [],
        contents: [])
    } else {
      let definitions = new.objects.reduce(0) { $0 + $1.view.definitions }
      let moved = changed.reduce(0) { $0 + new.objects[$1 - 2].view.definitions }
      guard moved * 3 < definitions else { throw .much }
      let outcome = try IndexPatch.apply(
        to: index, new, changed: changed, profile: profile, checkLinkname: options.checkLinkname)
      graph.follow(outcome, count: index.count, index.reader)
      change = outcome
    }
    packages = new
    exchanged = changed.count
    do throws(LinkFailure) {
      try finish()
    } catch {
      throw .names
    }
  }
}

extension LoadedPackages {
  /// Whether both have the same packages with as many objects each, in the same order.
  func isShaped(like other: LoadedPackages) -> Bool {
    libraryOfObject == other.libraryOfObject && libraries.count == other.libraries.count
      && zip(libraries, other.libraries).allSatisfy { $0.path == $1.path }
  }
}

extension SymbolIndex {
  /// Takes over what says where the same objects come from.
  func adopt(_ packages: LoadedPackages) {
    libraries = packages.libraries
    objects = packages.objects
  }

  /// Bytes of the index's own memory.
  var byteCount: Int {
    var n = symbols.count * 11 + names.slotCount * 8
    for o in 0..<loaded.count { n += loaded[o].view.symbolCount * 4 }
    return n
  }
}
