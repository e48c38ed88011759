internal import CPrefetch

/// Read access to a program's symbols: raw pointers into the index's tables, cheap to copy, made for inner
/// loops. Valid until the index adds a symbol; take a new one (`SymbolIndex.reader`) after that.
package struct SymbolReader: @unchecked Sendable {
  package let symbols: UnsafeMutablePointer<ObjectSymbol>
  /// `SymbolClass`, by symbol.
  package let classes: UnsafeMutablePointer<UInt8>
  package let objects: UnsafeMutablePointer<LoadedObject>
  package let externals: UnsafeMutablePointer<ExternalSymbol>
  package let builtins: UnsafeMutablePointer<UInt32>
  package let builtinCount: Int
  /// `SymbolKind.fromObject` with an entry for every byte.
  package let kinds: UnsafePointer<SymbolKind>
  /// Number of symbols, the none symbol included.
  package let count: Int
  package let objectCount: Int

  // MARK: where a symbol lives

  @inline(__always) package func place(_ s: SymbolID) -> ObjectSymbol {
    assert(s.index < count)
    return symbols[s.index]
  }
  @inline(__always) package func isExternal(_ s: SymbolID) -> Bool { place(s).object == 1 }
  @inline(__always) package func external(_ s: SymbolID) -> UnsafeMutablePointer<ExternalSymbol> {
    externals + Int(place(s).local)
  }
  @inline(__always) package func object(_ o: ObjectID) -> UnsafePointer<LoadedObject> {
    UnsafePointer(objects + o.index)
  }

  /// The order a from-scratch load gives: what bytes may depend on.
  @inline(__always) package func rank(_ s: SymbolID) -> UInt32 { s.raw }

  // MARK: properties

  @inline(__always)
  package func name(_ s: SymbolID) -> ByteView {
    let p = place(s)
    switch p.object {
    case 0: return .empty
    case 1: return externals[Int(p.local)].name
    default: return objects[Int(p.object)].view.name(p.local)
    }
  }

  /// 0 ABI0 and data, 1 ABIInternal, 10 and up static, below 0 a linker static.
  package func version(_ s: SymbolID) -> Int32 {
    let p = place(s)
    if p.object == 1 { return externals[Int(p.local)].version }
    guard p.object > 1 else { return 0 }
    let o = objects + Int(p.object)
    let abi = o.pointee.view.abi(p.local)
    return abi == ObjectFormat.abiStatic ? o.pointee.version : Int32(abi)
  }

  package func isFileLocal(_ s: SymbolID) -> Bool { version(s) >= 10 }

  @inline(__always)
  package func kind(_ s: SymbolID) -> SymbolKind {
    let p = place(s)
    switch p.object {
    case 0: return .undefined
    case 1: return externals[Int(p.local)].kind
    default:
      let k = Int(objects[Int(p.object)].view.kind(p.local))
      return kinds[k]
    }
  }

  @inline(__always)
  package func size(_ s: SymbolID) -> Int64 {
    let p = place(s)
    switch p.object {
    case 0: return 0
    case 1: return externals[Int(p.local)].size
    default: return Int64(objects[Int(p.object)].view.size(p.local))
    }
  }

  /// The object's flags; a linker symbol has none, not even those of what it was cloned from
  /// (loader.go SymAttr, IsItab …).
  @inline(__always)
  package func flags(_ s: SymbolID) -> SymbolFlags {
    let p = place(s)
    guard p.object > 1 else { return [] }
    return objects[Int(p.object)].view.symbolFlags(p.local)
  }

  /// The most asked flags, for one memory access.
  @inline(__always)
  package func symbolClass(_ s: SymbolID) -> SymbolClass {
    assert(s.index < count)
    return SymbolClass(rawValue: classes[s.index])
  }

  package func isContentHashed(_ s: SymbolID) -> Bool {
    let p = place(s)
    switch p.object {
    case 0: return false
    case 1: return externals[Int(p.local)].isContentHashed
    default: return objects[Int(p.object)].view.isHashed(p.local)
    }
  }

  /// The initialised bytes; the symbol's size may be larger, the rest is zero.
  @inline(__always)
  package func data(_ s: SymbolID) -> ByteView {
    let p = place(s)
    switch p.object {
    case 0: return .empty
    case 1:
      let e = externals + Int(p.local)
      return ByteView(e.pointee.data, e.pointee.dataCount)
    default: return objects[Int(p.object)].view.data(p.local)
    }
  }

  @inline(__always)
  package func relocations(_ s: SymbolID) -> Relocations {
    let p = place(s)
    let o = UnsafePointer(objects + Int(p.object))
    switch p.object {
    case 0: return Relocations(base: nil, count: 0, object: o)
    case 1:
      let e = externals + Int(p.local)
      return Relocations(base: e.pointee.relocs, count: e.pointee.relocCount, object: o)
    default:
      let (base, n) = o.pointee.view.relocRecords(p.local)
      return Relocations(base: base, count: n, object: o)
    }
  }

  // MARK: references

  /// The symbol that `ref`, written in `object`, stands for; none for a nil or an impossible reference
  /// (loader.go resolve). The latter marks the object as corrupt.
  @inline(__always)
  package func resolve(_ ref: SymbolRef, in object: UnsafePointer<LoadedObject>) -> SymbolID {
    let o = object
    var local = Int(ref.index)
    var from = o
    let v = o.pointee.view
    switch ref.package_ {
    case ObjectFormat.PackageIndex.own: break
    case ObjectFormat.PackageIndex.none:
      local &+= v.packageDefs &+ v.hashed64Defs &+ v.hashedDefs
    case ObjectFormat.PackageIndex.hashed64: local &+= v.packageDefs
    case ObjectFormat.PackageIndex.hashed: local &+= v.packageDefs &+ v.hashed64Defs
    case ObjectFormat.PackageIndex.builtin:
      guard local < builtinCount else {
        v.noteFault()
        return .none
      }
      return SymbolID(builtins[local])
    case 0:
      if o.pointee.isExternal { return SymbolID(ref.index) }
      if ref.index != 0 { v.noteFault() }
      return .none
    default:
      guard Int(ref.package_) < o.pointee.packageCount else {
        v.noteFault()
        return .none
      }
      from = UnsafePointer(objects + Int(o.pointee.packages[Int(ref.package_)]))
      // The compiler numbers package definitions only (cmd/internal/obj/sym.go NumberSyms). That others cannot be meant is
      // what lets references to a package whose definitions stayed in place go unread (`DefinitionComparison`).
      guard local < from.pointee.view.packageDefs else {
        v.noteStrangeness()
        return .none
      }
    }
    guard local < from.pointee.view.symbolCount else {
      v.noteFault()
      return .none
    }
    return SymbolID(from.pointee.symbols[local])
  }

  /// Has the place brought near where `resolve` finds what a reference stands for.
  @inline(__always)
  func prefetchTarget(_ ref: SymbolRef, in object: UnsafePointer<LoadedObject>) {
    if let local = object.pointee.view.localIndex(ref) { return cprefetch(object.pointee.symbols + local) }
    let package = Int(ref.package_)
    guard package != 0, package < object.pointee.packageCount else { return }
    cprefetch(objects[Int(object.pointee.packages[package])].symbols + Int(ref.index))
  }

  @inline(__always)
  package func target(_ r: Relocation, in relocations: Relocations) -> SymbolID {
    resolve(r.ref, in: relocations.object)
  }

  // MARK: auxiliary symbols

  /// The auxiliary records of a symbol; those of a clone are its origin's.
  @inline(__always)
  package func auxiliaries(_ s: SymbolID) -> Auxiliaries {
    let p = place(s)
    var object = Int(p.object)
    var local = p.local
    if object == 1 {
      let e = externals + Int(p.local)
      object = Int(e.pointee.origin)
      local = e.pointee.originLocal
    }
    guard object > 1 else { return Auxiliaries(base: nil, count: 0, object: UnsafePointer(objects)) }
    let o = UnsafePointer(objects + object)
    let (base, n) = o.pointee.view.auxRecords(local)
    return Auxiliaries(base: base, count: n, object: o)
  }

  /// The first auxiliary symbol of `kind`, or none.
  package func auxiliary(_ s: SymbolID, _ kind: UInt8) -> SymbolID {
    let a = auxiliaries(s)
    for i in 0..<a.count where a.kind(i) == kind { return resolve(a.ref(i), in: a.object) }
    return .none
  }

  package func goType(_ s: SymbolID) -> SymbolID { auxiliary(s, AuxKind.goType) }

  /// The function info of a text symbol, nil when there is none.
  @inline(__always)
  package func funcInfo(_ s: SymbolID) -> FuncInfo? {
    let a = auxiliaries(s)
    for i in 0..<a.count where a.kind(i) == AuxKind.funcInfo {
      return FuncInfo(data: a.object.pointee.view.data(a.ref(i).index), object: a.object)
    }
    return nil
  }

  /// The object (compilation unit) a symbol came from, also for a clone; none for the linker's own.
  package func unit(_ s: SymbolID) -> ObjectID {
    let p = place(s)
    if p.object == 1 { return ObjectID(externals[Int(p.local)].origin) }
    return ObjectID(p.object)
  }

  package func isFromAssembly(_ s: SymbolID) -> Bool {
    let u = unit(s)
    return u.raw > 1 && objects[u.index].view.isFromAssembly
  }
}

