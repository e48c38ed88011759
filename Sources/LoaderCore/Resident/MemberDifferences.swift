/// How the new versions of changed objects differ from the old ones in what they share with other objects: contents
/// and names. It says where a patch has to look at more than the changed objects themselves.
final class MemberDifferences {
  /// Classes that must be elected anew: they have more, fewer or other members.
  private(set) var loud: [UInt32] = []
  let isLoud: Bitmap
  /// Classes that a changed object is the first to have, and was not, or the other way round.
  let isMover: Bitmap
  private(set) var hasMovers = false
  /// Symbols whose definition lies in a changed object and is the same there to elections: its old place, and its new
  /// one.
  private(set) var moved: [(symbol: UInt32, was: UInt32, place: ObjectSymbol)] = []
  /// By position in `IndexPatch.changed`, that object's part of `moved`.
  private(set) var movedRanges: [Range<Int>] = []

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
    oldPlaces = Table(repeating: 0, count: patch.isAligned.contains(false) ? patch.classCount : 0)
    for (k, o) in patch.changed.enumerated() {
      let first = moved.count
      if patch.isAligned[k] {
        compareContents(index.loaded[o], patch.views[k], patch.otherContents[k], o)
      } else {
        compare(index.loaded[o], patch.views[k], o)
      }
      movedRanges.append(first..<moved.count)
    }
  }

  private func compare(_ old: LoadedObject, _ new: LoadedObject, _ o: Int) {
    let (was, now) = (old.view, new.view)
    if areAllInPlace(old, new) { return compareInPlace(old, new, o) }
    // An object may have some content more than once.
    var repeats: [Int: [UInt32]] = [:]
    for i in UInt32(was.packageDefs)..<UInt32(was.definitions) {
      let c = Int(old.symbols[Int(i)])
      if oldPlaces[c] == 0 { oldPlaces[c] = i + 1 } else { repeats[c, default: []].append(i) }
    }
    for i in UInt32(now.packageDefs)..<UInt32(now.definitions) {
      let c = Int(new.symbols[Int(i)])
      var place: UInt32?
      if oldPlaces[c] == Self.seen {
        if repeats[c]?.isEmpty == false { place = repeats[c]?.removeFirst() }
      } else if oldPlaces[c] != 0 {
        place = oldPlaces[c] - 1
      }
      oldPlaces[c] = Self.seen
      if let place {
        compare(c, old, place, new, i, o)
      } else if !isIdle(c, new, i, o) {
        addLoud(c)
        if c < oldCount, let first = firstObject(c), first > o { addMover(c) }
      }
    }
    for (c, left) in repeats where left.contains(where: { !isIdle(c, old, $0, o) }) { addLoud(c) }
    for i in was.packageDefs..<was.definitions {
      let c = Int(old.symbols[i])
      if oldPlaces[c] != Self.seen, oldPlaces[c] != 0, !isIdle(c, old, UInt32(i), o) {
        addLoud(c)
        if firstObject(c) == o { addMover(c) }
      }
      oldPlaces[c] = 0
    }
    for i in now.packageDefs..<now.definitions { oldPlaces[Int(new.symbols[i])] = 0 }
  }

  /// Compares versions that have the same symbols but for contents.
  ///
  /// - Parameter others: those contents.
  private func compareContents(_ old: LoadedObject, _ new: LoadedObject, _ others: [UInt32], _ o: Int) {
    for i in others where old.symbols[Int(i)] != new.symbols[Int(i)] {
      let (was, now) = (Int(old.symbols[Int(i)]), Int(new.symbols[Int(i)]))
      if !isIdle(now, new, i, o) {
        addLoud(now)
        if now < oldCount, let first = firstObject(now), first > o { addMover(now) }
      }
      if !isIdle(was, old, i, o) {
        addLoud(was)
        if firstObject(was) == o { addMover(was) }
      }
    }
  }

  /// Compares a member of a class with the one it was.
  private func compare(
    _ c: Int, _ old: LoadedObject, _ i: UInt32, _ new: LoadedObject, _ k: UInt32, _ o: Int
  ) {
    if !areAlike(old, i, new, k) {
      addLoud(c)
    } else if index.symbols[c] == ObjectSymbol(object: UInt32(o), local: i) {
      moved.append((UInt32(c), i, ObjectSymbol(object: UInt32(o), local: k)))
    }
  }

  /// Whether both versions have the same members at the same places.
  private func areAllInPlace(_ old: LoadedObject, _ new: LoadedObject) -> Bool {
    let (was, now) = (old.view, new.view)
    return was.hasBlocks(like: now)
      && (was.packageDefs..<was.definitions).allSatisfy { old.symbols[$0] == new.symbols[$0] }
  }

  private func compareInPlace(_ old: LoadedObject, _ new: LoadedObject, _ o: Int) {
    for i in UInt32(old.view.packageDefs)..<UInt32(old.view.definitions) {
      compare(Int(old.symbols[Int(i)]), old, i, new, i, o)
    }
  }

  /// Whether it makes no difference that a content has one member more or less: another object's counts, which comes
  /// before this one. (An empty content has tens of thousands of them.)
  private func isIdle(_ c: Int, _ object: LoadedObject, _ i: UInt32, _ o: Int) -> Bool {
    guard c < oldCount, object.view.isHashed(i) else { return false }
    let counts = index.symbols[c]
    guard counts.object > 1, Int(counts.object) < o else { return false }
    let other = index.loaded[Int(counts.object)]
    func alignment(_ object: LoadedObject, _ i: UInt32) -> UInt8 {
      SymbolTraits(rawValue: object.traits[Int(i)]).alignment
    }
    return object.view.size(i) <= other.view.size(counts.local)
      && alignment(object, i) <= alignment(other, counts.local)
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
  func firstObject(_ c: Int) -> Int? {
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
