import ImageWriter
import LoaderCore
import Protocol

/// How a link went: what it could reuse, and where it could not, why. Filled in along the way with what is at hand
/// there.
package struct LinkStory: Sendable {
  /// Why a program was resolved anew. The raw values are what `status` tells (docs/protocol.md).
  package enum Anew: String, Sendable, CaseIterable {
    case noneResident = "none-resident"
    /// The resident ones have other packages, other numbers of objects, or load them in another order.
    case otherPackages = "other-packages"
    /// A file that a resident program has mapped was written over.
    case overwritten
  }

  /// Why the last image was not patched: the first condition that did not hold.
  package enum NotPatched: String, Sendable, CaseIterable {
    /// There is no last link to compare with.
    case anew
    /// The link prints something.
    case speaks
    /// Symbols came, went or got other numbers.
    case symbols
    /// Symbols changed in more than what they contain: sizes, relocations, imports.
    case shape
    /// Deadcode has read what changed.
    case deadcode
    /// The last link left nothing to patch.
    case noLast = "no-last"
    case flags
    /// Another pass has read what changed.
    case passes
    /// The image is not in memory any more, or somebody still uses it.
    case noImage = "no-image"
    /// The build id is longer or shorter.
    case buildID = "build-id"
    /// The new contents do not fit where the old ones are.
    case fit
  }

  /// Packages whose names are told.
  private static let namedPackages = 16

  /// Whether some object was linked in the place of one that only loading tells from it (`StandIns`): the paths that
  /// messages name are not the request's then.
  package internal(set) var usesStandIns = false
  private var told = LinkExplanation(program: .init("new"))

  package init() {}

  /// What `status` tells of it.
  package var explanation: LinkExplanation { told }

  // MARK: along the link

  mutating func resolvedAnew(_ reason: Anew) { resolvedAnew(for: reason.rawValue) }
  mutating func resolvedAnew(_ reason: ExchangeRefusal) { resolvedAnew(for: reason.rawValue) }

  private mutating func resolvedAnew(for reason: String) {
    told.program = LinkExplanation.Step("new", reason: reason)
  }

  /// The program is there, and says what changed in it.
  mutating func note(_ program: ResidentProgram, _ plan: LinkPlan) {
    let packages = program.packages
    told.packages = packages.libraries.count
    var symbols = LinkExplanation.Symbols(all: program.index.symbolCount)
    if let change = program.change {
      told.program = LinkExplanation.Step("kept")
      symbols.touched = change.touchedCount
      symbols.new = change.newCount
      symbols.gone = change.goneCount
      symbols.keepNumbers = change.keepsNumbers
      symbols.otherContents = change.contents?.count
      note(changed: changedLibraries(packages, change), packages, plan)
    }
    told.symbols = symbols
  }

  private func changedLibraries(_ packages: LoadedPackages, _ change: IndexChange) -> [Int] {
    var changed: [Int] = []
    for (k, library) in packages.libraryOfObject.enumerated()
    where change.isExchanged(ObjectID(ObjectID.firstInput.raw + UInt32(k))) && changed.last != Int(library) {
      changed.append(Int(library))
    }
    return changed
  }

  private mutating func note(changed: [Int], _ packages: LoadedPackages, _ plan: LinkPlan) {
    told.changedCount = changed.count
    told.changed = changed.prefix(Self.namedPackages).map { k in
      let library = packages.libraries[k]
      // The linker calls it main; people know it by its path.
      return library.isMain
        ? plan.load.mainPath ?? library.path
        : library.path
    }
  }

  mutating func note(_ flood: FloodStart) {
    told.deadcode =
      flood == .wentOn
      ? LinkExplanation.Step(flood.rawValue) : LinkExplanation.Step("anew", reason: flood.rawValue)
  }

  mutating func patched() { told.image = LinkExplanation.Image("patched") }

  mutating func notPatched(_ reason: NotPatched) {
    told.image = LinkExplanation.Image("new", reason: reason.rawValue)
  }

  /// The image is made in the memory of the last one.
  mutating func reusedMemory() { told.image?.how = "same-memory" }

  /// The image is made.
  mutating func note(_ memory: ImageMemory) {
    told.image?.knownSymbols = memory.knownCount
    told.image?.keptSymbols = memory.inPlaceCount
  }
}
