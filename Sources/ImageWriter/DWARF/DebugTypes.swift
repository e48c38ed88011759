import LoaderCore

/// The entries of types, in the order in which the real linker makes them, with what they refer to
/// (cmd/link/internal/ld/dwarf.go newdie, newtype, defgotype).
///
/// The real linker makes a symbol "go:info.T" per entry; here an entry is a record in a table. Nothing
/// outside of DWARF can see the difference: those symbols are kept out of the symbol table and of the data,
/// and symbols made later keep their order among themselves, which is all that the sorts look at.
struct DebugTypes: ~Copyable, @unchecked Sendable {
  struct Entry: BitwiseCopyable {
    /// `AbbrevTable.Code`.
    let abbrev: UInt8
    /// reflect.Kind; 0 when the real linker gives none.
    var kind: UInt8 = 0
    /// Whether the program contains the descriptor, so that the entry can point at it.
    var hasRuntimeType = false
    let name: ByteView
    /// The descriptor it was made from; none for made-up types.
    var descriptor = SymbolID.none
    /// The descriptor whose fields are the entry's children.
    var fields = SymbolID.none
    /// The first of them among the fields of all types.
    var firstField = 0
    var size: Int64 = 0
    /// Range in `references`: what the entry, or its children, refer to, in the order of the bytes of the
    /// descriptor (element; key, element; fields; parameters, results).
    var firstReference = 0
    var referenceCount = 0
    /// The type that the attribute DW_AT_type names where it is not one of the references: the definition of a
    /// typedef, the made-up type of a map or channel. -1 for none.
    var type: Int32 = -1
    /// The element of a slice, once its references are those of its fields. -1 for none.
    var element: Int32 = -1
  }

  private(set) var entries: Table<Entry>
  /// What the descriptors say that entries were made from.
  private(set) var records: Table<TypeRecord>
  /// While an entry is under way: SymbolID.raw of descriptors; afterwards indices of entries.
  private(set) var references: Table<UInt32>
  let reader: SymbolReader
  let decoder: TypeDecoder
  private let index: SymbolIndex
  private let reachable: UnsafePointer<UInt8>
  private let reachableCount: Int
  private let places: UnsafeMutablePointer<UInt32>
  let names: Arena
  private let memo: TypeMemo
  private var open: Table<OpenEntry>
  private var emptyInterface = SymbolID.none
  private var methodInterface = SymbolID.none
  /// Entries that stand for `*T` of the entry at that index, where `defptrto` looked for one; 0 is none.
  private var pointers: Table<Int32>

  /// Index of the entry for what has no type.
  static let unspecified: UInt32 = 0
  static let uintptr: UInt32 = 2

  private struct OpenEntry: BitwiseCopyable {
    let entry: Int
    var next: Int
  }

  init(
    _ index: SymbolIndex, _ live: borrowing LiveSet, _ places: borrowing DebugPlaces,
    memory: DebugMemory
  ) throws(LinkFailure) {
    self.index = index
    memo = memory.types
    memo.announce(places.base)
    reader = index.reader
    decoder = TypeDecoder(index.reader)
    reachable = live.reachableBits
    reachableCount = live.limit
    self.places = places.base
    names = Arena()
    entries = Table(capacity: 1 << 14)
    records = Table(capacity: 1 << 14)
    references = Table(capacity: 1 << 16)
    open = Table(capacity: 64)
    pointers = Table()
    try makeBasics()
  }

  private func isReachable(_ s: SymbolID) -> Bool { s.index < reachableCount && reachable[s.index] & 1 != 0 }

  func missing(_ what: String) -> LinkFailure { .unsupported(reason: "DWARF: missing type \(what)") }

  /// The descriptor of that name, which must exist and have content (lookupOrDiag).
  func descriptor(named name: String) throws(LinkFailure) -> SymbolID {
    let s = index.lookup(name)
    guard !s.isNone, !reader.data(s).isEmpty else { throw missing(name) }
    return s
  }

  func descriptor(named name: ByteView) -> SymbolID { index.lookup(name, version: 0) }

  // MARK: the first entries

  private mutating func makeBasics() throws(LinkFailure) {
    emptyInterface = try descriptor(named: "type:runtime.eface")
    methodInterface = try descriptor(named: "type:runtime.iface")
    _ = add(Entry(abbrev: AbbrevTable.Code.unspecifiedType, name: names.intern("<unspecified>")))
    let pointer = try descriptor(named: "type:unsafe.Pointer")
    places[pointer.index] =
      1
      + UInt32(
        add(
          Entry(
            abbrev: AbbrevTable.Code.barePointerType, hasRuntimeType: true,
            name: names.intern("unsafe.Pointer"), descriptor: pointer)))
    let uintptr = try descriptor(named: "type:uintptr")
    places[uintptr.index] =
      1
      + UInt32(
        add(
          Entry(
            abbrev: AbbrevTable.Code.baseType, kind: Self.uintptrKind, hasRuntimeType: true,
            name: names.intern("uintptr"), descriptor: uintptr, size: 8)))
    for name in Self.inspected {
      let type = try descriptor(named: name)
      _ = try define(type)
    }
  }

