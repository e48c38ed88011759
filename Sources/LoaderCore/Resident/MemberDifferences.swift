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
  /// Classes with a member that comes in step in both versions of some object.
  private let isInStep: Bitmap
  /// So many members that went are passed over at once.
  private static let reach = 16

  /// What is compared: the objects of a patch whose definitions all have classes.
  struct Objects: @unchecked Sendable {
    fileprivate let index: SymbolIndex
    fileprivate let oldCount: Int
    /// So many classes there are at most when the references have theirs, too.
    fileprivate let mostClasses: Int
    fileprivate let changed: [Int]
    fileprivate let isAligned: [Bool]
    fileprivate let otherContents: [[UInt32]]
    fileprivate let views: [LoadedObject]

    init(_ patch: borrowing IndexPatch) {
      index = patch.index
      oldCount = patch.oldCount
      mostClasses = patch.numbers.count
      changed = patch.changed
      isAligned = patch.isAligned
      otherContents = patch.otherContents
      views = patch.views
    }
  }

  /// Before the new versions take the old ones' places.
  init(_ objects: Objects) {
    index = objects.index
    oldCount = objects.oldCount
    isLoud = Bitmap(count: objects.mostClasses)
    isMover = Bitmap(count: objects.mostClasses)
    let places = objects.isAligned.contains(false) ? objects.mostClasses : 0
    oldPlaces = Table(repeating: 0, count: places)
    isInStep = Bitmap(count: places)
    for (k, o) in objects.changed.enumerated() {
      let first = moved.count
      if objects.isAligned[k] {
        compareContents(index.loaded[o], objects.views[k], objects.otherContents[k], o)
      } else {
        compare(index.loaded[o], objects.views[k], o)
      }
      movedRanges.append(first..<moved.count)
    }
  }

  private func compare(_ old: LoadedObject, _ new: LoadedObject, _ o: Int) {
    let left = compareInStep(old, new, o)
    // An object may have some content more than once.
    var repeats: [Int: [UInt32]] = [:]
    for i in left.old {
      let c = Int(old.symbols[Int(i)])
      if oldPlaces[c] == 0 { oldPlaces[c] = i + 1 } else { repeats[c, default: []].append(i) }
    }
    for i in left.new {
      let c = Int(new.symbols[Int(i)])
      var place: UInt32?
      if oldPlaces[c] == Self.seen {
        if repeats[c]?.isEmpty == false { place = repeats[c]?.removeFirst() }
      } else if oldPlaces[c] != 0 {
        place = oldPlaces[c] - 1
      }
      oldPlaces[c] = Self.seen
      // Which member takes whose place is plain only where all of a class are met in one way.
      if let place, !isInStep[c] {
        compare(c, old, place, new, i, o)
      } else if !isIdle(c, new, i, o) {
        addLoud(c)
        if c < oldCount, let first = firstObject(c), first > o { addMover(c) }
      }
    }
    for (c, left) in repeats where left.contains(where: { !isIdle(c, old, $0, o) }) { addLoud(c) }
    for i in left.old {
      let c = Int(old.symbols[Int(i)])
      if oldPlaces[c] != Self.seen, oldPlaces[c] != 0, !isIdle(c, old, i, o) {
        addLoud(c)
        if firstObject(c) == o { addMover(c) }
      }
      oldPlaces[c] = 0
    }
    for i in left.new { oldPlaces[Int(new.symbols[Int(i)])] = 0 }
  }

  /// Compares the members of classes that come in the same order in both versions, as most do.
  ///
  /// - Returns: the others' local indices.
  private func compareInStep(
    _ old: LoadedObject, _ new: LoadedObject, _ o: Int
  ) -> (old: [UInt32], new: [UInt32]) {
    var left: (old: [UInt32], new: [UInt32]) = ([], [])
    var next = old.view.packageDefs
    let end = old.view.definitions
    for i in new.view.packageDefs..<new.view.definitions {
      let c = new.symbols[i]
      var k = next
      let reach = min(next + Self.reach, end)
      while k < reach, old.symbols[k] != c { k += 1 }
      guard k < reach else {
        left.new.append(UInt32(truncatingIfNeeded: i))
        continue
      }
      for skipped in next..<k { left.old.append(UInt32(truncatingIfNeeded: skipped)) }
      next = k + 1
      isInStep[Int(c)] = true
      compare(
        Int(c), old, UInt32(truncatingIfNeeded: k), new, UInt32(truncatingIfNeeded: i), o)
    }
    for skipped in next..<end { left.old.append(UInt32(truncatingIfNeeded: skipped)) }
    return left
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
