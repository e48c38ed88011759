/// Tells which definitions of an exchanged object are what they were: the same record, name, data, relocations and
/// auxiliary symbols, all references to the same classes (`IndexPatch`), wherever these are written.
///
/// When a package changes, those that import it are compiled again, and most of what they define says the same by
/// other indices. An object whose files are others is not compared: pc tables, FuncInfo and DWARF number these.
struct DefinitionComparison: @unchecked Sendable {
  /// An object in both versions. Symbols of both are classes; package lists of both are numbers of objects.
  struct Versions: @unchecked Sendable {
    let object: Int
    let old: UnsafePointer<LoadedObject>
    let new: UnsafePointer<LoadedObject>
    /// New local indices of functions.
    let functions: [UInt32]
    /// What is compared.
    let pairs: Pairs
    /// Whether the package indices of the object itself, and names, mean the same in both versions; those of its contents,
    /// too.
    let keepsPlaces: Bool
    let keepsContents: Bool
    /// By index of the package list, whether references to it mean the same in both versions.
    let isSteady: [Bool]
    /// What is known of the new version, and the number of the old one in it.
    let memo: VersionMemo
    let oldSerial: UInt64
    /// What is known of the old version, if what it says of definitions with the same bytes is true of the new one's: both
    /// have the same list of packages, and the same auxiliary symbols.
    let oldMemo: VersionMemo?
    /// Where the objects' bytes may differ, if that is known and everything stands where it stood.
    let differences: [Range<Int>]?
    /// `VersionVerdict.circumstances`; nil when there is more to it.
    let circumstances: [UInt64]?
  }

  struct Pair: BitwiseCopyable {
    let old: UInt32
    let new: UInt32
  }

  /// Definitions whose content counts, as both versions have them.
  struct Pairs: @unchecked Sendable {
    private let listed: [Pair]
    /// Of an object whose definitions are where they were, but for contents (`ObjectView.Likeness`): each is compared with
    /// itself, and whether it counts is asked of the index.
    private let aligned: Aligned?

    private struct Aligned {
      let object: UInt32
      let old: UnsafePointer<LoadedObject>
      let new: UnsafePointer<LoadedObject>
      let symbols: UnsafePointer<ObjectSymbol>
    }

    init(_ pairs: [Pair]) { (listed, aligned) = (pairs, nil) }

    /// - Parameter symbols: of the index, by class.
    init(
      itself object: Int, old: UnsafePointer<LoadedObject>, new: UnsafePointer<LoadedObject>,
      symbols: UnsafePointer<ObjectSymbol>
    ) {
      listed = []
      aligned = Aligned(
        object: UInt32(truncatingIfNeeded: object), old: old, new: new, symbols: symbols)
    }

    var areAligned: Bool { aligned != nil }

    var count: Int { aligned?.old.pointee.view.definitions ?? listed.count }

    /// The pair at a place below `count`, if there is one that counts.
    @inline(__always)
    subscript(_ k: Int) -> Pair? {
      guard let aligned else { return listed[k] }
      let c = aligned.old.pointee.symbols[k]
      let i = UInt32(truncatingIfNeeded: k)
      return c == aligned.new.pointee.symbols[k]
        && aligned.symbols[Int(c)] == ObjectSymbol(object: aligned.object, local: i)
        ? Pair(old: i, new: i) : nil
    }

    /// All of them; rising, when they are aligned.
    var all: [Pair] { aligned == nil ? listed : (0..<count).compactMap { self[$0] } }
  }

  /// A set of old classes, or of definitions; somebody else's.
  struct Classes: @unchecked Sendable {
    let words: UnsafePointer<UInt64>
    let count: Int

    @inline(__always)
    func has(_ c: UInt32) -> Bool {
      Int(c) < count && words[Int(c >> 6)] >> UInt64(c & 63) & 1 != 0
    }
  }

  private let versions: Versions
  private let was: ObjectView
  private let now: ObjectView
  private let oldClasses: LocalClasses
  private let newClasses: LocalClasses
  /// All objects, before and after.
  private let oldObjects: UnsafePointer<LoadedObject>
  private let newObjects: UnsafePointer<LoadedObject>
  private let builtins: UnsafePointer<UInt32>
  private let builtinCount: Int
  /// Whether all references mean the same that are written the same.
  private let isSteadyThroughout: Bool
  /// Old classes that may have gone on with another content or name.
  private let reused: Classes
  /// The pairs of which it is not known that they say the same, once that is looked into.
  private(set) var doubtful: [Pair] = []
  /// New definitions of which it is known that they differ.
  private(set) var known: [UInt32] = []
  /// Whether what is found is kept as a `VersionVerdict`.
  private(set) var isForAll = false