  private static let uintptrKind: UInt8 = 12

  /// What pretty printers need to look into interfaces.
  private static let inspected = [
    "Type", "ArrayType", "ChanType", "FuncType", "MapType", "PtrType", "SliceType", "StructType",
    "InterfaceType", "ITab", "Imethod",
  ].map { "type:internal/abi." + $0 }

  mutating func add(_ e: Entry) -> Int {
    entries.append(e)
    return entries.count - 1
  }

  // MARK: definition

  /// The index of the entry for a descriptor: the typedef where there is one. Makes it, and what it is made
  /// of, when there is none yet.
  @inline(__always)
  mutating func define(_ type: SymbolID) throws(LinkFailure) -> UInt32 {
    if type.isNone { return Self.unspecified }
    let known = places[type.index]
    if Self.isEntry(known) { return known - 1 }
    return try makeTree(type)
  }

  /// Whether the place of a descriptor is an entry, not nothing or a record of the last link.
  @inline(__always)
  private static func isEntry(_ place: UInt32) -> Bool { place != 0 && place & TypeMemo.mark == 0 }

  private mutating func makeTree(_ type: SymbolID) throws(LinkFailure) -> UInt32 {
    // Types nest deeper than a thread's stack, so the recursion of the real linker is a stack of our own.
    let bottom = open.count
    let result = try begin(type)
    while open.count > bottom {
      let top = open[open.count - 1]
      let e = entries[top.entry]
      guard top.next < e.referenceCount else {
        _ = open.removeLast()
        continue
      }
      let at = e.firstReference + top.next
      open[open.count - 1].next = top.next + 1
      let target = SymbolID(references[at])
      if target.isNone {
        references[at] = Self.unspecified
      } else if Self.isEntry(places[target.index]) {
        references[at] = places[target.index] - 1
      } else {
        let made = try begin(target)
        references[at] = made
      }
    }
    return result
  }

  /// Adds the entry of `type`, and its typedef; its references wait on the stack.
  private mutating func begin(_ type: SymbolID) throws(LinkFailure) -> UInt32 {
    let place = places[type.index]
    let record =
      place & TypeMemo.mark != 0 ? recall(Int(place & ~TypeMemo.mark)) : try read(type)
    records.append(record)
    guard let abbrev = Self.shape(record.kind)?.abbrev else { throw missing("kind \(record.kind)") }
    let isStructure = record.kind == TypeDecoder.Kind.structure
    let e = add(
      Entry(
        abbrev: abbrev, kind: record.kind, hasRuntimeType: isReachable(type), name: record.name,
        descriptor: type, fields: isStructure ? type : .none, firstField: record.firstReference,
        size: record.size, firstReference: record.firstReference, referenceCount: record.referenceCount))
    var target = e
    if record.hasTypedef {
      target = add(
        Entry(
          abbrev: AbbrevTable.Code.typedef, name: record.name, descriptor: type, type: Int32(e)))
    }
    places[type.index] = UInt32(target) + 1
    if record.referenceCount > 0 { open.append(OpenEntry(entry: e, next: 0)) }
    return UInt32(target)
  }

  /// What the last link read, with references of this one.
  private mutating func recall(_ i: Int) -> TypeRecord {
    let old = memo.records[i]
    let first = references.count
    for k in old.references { references.append(memo.references[k]) }
    var record = TypeRecord(
      old.descriptor, kind: old.kind, hasTypedef: old.hasTypedef, name: old.name, size: old.size,
      references: first..<references.count)
    record.known = Int32(truncatingIfNeeded: i)
    return record
  }

  /// Reads a descriptor; appends its references.
  private mutating func read(_ type: SymbolID) throws(LinkFailure) -> TypeRecord {
    let symbolName = reader.name(type)
    let data = reader.data(type)
    guard symbolName.hasPrefix("type:"), symbolName.count > 5, data.count >= TypeDecoder.commonSize else {
      throw missing(symbolName.string)
    }
    let name = symbolName.slice(5, symbolName.count - 5)
    let kind = decoder.kind(data)
    guard let shape = Self.shape(kind) else { throw missing("\(symbolName.string): kind \(kind)") }
    let first = references.count
    if shape.isComposite { try collectReferences(type, data, kind) }
    return TypeRecord(
      type, kind: kind, hasTypedef: shape.mayHaveTypedef && Self.isDeclared(name), name: name,
      size: decoder.size(data), references: first..<references.count)
  }

