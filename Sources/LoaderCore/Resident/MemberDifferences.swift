/// How the new versions of changed objects differ from the old ones in what they share with other objects: contents
/// and names. It says where a patch has to look at more than the changed objects themselves.
final class MemberDifferences {
  /// Classes that must be elected anew: they have more, fewer or other members.
  private(set) var loud: [UInt32] = []
  let isLoud: Bitmap
  /// Classes that a changed object is the first to have, and was not, or the other way round.
  let isMover: Bitmap
  private(set) var hasMovers = false
  /// Symbols whose definition lies in a changed object and is the same there, at another place.
  private(set) var moved: [(symbol: UInt32, place: ObjectSymbol)] = []
  /// The old package definitions of changed objects: the first symbol and their number.
  private(set) var oldPackages: [Int: (first: UInt32, count: Int)] = [:]

  private let index: SymbolIndex
  private let oldCount: Int
  /// Place of a class in the old version of an object, plus 1; 0 for none.
  private let oldPlaces: Table<UInt32>
  private static let seen: UInt32 = .max

  /// Before the new versions take the old ones' places.
  init(_ patch: borrowing IndexPatch) {
    index = patch.index
    oldCount = patch.oldCount
    isLoud = Bitmap(count: patch.classCount)
    isMover = Bitmap(count: patch.classCount)
    oldPlaces = Table(repeating: 0, count: patch.classCount)
    for (k, o) in patch.changed.enumerated() { compare(index.loaded[o], patch.views[k], o) }
  }

  private func compare(_ old: LoadedObject, _ new: LoadedObject, _ o: Int) {
    let (was, now) = (old.view, new.view)
    if was.packageDefs > 0 { oldPackages[o] = (old.symbols[0], was.packageDefs) }
    if areAllInPlace(old, new) { return compareInPlace(old, new, o) }
    for i in was.packageDefs..<was.definitions {
      let c = Int(old.symbols[i])
      if oldPlaces[c] != 0 { addLoud(c) }
      oldPlaces[c] = UInt32(i + 1)
    }
    for i in now.packageDefs..<now.definitions {
      let c = Int(new.symbols[i])
      let place = oldPlaces[c]
      if place == 0 || place == Self.seen {
        addLoud(c)
        if c < oldCount, let first = firstObject(c), first > o { addMover(c) }
      } else if !areAlike(old, place - 1, new, UInt32(i)) {
        addLoud(c)
      } else if Int(index.symbols[c].object) == o {
        moved.append((UInt32(c), ObjectSymbol(object: UInt32(o), local: UInt32(i))))
      }
      oldPlaces[c] = Self.seen
    }
    for i in was.packageDefs..<was.definitions {
      let c = Int(old.symbols[i])
      if oldPlaces[c] != Self.seen, oldPlaces[c] != 0 {
        addLoud(c)
        if firstObject(c) == o { addMover(c) }
      }
      oldPlaces[c] = 0
    }
    for i in now.packageDefs..<now.definitions { oldPlaces[Int(new.symbols[i])] = 0 }
  }

  /// Whether both versions have the same members at the same places.
  private func areAllInPlace(_ old: LoadedObject, _ new: LoadedObject) -> Bool {
    let (was, now) = (old.view, new.view)
    return was.hasBlocks(like: now)
      && (was.packageDefs..<was.definitions).allSatisfy { old.symbols[$0] == new.symbols[$0] }
  }

  private func compareInPlace(_ old: LoadedObject, _ new: LoadedObject, _ o: Int) {
    for i in UInt32(old.view.packageDefs)..<UInt32(old.view.definitions) {
      let c = old.symbols[Int(i)]
      if !areAlike(old, i, new, i) {
        addLoud(Int(c))
      } else if index.symbols[Int(c)] == ObjectSymbol(object: UInt32(o), local: i) {
        moved.append((c, index.symbols[Int(c)]))
      }
    }
  }

  private func addLoud(_ c: Int) {
    guard !isLoud[c] else { return }
    isLoud[c] = true
    loud.append(UInt32(c))
  }

  private func addMover(_ c: Int) {
    isMover[c] = true
    hasMovers = true
  }

  /// The first object with a definition of an old class; nil for package definitions and undefined names.
  private func firstObject(_ c: Int) -> Int? {
    let starts = index.othersStarts
    guard starts.count > 2, c >= starts[2], c < starts[starts.count - 1] else { return nil }
    var (a, b) = (2, starts.count - 1)
    while b - a > 1 {
      let m = (a + b) / 2
      if c >= starts[m] { a = m } else { b = m }
    }
    return a
  }

  /// Whether elections cannot tell two definitions apart.
  private func areAlike(_ old: LoadedObject, _ i: UInt32, _ new: LoadedObject, _ k: UInt32) -> Bool {
    let (a, b) = (old.view, new.view)
    return old.traits[Int(i)] == new.traits[Int(k)] && old.classes[Int(i)] == new.classes[Int(k)]
      && a.size(i) == b.size(k) && a.kind(i) == b.kind(k) && a.symbolFlags(i) == b.symbolFlags(k)
      && a.dataCount(i) == b.dataCount(k)
  }
}