  init(
    _ versions: Versions, oldObjects: UnsafePointer<LoadedObject>, newObjects: UnsafePointer<LoadedObject>,
    builtins: UnsafePointer<UInt32>, builtinCount: Int, reused: Classes
  ) {
    self.versions = versions
    self.reused = reused
    was = versions.old.pointee.view
    now = versions.new.pointee.view
    oldClasses = LocalClasses(versions.old.pointee)
    newClasses = LocalClasses(versions.new.pointee)
    self.oldObjects = oldObjects
    self.newObjects = newObjects
    self.builtins = builtins
    self.builtinCount = builtinCount
    isSteadyThroughout = versions.keepsPlaces && versions.keepsContents && !versions.isSteady.contains(false)
  }

  /// Finds out which pairs need not be compared.
  ///
  /// - Returns: the new definitions that are a function's FuncInfo; none if no pair is left to compare.
  mutating func prepare() -> Bitmap {
    let pairs = versions.pairs
    if let circumstances = versions.circumstances {
      let (verdict, isWanted) = versions.memo.verdict(on: versions.oldSerial, circumstances)
      if let verdict {
        (known, doubtful) = verdict.answer(pairs)
        return doubtful.isEmpty ? Bitmap(count: 0) : funcInfos()
      }
      isForAll = isWanted
    }
    let infos = funcInfos()
    guard pairs.areAligned, versions.keepsPlaces,
      let candidates = versions.memo.candidates(
        versions, infos: Classes(words: infos.base, count: definitions))
    else {
      doubtful = pairs.all
      // What does not count in this program may in another.
      isForAll = isForAll && !pairs.areAligned
      return infos
    }
    doubtful = candidates.compactMap { isForAll ? Pair(old: $0, new: $0) : pairs[Int($0)] }
    return infos
  }

  /// Keeps what comparing all that was doubtful found.
  ///
  /// - Parameter differing: rising.
  func keepVerdict(_ differing: [UInt32]) {
    guard isForAll, let circumstances = versions.circumstances else { return }
    var partners: [UInt32] = []
    if !versions.pairs.areAligned {
      partners = Array(repeating: 0, count: definitions)
      for p in doubtful { partners[Int(p.new)] = p.old + 1 }
    }
    let verdict = VersionVerdict(circumstances: circumstances, differing: differing, partners: partners)
    versions.memo.keep(verdict, on: versions.oldSerial)
  }

  /// The class of a new definition, if it counts in this program.
  func countingClass(_ new: UInt32) -> UInt32? {
    if versions.pairs.areAligned, versions.pairs[Int(new)] == nil { return nil }
    return versions.new.pointee.symbols[Int(new)]
  }

  /// So many places for pairs in ranges: an object may have more definitions than all others together.
  private static func ranges(of count: Int, to end: Int) -> [Range<Int>] {
    stride(from: 0, to: end, by: count).map { $0..<min($0 + count, end) }
  }

  /// Where pairs are in `versions.pairs`.
  func ranges(of count: Int) -> [Range<Int>] { Self.ranges(of: count, to: versions.pairs.count) }

  /// Those pairs that are to be compared, in slices.
  func doubtfulSlices(of count: Int) -> [ArraySlice<Pair>] {
    Self.ranges(of: count, to: doubtful.count).map { doubtful[$0] }
  }

  /// How many definitions the new version has.
  var definitions: Int { now.definitions }

  /// The new definitions that are a function's FuncInfo.
  private func funcInfos() -> Bitmap {
    let infos = Bitmap(count: now.definitions)
    for f in versions.functions {
      if let info = Self.funcInfo(now, f) { infos[Int(info)] = true }
    }
    return infos
  }

  /// The new definitions that are not what they were.
  ///
  /// - Parameter infos: `funcInfos`.
  func changed(_ slice: ArraySlice<Pair>, infos: Classes) -> [UInt32] {
    var changed: [UInt32] = []
    for p in slice {
      let isSame = infos.has(p.new) ? isSameFuncInfo(p) : was.data(p.old) == now.data(p.new)
      if !isSame || !isSameRecord(p) || !hasSameRelocations(p) || !hasSameAuxiliaries(p) {
        changed.append(p.new)
      }
    }
    return changed
  }