/// The auxiliary records of one symbol.
package struct Auxiliaries {
  package let base: UnsafeRawPointer?
  package let count: Int
  package let object: UnsafePointer<LoadedObject>

  @inline(__always) package func kind(_ i: Int) -> UInt8 {
    guard let base, i < count else { return 0xff }
    return base.load(fromByteOffset: i &* ObjectFormat.auxSize, as: UInt8.self)
  }

  @inline(__always) package func ref(_ i: Int) -> SymbolRef {
    guard let base, i < count else { return SymbolRef(package_: 0, index: 0) }
    let at = i &* ObjectFormat.auxSize
    return SymbolRef(
      package_: UInt32(littleEndian: base.loadUnaligned(fromByteOffset: at &+ 1, as: UInt32.self)),
      index: UInt32(littleEndian: base.loadUnaligned(fromByteOffset: at &+ 5, as: UInt32.self)))
  }
}

/// `SymbolKind.fromObject` as 256 entries, so that any byte of a hostile object has a kind.
struct KindTable: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<SymbolKind>
  init() {
    pointer = .allocate(capacity: 256)
    pointer.initialize(repeating: .undefined, count: 256)
    for (i, k) in SymbolKind.fromObject.enumerated() { pointer[i] = k }
  }
}
let kindTable = KindTable()
