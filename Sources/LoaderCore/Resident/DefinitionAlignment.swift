/// Which package definition of an object's old version each of its new version's is.
///
/// It decides nothing but how much of what is known of a symbol still holds: a definition that is matched with another
/// one is only another content. So likeness is enough: what an edit leaves alone comes before and after it in the same
/// order, and numbers in names (`..stmp_7`) shift.
struct DefinitionAlignment {
  /// By new local index: the old local index, or -1.
  private(set) var old: [Int32]
  /// By old local index: the new local index, or -1.
  private(set) var new: [Int32]
  /// By new local index, whether it is known that both have one name and ABI.
  private(set) var keepsName: [Bool]
  private let was: LoadedObject
  private let now: LoadedObject

  init(_ was: LoadedObject, _ now: LoadedObject) {
    self.was = was
    self.now = now
    old = Array(repeating: -1, count: now.view.packageDefs)
    new = Array(repeating: -1, count: was.view.packageDefs)
    keepsName = Array(repeating: false, count: old.count)
    // What lies between two that are surely one is matched from both ends, first by all that can be seen.
    matchRun(new.indices, old.indices, isSure: true)
    matchByName()
    matchAuxiliaries()
    for isSure in [true, false] { matchGaps(isSure: isSure) }
    for i in 0..<min(old.count, new.count) where old[i] < 0 && new[i] < 0 { match(i, i) }
  }

  /// Each is the one in its place, which nobody need ask.
  init(alike object: LoadedObject) {
    (was, now) = (object, object)
    (old, new, keepsName) = ([], [], [])
  }

  private mutating func match(_ i: Int, _ k: Int, isNamed: Bool = false) {
    new[i] = Int32(truncatingIfNeeded: k)
    old[k] = Int32(truncatingIfNeeded: i)
    keepsName[k] = isNamed
  }

  /// Matches a run of old definitions with one of new definitions, as far as they are alike.
  private mutating func matchRun(_ olds: Range<Int>, _ news: Range<Int>, isSure: Bool) {
    var (i, k) = (olds.lowerBound, news.lowerBound)
    while i < olds.upperBound, k < news.upperBound, areAlike(i, k, isSure) {
      match(i, k, isNamed: isSure)
      (i, k) = (i + 1, k + 1)
    }
    var (end, last) = (olds.upperBound, news.upperBound)
    while end > i, last > k, areAlike(end - 1, last - 1, isSure) {
      (end, last) = (end - 1, last - 1)
      match(end, last, isNamed: isSure)
    }
  }

  /// Matches what lies between matches that follow one another in both versions.
  private mutating func matchGaps(isSure: Bool) {
    var (i, k) = (0, 0)
    while k < old.count {
      guard old[k] < 0 else {
        i = Int(old[k]) + 1
        k += 1
        continue
      }
      var (olds, news) = (i..<i, k..<k)
      while news.upperBound < old.count, old[news.upperBound] < 0 { news = k..<news.upperBound + 1 }
      while olds.upperBound < new.count, new[olds.upperBound] < 0 { olds = i..<olds.upperBound + 1 }
      matchRun(olds, news, isSure: isSure)
      k = news.upperBound
    }
  }

  private mutating func matchByName() {
    func key(_ object: LoadedObject, _ i: Int) -> UInt64 {
      UInt64(object.nameHashes[i]) << 16 | UInt64(object.view.abi(UInt32(i)))
    }
    var known: [UInt64: Int] = [:]
    for i in new.indices where new[i] < 0 && !was.view.name(UInt32(i)).isEmpty { known[key(was, i)] = i }
    guard !known.isEmpty else { return }
    for k in old.indices where old[k] < 0 {
      guard let i = known[key(now, k)], new[i] < 0, was.view.name(UInt32(i)) == now.view.name(UInt32(k))
      else { continue }
      match(i, k, isNamed: true)
    }
  }

  /// Matches the auxiliary symbols of those that are matched, which have no names.
  private mutating func matchAuxiliaries() {
    for k in old.indices where old[k] >= 0 {
      let (a, n) = was.view.auxRecords(UInt32(old[k]))
      let (b, m) = now.view.auxRecords(UInt32(k))
      guard n == m, let a, let b else { continue }
      for at in stride(from: 0, to: n * ObjectFormat.auxSize, by: ObjectFormat.auxSize) {
        guard let i = Self.ownAuxiliary(a + at), let j = Self.ownAuxiliary(b + at), i < new.count,
          j < old.count, new[i] < 0, old[j] < 0, areAlike(i, j, false)
        else { continue }
        match(i, j)
      }
    }
  }

  /// The package definition that an auxiliary record is about.
  private static func ownAuxiliary(_ record: UnsafeRawPointer) -> Int? {
    let package = UInt32(littleEndian: record.loadUnaligned(fromByteOffset: 1, as: UInt32.self))
    guard package == ObjectFormat.PackageIndex.own else { return nil }
    return Int(UInt32(littleEndian: record.loadUnaligned(fromByteOffset: 5, as: UInt32.self)))
  }

  /// Whether two definitions could be one: of one sort and size, with as many relocations, and with names that differ in
  /// digits at most.
  ///
  /// - Parameter isSure: with one name, or with none and the same data.
  private func areAlike(_ i: Int, _ k: Int, _ isSure: Bool) -> Bool {
    let (a, b, x, y) = (was.view, now.view, UInt32(i), UInt32(k))
    guard was.classes[i] == now.classes[k], a.kind(x) == b.kind(y), a.abi(x) == b.abi(y) else { return false }
    if was.nameHashes[i] == now.nameHashes[k], a.name(x) == b.name(y) {
      return !isSure || !a.name(x).isEmpty || a.data(x) == b.data(y)
    }
    return !isSure && a.size(x) == b.size(y) && a.dataCount(x) == b.dataCount(y)
      && a.relocRecords(x).1 == b.relocRecords(y).1 && Self.differInDigitsOnly(a.name(x), b.name(y))
  }

  private static func differInDigitsOnly(_ a: ByteView, _ b: ByteView) -> Bool {
    var (i, k) = (0, 0)
    while i < a.count || k < b.count {
      if i < a.count, k < b.count, a.u8(i) == b.u8(k) {
        i += 1
        k += 1
        continue
      }
      let (was, now) = (i, k)
      while isDigit(a.u8(i)) { i += 1 }
      while isDigit(b.u8(k)) { k += 1 }
      if i == was, k == now { return false }
    }
    return true
  }

  private static func isDigit(_ c: UInt8) -> Bool { c >= 0x30 && c <= 0x39 }
}
