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
  private let was: LoadedObject
  private let now: LoadedObject

  init(_ was: LoadedObject, _ now: LoadedObject) {
    self.was = was
    self.now = now
    old = Array(repeating: -1, count: now.view.packageDefs)
    new = Array(repeating: -1, count: was.view.packageDefs)
    let common = min(old.count, new.count)
    var first = 0
    while first < common, areAlike(first, first) {
      match(first, first)
      first += 1
    }
    var tail = 0
    while tail < common - first, areAlike(new.count - 1 - tail, old.count - 1 - tail) {
      match(new.count - 1 - tail, old.count - 1 - tail)
      tail += 1
    }
    matchByName(first..<new.count - tail, first..<old.count - tail)
    for i in first..<max(first, common - tail) where old[i] < 0 && new[i] < 0 { match(i, i) }
  }

  private mutating func match(_ i: Int, _ k: Int) {
    new[i] = Int32(truncatingIfNeeded: k)
    old[k] = Int32(truncatingIfNeeded: i)
  }

  private mutating func matchByName(_ olds: Range<Int>, _ news: Range<Int>) {
    guard !olds.isEmpty, !news.isEmpty else { return }
    var byHash: [UInt32: Int] = [:]
    for i in olds where !was.view.name(UInt32(i)).isEmpty { byHash[was.nameHashes[i]] = i }
    for k in news {
      guard let i = byHash[now.nameHashes[k]], new[i] < 0, was.view.abi(UInt32(i)) == now.view.abi(UInt32(k)),
        was.view.name(UInt32(i)) == now.view.name(UInt32(k))
      else { continue }
      match(i, k)
    }
  }

  /// Whether two definitions could be one: of one sort and size, with as many relocations, and with names that differ in
  /// digits at most.
  private func areAlike(_ i: Int, _ k: Int) -> Bool {
    let (a, b, x, y) = (was.view, now.view, UInt32(i), UInt32(k))
    guard was.classes[i] == now.classes[k], a.kind(x) == b.kind(y), a.abi(x) == b.abi(y) else { return false }
    if was.nameHashes[i] == now.nameHashes[k], a.name(x) == b.name(y) { return true }
    return a.size(x) == b.size(y) && a.dataCount(x) == b.dataCount(y)
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