  private struct Shape {
    let abbrev: UInt8
    var isComposite = true
    var mayHaveTypedef = false
  }

  private static func shape(_ kind: UInt8) -> Shape? {
    typealias Code = AbbrevTable.Code
    typealias Kind = TypeDecoder.Kind
    switch kind {
    case 1...16: return Shape(abbrev: Code.baseType, isComposite: false)
    case Kind.array: return Shape(abbrev: Code.arrayType, mayHaveTypedef: true)
    case Kind.chan: return Shape(abbrev: Code.chanType)
    case Kind.function: return Shape(abbrev: Code.funcType, mayHaveTypedef: true)
    case Kind.interface: return Shape(abbrev: Code.ifaceType, mayHaveTypedef: true)
    case Kind.map: return Shape(abbrev: Code.mapType)
    case Kind.pointer: return Shape(abbrev: Code.pointerType, mayHaveTypedef: true)
    case Kind.slice: return Shape(abbrev: Code.sliceType, mayHaveTypedef: true)
    case Kind.string: return Shape(abbrev: Code.stringType, isComposite: false)
    case Kind.structure: return Shape(abbrev: Code.structType, mayHaveTypedef: true)
    case Kind.unsafePointer: return Shape(abbrev: Code.barePointerType, isComposite: false)
    default: return nil
    }
  }

  /// Whether a type of that name gets a typedef: one with a name of its own, and also functions and
  /// interfaces without one (dotypedef).
  private static func isDeclared(_ name: ByteView) -> Bool {
    let first = name.u8(0)
    if first == 0x5b || first == 0x2a { return false }
    return
      !(name.hasPrefix("map[") || name.hasPrefix("struct {") || name.hasPrefix("noalg.struct {")
      || name.hasPrefix("chan "))
  }

  /// Appends the descriptors that a composite type is made of, in the order newtype asks for them.
  private mutating func collectReferences(
    _ type: SymbolID, _ data: ByteView, _ kind: UInt8
  ) throws(LinkFailure) {
    typealias Kind = TypeDecoder.Kind
    let element = TypeDecoder.commonSize
    var fields = DescriptorFields(reader, type)
    switch kind {
    case Kind.interface:
      references.append((data.u64(64) == 0 ? emptyInterface : methodInterface).raw)
    case Kind.map:
      references.append(fields.target(at: element).raw)
      references.append(fields.target(at: element + 8).raw)
    case Kind.function:
      let start = TypeDecoder.parameters(data)
      let n = TypeDecoder.parameterCount(data) + TypeDecoder.resultCount(data)
      try reserve(n, of: type, relocations: fields.count)
      for i in 0..<n { references.append(fields.target(at: start + 8 * i).raw) }
    case Kind.structure:
      let start = TypeDecoder.structFields(data)
      let n = TypeDecoder.structFieldCount(data)
      try reserve(n, of: type, relocations: fields.count)
      for i in 0..<n {
        references.append(fields.target(at: start + TypeDecoder.structFieldSize * i + 8).raw)
      }
    default: references.append(fields.target(at: element).raw)
    }
  }

  /// Every field has a relocation, so a count beyond their number is a lie.
  private mutating func reserve(_ n: Int, of type: SymbolID, relocations: Int) throws(LinkFailure) {
    guard n >= 0, n <= relocations else { throw missing("\(reader.name(type).string): \(n) parts") }
  }

  // MARK: references from objects

  /// Lets "go:info.T" of all objects promise the descriptor `type:T`.
  func promiseEntries(_ memory: DebugMemory) {
    let first = index.firstExternal.index
    guard first > 0, reader.count > first else { return }
    for p in memory.promises { places[p.entry.index] = DebugPlaces.promise | p.type.raw }
    Chunks.run(reader.count - first, grain: 512) { range in
      let name = ByteSink()
      name.append(text: "type:")
      for i in range {
        let s = SymbolID(first + i)
        guard places[s.index] == 0, reader.kind(s) == .undefined else { continue }
        let text = reader.name(s)
        guard text.hasPrefix("go:info.") else { continue }
        name.truncate(5)
        name.append(text.slice(8, text.count - 8))
        let type = descriptor(named: ByteView(name.base, name.count))
        if !type.isNone { places[s.index] = DebugPlaces.promise | type.raw }
      }
    }
    var promises: [DebugMemory.Promise] = []
    promises.reserveCapacity(memory.promises.count)
    for i in first..<reader.count where places[i] & DebugPlaces.promise != 0 {
      promises.append(.init(entry: SymbolID(i), type: SymbolID(places[i] & ~DebugPlaces.promise)))
    }
    memory.promises = promises
  }

