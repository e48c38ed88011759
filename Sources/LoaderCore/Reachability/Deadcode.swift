/// Which symbols a program needs: a flood along relocations from the entry point, with methods kept only
/// where something may call them (cmd/link/internal/ld/deadcode.go).
///
/// The result is a monotone fixpoint and does not depend on the order of visits; only the text of -dumpdep
/// does. A method of a type that reaches an interface is kept when some reached code calls an interface
/// method of that name and type, asks reflection for that name, or asks for unknown names.
package struct Deadcode: ~Copyable {
  package struct Options: Sendable {
    package enum Output: Sendable { case executable, plugin(path: String), sharedLibrary }
    package var output = Output.executable
    /// The -E symbol, or the platform's.
    package var entry = "_rt0_amd64_linux"
    package var linkShared = false
    /// Type descriptors may cross a module boundary at run time.
    package var dynamicLinkingGo = false
    package var canUsePlugins = false
    package var pruneWeakMap = true
    package var dumpDependencies = false
    /// Exported symbols that are roots besides.
    package var dynamicExports: [SymbolID] = []
    package init() {}
  }

  private let index: SymbolIndex
  private let reader: SymbolReader
  private let decoder: TypeDecoder
  private let options: Options
  private var live: LiveSet
  private let marks: UnsafeMutablePointer<UInt8>
  private var work: WorkList
  private var names = MethodNames()
  /// (name, type) of interface methods that reached code calls.
  private var calledMethods = KeySet()
  /// Names called on generic interfaces or through constant MethodByName.
  private var calledNames = KeySet()
  private var waiting: [MethodRef] = []
  private var reflectSeen = false
  private var packageInits: [SymbolID] = []

  /// A method of a reached type: its three relocations start at `relocation` of `type`.
  private struct MethodRef {
    let name: UInt32
    let signature: SymbolID
    let type: SymbolID
    let relocation: Int
  }

  /// The live set of a program.
  ///
  /// - Throws: `LinkFailure.corrupt` where an object's markers contradict its types.
  package static func run(_ index: SymbolIndex, initOrder: InitOrder, options: Options)
    throws(LinkFailure) -> LiveSet
  {
    var pass = Deadcode(index, options)
    try pass.markRoots(initOrder)
    try pass.flood()
    if options.dynamicLinkingGo { pass.reflectSeen = true }
    while pass.markCalledMethods() { try pass.flood() }
    if options.pruneWeakMap { try pass.redirectDeadMapInits() }
    if let bad = index.corruptObject {
      throw .corrupt(file: bad.file.path, detail: "object contradicts itself")
    }
    return pass.finish()
  }

  private init(_ index: SymbolIndex, _ options: Options) {
    self.index = index
    self.options = options
    reader = index.reader
    decoder = TypeDecoder(index.reader)
    live = LiveSet(index)
    marks = live.base
    work = WorkList(smallestFirst: options.dumpDependencies)
  }

  private consuming func finish() -> LiveSet { live }

  // MARK: roots

  private mutating func markRoots(_ initOrder: InitOrder) throws(LinkFailure) {
    if case .sharedLibrary = options.output {
      for i in 1..<index.firstExternal.index {
        let s = SymbolID(i)
        // A function that the compiler dropped has no size, and maybe no metadata.
        if !(reader.kind(s).isText && reader.size(s) == 0) { mark(s, from: .none) }
      }
      mark(initOrder.mainTasks, from: .none)
      return
    }
    var roots: [String] = []
    if options.linkShared, case .executable = options.output {
      roots = ["main.main", "main..inittask"]
    } else {
      roots = [options.entry]
    }
    roots.append("runtime.unreachableMethod")
    if case .plugin(let path) = options.output {
      let prefix = PackagePath.prefix(path)
      roots += ["\(prefix)..inittask", "\(prefix).main", "go:plugin.tabs"]
      let exports = index.lookup("go:plugin.exports")
      if !exports.isNone {
        let relocs = reader.relocations(exports)
        for i in 0..<relocs.count { mark(reader.target(relocs[i], in: relocs), from: .none) }
      }
    }
    for name in roots {
      mark(index.lookup(name, version: 0), from: .none)
      mark(index.lookup(name, version: 1), from: .none)
    }
    for s in options.dynamicExports { mark(s, from: .none) }
    for s in index.wasmExports { mark(s, from: .none) }
    mark(initOrder.mainTasks, from: .none)
  }

  // MARK: marking

  @inline(__always)
  private mutating func mark(_ s: SymbolID, from parent: SymbolID) {
    guard !s.isNone, marks[s.index] & LiveSet.reachable == 0 else { return }
    marks[s.index] |= LiveSet.reachable
    work.push(s)
    if options.dumpDependencies { dump(s, from: parent) }
  }

  /// Gives `s` the UsedInIface mark; if it was visited without it, it is visited again.
  private mutating func markUsedInIface(_ s: SymbolID, from parent: SymbolID) {
    guard !s.isNone, marks[s.index] & LiveSet.usedInIface == 0 else { return }
    marks[s.index] |= LiveSet.usedInIface
    if marks[s.index] & LiveSet.reachable != 0 {
      marks[s.index] &= ~LiveSet.reachable
      mark(s, from: parent)
    }
  }

  // MARK: the flood

  private mutating func flood() throws(LinkFailure) {
    while !work.isEmpty {
      let s = work.pop()
      let flags = reader.symbolClass(s)
      if flags.contains(.reflectMethod) { reflectSeen = true }
      let isType = flags.contains(.goType)
      if isType, options.dynamicLinkingGo { marks[s.index] |= LiveSet.usedInIface }
      let usedInIface = isType && marks[s.index] & LiveSet.usedInIface != 0
      if usedInIface {
        try visitConvertedType(s)
      } else {
        try visit(s)
      }
      visitAuxiliaries(s, flags)
    }
  }

  /// A weak relocation does not keep its target, except where another module may need it.
  @inline(__always)
  private func isSkipped(_ r: Relocation, of s: SymbolID) -> Bool {
    guard r.isWeak else { return false }
    if options.linkShared, reader.symbolClass(s).contains(.itab) { return false }
    return !(options.canUsePlugins && RelocType.isDirectCall(r.type))
  }

  private mutating func visit(_ s: SymbolID) throws(LinkFailure) {
    let relocs = reader.relocations(s)
    var i = 0
    while i < relocs.count {
      let r = relocs[i]
      i &+= 1
      if isSkipped(r, of: s) { continue }
      if r.type == RelocType.methodOff {
        try requireTriple(relocs, i &- 1, of: s)
        i &+= 2
        continue
      }
      if try visitMarker(r, relocs, of: s) { continue }
      mark(try target(r, relocs), from: s)
    }
  }

  /// The target of a relocation that is no marker.
  @inline(__always)
  private func target(_ r: Relocation, _ relocs: Relocations) throws(LinkFailure) -> SymbolID {
    let t = reader.target(r, in: relocs)
    if t.isNone, r.ref.package_ == ObjectFormat.PackageIndex.builtin {
      throw missingBuiltin(Int(r.ref.index), relocs.object)
    }
    return t
  }

  /// A call that the compiler made by itself, of a function that this runtime does not have: so it is when only a part
  /// of the program was compiled with -race (cmd/link/internal/loader/loader.go reportMissingBuiltin).
  @inline(never)
  private func missingBuiltin(_ number: Int, _ object: UnsafePointer<LoadedObject>) -> LinkFailure {
    let package_ = index.libraries[Int(object.pointee.library)].path
    guard number < index.builtinNames.count else {
      return .corrupt(file: package_, detail: "no such builtin: \(number)")
    }
    return .fatal(
      "reference to undefined builtin \"\(index.builtinNames.name(number))\" from package \"\(package_)\"")
  }

  /// A type that reaches an interface: its methods may be called, and types reachable from it by reflection
  /// reach an interface too.
  private mutating func visitConvertedType(_ s: SymbolID) throws(LinkFailure) {
    let relocs = reader.relocations(s)
    var methods: [Int] = []
    var i = 0
    while i < relocs.count {
      let r = relocs[i]
      i &+= 1
      if isSkipped(r, of: s) { continue }
      if r.type == RelocType.methodOff {
        try requireTriple(relocs, i &- 1, of: s)
        methods.append(i &- 1)
        markUsedInIface(reader.target(r, in: relocs), from: s)
        i &+= 2
        continue
      }
      if try visitMarker(r, relocs, of: s) { continue }
      let t = try target(r, relocs)
      if !t.isNone, marks[t.index] & LiveSet.usedInIface == 0, reader.symbolClass(t).contains(.goType) {
        marks[t.index] |= LiveSet.usedInIface
        marks[t.index] &= ~LiveSet.reachable
      }
      mark(t, from: s)
    }
    if !methods.isEmpty { try addMethods(methods, relocs, of: s) }
  }

  private func requireTriple(_ relocs: Relocations, _ i: Int, of s: SymbolID) throws(LinkFailure) {
    if i + 2 >= relocs.count { throw corrupt(s, "expect three consecutive R_METHODOFF relocs") }
  }

  /// Handles relocations that only tell the linker something; false for real ones.
  @inline(__always)
  private mutating func visitMarker(
    _ r: Relocation, _ relocs: Relocations, of s: SymbolID
  ) throws(LinkFailure) -> Bool {
    switch r.type {
    case RelocType.useType, RelocType.initOrder: return true
    case RelocType.useIface:
      var t = reader.target(r, in: relocs)
      if reader.symbolClass(t).contains(.itab) { t = decoder.itabType(t) }
      if !reader.symbolClass(t).contains(.goType), !options.linkShared {
        throw corrupt(s, "R_USEIFACE references \(reader.name(t).string) which is not a type or itab")
      }
      markUsedInIface(t, from: s)
      return true
    case RelocType.useIfaceMethod:
      let t = reader.target(r, in: relocs)
      let kind = reader.kind(t)
      if options.linkShared, kind == .dynImport || kind == .undefined { return true }
      guard decoder.kind(reader.data(t)) == TypeDecoder.Kind.interface else {
        throw corrupt(s, "symbol \"\(reader.name(t).string)\" is not an interface")
      }
      let inner = reader.relocations(t)
      let name = decoder.name(inner, at: Int(truncatingIfNeeded: r.addend))
      let type = decoder.target(inner, at: Int(truncatingIfNeeded: r.addend &+ 4))
      calledMethods.insert(key(names.id(name), type))
      return true
    case RelocType.useNamedMethod:
      // The name is the target's content; the target itself is not needed.
      calledNames.insert(UInt64(names.id(reader.data(reader.target(r, in: relocs)))) &+ 1)
      return true
    default: return false
    }
  }

  private mutating func visitAuxiliaries(_ s: SymbolID, _ flags: SymbolClass) {
    // The linker's own symbols have none here, clones included (loader.go NAux).
    guard !reader.isExternal(s) else { return }
    let aux = reader.auxiliaries(s)
    // A symbol's type descriptor is not needed just because the symbol is.
    for i in 0..<aux.count where aux.kind(i) != AuxKind.goType {
      mark(reader.resolve(aux.ref(i), in: aux.object), from: s)
    }
    if aux.count != 0, flags.contains(.packageInit) { packageInits.append(s) }
  }

  // MARK: methods

  @inline(__always) private func key(_ name: UInt32, _ type: SymbolID) -> UInt64 {
    UInt64(name &+ 1) << 32 | UInt64(type.raw)
  }

  private mutating func addMethods(_ at: [Int], _ relocs: Relocations, of s: SymbolID) throws(LinkFailure) {
    guard let (offset, count) = decoder.methods(reader.data(s)) else {
      throw corrupt(s, "no methods")
    }
    guard count == at.count else {
      throw corrupt(s, "\(at.count) method relocations for \(count) methods")
    }
    for i in 0..<count {
      let o = offset + i * TypeDecoder.methodSize
      waiting.append(
        MethodRef(
          name: names.id(decoder.name(relocs, at: o)), signature: decoder.target(relocs, at: o + 4),
          type: s, relocation: at[i]))
    }
  }

  /// Marks the waiting methods that something may call; whether there is new work.
  private mutating func markCalledMethods() -> Bool {
    var rest: [MethodRef] = []
    for m in waiting {
      let isCalled =
        (reflectSeen && (options.dynamicLinkingGo || isExported(names.text(m.name))))
        || calledMethods.contains(key(m.name, m.signature)) || calledNames.contains(UInt64(m.name) &+ 1)
      guard isCalled else {
        rest.append(m)
        continue
      }
      let relocs = reader.relocations(m.type)
      for k in 0..<3 { mark(reader.target(relocs[m.relocation + k], in: relocs), from: m.type) }
    }
    waiting = rest
    return !work.isEmpty
  }

  private func isExported(_ name: ByteView) -> Bool {
    let first = name.u8(0)
    if first < 0x80 { return first >= 0x41 && first <= 0x5a }
    return name.string.unicodeScalars.first?.properties.generalCategory == .uppercaseLetter
  }

  // MARK: map initialisers

  /// A package initialiser calls the function that fills a map through a weak relocation; where nothing
  /// else keeps that function, the call goes to one that does nothing (mapinitcleanup).
  private mutating func redirectDeadMapInits() throws(LinkFailure) {
    let noop = index.lookup("runtime.mapinitnoop", version: 1)
    for s in packageInits {
      let relocs = reader.relocations(s)
      for i in 0..<relocs.count {
        let r = relocs[i]
        guard r.isWeak, RelocType.isDirectCall(r.type) else { continue }
        let t = reader.target(r, in: relocs)
        guard !t.isNone, marks[t.index] & LiveSet.reachable == 0 else { continue }
        guard !noop.isNone else {
          throw .unsupported(reason: "no runtime.mapinitnoop")
        }
        marks[noop.index] |= LiveSet.reachable
        index.setRelocationTarget(s, i, noop)
      }
    }
  }

  // MARK: -dumpdep

  private mutating func dump(_ s: SymbolID, from parent: SymbolID) {
    let name = reader.name(s)
    guard !name.isEmpty else { return }
    if parent.isNone {
      live.dump.append(0x5f)
    } else {
      live.dump.append(contentsOf: reader.name(parent).buffer)
      appendFlags(parent)
    }
    live.dump.append(contentsOf: " -> ".utf8)
    live.dump.append(contentsOf: name.buffer)
    appendFlags(s)
    live.dump.append(0x0a)
  }

  private mutating func appendFlags(_ s: SymbolID) {
    let converted = marks[s.index] & LiveSet.usedInIface != 0
    let reflects = reader.flags(s).contains(.reflectMethod)
    guard converted || reflects else { return }
    live.dump.append(0x20)
    if converted { live.dump.append(contentsOf: "<UsedInIface>".utf8) }
    if reflects { live.dump.append(contentsOf: "<ReflectMethod>".utf8) }
  }

  private func corrupt(_ s: SymbolID, _ detail: String) -> LinkFailure {
    .corrupt(file: index.packagePath(s), detail: "\(reader.name(s).string): \(detail)")
  }
}
