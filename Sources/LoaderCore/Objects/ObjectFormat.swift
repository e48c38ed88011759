/// Constants of the Go object file (cmd/internal/goobj/objfile.go). The magic has been the same since
/// Go 1.20; what a release changes besides lives in `ReleaseProfile`.
package enum ObjectFormat {
  static let magic: StaticString = "\0go120ld"
  static let headerSize = 8 + 8 + 4 + 4 * Block.count
  @inline(__always) package static var symbolSize: Int { 21 }
  @inline(__always) package static var relocSize: Int { 23 }
  @inline(__always) package static var auxSize: Int { 9 }
  static let refFlagsSize = 10
  static let stringRefSize = 8
  static let importedPackageSize = 16
  /// The ABI value of a file-local symbol.
  static let abiStatic: UInt16 = 0xffff

  /// The blocks whose start offsets the header lists; a block ends where the next begins.
  enum Block: Int {
    case autolib, packageIndex, file, symbolDef, hashed64Def, hashedDef, nonPackageDef, nonPackageRef
    case refFlags, hash64, hash, relocIndex, auxIndex, dataIndex, reloc, aux, data, refName, end
    static let count = 19
  }

  /// Package indices with a meaning of their own; others number the object's package list from 1.
  package enum PackageIndex {
    @inline(__always) package static var none: UInt32 { 0x7fff_ffff }
    @inline(__always) package static var hashed64: UInt32 { none - 1 }
    @inline(__always) package static var hashed: UInt32 { none - 2 }
    @inline(__always) package static var builtin: UInt32 { none - 3 }
    @inline(__always) package static var own: UInt32 { none - 4 }
  }

  struct ObjectFlags {
    static let shared: UInt32 = 1 << 0
    static let fromAssembly: UInt32 = 1 << 2
    static let unlinkable: UInt32 = 1 << 3
    static let std: UInt32 = 1 << 4
  }
}

/// `Sym.Flag` and `Sym.Flag2` of a symbol record, as one 16-bit word (Flag2 in the high byte).
package struct SymbolFlags: OptionSet, Sendable {
  package let rawValue: UInt16
  @inline(__always) package init(rawValue: UInt16) { self.rawValue = rawValue }
  @inline(__always) package static var dupOK: SymbolFlags { SymbolFlags(rawValue: 1 << 0) }
  @inline(__always) package static var local: SymbolFlags { SymbolFlags(rawValue: 1 << 1) }
  @inline(__always) package static var typelink: SymbolFlags { SymbolFlags(rawValue: 1 << 2) }
  @inline(__always) package static var leaf: SymbolFlags { SymbolFlags(rawValue: 1 << 3) }
  @inline(__always) package static var noSplit: SymbolFlags { SymbolFlags(rawValue: 1 << 4) }
  @inline(__always) package static var reflectMethod: SymbolFlags { SymbolFlags(rawValue: 1 << 5) }
  @inline(__always) package static var goType: SymbolFlags { SymbolFlags(rawValue: 1 << 6) }
  @inline(__always) package static var usedInIface: SymbolFlags { SymbolFlags(rawValue: 1 << 8) }
  @inline(__always) package static var itab: SymbolFlags { SymbolFlags(rawValue: 1 << 9) }
  @inline(__always) package static var dict: SymbolFlags { SymbolFlags(rawValue: 1 << 10) }
  @inline(__always) package static var packageInit: SymbolFlags { SymbolFlags(rawValue: 1 << 11) }
  @inline(__always) package static var linkname: SymbolFlags { SymbolFlags(rawValue: 1 << 12) }
  @inline(__always) package static var linknameStd: SymbolFlags { SymbolFlags(rawValue: 1 << 13) }
  @inline(__always) package static var abiWrapper: SymbolFlags { SymbolFlags(rawValue: 1 << 14) }
  @inline(__always) package static var wasmExport: SymbolFlags { SymbolFlags(rawValue: 1 << 15) }
}

/// A reference inside an object: which package list entry, and which of its symbols.
package struct SymbolRef: Equatable, Sendable {
  package var package_: UInt32
  package var index: UInt32
  @inline(__always) package init(package_: UInt32, index: UInt32) {
    self.package_ = package_
    self.index = index
  }
  @inline(__always) package var isNil: Bool { package_ == 0 && index == 0 }
}

/// The kinds of auxiliary symbols (goobj.AuxGotype …).
package enum AuxKind {
  @inline(__always) package static var goType: UInt8 { 0 }
  @inline(__always) package static var funcInfo: UInt8 { 1 }
  @inline(__always) package static var funcdata: UInt8 { 2 }
  @inline(__always) package static var dwarfInfo: UInt8 { 3 }
  @inline(__always) package static var dwarfLoc: UInt8 { 4 }
  @inline(__always) package static var dwarfRanges: UInt8 { 5 }
  @inline(__always) package static var dwarfLines: UInt8 { 6 }
  @inline(__always) package static var pcsp: UInt8 { 7 }
  @inline(__always) package static var pcfile: UInt8 { 8 }
  @inline(__always) package static var pcline: UInt8 { 9 }
  @inline(__always) package static var pcinline: UInt8 { 10 }
  @inline(__always) package static var pcdata: UInt8 { 11 }
  @inline(__always) package static var wasmImport: UInt8 { 12 }
  @inline(__always) package static var wasmType: UInt8 { 13 }
  @inline(__always) package static var sehUnwindInfo: UInt8 { 14 }
}