  /// Defines what "go:info.T" promises.
  ///
  /// - Throws: `.unsupported` for an entry that no descriptor stands behind; the real linker reports it as
  ///   an undefined relocation target.
  @inline(__always)
  mutating func define(entry: SymbolID) throws(LinkFailure) {
    let place = places[entry.index]
    if place & DebugPlaces.promise != 0 {
      _ = try define(SymbolID(place & ~DebugPlaces.promise))
      return
    }
    throw missing(reader.name(entry).string)
  }

  // MARK: made-up types

  /// The entry for a pointer to the type at `entry` (defptrto).
  mutating func pointer(to entry: UInt32) -> UInt32 {
    pointers.grow(to: entries.count, with: 0)
    if pointers[Int(entry)] != 0 { return UInt32(pointers[Int(entry)]) }
    let target = entries[Int(entry)]
    let name = concatenated("type:*", target.name)
    let descriptor = descriptor(named: name)
    if !descriptor.isNone, Self.isEntry(places[descriptor.index]) { return places[descriptor.index] - 1 }
    let isLive = !descriptor.isNone && isReachable(descriptor)
    let made = add(
      Entry(
        abbrev: AbbrevTable.Code.pointerType, kind: isLive ? TypeDecoder.Kind.pointer : 0,
        hasRuntimeType: isLive, name: name.slice(5, name.count - 5), descriptor: descriptor,
        type: Int32(entry)))
    if !descriptor.isNone { places[descriptor.index] = UInt32(made) + 1 }
    pointers[Int(entry)] = Int32(made)
    return UInt32(made)
  }

  private func concatenated(_ prefix: StaticString, _ text: ByteView) -> ByteView {
    let n = prefix.utf8CodeUnitCount
    let p = names.allocate(n + text.count)
    p.copyMemory(from: UnsafeRawPointer(prefix.utf8Start), byteCount: n)
    if let from = text.base { (p + n).copyMemory(from: from, byteCount: text.count) }
    return ByteView(UnsafeRawPointer(p), n + text.count)
  }

  /// The name of a made-up type: "base<first>" or "base<first,second>".
  ///
  /// - Parameter base: with the `<`.
  func name(_ base: StaticString, _ first: UInt32, _ second: UInt32?) -> ByteView {
    let n = base.utf8CodeUnitCount
    let a = entries[Int(first)].name
    let b = second.map { entries[Int($0)].name }
    let count = n + a.count + (b.map { 1 + $0.count } ?? 0) + 1
    let p = names.allocate(count)
    p.copyMemory(from: UnsafeRawPointer(base.utf8Start), byteCount: n)
    var at = n
    if let from = a.base { (p + at).copyMemory(from: from, byteCount: a.count) }
    at += a.count
    if let b {
      p.storeBytes(of: UInt8(ascii: ","), toByteOffset: at, as: UInt8.self)
      at += 1
      if let from = b.base { (p + at).copyMemory(from: from, byteCount: b.count) }
      at += b.count
    }
    p.storeBytes(of: UInt8(ascii: ">"), toByteOffset: at, as: UInt8.self)
    return ByteView(UnsafeRawPointer(p), count)
  }

  /// Gives entry `e` the fields of `prototype`, copied as they are now.
  mutating func copyFields(from prototype: Int, to e: Int) {
    let p = entries[prototype]
    let first = references.count
    for i in 0..<p.referenceCount { references.append(references[p.firstReference + i]) }
    entries.base[e].fields = p.fields
    entries.base[e].firstField = p.firstField
    entries.base[e].firstReference = first
    entries.base[e].referenceCount = p.referenceCount
  }

  /// The number of the field of that name, of entry `e` and of all that have copies of its fields.
  func field(_ name: StaticString, of e: Int) throws(LinkFailure) -> Int {
    let fields = entries[e].fields
    var reading = DescriptorFields(reader, fields)
    let start = TypeDecoder.structFields(reader.data(fields))
    for i in 0..<entries[e].referenceCount {
      let text = reading.name(at: start + TypeDecoder.structFieldSize * i)
      if text.count == name.utf8CodeUnitCount, text.hasPrefix(name) { return i }
    }
    throw missing("\(entries[e].name.string).\(name)")
  }

  /// Lets a field of entry `e` have the type at `target` (substitutetype).
  func setField(_ number: Int, of e: Int, to target: UInt32) {
    references[entries[e].firstReference + number] = target
  }

  /// Turns a slice's only reference into its element.
  func keepElement(of e: Int) -> UInt32 {
    let element = references[entries[e].firstReference]
    entries.base[e].element = Int32(element)
    return element
  }

  func setType(of e: Int, to target: UInt32) { entries.base[e].type = Int32(target) }
}
