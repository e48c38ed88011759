/// The one index of a program's symbols.
///
/// Numbering rules (cmd/link/internal/loader/loader.go, Preload … LoadSyms), which the bytes of the output
/// depend on, because the data sorts and the symbol table fall back to it:
/// 1. index 0 is no symbol;
/// 2. for each object in load order, all its package definitions; unnamed and static ones each get an
///    index of their own;
/// 3. for each object: its short hashed, hashed and non-package definitions; equal hashes share the first
///    index, and so do equal (name, ABI);
/// 4. for each object, references to names that nobody defines;
/// 5. what the linker makes, in the order of making.
/// Only the order counts: behind the symbols of 2., 3. and 4. of each object some numbers are left free (`NumberRoom`).
/// A later definition that wins keeps the first one's index; `ObjectSymbol` says whose content counts.
package final class SymbolIndex: @unchecked Sendable {
  /// Indexed by SymbolID.
  var symbols: Table<ObjectSymbol>
  /// Indexed by ObjectID.
  var loaded: Table<LoadedObject>
  var externals: Table<ExternalSymbol>
  var names: NameTable
  let builtinNames: BuiltinTable
  /// Indexed by the number of the builtin.
  var builtins: Table<UInt32>
  /// log2 of the alignment plus 1, 0 when no definition gave one; indexed by SymbolID.
  var alignments: Table<UInt8>
  /// The first number that each object's definitions other than its package definitions may have, and the end of
  /// them; indexed by ObjectID.
  var othersStarts: [UInt32] = []
  /// The first number that each object's package definitions may have, and the end of them; indexed by ObjectID.
  var packageStarts: [UInt32] = []
  /// The first number that the names may have which each object is the first to refer to and nobody defines, and the end
  /// of them; indexed by ObjectID.
  var undefinedStarts: [UInt32] = []
  /// How many numbers no symbol has (`NumberRoom`), not counting 0.
  var freeCount = 0
  /// `SymbolClass` of the objects' symbols; the linker's own have none, not even those of what they were cloned
  /// from (loader.go SymAttr, IsItab …). Indexed by SymbolID.
  var classes: Table<UInt8>
  /// Attributes from the objects; indexed by SymbolID.
  var attributes: Table<Attributes>
  package internal(set) var libraries: [Library]
  /// The inputs, in load order; keeps their memory alive. `objects[k]` is ObjectID k + 2.
  package internal(set) var objects: [GoObject]
  var arena = Arena()
  private var nextStatic: Int32 = 0
  /// What a link changes of the resolved index, so that the next one can start from it again.
  var journal = IndexJournal()
  /// The first symbol that no object defines.
  package internal(set) var firstExternal = SymbolID.none
  package internal(set) var wasmExports: [SymbolID] = []
  /// Whether the index can serve another link: resolving it said nothing that has to be said again, and left nothing
  /// that `rewind` or `IndexPatch` do not know of.
  var isPatchable = false
  /// Number of payload mismatches that -strictdups found.
  package internal(set) var strictDupCount = 0
  /// Where the tables are that an earlier life of the daemon left.
  let block: SnapshotBlock?

  package struct Attributes: OptionSet, BitwiseCopyable, Sendable {
    package let rawValue: UInt8
    @inline(__always) package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let local = Attributes(rawValue: 1)
    package static let usedInIface = Attributes(rawValue: 2)
    /// Not to be laid out with the data ("special" in the loader).
    package static let special = Attributes(rawValue: 4)
    package static let notInSymbolTable = Attributes(rawValue: 8)
    /// Made by the linker as live from the start (symbolbuilder.go CreateSymForUpdate): never queued.
    package static let bornReachable = Attributes(rawValue: 16)
  }

  init(libraries: [Library], objects: [GoObject], builtinNames: BuiltinTable) {
    self.libraries = libraries
    self.objects = objects
    self.builtinNames = builtinNames
    var definitions = 0
    var named = 0
    for o in objects {
      definitions += o.view.definitions
      named += o.view.packageDefs + o.view.nonPackageDefs
    }
    symbols = Table(capacity: definitions / 2 + 4096)
    symbols.append(ObjectSymbol(object: 0, local: 0))
    loaded = Table(capacity: objects.count + 2)
    externals = Table(capacity: 4096)
    names = NameTable(expected: named / 2)
    builtins = Table(repeating: 0, count: max(builtinNames.count, 1))
    alignments = Table(repeating: 0, count: 1)
    classes = Table(repeating: 0, count: 1)
    attributes = Table(repeating: [], count: 1)
    block = nil
  }

  /// The index that an earlier life of the daemon left, but for its objects and their attributes.
  init(_ reader: inout SnapshotReader, libraries: [Library], objects: [GoObject], builtinNames: BuiltinTable)
  {
    block = reader.block
    self.libraries = libraries
    self.objects = objects
    self.builtinNames = builtinNames
    symbols = reader.table()
    classes = reader.table()
    alignments = reader.table()
    names = NameTable(&reader)
    builtins = reader.table()
    packageStarts = reader.array()
    othersStarts = reader.array()
    undefinedStarts = reader.array()
    firstExternal = SymbolID(UInt32(truncatingIfNeeded: reader.numbers(1)[0]))
    let externalNames = reader.views()
    let versions: [Int32] = reader.array()
    externals = Table(capacity: externalNames.count)
    if versions.count != externalNames.count { reader.fail() }
    for (name, version) in zip(externalNames, versions) {
      externals.append(ExternalSymbol(name: name, version: version, kind: .undefined))
    }
    attributes = Table(repeating: [], count: 1)
    loaded = Table(capacity: objects.count + 2)
    isPatchable = true
  }

  deinit {
    for i in 0..<loaded.count { giveBack(loaded[i]) }
  }

  /// Frees the tables of an object that leaves, unless they are the snapshot's.
  func giveBack(_ object: LoadedObject) {
    giveBack(object.symbols, object.view.symbolCount)
    giveBack(object.packages, object.packageCount)
  }

  private func giveBack(_ table: UnsafeMutablePointer<UInt32>, _ count: Int) {
    if let block, block.owns(table) {
      SnapshotBlock.giveBack(table, 4 * count)
    } else {
      table.deallocate()
    }
  }

  package var count: Int { symbols.count }
  package var objectCount: Int { loaded.count }

  package var reader: SymbolReader {
    SymbolReader(
      symbols: symbols.base, classes: classes.base, objects: loaded.base, externals: externals.base,
      builtins: builtins.base,
      builtinCount: builtins.count, kinds: UnsafePointer(kindTable.pointer), count: symbols.count,
      objectCount: loaded.count)
  }

  /// The first object found corrupt by an access, if any.
  package var corruptObject: GoObject? { objects.first { $0.isCorrupt } }

  /// - Throws: when some access found an object corrupt.
  package func checkObjects() throws(LinkFailure) {
    if let bad = corruptObject { throw bad.failure }
  }

  package func library(of object: ObjectID) -> Library {
    libraries[Int(loaded[object.index].library)]
  }

  /// The package of a symbol: its object's library, empty for the linker's own (loader.go SymPkg).
  package func packagePath(_ s: SymbolID) -> String {
    let u = reader.unit(s)
    return u.raw > 1 ? library(of: u).path : ""
  }

  // MARK: alignment and attributes

  /// Bytes; 0 when no definition gave an alignment.
  @inline(__always) package func alignment(_ s: SymbolID) -> Int {
    guard s.index < alignments.count else { return 0 }
    let a = alignments[s.index]
    return a == 0 ? 0 : 1 << Int(a - 1)
  }

  package func setAlignment(_ s: SymbolID, _ bytes: Int) {
    alignments.grow(to: symbols.count, with: 0)
    journal.noteAlignment(s, alignments[s.index])
    alignments[s.index] = bytes <= 0 ? 0 : UInt8(truncatingIfNeeded: bytes.trailingZeroBitCount + 1)
  }

  @inline(__always) package func attributes(_ s: SymbolID) -> Attributes {
    s.index < attributes.count ? attributes[s.index] : []
  }

  /// The attributes by symbol, and how many symbols have any; as long as the index does not change.
  package var allAttributes: (base: UnsafePointer<Attributes>, count: Int) {
    (UnsafePointer(attributes.base), attributes.count)
  }

  package func insert(_ a: Attributes, for s: SymbolID) {
    attributes.grow(to: symbols.count, with: [])
    attributes[s.index] = attributes[s.index].union(a)
  }

  package func remove(_ a: Attributes, for s: SymbolID) {
    attributes.grow(to: symbols.count, with: [])
    attributes[s.index] = attributes[s.index].subtracting(a)
  }

  // MARK: look-up

  /// The symbol of that name, or none. Versions: 0 ABI0 and data, 1 ABIInternal.
  package func lookup(_ name: ByteView, version: Int32) -> SymbolID {
    let r = reader
    let h = NameTable.hash(NameHash.of(name), version: version)
    return names.find(h) { r.name($0) == name && r.version($0) == version }.symbol
  }

  package func lookup(_ name: String, version: Int32 = 0) -> SymbolID {
    withBytes(name) { lookup($0, version: version) }
  }

  func withBytes<R>(_ text: String, _ body: (ByteView) -> R) -> R {
    var text = text
    return text.withUTF8 { body(ByteView(UnsafeRawPointer($0.baseAddress), $0.count)) }
  }

  // MARK: linker-made symbols

  /// The symbol of that name; made undefined when there is none (loader.go LookupOrCreateSym).
  package func lookupOrCreate(_ name: String, version: Int32 = 0) -> SymbolID {
    let found = lookup(name, version: version)
    return found.isNone ? create(arena.intern(name), version: version) : found
  }

  /// Adds a symbol under a name that is not taken; `name` must outlive the index.
  func create(_ name: ByteView, version: Int32) -> SymbolID {
    let r = reader
    let h = NameTable.hash(NameHash.of(name), version: version)
    let slot = names.find(h) { r.name($0) == name && r.version($0) == version }.slot
    return create(name, version: version, hash: h, slot: slot)
  }

  /// The same, with the name's hash and the free slot where it was looked for.
  func create(_ name: ByteView, version: Int32, hash: UInt32, slot: Int) -> SymbolID {
    let s = addExternal(name, version: version)
    names.insert(hash, s, at: slot)
    journal.noteName(s)
    return s
  }

  /// A symbol that no name finds, with a version below 0 (loader.go CreateStaticSym).
  package func createStatic(_ name: String) -> SymbolID {
    nextStatic -= 1
    return addExternal(arena.intern(name), version: nextStatic)
  }

  /// A symbol in no table (loader.go CreateExtSym, MakeSymbolBuilder).
  package func createUnlisted(_ name: String, version: Int32 = 0) -> SymbolID {
    addExternal(arena.intern(name), version: version)
  }

  /// Adds a symbol whose name is in the table already, or will be put there.
  func appendUndefined(_ name: ByteView, version: Int32) -> SymbolID { addExternal(name, version: version) }

  /// Forgets the numbers given to the linker's statics.
  func restartStatics() { nextStatic = 0 }

  private func addExternal(_ name: ByteView, version: Int32) -> SymbolID {
    let s = SymbolID(symbols.count)
    if firstExternal.isNone { firstExternal = s }
    symbols.append(ObjectSymbol(object: 1, local: UInt32(externals.count)))
    classes.append(0)
    externals.append(ExternalSymbol(name: name, version: version, kind: .undefined))
    return s
  }
}
