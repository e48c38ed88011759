/// The abbreviation table: one fixed list for all Go programs, because the compiler already wrote the
/// codes into the objects (cmd/internal/dwarf/dwarf.go abbrevs, putvarabbrevgen.go, Abbrevs).
package enum AbbrevTable {
  /// Codes of the entries that the linker itself writes; the compiler uses the others too.
  enum Code {
    static let compileUnit: UInt8 = 1
    static let textlessCompileUnit: UInt8 = 2
    static let structField: UInt8 = 14
    static let parameter: UInt8 = 15
    static let result: UInt8 = 16
    static let dotDotDot: UInt8 = 17
    static let arrayRange: UInt8 = 18
    static let unspecifiedType: UInt8 = 19
    static let baseType: UInt8 = 20
    static let arrayType: UInt8 = 21
    static let chanType: UInt8 = 22
    static let funcType: UInt8 = 23
    static let ifaceType: UInt8 = 24
    static let mapType: UInt8 = 25
    static let pointerType: UInt8 = 26
    static let barePointerType: UInt8 = 27
    static let sliceType: UInt8 = 28
    static let stringType: UInt8 = 29
    static let structType: UInt8 = 30
    static let typedef: UInt8 = 31
  }

  /// The contents of .debug_abbrev (GetAbbrev).
  package static let bytes: [UInt8] = encode(entries)

  private typealias Tag = DebugFormat.Tag
  private typealias At = DebugFormat.Attribute
  private typealias Form = DebugFormat.Form

  private struct Entry {
    let tag: UInt8
    let hasChildren: Bool
    let attributes: [(UInt16, UInt8)]
    init(_ tag: UInt8, children: Bool = false, _ attributes: [(UInt16, UInt8)]) {
      self.tag = tag
      hasChildren = children
      self.attributes = attributes
    }
  }

  private static func encode(_ entries: [Entry]) -> [UInt8] {
    let out = ByteSink()
    for (i, e) in entries.enumerated() {
      out.uleb(UInt64(i + 1))
      out.u8(e.tag)
      out.u8(e.hasChildren ? 1 : 0)
      for (attribute, form) in e.attributes {
        out.uleb(UInt64(attribute))
        out.uleb(UInt64(form))
      }
      out.u16(0)
    }
    out.u8(0)
    return Array(out.bytes)
  }

  private static let entries = units + subprograms + scopes + members + types + variables

  private static let units = [
    Entry(
      Tag.compileUnit, children: true,
      [
        (At.name, Form.string), (At.language, Form.data1), (At.stmtList, Form.secOffset),
        (At.lowPC, Form.addr), (At.ranges, Form.secOffset), (At.compDir, Form.string),
        (At.producer, Form.string), (At.goPackageName, Form.string), (At.addrBase, Form.secOffset),
      ]),
    Entry(
      Tag.compileUnit, children: true,
      [
        (At.name, Form.string), (At.language, Form.data1), (At.compDir, Form.string),
        (At.producer, Form.string), (At.goPackageName, Form.string),
      ]),
  ]

  private static let code: [(UInt16, UInt8)] = [
    (At.lowPC, Form.addrx), (At.highPC, Form.udata), (At.frameBase, Form.block1),
  ]
  private static let origin: [(UInt16, UInt8)] = [(At.abstractOrigin, Form.refAddr)]
  private static let call: [(UInt16, UInt8)] = [(At.callFile, Form.data4), (At.callLine, Form.udata)]

  private static let subprograms = [
    Entry(
      Tag.subprogram, children: true,
      [(At.name, Form.string)] + code + [
        (At.declFile, Form.data4), (At.declLine, Form.udata), (At.external, Form.flag),
      ]),
    Entry(
      Tag.subprogram, children: true, [(At.name, Form.string)] + code + [(At.trampoline, Form.flag)]),
    Entry(
      Tag.subprogram, children: true,
      [
        (At.name, Form.string), (At.inline, Form.data1), (At.declLine, Form.udata),
        (At.external, Form.flag),
      ]),
    Entry(Tag.subprogram, children: true, origin + code),
    Entry(Tag.subprogram, children: true, origin + code + [(At.trampoline, Form.flag)]),
    Entry(
      Tag.inlinedSubroutine, children: true,
      origin + [(At.lowPC, Form.addrx), (At.highPC, Form.udata)] + call),
    Entry(Tag.inlinedSubroutine, children: true, origin + [(At.ranges, Form.secOffset)] + call),
  ]

  private static let scopes = [
    Entry(
      Tag.variable,
      [
        (At.name, Form.string), (At.location, Form.block1), (At.type, Form.refAddr),
        (At.external, Form.flag),
      ]),
    Entry(
      Tag.constant, [(At.name, Form.string), (At.type, Form.refAddr), (At.constValue, Form.sdata)]),
    Entry(Tag.lexicalBlock, children: true, [(At.ranges, Form.secOffset)]),
    // Not used in DWARF 5, and its forms are spelled out in the compiler's table.
    Entry(Tag.lexicalBlock, children: true, [(At.lowPC, Form.addr), (At.highPC, Form.addr)]),
  ]

  private static let members = [
    Entry(
      Tag.member,
      [
        (At.name, Form.string), (At.dataMemberLocation, Form.udata), (At.type, Form.refAddr),
        (At.goEmbeddedField, Form.flag),
      ]),
    Entry(Tag.formalParameter, [(At.type, Form.refAddr)]),
    Entry(Tag.formalParameter, [(At.variableParameter, Form.flag), (At.type, Form.refAddr)]),
    Entry(Tag.unspecifiedParameters, []),
    Entry(Tag.subrangeType, [(At.type, Form.refAddr), (At.count, Form.udata)]),
  ]

  private static let kind: [(UInt16, UInt8)] = [
    (At.goKind, Form.data1), (At.goRuntimeType, Form.addr),
  ]
  private static let sized = [(At.byteSize, Form.udata)] + kind
  private static let typed = [(At.type, Form.refAddr)] + kind

  private static let types = [
    Entry(Tag.unspecifiedType, [(At.name, Form.string)]),
    Entry(
      Tag.baseType,
      [(At.name, Form.string), (At.encoding, Form.data1), (At.byteSize, Form.data1)] + kind),
    Entry(
      Tag.arrayType, children: true, [(At.name, Form.string), (At.type, Form.refAddr)] + sized),
    Entry(Tag.typedef, [(At.name, Form.string)] + typed + [(At.goElem, Form.refAddr)]),
    Entry(Tag.subroutineType, children: true, [(At.name, Form.string)] + sized),
    Entry(Tag.typedef, children: true, [(At.name, Form.string)] + typed),
    Entry(
      Tag.typedef,
      [(At.name, Form.string)] + typed + [(At.goKey, Form.refAddr), (At.goElem, Form.refAddr)]),
    Entry(Tag.pointerType, [(At.name, Form.string)] + typed),
    Entry(Tag.pointerType, [(At.name, Form.string), (At.goRuntimeType, Form.addr)]),
    Entry(
      Tag.structureType, children: true,
      [(At.name, Form.string)] + sized + [(At.goElem, Form.refAddr)]),
    Entry(Tag.structureType, children: true, [(At.name, Form.string)] + sized),
    Entry(Tag.structureType, children: true, [(At.name, Form.string)] + sized),
    Entry(Tag.typedef, [(At.name, Form.string), (At.type, Form.refAddr)]),
    Entry(
      Tag.typedef,
      [(At.name, Form.string), (At.type, Form.refAddr), (At.goDictIndex, Form.udata)]),
  ]

  /// Local variables, then parameters: of an abstract function; of an instance (location list or block);
  /// on their own, captured by a closure or not (location list or block).
  private static let variables: [Entry] = {
    let list = [(At.location, Form.secOffset)]
    let block = [(At.location, Form.block1)]
    let closure = [(At.goClosureOffset, Form.udata)]
    let named = [(At.name, Form.string)]
    let isResult = [(At.variableParameter, Form.flag)]
    let line = [(At.declLine, Form.udata)]
    let type = [(At.type, Form.refAddr)]
    func variants(_ tag: UInt8, _ own: [(UInt16, UInt8)]) -> [Entry] {
      [
        Entry(tag, origin + list), Entry(tag, origin + block), Entry(tag, own + closure + list),
        Entry(tag, own + closure + block), Entry(tag, own + list), Entry(tag, own + block),
      ]
    }
    return [
      Entry(Tag.variable, named + line + type), Entry(Tag.formalParameter, named + isResult + type),
    ] + variants(Tag.variable, named + line + type)
      + variants(Tag.formalParameter, named + isResult + line + type)
  }()
}
