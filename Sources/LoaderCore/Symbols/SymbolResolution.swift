/// Objects -> one index: numbers every definition, elects among duplicates, resolves references by name.
/// The rules are those of cmd/link/internal/loader/loader.go (addSym, preloadSyms, loadObjRefs); the
/// numbering stands at the head of `SymbolIndex`.
package struct SymbolResolver: ~Copyable {
  package struct Options: Sendable {
    package var checkLinkname = true
    package var strictDups = false
    package init() {}
  }

  private let index: SymbolIndex
  private let profile: ReleaseProfile
  private let options: Options
  private var shortHashes: NameTable
  private var hashes: NameTable
  private var linknameVars: [(object: ObjectID, name: ByteView, symbol: SymbolID)] = []
  private var sizeFixups: [(symbol: SymbolID, size: UInt32)] = []
  package private(set) var warnings = ""

  private enum Block { case packageDef, shortHash, hash, nonPackage }

  /// The index of a program.
  ///
  /// - Returns: the index, and what -strictdups prints on stderr.
  /// - Throws: `LinkFailure` in the real linker's words for duplicate definitions, blocked linknames,
  ///   references to packages that were not loaded, and impossible ABIs.
  package static func resolve(
    _ program: LoadedPackages, profile: ReleaseProfile, options: Options
  ) throws(LinkFailure) -> (index: SymbolIndex, warnings: String) {
    let index = SymbolIndex(
      libraries: program.libraries, objects: program.objects, builtinCount: profile.builtins.count)
    var resolver = SymbolResolver(index: index, profile: profile, options: options)
    resolver.addObjects(program)
    try resolver.run()
    for e in program.exports { _ = index.lookupOrCreate(e.name, version: e.version) }
    if let bad = index.corruptObject {
      throw .corrupt(file: bad.file.path, detail: "object contradicts itself")
    }
    return (index, resolver.warnings)
  }

  private init(index: SymbolIndex, profile: ReleaseProfile, options: Options) {
    self.index = index
    self.profile = profile
    self.options = options
    var short = 0
    var long = 0
    for o in index.objects {
      short += o.view.hashed64Defs
      long += o.view.hashedDefs
    }
    shortHashes = NameTable(expected: short / 4)
    hashes = NameTable(expected: long / 2)
  }

  private func addObjects(_ program: LoadedPackages) {
    let none = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
    none.initialize(to: 0)
    guard let empty = program.objects.first else { return }
    for k in 0..<2 {
      index.loaded.append(
        LoadedObject(
          view: empty.view, symbols: .allocate(capacity: 1), packages: .allocate(capacity: 1),
          packageCount: 0, nameHashes: none, version: 0, library: 0, isExternal: k == 1))
    }
    none.deallocate()
    for (k, o) in program.objects.enumerated() {
      let symbols = UnsafeMutablePointer<UInt32>.allocate(capacity: max(o.view.symbolCount, 1))
      symbols.initialize(repeating: 0, count: max(o.view.symbolCount, 1))
      let packages = UnsafeMutablePointer<UInt32>.allocate(capacity: max(o.packages.count, 1))
      packages.initialize(repeating: 0, count: max(o.packages.count, 1))
      index.loaded.append(
        LoadedObject(
          view: o.view, symbols: symbols, packages: packages, packageCount: o.packages.count,
          nameHashes: o.nameHashes, version: Int32(10 + k), library: program.libraryOfObject[k],
          isExternal: false))
    }
  }

  private mutating func run() throws(LinkFailure) {
    for o in 2..<index.loaded.count { try load(ObjectID(UInt32(o)), .packageDef) }
    for o in 2..<index.loaded.count {
      let id = ObjectID(UInt32(o))
      try load(id, .shortHash)
      try load(id, .hash)
      try load(id, .nonPackage)
    }
    if options.checkLinkname {
      let check = LinknameCheck(index: index, blocked: profile.blockedLinknames)
      for v in linknameVars { try check.reference(from: v.object, name: v.name, to: v.symbol) }
    }
    index.alignments.grow(to: index.symbols.count, with: 0)
    index.attributes.grow(to: index.symbols.count, with: [])
    let byPackage = objectsByPackage()
    for o in 2..<index.loaded.count {
      try loadReferences(ObjectID(UInt32(o)))
      try loadPackages(ObjectID(UInt32(o)), byPackage)
      loadReferenceFlags(ObjectID(UInt32(o)))
    }
    for f in sizeFixups {
      index.makeOwned(f.symbol)
      index.setSize(f.symbol, Int64(f.size))
    }
    if index.firstExternal.isNone { index.firstExternal = SymbolID(index.symbols.count) }
  }

  // MARK: definitions

  private mutating func load(_ object: ObjectID, _ block: Block) throws(LinkFailure) {
    let o = index.loaded.base + object.index
    let v = o.pointee.view
    let start: Int
    let end: Int
    switch block {
    case .packageDef: (start, end) = (0, v.packageDefs)
    case .shortHash: (start, end) = (v.packageDefs, v.packageDefs + v.hashed64Defs)
    case .hash:
      start = v.packageDefs + v.hashed64Defs
      end = start + v.hashedDefs
    case .nonPackage: (start, end) = (v.definitions - v.nonPackageDefs, v.definitions)
    }
    guard start < end else { return }
    let isRuntime = index.libraries[Int(o.pointee.library)].path == "runtime"
    index.alignments.grow(to: index.symbols.count + end - start, with: 0)
    index.attributes.grow(to: index.symbols.count + end - start, with: [])
    for i in UInt32(start)..<UInt32(end) {
      let flags = v.symbolFlags(i)
      let s: SymbolID
      switch block {
      case .shortHash: s = addShortHash(object, v, i)
      case .hash: s = addHash(object, v, i)
      case .packageDef, .nonPackage:
        let name = v.name(i)
        let abi = v.abi(i)
        guard abi <= 1 || abi == ObjectFormat.abiStatic else {
          throw .fatal("invalid symbol ABI: \(abi)")
        }
        if name.isEmpty || abi == ObjectFormat.abiStatic {
          s = fresh(object, i)
        } else {
          let hash = o.pointee.nameHashes[Int(i)]
          if block == .packageDef {
            s = addPackageDef(object, i, name, hash, abi)
          } else {
            s = try addNonPackage(object, i, name, hash, abi, flags)
            noteLinknameVar(object, v, i, name, flags, s)
          }
        }
        noteBuiltin(name, o.pointee.nameHashes[Int(i)], abi, isRuntime: isRuntime, s)
      }
      o.pointee.symbols[Int(i)] = s.raw
      note(flags, alignment: v.alignment(i), for: s)
    }
  }

  @inline(__always)
  private func fresh(_ object: ObjectID, _ local: UInt32) -> SymbolID {
    let s = SymbolID(index.symbols.count)
    index.symbols.append(ObjectSymbol(object: object.raw, local: local))
    return s
  }

  /// Flags and alignment add up over all definitions, losing ones too.
  @inline(__always)
  private func note(_ flags: SymbolFlags, alignment: UInt32, for s: SymbolID) {
    if !flags.isDisjoint(with: [.local, .usedInIface, .wasmExport]) {
      var a = index.attributes[s.index]
      if flags.contains(.local) { a.insert(.local) }
      if flags.contains(.usedInIface) { a.insert(.usedInIface) }
      index.attributes[s.index] = a
      if flags.contains(.wasmExport) { index.wasmExports.append(s) }
    }
    if alignment != 0 {
      let log = UInt8(truncatingIfNeeded: alignment.trailingZeroBitCount + 1)
      if log > index.alignments[s.index] { index.alignments[s.index] = log }
    }
  }

  private func addPackageDef(
    _ object: ObjectID, _ local: UInt32, _ name: ByteView, _ nameHash: UInt32, _ abi: UInt16
  ) -> SymbolID {
    let h = NameTable.hash(nameHash, version: Int32(abi))
    let r = index.reader
    let (slot, old) = index.names.find(h) { r.name($0) == name && r.version($0) == Int32(abi) }
    let s = fresh(object, local)
    if old.isNone {
      index.names.insert(h, s, at: slot)
    } else {
      index.names.replace(s, at: slot)
    }
    return s
  }

  private mutating func addShortHash(_ object: ObjectID, _ v: ObjectView, _ i: UInt32) -> SymbolID {
    let key = v.hash64(Int(i) - v.packageDefs)
    let h = UInt32(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> 32)
    let r = index.reader
    let (slot, old) = shortHashes.find(h) { s in
      let p = r.place(s)
      let w = r.objects[Int(p.object)].view
      return w.hash64(Int(p.local) - w.packageDefs) == key
    }
    if !old.isNone { return keepLarger(old, object, v, i) }
    let s = fresh(object, i)
    shortHashes.insert(h, s, at: slot)
    return s
  }

  private mutating func addHash(_ object: ObjectID, _ v: ObjectView, _ i: UInt32) -> SymbolID {
    let key = v.hash(Int(i) - v.packageDefs - v.hashed64Defs)
    let h = UInt32(truncatingIfNeeded: key.u64(0) ^ (key.u64(0) >> 32))
    let r = index.reader
    let (slot, old) = hashes.find(h) { s in
      let p = r.place(s)
      let w = r.objects[Int(p.object)].view
      return w.hash(Int(p.local) - w.packageDefs - w.hashed64Defs) == key
    }
    if !old.isNone { return keepLarger(old, object, v, i) }
    let s = fresh(object, i)
    hashes.insert(h, s, at: slot)
    return s
  }

  /// Equal hashes may differ in trailing zeros: the larger definition counts.
  @inline(__always)
  private func keepLarger(_ old: SymbolID, _ object: ObjectID, _ v: ObjectView, _ i: UInt32) -> SymbolID {
    let p = index.symbols[old.index]
    if v.size(i) > index.loaded[Int(p.object)].view.size(p.local) {
      index.symbols[old.index] = ObjectSymbol(object: object.raw, local: i)
    }
    return old
  }

  private mutating func addNonPackage(
    _ object: ObjectID, _ i: UInt32, _ name: ByteView, _ nameHash: UInt32, _ abi: UInt16,
    _ flags: SymbolFlags
  ) throws(LinkFailure) -> SymbolID {
    let h = NameTable.hash(nameHash, version: Int32(abi))
    let r = index.reader
    let (slot, old) = index.names.find(h) { r.name($0) == name && r.version($0) == Int32(abi) }
    if old.isNone {
      let s = fresh(object, i)
      index.names.insert(h, s, at: slot)
      return s
    }
    let oldPlace = index.symbols[old.index]
    let oldView = index.loaded[Int(oldPlace.object)].view
    let view = index.loaded[object.index].view
    let new = ObjectSymbol(object: object.raw, local: i)
    let oldSize = oldView.size(oldPlace.local)
    let size = view.size(i)
    let oldDupOK = oldView.symbolFlags(oldPlace.local).contains(.dupOK)
    if flags.contains(.dupOK) {
      if oldDupOK {
        if options.strictDups { checkDuplicate(name, object, i, old) }
        if oldSize < size { index.symbols[old.index] = new }
      }
      return old
    }
    if oldDupOK {
      index.symbols[old.index] = new
      return old
    }
    try elect(old, oldPlace, new, name)
    return old
  }

  /// Two plain definitions of one name: content beats zeroed data, text beats zeroed data, the larger of two
  /// zeroed ones wins; anything else is an error.
  private mutating func elect(
    _ old: SymbolID, _ oldPlace: ObjectSymbol, _ new: ObjectSymbol, _ name: ByteView
  ) throws(LinkFailure) {
    let oldView = index.loaded[Int(oldPlace.object)].view
    let view = index.loaded[Int(new.object)].view
    let oldKind = kindTable.pointer[Int(oldView.kind(oldPlace.local))]
    let kind = kindTable.pointer[Int(view.kind(new.local))]
    let oldSize = oldView.size(oldPlace.local)
    let size = view.size(new.local)
    let hasContent = view.dataCount(new.local) != 0
    let oldIsZeroed = oldKind.isData && oldView.dataCount(oldPlace.local) == 0
    let isZeroed = kind.isData && !hasContent
    if oldIsZeroed && (kind.isText || hasContent || (isZeroed && size > oldSize)) {
      index.symbols[old.index] = new
      if oldSize > size { sizeFixups.append((old, oldSize)) }
    } else if isZeroed {
      if size > oldSize { sizeFixups.append((old, size)) }
    } else {
      let here = index.library(of: ObjectID(new.object)).path
      let there = index.library(of: ObjectID(oldPlace.object)).path
      throw .fatal(
        "duplicated definition of symbol \(name.string), from \(here) (type \(kind.goName) size \(size))"
          + " and \(there) (type \(oldKind.goName) size \(oldSize))")
    }
  }

  /// -strictdups: two duplicates that may differ must not (loader.go checkdup).
  private mutating func checkDuplicate(_ name: ByteView, _ object: ObjectID, _ i: UInt32, _ old: SymbolID) {
    let p = index.symbols[old.index]
    let a = index.loaded[object.index].view
    let b = index.loaded[Int(p.object)].view
    let data = a.data(i)
    let oldData = b.data(p.local)
    var reason = "same length but different contents"
    if data.count != oldData.count {
      reason = "new length \(data.count) != old length \(oldData.count)"
    } else if data == oldData {
      if a.size(i) == b.size(p.local) { return }
      reason = "different sizes: new size \(a.size(i)) != old size \(b.size(p.local))"
    }
    warnings +=
      "cmd/link: while reading object for '\(index.library(of: object).path)': duplicate symbol"
      + " '\(name.string)', previous def at '\(index.library(of: ObjectID(p.object)).path)',"
      + " with mismatched payload: \(reason)\n"
    let isTolerated =
      name.hasPrefix("go:info.go.interface") || name.hasPrefix("go:info.go.builtin")
      || name.hasPrefix("go:debuglines")
    if !isTolerated { index.strictDupCount += 1 }
  }

  /// A `//go:linkname` variable without content is a pull; whether it may is known once all are loaded.
  private mutating func noteLinknameVar(
    _ object: ObjectID, _ v: ObjectView, _ i: UInt32, _ name: ByteView, _ flags: SymbolFlags, _ s: SymbolID
  ) {
    guard !flags.isDisjoint(with: [.linkname, .linknameStd]), v.dataCount(i) == 0, name.contains(0x2e)
    else { return }
    linknameVars.append((object, name, s))
  }

  @inline(__always)
  private func noteBuiltin(
    _ name: ByteView, _ hash: UInt32, _ abi: UInt16, isRuntime: Bool, _ s: SymbolID
  ) {
    guard name.count > 5, let base = name.base else { return }
    // "runtime." as a little-endian word: nearly every name fails this one compare.
    let isCandidate =
      (name.count > 8 && base.loadUnaligned(as: UInt64.self).littleEndian == 0x2e65_6d69_746e_7572)
      || (isRuntime && name.hasPrefix("type:"))
    guard isCandidate, let b = profile.builtins.find(name, hash: hash, abi: abi) else { return }
    index.builtins[b] = s.raw
  }

  // MARK: references

  private func loadReferences(_ object: ObjectID) throws(LinkFailure) {
    let o = index.loaded.base + object.index
    let v = o.pointee.view
    let check = LinknameCheck(index: index, blocked: profile.blockedLinknames)
    for i in UInt32(v.definitions)..<UInt32(v.symbolCount) {
      let abi = v.abi(i)
      guard abi <= 1 || abi == ObjectFormat.abiStatic else { throw .fatal("invalid symbol ABI: \(abi)") }
      let version = abi == ObjectFormat.abiStatic ? o.pointee.version : Int32(abi)
      let name = v.name(i)
      let h = NameTable.hash(o.pointee.nameHashes[Int(i)], version: version)
      let r = index.reader
      var s = index.names.find(h) { r.name($0) == name && r.version($0) == version }.symbol
      if s.isNone { s = index.create(name, version: version) }
      o.pointee.symbols[Int(i)] = s.raw
      let flags = v.symbolFlags(i)
      if options.checkLinkname, !flags.isDisjoint(with: [.linkname, .linknameStd]) || v.isFromAssembly {
        try check.reference(from: object, name: name, to: s)
      }
      if flags.contains(.local) { index.insert(.local, for: s) }
      if flags.contains(.usedInIface) { index.insert(.usedInIface, for: s) }
    }
  }

  private func objectsByPackage() -> [String: UInt32] {
    var first: [String: UInt32] = [:]
    for o in 2..<index.loaded.count {
      let prefix = PackagePath.prefix(index.library(of: ObjectID(UInt32(o))).path)
      if first[prefix] == nil { first[prefix] = UInt32(o) }
    }
    return first
  }

  private func loadPackages(_ object: ObjectID, _ byPackage: [String: UInt32]) throws(LinkFailure) {
    let packages = index.objects[object.index - 2].packages
    for i in packages.indices.dropFirst() {
      guard let o = byPackage[packages[i]] else {
        throw .fatal(
          "\(index.library(of: object).path): reference to nonexistent package \(packages[i])")
      }
      index.loaded[object.index].packages[i] = o
    }
  }

  private func loadReferenceFlags(_ object: ObjectID) {
    let o = UnsafePointer(index.loaded.base + object.index)
    let r = index.reader
    for k in 0..<o.pointee.view.refFlagCount {
      let (ref, flags) = o.pointee.view.refFlags(k)
      guard flags.contains(.usedInIface) else { continue }
      let s = r.resolve(ref, in: o)
      if !s.isNone { index.insert(.usedInIface, for: s) }
    }
  }
}