  /// The classes of definitions with an auxiliary symbol among these, if it is known which have which.
  func changedOwners(of auxiliaries: Classes) -> [UInt32]? {
    guard versions.pairs.areAligned,
      let targets = versions.memo.auxiliaryTargets(after: versions.oldMemo, find: { AuxiliaryTargets(now) })
    else { return nil }
    return targets.owners(of: auxiliaries, versions.new.pointee.symbols).compactMap { i in
      hasAuxiliary(i, among: auxiliaries) ? countingClass(i) : nil
    }
  }

  private func hasAuxiliary(_ i: UInt32, among auxiliaries: Classes) -> Bool {
    let (base, count) = now.auxRecords(i)
    let list = Auxiliaries(base: base, count: count, object: versions.new)
    return (0..<count).contains { auxiliaries.has(newClass(list.ref($0))) }
  }

  /// The classes of definitions with an auxiliary symbol among these.
  func changed(_ range: Range<Int>, through auxiliaries: Classes) -> [UInt32] {
    let pairs = versions.pairs
    var changed: [UInt32] = []
    for k in range {
      // Most definitions have none, and all of an aligned object's are where they were.
      let i = pairs.areAligned ? UInt32(truncatingIfNeeded: k) : pairs[k]?.new ?? 0
      if hasAuxiliary(i, among: auxiliaries), pairs[k] != nil {
        changed.append(versions.new.pointee.symbols[Int(i)])
      }
    }
    return changed
  }

  // MARK: parts of a definition

  private func isSameRecord(_ p: Pair) -> Bool {
    let (i, k) = (Int(p.old), Int(p.new))
    let (a, b) = (versions.old.pointee, versions.new.pointee)
    guard a.classes[i] == b.classes[k], a.traits[i] == b.traits[k] else { return false }
    let rest = ObjectFormat.symbolSize - 8
    return was.bytes.slice(was.record(p.old) + 8, rest) == now.bytes.slice(now.record(p.new) + 8, rest)
      && was.name(p.old) == now.name(p.new)
  }

  private func hasSameRelocations(_ p: Pair) -> Bool {
    let (a, n) = was.relocRecords(p.old)
    let (b, m) = now.relocRecords(p.new)
    guard n == m else { return false }
    guard var a, var b else { return true }
    if compareBytes(a, b, n * ObjectFormat.relocSize) == 0 {
      if isSteadyThroughout { return true }
      for _ in 0..<n {
        let ref = Self.reference(of: a)
        if !isSteady(ref.package_), !isSame(ref, ref) { return false }
        a += ObjectFormat.relocSize
      }
      return true
    }
    for _ in 0..<n {
      // Offset, size, type and addend; then the reference.
      guard a.loadUnaligned(as: UInt64.self) == b.loadUnaligned(as: UInt64.self),
        a.loadUnaligned(fromByteOffset: 7, as: UInt64.self)
          == b.loadUnaligned(fromByteOffset: 7, as: UInt64.self),
        isSame(Self.reference(of: a), Self.reference(of: b))
      else { return false }
      a += ObjectFormat.relocSize
      b += ObjectFormat.relocSize
    }
    return true
  }

  /// What a relocation record refers to (`Relocation`).
  @inline(__always)
  private static func reference(of record: UnsafeRawPointer) -> SymbolRef {
    SymbolRef(
      package_: UInt32(littleEndian: record.loadUnaligned(fromByteOffset: 15, as: UInt32.self)),
      index: UInt32(littleEndian: record.loadUnaligned(fromByteOffset: 19, as: UInt32.self)))
  }

  private func hasSameAuxiliaries(_ p: Pair) -> Bool {
    let (a, n) = was.auxRecords(p.old)
    let (b, m) = now.auxRecords(p.new)
    guard n == m else { return false }
    let old = Auxiliaries(base: a, count: n, object: versions.old)
    let new = Auxiliaries(base: b, count: m, object: versions.new)
    for k in 0..<n where old.kind(k) != new.kind(k) || !isSame(old.ref(k), new.ref(k)) { return false }
    return true
  }

