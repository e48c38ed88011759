/// What a symbol is to the linker; the order is the order of sections in the image
/// (cmd/link/internal/sym/symkind.go of Go 1.27). Raw values are ours.
package enum SymbolKind: UInt8, Comparable, Sendable {
  case undefined
  // The text segment.
  case text, textFIPSStart, textFIPS, textFIPSEnd, textEnd, elfRXSect, machoPLT
  // Read-only, not relocated.
  case string, goString, gcBits, rodata, rodataFIPSStart, rodataFIPS, rodataFIPSEnd, rodataEnd
  case pclntab, elfROSect
  // Read-only after dynamic relocation.
  case rodataRelro, type, goFunc, elfRelroSect, machoRelroSect
  // Writable.
  case firstWritable, buildInfo, fipsInfo, elfSect, macho, windows, moduleData, elfGOT, machoGOT
  case noptrData, noptrDataFIPSStart, noptrDataFIPS, noptrDataFIPSEnd, noptrDataEnd, initArray
  case data, dataFIPSStart, dataFIPS, dataFIPSEnd, dataEnd, xcoffTOC
  // Zeroed.
  case bss, noptrBss, gcMask, libfuzzerCounter, coverageCounter, coverageAuxVar, tlsBss
  // Not part of the image.
  case firstUnallocated, xref, machoSymStr, machoSymTab, machoIndirectPLT, machoIndirectGOT
  case dynImport, hostObject, undefinedExternal
  // DWARF.
  case dwarfSection, dwarfCUInfo, dwarfConst, dwarfFunction, dwarfAbstractFunction, dwarfType, dwarfVar
  case dwarfRange, dwarfLoc, dwarfLines, dwarfAddr
  case sehUnwindInfo, sehSect

  @inline(__always)
  package static func < (a: SymbolKind, b: SymbolKind) -> Bool { a.rawValue < b.rawValue }

  @inline(__always) package var isText: Bool { self >= .text && self <= .textEnd }
  @inline(__always) package var isData: Bool { self >= .noptrData && self <= .noptrBss }
  @inline(__always) package var isSData: Bool { self >= .data && self <= .dataEnd }
  @inline(__always) package var isRodata: Bool { self >= .rodata && self <= .rodataEnd }
  @inline(__always) package var isNoptrData: Bool { self >= .noptrData && self <= .noptrDataEnd }
  @inline(__always) package var isDWARF: Bool { self >= .dwarfSection && self <= .dwarfAddr }

  /// The kind for an object file's number (cmd/internal/objabi/symkind.go); unknown numbers are nil.
  package static let fromObject: [SymbolKind] = [
    .undefined, .text, .textFIPS, .rodata, .rodataFIPS, .noptrData, .noptrDataFIPS, .data, .dataFIPS,
    .bss, .noptrBss, .tlsBss, .dwarfCUInfo, .dwarfConst, .dwarfFunction, .dwarfAbstractFunction,
    .dwarfType, .dwarfVar, .dwarfRange, .dwarfLoc, .dwarfLines, .dwarfAddr, .libfuzzerCounter,
    .coverageCounter, .coverageAuxVar, .sehUnwindInfo,
  ]

  /// The words of the real linker's messages (sym/symkind_string.go).
  package var goName: String {
    switch self {
    case .undefined: "Sxxx"
    case .firstWritable: "SFirstWritable"
    case .firstUnallocated: "SFirstUnallocated"
    case .initArray: "SINITARR"
    case .libfuzzerCounter: "SLIBFUZZER_8BIT_COUNTER"
    case .coverageCounter: "SCOVERAGE_COUNTER"
    case .coverageAuxVar: "SCOVERAGE_AUXVAR"
    case .dwarfSection: "SDWARFSECT"
    case .dwarfFunction: "SDWARFFCN"
    case .dwarfAbstractFunction: "SDWARFABSFCN"
    // The others are called what Go calls them.
    default: "S" + "\(self)".uppercased()
    }
  }
}

extension SymbolKind {
  /// The kind for an object file's byte; a number no release uses is undefined.
  @inline(__always)
  package static func fromObjectByte(_ kind: UInt8) -> SymbolKind { kindTable.pointer[Int(kind)] }
}
