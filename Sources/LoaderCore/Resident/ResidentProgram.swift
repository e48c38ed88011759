internal import Dispatch

/// A program between links: its resolved index and the graph that deadcode follows, both made to take changed
/// objects in. One link at a time uses it.
package final class ResidentProgram: @unchecked Sendable {
  package private(set) var packages: LoadedPackages
  /// The objects that the last link was asked for: some of `packages` may stand in for them (`StandIns`).
  private var asked: [GoObject]
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
  /// Whether the index's attributes are those that the last link left.
  private var lacksAttributes = false

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
    asked = packages.objects
    self.index = index
    self.profile = profile
    self.options = options
    self.graph = graph
    exchanged = packages.objects.count
  }

  /// Names of cgo exports exist, wherever they come from (ld/go.go setCgoAttr).
  private func finish() throws(LinkFailure) {
    for e in packages.exports { _ = index.lookupOrCreate(e.name, version: e.version) }
    try index.checkObjects()
  }

  /// Has mapped pages given back meanwhile, in the first link of a big program: those of symbols' records and names,
  /// most of which are of no more use when it is known what the program needs. Once is enough to hold about what the
  /// real linker does, and each time costs: mapping pages again takes longer than reading them. (A later link has
  /// most of them at hand, and wants them again.)
  package func releasePages() {
    guard exchanged == packages.objects.count else { return }
    let objects = packages.objects
    guard objects.reduce(0, { $0 + $1.view.bytes.count }) > Self.manyBytes else { return }
    DispatchQueue.global().async { [objects] in
      for o in objects { o.file.releasePages(of: o.view.bytes.slice(0, o.view.block(.relocIndex))) }
    }
  }

  /// Bytes of inputs from which on they are a burden.
  private static let manyBytes = 256 << 20

  /// Whether another link can start from this program; one that cannot is not worth its memory.
  package var isReusable: Bool { index.isPatchable }

  /// Bytes of private memory, roughly.
  package var byteCount: Int { index.byteCount + graph.byteCount }

  /// How many objects would have to be exchanged for these packages; nil when they are not this program's.
  package func distance(to other: LoadedPackages) -> Int? {
    packages.isShaped(like: other) ? Self.differences(asked, other.objects) : nil
  }

  /// How many objects are others than in an earlier state of the program; nil when it had other packages.
  package func changes(since earlier: LoadedPackages) -> Int? {
    packages.isShaped(like: earlier) ? Self.differences(packages.objects, earlier.objects) : nil
  }

  private static func differences(_ a: [GoObject], _ b: [GoObject]) -> Int { zip(a, b).count { $0 !== $1 } }

  /// How many packages would have to come and go for these; nil when it is easier to begin anew.
  package func difference(from other: LoadedPackages) -> Int? {
    let (mine, theirs) = (Set(packages.libraries.map(\.path)), Set(other.libraries.map(\.path)))
    let common = mine.intersection(theirs).count
    let difference = mine.count + theirs.count - 2 * common
    return difference * 8 < common ? difference : nil
  }

  /// The files, as they were, of the objects that would be exchanged for those of `new`.
  package func replacedFiles(by new: LoadedPackages) -> [MappedFile] {
    let stay = Set(new.objects.map(ObjectIdentifier.init))
    return packages.objects.compactMap { stay.contains(ObjectIdentifier($0)) ? nil : $0.file }
  }

  /// The files of objects that stand in for others: no link names them, but what they hold must stay as it is.
  package var standInFiles: [MappedFile] {
    zip(packages.objects, asked).compactMap { $0 === $1 ? nil : $0.file }
  }

  /// Makes this the program of `new`: as if it had been resolved anew.
  ///
  /// - Parameters:
  ///   - standIns: whether an object may stand in for another one.
  ///   - notesAttributes: false leaves symbols' attributes to `noteAttributes` when no more than contents change: a link
  ///     that only writes these (`IndexChange.contents`) asks for none.
  ///   - follow: called with what the exchange does, and with the number of symbols that there are then, while other
  ///     cores are at work. Of no use either when the program is not.
  ///   - foresee: called with the same while `follow` may still be at work; the index is to be read only.
  /// - Returns: false when that has to be done; this program is of no use then, and `refusal` says why.
  package func update(
    to new: LoadedPackages, profile other: ReleaseProfile, options wanted: SymbolResolver.Options,
    standIns: Bool = false, notesAttributes: Bool = true,
    follow: (_ change: IndexChange, _ count: Int) -> Void = { _, _ in },
    foresee: (_ change: IndexChange) -> Void = { _ in }
  ) -> Bool {
    do throws(ExchangeRefusal) {
      try exchange(new, other, wanted, standIns, follow, foresee)
      lacksAttributes = change?.contents != nil
      if notesAttributes { noteAttributes() }
      return true
    } catch {
      refusal = error
      return false
    }
  }

  /// Gathers what attributes the objects give their symbols, unless that was done.
  package func noteAttributes() {
    guard lacksAttributes else { return }
    index.noteAttributes()
    lacksAttributes = false
  }

  private func exchange(
    _ new: LoadedPackages, _ other: ReleaseProfile, _ wanted: SymbolResolver.Options, _ standIns: Bool,
    _ follow: Following, _ foresee: Foreseeing
  ) throws(ExchangeRefusal) {
    guard index.isPatchable else { throw .speaks }
    guard other.version == profile.version, wanted == options else { throw .options }
    index.rewind()
    if packages.isShaped(like: new) {
      let objects =
        standIns ? StandIns.objects(packages.objects, asked: asked, for: new.objects) : new.objects
      try exchange(LoadedPackages(new, objects: objects), follow, foresee)
    } else {
      try reshape(new, standIns, follow, foresee)
    }
    asked = new.objects
    do throws(LinkFailure) {
      try finish()
    } catch {
      throw .names
    }
  }

  private typealias Following = (_ change: IndexChange, _ count: Int) -> Void
  private typealias Foreseeing = (_ change: IndexChange) -> Void

  private func exchange(
    _ new: LoadedPackages, _ follow: Following, _ foresee: Foreseeing
  ) throws(ExchangeRefusal) {
    let changed = new.objects.indices.filter { new.objects[$0] !== packages.objects[$0] }.map { $0 + 2 }
    if changed.isEmpty {
      index.adopt(new)
      let none = IndexChange(
        sameSymbolsOf: index, touched: TouchedSymbols(none: index.count), unlike: [], contents: [])
      change = none
      follow(none, index.count)
      foresee(none)
    } else {
      let outcome = try patch(new, changed, isReshaped: false)
      tell(outcome, follow, foresee)
    }
    packages = new
    exchanged = changed.count
  }

  /// Lets those know of an exchange who keep something from link to link.
  private func tell(_ outcome: IndexChange, _ follow: Following, _ foresee: Foreseeing) {
    change = outcome
    Chunks.beside {
      follow(outcome, index.count)
    } _: {
      graph.follow(outcome, count: index.count, index.reader)
      foresee(outcome)
    }
  }

  /// Where in the row the objects were that come to another place of it: they left theirs empty.
  private func sources(of row: [GoObject], _ changed: [Int], filler: GoObject) -> [Int: Int] {
    var left: [ObjectIdentifier: Int] = [:]
    for o in changed where row[o - 2] === filler { left[ObjectIdentifier(index.objects[o - 2])] = o }
    var sources: [Int: Int] = [:]
    for o in changed where index.objects[o - 2] === filler && row[o - 2].view.packageDefs > 0 {
      sources[o] = left.removeValue(forKey: ObjectIdentifier(row[o - 2]))
    }
    return sources
  }

  private func patch(
    _ new: LoadedPackages, _ changed: [Int], isReshaped: Bool, sources: [Int: Int] = [:]
  ) throws(ExchangeRefusal) -> IndexChange {
    let definitions = new.objects.reduce(0) { $0 + $1.view.definitions }
    let likenesses = likenesses(changed, new)
    let moved = zip(changed, likenesses).filter { $0.1 != .symbols }.reduce(0) { sum, object in
      let k = object.0 - 2
      return sum + max(new.objects[k].view.definitions, index.objects[k].view.definitions)
    }
    // Of objects that were compiled again most says what it said, and keeping it in the later passes is worth more than
    // resolving anew saves: measured with test binaries of std, of which an edit in strings changes up to 48 %. An edit
    // which changes 56 % of cmd/go is faster anew.
    guard moved * 2 < definitions else { throw .much }
    return try IndexPatch.apply(
      to: index, new, exchanged: Array(zip(changed, likenesses)), profile: profile,
      checkLinkname: options.checkLinkname, isReshaped: isReshaped, sources: sources)
  }

  /// What the changed objects have in common with what they were.
  private func likenesses(_ changed: [Int], _ new: LoadedPackages) -> [ObjectView.Likeness] {
    var all = [ObjectView.Likeness](repeating: .nothing, count: changed.count)
    all.withUnsafeMutableBufferPointer { all in
      Chunks.run(changed.count, grain: 1) { range in
        for k in range {
          let (was, now) = (index.objects[changed[k] - 2], new.objects[changed[k] - 2])
          guard !was.isCorrupt else { continue }
          all[k] = now.versions.likeness(to: was.serial) {
            now.view.likeness(to: was.view, isLaidOut: now.laidOutLike == was.serial)
          }
        }
      }
    }
    return all
  }

  /// Exchanges objects when some came, went, or are loaded in another order.
  private func reshape(
    _ new: LoadedPackages, _ standIns: Bool, _ follow: Following, _ foresee: Foreseeing
  ) throws(ExchangeRefusal) {
    guard let filler = GoObject.empty, let merge = ProgramMerge(packages, new),
      merge.slots.count * 3 < packages.objects.count * 4
    else { throw .packages }
    let kept = merge.slots.filter { $0.old != nil && $0.new != nil }
    let mine = kept.map { packages.objects[$0.old ?? 0] }
    let theirs = kept.map { new.objects[$0.new ?? 0] }
    var stayed =
      (standIns ? StandIns.objects(mine, asked: kept.map { asked[$0.old ?? 0] }, for: theirs) : theirs)[...]
    let objects = merge.slots.map { slot in
      slot.new.map { slot.old == nil ? new.objects[$0] : stayed.popFirst() ?? new.objects[$0] }
    }
    let row = LoadedPackages(new, in: merge, objects: objects, filler: filler)
    guard index.spread(merge, row, filler: filler) else { throw .names }
    let changed = row.objects.indices.filter { row.objects[$0] !== index.objects[$0] }.map { $0 + 2 }
    let outcome = try patch(
      row, changed, isReshaped: true, sources: sources(of: row.objects, changed, filler: filler))
    let next = LoadedPackages(new, objects: objects.compactMap { $0 })
    guard index.close(merge, next) else { throw .names }
    outcome.close(merge)
    tell(outcome, follow, foresee)
    packages = next
    exchanged = changed.count
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
