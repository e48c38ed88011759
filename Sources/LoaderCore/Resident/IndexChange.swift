/// What an exchange of objects made of the symbols that a program had: for the passes that keep something from
/// one link to the next. Symbols are those of the sealed index; the linker's own are made anew in each link.
package final class IndexChange: @unchecked Sendable {
  /// Number of an old symbol, 0 for none; indexed by old number. Empty when all keep theirs.
  package let numbers: Table<UInt32>
  /// The numbers that were given out again, rising, when all other symbols keep theirs; nil when any may have another one.
  package let ranges: [Range<Int>]?
  /// With `ranges`, the old symbols that do not keep their number.
  private let shifted: Bitmap
  private let index: SymbolIndex
  private var touched: TouchedSymbols
  /// Old symbols whose `SymbolClass` is another now.
  let unlike: [UInt32]
  /// Old package definitions that went, or are at another place in their object now.
  let moved: [UInt32]
  /// Unchanged objects that may refer to such a place: as numbers of objects.
  private(set) var importers: [Int]
  /// Whether some name now means another symbol than its package position does.
  package let namesMoved: Bool
  /// Number of symbols that there were.
  package let oldCount: Int
  /// How many symbols came and went.
  package let newCount: Int
  package let goneCount: Int
  /// Whether objects have other numbers, too (`number(of:)`).
  package let isReshaped: Bool
  /// By old number of an object, its number now, or 0 for one that went; with `isReshaped`.
  private var objectNumbers: [UInt32] = []
  /// How many numbers of objects there are then.
  package private(set) var objectCount = 0
  /// When the exchanged objects differ in nothing but the data of their definitions: the symbols whose data differ. Nil
  /// when there is more to it.
  package let contents: [SymbolID]?

  init(
    _ index: SymbolIndex, numbers: consuming Table<UInt32>, oldCount: Int, touched: consuming TouchedSymbols,
    unlike: [UInt32],
    moved: [UInt32], importers: [Int], namesMoved: Bool, newCount: Int, goneCount: Int,
    isReshaped: Bool = false, shifted: consuming Bitmap = Bitmap(count: 0), in ranges: [Range<Int>]? = nil
  ) {
    self.index = index
    self.ranges = ranges
    self.shifted = shifted
    self.isReshaped = isReshaped
    self.moved = moved
    self.importers = importers
    self.numbers = numbers
    self.oldCount = oldCount
    self.touched = touched
    self.unlike = unlike
    self.namesMoved = namesMoved
    self.newCount = newCount
    self.goneCount = goneCount
    contents = nil
  }

  /// All symbols are the ones they were.
  init(
    sameSymbolsOf index: SymbolIndex, touched: consuming TouchedSymbols, unlike: [UInt32],
    contents: [SymbolID]?
  ) {
    self.index = index
    numbers = Table()
    ranges = []
    shifted = Bitmap(count: 0)
    oldCount = index.count
    self.touched = touched
    self.unlike = unlike
    moved = []
    importers = []
    namesMoved = false
    newCount = 0
    goneCount = 0
    self.contents = contents
    isReshaped = false
  }

  /// Takes the objects that went out of the row.
  func close(_ merge: ProgramMerge) {
    touched.close(merge)
    var next: UInt32 = 2
    objectNumbers = [0, 1]
    var places: [Int?] = [nil, nil]
    for slot in merge.slots {
      places.append(slot.new == nil ? nil : Int(next))
      if slot.old != nil { objectNumbers.append(slot.new == nil ? 0 : next) }
      if slot.new != nil { next += 1 }
    }
    objectCount = Int(next)
    importers = importers.compactMap { places[$0] }
  }

  /// The number that an object has now; nil for one that went.
  @inline(__always)
  package func number(of object: ObjectID) -> ObjectID? {
    guard isReshaped else { return object }
    guard object.index < objectNumbers.count, objectNumbers[object.index] != 0 else { return nil }
    return ObjectID(objectNumbers[object.index])
  }

  /// How many old symbols `isTouched`.
  package var touchedCount: Int { touched.symbols.population }

  /// Whether every symbol has the number that it had, and there are no new ones.
  package var keepsNumbers: Bool { numbers.count == 0 }

  /// The symbol that an old one is now; nil for one that went, and for the linker's own.
  @inline(__always)
  package func number(_ old: SymbolID) -> SymbolID? {
    guard old.index < oldCount else { return nil }
    guard numbers.count > 0 else { return old }
    // A small set beside a large table: the usual answer without a look at the latter.
    if ranges != nil, !shifted[old.index] { return old }
    let n = numbers[old.index]
    return n == 0 ? nil : SymbolID(n)
  }

  /// Whether an old symbol's definition may say something else now: its bytes, what its relocations and auxiliary
  /// symbols point to, or what those auxiliary symbols say.
  @inline(__always)
  package func isTouched(_ old: SymbolID) -> Bool { old.index >= oldCount || touched.symbols[old.index] }

  /// Whether all of these were the symbols that they are, with the same numbers, and none `isTouched`: then there is
  /// nothing in a list of them to follow.
  package func keeps(_ symbols: UnsafeBufferPointer<SymbolID>) -> Bool {
    if !keepsNumbers && ranges == nil { return false }
    let (touched, shifted) = (touched.symbols.base, keepsNumbers ? nil : shifted.base)
    for s in symbols {
      guard s.index < oldCount else { return false }
      var word = touched[s.index >> 6]
      if let shifted { word |= shifted[s.index >> 6] }
      if word >> UInt64(s.index & 63) & 1 != 0 { return false }
    }
    return true
  }

  package func keeps(_ symbols: [SymbolID]) -> Bool { symbols.withUnsafeBufferPointer(keeps) }

  /// Calls `body` with every old symbol that `isTouched`.
  package func forEachTouched(_ body: (SymbolID) -> Void) { touched.symbols.forEach { body(SymbolID($0)) } }

  /// Whether an old symbol's definition may lie elsewhere in memory now. Until the index changes again.
  @inline(__always)
  package func isReplaced(_ old: SymbolID) -> Bool {
    // Whose definition is another object's now is touched.
    guard !isTouched(old), let now = number(old) else { return true }
    return isExchanged(ObjectID(index.symbols[now.index].object))
  }

  /// Whether an object, by its number now, is another than in the link before.
  @inline(__always)
  package func isExchanged(_ object: ObjectID) -> Bool {
    object.index < touched.exchanged.count && touched.exchanged[object.index]
  }

  /// Whether some object `isRefiled`.
  package var hasRefiled: Bool { touched.refiled.contains(true) }

  /// Whether the list of source files of an object, by its number now, is another than in the link before.
  @inline(__always)
  package func isRefiled(_ object: ObjectID) -> Bool {
    object.index < touched.refiled.count && touched.refiled[object.index]
  }
}
