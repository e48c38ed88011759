/// Numbers of the DWARF 5 standard that the linker itself writes, and Go's extensions
/// (cmd/internal/dwarf/dwarf_defs.go, dwarf.go).
enum DebugFormat {
  static let version: UInt16 = 5
  static let addressSize: UInt8 = 8
  static let unitTypeCompile: UInt8 = 1
  static let languageGo: UInt8 = 0x16

  enum Tag {
    static let arrayType: UInt8 = 0x01
    static let formalParameter: UInt8 = 0x05
    static let lexicalBlock: UInt8 = 0x0b
    static let member: UInt8 = 0x0d
    static let pointerType: UInt8 = 0x0f
    static let compileUnit: UInt8 = 0x11
    static let structureType: UInt8 = 0x13
    static let subroutineType: UInt8 = 0x15
    static let typedef: UInt8 = 0x16
    static let unspecifiedParameters: UInt8 = 0x18
    static let inlinedSubroutine: UInt8 = 0x1d
    static let subrangeType: UInt8 = 0x21
    static let baseType: UInt8 = 0x24
    static let constant: UInt8 = 0x27
    static let subprogram: UInt8 = 0x2e
    static let variable: UInt8 = 0x34
    static let unspecifiedType: UInt8 = 0x3b
  }

  enum Form {
    static let addr: UInt8 = 0x01
    static let data4: UInt8 = 0x06
    static let string: UInt8 = 0x08
    static let block1: UInt8 = 0x0a
    static let data1: UInt8 = 0x0b
    static let flag: UInt8 = 0x0c
    static let sdata: UInt8 = 0x0d
    static let udata: UInt8 = 0x0f
    static let refAddr: UInt8 = 0x10
    static let secOffset: UInt8 = 0x17
    static let addrx: UInt8 = 0x1b
  }

  enum Attribute {
    static let location: UInt16 = 0x02
    static let name: UInt16 = 0x03
    static let byteSize: UInt16 = 0x0b
    static let stmtList: UInt16 = 0x10
    static let lowPC: UInt16 = 0x11
    static let highPC: UInt16 = 0x12
    static let language: UInt16 = 0x13
    static let compDir: UInt16 = 0x1b
    static let constValue: UInt16 = 0x1c
    static let inline: UInt16 = 0x20
    static let producer: UInt16 = 0x25
    static let abstractOrigin: UInt16 = 0x31
    static let count: UInt16 = 0x37
    static let dataMemberLocation: UInt16 = 0x38
    static let declFile: UInt16 = 0x3a
    static let declLine: UInt16 = 0x3b
    static let encoding: UInt16 = 0x3e
    static let external: UInt16 = 0x3f
    static let frameBase: UInt16 = 0x40
    static let type: UInt16 = 0x49
    static let variableParameter: UInt16 = 0x4b
    static let ranges: UInt16 = 0x55
    static let trampoline: UInt16 = 0x56
    static let callFile: UInt16 = 0x58
    static let callLine: UInt16 = 0x59
    static let addrBase: UInt16 = 0x73
    static let goKind: UInt16 = 0x2900
    static let goKey: UInt16 = 0x2901
    static let goElem: UInt16 = 0x2902
    static let goEmbeddedField: UInt16 = 0x2903
    static let goRuntimeType: UInt16 = 0x2904
    static let goPackageName: UInt16 = 0x2905
    static let goDictIndex: UInt16 = 0x2906
    static let goClosureOffset: UInt16 = 0x2907
  }

  enum Encoding {
    static let boolean: UInt8 = 2
    static let complexFloat: UInt8 = 3
    static let float: UInt8 = 4
    static let signed: UInt8 = 5
    static let unsigned: UInt8 = 7
  }

  enum LineContent {
    static let path: UInt8 = 1
    static let directoryIndex: UInt8 = 2
  }

  enum RangeEntry {
    static let endOfList: UInt8 = 0
    static let baseAddressX: UInt8 = 1
    static let offsetPair: UInt8 = 4
  }

  enum FrameInstruction {
    static let advanceLoc1: UInt8 = 2
    static let advanceLoc2: UInt8 = 3
    static let advanceLoc4: UInt8 = 4
    static let offsetExtended: UInt8 = 5
    static let defCFA: UInt8 = 0x0c
    static let defCFAOffsetSF: UInt8 = 0x13
    /// The delta is in the low six bits.
    static let advanceLoc: UInt8 = 0x40
  }
}
