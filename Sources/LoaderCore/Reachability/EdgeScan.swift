/// Makes the list of what a symbol needs: by its relocations, then by its auxiliary symbols
/// (cmd/link/internal/ld/deadcode.go flood).
final class EdgeScan {
  typealias Tag = EdgeGraph.Tag

  private let reader: SymbolReader
  private let map: EdgeGraph.Nodes
  private let linkShared: Bool
  private let canUsePlugins: Bool
  private let missingBuiltin: @Sendable (Int, UnsafePointer<LoadedObject>) -> LinkFailure
  private let misplaced: @Sendable (SymbolID, String) -> LinkFailure
  /// The edges of the last symbol, in the order of its relocations. Most repetitions are left out.
  private(set) var list = Table<UInt32>(capacity: 256)
  /// Edges seen lately, over the number of the list they are in: what keeps repetitions out.
  private let recent = Table<UInt64>(repeating: 0, count: 256)
  private var serial: UInt64 = 0
  /// So many relocations ahead, the target of one is brought near.
  private static let ahead = 4
  private var hasMarkers = false

  init(
    _ index: SymbolIndex, _ map: EdgeGraph.Nodes, _ options: Deadcode.Options
  ) {
    reader = index.reader
    self.map = map
    linkShared = options.linkShared
    canUsePlugins = options.canUsePlugins
    missingBuiltin = { Self.missingBuiltin($0, $1, index) }
    misplaced = { Deadcode.corrupt($0, $1, index) }
  }

  /// Leaves the symbol's edges in `list`.
  ///
  /// - Returns: the list's header.
  /// - Throws: `LinkFailure.corrupt` for markers that point to what they cannot.
  func scan(_ s: SymbolID) throws(LinkFailure) -> UInt32 {
    list.removeAll()
    serial &+= 1
    hasMarkers = false
    let flags = reader.symbolClass(s)
    let relocs = reader.relocations(s)
    var i = 0
    while i < relocs.count {
      if i &+ Self.ahead < relocs.count {
        reader.prefetchTarget(relocs[i &+ Self.ahead].ref, in: relocs.object)
      }
      let r = relocs[i]
      i &+= 1
      if isSkipped(r, of: s) { continue }
      if r.type == RelocType.methodOff {
        if i + 1 >= relocs.count { throw misplaced(s, "expect three consecutive R_METHODOFF relocs") }
        append(marker: Tag.methodOff, i &- 1)
        i &+= 2
      } else {
        try scan(r, at: i &- 1, relocs, of: s)
      }
    }
    return UInt32(flags.rawValue) | scanAuxiliaries(s, flags) | (hasMarkers ? EdgeGraph.Header.hasMarkers : 0)
  }

  private func scanAuxiliaries(_ s: SymbolID, _ flags: SymbolClass) -> UInt32 {
    // The linker's own symbols have none here, clones included (loader.go NAux).
    guard !reader.isExternal(s) else { return 0 }
    let aux = reader.auxiliaries(s)
    // A symbol's type descriptor is not needed just because the symbol is.
    for i in 0..<aux.count where aux.kind(i) != AuxKind.goType {
      let t = reader.resolve(aux.ref(i), in: aux.object)
      if !t.isNone { append(Tag.plain, map.node(t)) }
    }
    return aux.count != 0 && flags.contains(.packageInit) ? EdgeGraph.Header.isInitialiser : 0
  }

  /// A weak relocation does not keep its target, except where another module may need it.
  @inline(__always)
  private func isSkipped(_ r: Relocation, of s: SymbolID) -> Bool {
    guard r.isWeak else { return false }
    if linkShared, reader.symbolClass(s).contains(.itab) { return false }
    return !(canUsePlugins && RelocType.isDirectCall(r.type))
  }

  @inline(__always)
  private func append(_ tag: UInt32, _ value: Int) {
    let e = tag << Tag.shift | UInt32(truncatingIfNeeded: value)
    let slot = Int((e &* 0x9e37_79b1) >> 24)
    let mark = serial << 32 | UInt64(e)
    if recent[slot] == mark { return }
    recent[slot] = mark
    list.append(e)
  }

  @inline(__always)
  private func append(marker tag: UInt32, _ value: Int) {
    hasMarkers = true
    append(tag, value)
  }

  @inline(__always)
  private func scan(
    _ r: Relocation, at i: Int, _ relocs: Relocations, of s: SymbolID
  ) throws(LinkFailure) {
    switch r.type {
    case RelocType.useType, RelocType.initOrder: return
    case RelocType.useIface: try scanUseIface(reader.target(r, in: relocs), of: s)
    case RelocType.useIfaceMethod: append(marker: Tag.useIfaceMethod, i)
    case RelocType.useNamedMethod: append(marker: Tag.useNamedMethod, i)
    default:
      let t = reader.target(r, in: relocs)
      if t.isNone {
        guard r.ref.package_ == ObjectFormat.PackageIndex.builtin else { return }
        throw missingBuiltin(Int(r.ref.index), relocs.object)
      }
      append(reader.symbolClass(t).contains(.goType) ? Tag.type : Tag.plain, map.node(t))
    }
  }

  private func scanUseIface(_ t: SymbolID, of s: SymbolID) throws(LinkFailure) {
    let flags = reader.symbolClass(t)
    if !flags.contains(.itab), !flags.contains(.goType), !linkShared {
      throw misplaced(s, "R_USEIFACE references \(reader.name(t).string) which is not a type or itab")
    }
    if t.isNone { return }
    if flags.contains(.itab) {
      append(marker: Tag.useIfaceOfItab, map.node(t))
    } else {
      append(Tag.useIface, map.node(t))
    }
  }

  /// A call that the compiler made by itself, of a function that this runtime does not have: so it is when only
  /// a part of the program was compiled with -race (cmd/link/internal/loader/loader.go reportMissingBuiltin).
  private static func missingBuiltin(
    _ number: Int, _ object: UnsafePointer<LoadedObject>, _ index: SymbolIndex
  ) -> LinkFailure {
    let package_ = index.libraries[Int(object.pointee.library)].path
    guard number < index.builtinNames.count else {
      return .corrupt(file: package_, detail: "no such builtin: \(number)")
    }
    return .fatal(
      "reference to undefined builtin \"\(index.builtinNames.name(number))\" from package \"\(package_)\"")
  }
}