  /// FuncInfo names inlined functions by references of its own (cmd/internal/goobj/funcinfo.go). Only of the new definition
  /// it is known that it is one: the old may have been anything.
  private func isSameFuncInfo(_ p: Pair) -> Bool {
    let (a, b) = (was.data(p.old), now.data(p.new))
    guard a.count == b.count, let old = FuncInfo(data: a, object: versions.old, isCertain: false),
      let new = FuncInfo(data: b, object: versions.new, isCertain: false), old.inlineCount == new.inlineCount
    else { return false }
    let head = a.count - 24 * old.inlineCount
    guard a.slice(0, head) == b.slice(0, head) else { return false }
    for k in 0..<old.inlineCount {
      let (x, y) = (old.inlineNode(k), new.inlineNode(k))
      guard x.parent == y.parent, x.file == y.file, x.line == y.line, x.parentPC == y.parentPC,
        isSame(x.function, y.function)
      else { return false }
    }
    return true
  }

  private static func funcInfo(_ view: ObjectView, _ function: UInt32) -> UInt32? {
    let (base, count) = view.auxRecords(function)
    guard let base else { return nil }
    for k in 0..<count {
      let at = base + k * ObjectFormat.auxSize
      guard at.load(as: UInt8.self) == AuxKind.funcInfo else { continue }
      let local = UInt32(littleEndian: at.loadUnaligned(fromByteOffset: 5, as: UInt32.self))
      return Int(local) < view.definitions ? local : nil
    }
    return nil
  }

  // MARK: references

  @inline(__always)
  private func isSame(_ a: SymbolRef, _ b: SymbolRef) -> Bool {
    if a == b {
      if isSteady(a.package_) { return true }
    }
    let c = oldClass(a)
    guard c != LocalClasses.nowhere, c == newClass(b) else { return false }
    return !isForAll || (!reused.has(c) && haveSameName(a, b))
  }

  /// Whether two references of one meaning in this program have it by one name, if by names at all.
  private func haveSameName(_ a: SymbolRef, _ b: SymbolRef) -> Bool {
    let none = ObjectFormat.PackageIndex.none
    guard a.package_ == none || b.package_ == none else { return true }
    guard a.package_ == b.package_, let i = was.localIndex(a), let k = now.localIndex(b) else { return false }
    let (x, y) = (UInt32(truncatingIfNeeded: i), UInt32(truncatingIfNeeded: k))
    return was.abi(x) == now.abi(y) && was.name(x) == now.name(y)
  }

  /// Whether references to a package, or by a special index, mean the same when they are written the same.
  @inline(__always)
  private func isSteady(_ package: UInt32) -> Bool {
    let k = Int(package)
    if k < versions.isSteady.count { return versions.isSteady[k] }
    switch package {
    case ObjectFormat.PackageIndex.hashed, ObjectFormat.PackageIndex.hashed64: return versions.keepsContents
    default: return versions.keepsPlaces
    }
  }

  /// The class that a reference of the old version stands for, by the rules of `SymbolReader.resolve`;
  /// `LocalClasses.nowhere` for one that is nil or impossible.
  @inline(__always)
  private func oldClass(_ ref: SymbolRef) -> UInt32 {
    LocalClasses.has(ref.package_) ? oldClasses[ref] : foreignClass(ref, versions.old, oldObjects)
  }

  /// The same, of the new version.
  @inline(__always)
  private func newClass(_ ref: SymbolRef) -> UInt32 {
    LocalClasses.has(ref.package_) ? newClasses[ref] : foreignClass(ref, versions.new, newObjects)
  }

  private func foreignClass(
    _ ref: SymbolRef, _ object: UnsafePointer<LoadedObject>, _ objects: UnsafePointer<LoadedObject>
  ) -> UInt32 {
    let (local, nowhere) = (Int(ref.index), LocalClasses.nowhere)
    switch ref.package_ {
    case ObjectFormat.PackageIndex.builtin: return local < builtinCount ? builtins[local] : nowhere
    case 0: return nowhere
    default:
      guard Int(ref.package_) < object.pointee.packageCount else { return nowhere }
      let number = Int(object.pointee.packages[Int(ref.package_)])
      guard number > 1 else { return nowhere }
      let from = objects + number
      return local < from.pointee.view.packageDefs ? from.pointee.symbols[local] : nowhere
    }
  }
}
