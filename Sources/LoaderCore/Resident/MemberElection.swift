/// Elects anew which definition of a class counts, when a changed object's part in it is another one.
///
/// The rules are those of cmd/link/internal/loader/loader.go addSym: the largest of equal contents counts, of equal names
/// the one that `NamedDefinitions` says.
struct MemberElection {
  /// A definition of a class that is elected anew.
  struct Hit {
    let symbol: UInt32
    let place: ObjectSymbol
    let isNamed: Bool
  }

  /// What there is to elect among, of some objects that follow one another.
  struct Findings {
    var package_: [Hit] = []
    var others: [Hit] = []
    /// Whether somebody has a definition of a changed package's own name.
    var isDoubled = false

    /// All of them in load order, package definitions first; nil when a name is doubled.
    static func hits(_ parts: [Findings]) -> [Hit]? {
      parts.contains(where: \.isDoubled) ? nil : parts.flatMap(\.package_) + parts.flatMap(\.others)
    }
  }

  let index: SymbolIndex
  /// The tables of the new numbering.
  let symbols: UnsafeMutablePointer<ObjectSymbol>
  let classes: UnsafeMutablePointer<UInt8>
  let alignments: UnsafeMutablePointer<UInt8>
  let count: Int

  /// - Parameter hits: in load order, package definitions first.
  /// - Returns: false when only resolving anew can tell.
  func elect(_ hits: [Hit]) -> Bool {
    guard !hits.isEmpty else { return true }
    let seen = Bitmap(count: count)
    for h in hits {
      let n = Int(h.symbol)
      let object = index.loaded[Int(h.place.object)]
      let alignment = SymbolTraits(rawValue: object.traits[Int(h.place.local)]).alignment
      if !seen[n] {
        seen[n] = true
        take(n, h.place)
        alignments[n] = alignment
        continue
      }
      if alignment > alignments[n] { alignments[n] = alignment }
      let old = symbols[n]
      if h.isNamed {
        if !electNamed(n, old, h.place) { return false }
      } else if object.view.size(h.place.local) > index.loaded[Int(old.object)].view.size(old.local) {
        take(n, h.place)
      }
    }
    return true
  }

  private func electNamed(_ n: Int, _ old: ObjectSymbol, _ new: ObjectSymbol) -> Bool {
    do throws(LinkFailure) {
      let name = index.loaded[Int(new.object)].view.name(new.local)
      let verdict = try NamedDefinitions(index: index).elect(old: old, new: new, name)
      if verdict.newWins { take(n, new) }
      return verdict.size == nil
    } catch {
      return false
    }
  }

  private func take(_ n: Int, _ new: ObjectSymbol) {
    symbols[n] = new
    classes[n] = index.loaded[Int(new.object)].classes[Int(new.local)]
  }
}
