/// Constants of the Go object file (cmd/internal/goobj/objfile.go). The magic has been the same since
/// Go 1.20; what a release changes besides lives in `ReleaseProfile`.
package enum ObjectFormat {
  static let magic: StaticString = "\0go120ld"
  static let headerSize = 8 + 8 + 4 + 4 * Block.count
  static let symbolSize = 21
  static let relocSize = 23
  static let auxSize = 9
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
  enum PackageIndex {
    static let none: UInt32 = 0x7fff_ffff
    static let hashed64: UInt32 = none - 1
    static let hashed: UInt32 = none - 2
    static let builtin: UInt32 = none - 3
    static let own: UInt32 = none - 4
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
  package static let dupOK = SymbolFlags(rawValue: 1 << 0)
  package static let local = SymbolFlags(rawValue: 1 << 1)
  package static let typelink = SymbolFlags(rawValue: 1 << 2)
  package static let leaf = SymbolFlags(rawValue: 1 << 3)
  package static let noSplit = SymbolFlags(rawValue: 1 << 4)
  package static let reflectMethod = SymbolFlags(rawValue: 1 << 5)
  package static let goType = SymbolFlags(rawValue: 1 << 6)
  package static let usedInIface = SymbolFlags(rawValue: 1 << 8)
  package static let itab = SymbolFlags(rawValue: 1 << 9)
  package static let dict = SymbolFlags(rawValue: 1 << 10)
  package static let packageInit = SymbolFlags(rawValue: 1 << 11)
  package static let linkname = SymbolFlags(rawValue: 1 << 12)
  package static let linknameStd = SymbolFlags(rawValue: 1 << 13)
  package static let abiWrapper = SymbolFlags(rawValue: 1 << 14)
  package static let wasmExport = SymbolFlags(rawValue: 1 << 15)
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
  package static let goType: UInt8 = 0
  package static let funcInfo: UInt8 = 1
  package static let funcdata: UInt8 = 2
  package static let dwarfInfo: UInt8 = 3
  package static let dwarfLoc: UInt8 = 4
  package static let dwarfRanges: UInt8 = 5
  package static let dwarfLines: UInt8 = 6
  package static let pcsp: UInt8 = 7
  package static let pcfile: UInt8 = 8
  package static let pcline: UInt8 = 9
  package static let pcinline: UInt8 = 10
  package static let pcdata: UInt8 = 11
  package static let wasmImport: UInt8 = 12
  package static let wasmType: UInt8 = 13
  package static let sehUnwindInfo: UInt8 = 14
}
