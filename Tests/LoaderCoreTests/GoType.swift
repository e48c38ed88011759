import LoaderCore
import TestSupport

/// Type descriptors made by hand (internal/abi/type.go for 8-byte pointers).
enum GoType {
  enum Kind: UInt8 {
    case int = 2, array = 17, chan, function, interface, map, pointer, slice, string, structure
  }

  struct Method {
    var name: ObjectBuilder.Handle
    var signature: ObjectBuilder.Handle
    var interfaceCode: ObjectBuilder.Handle
    var code: ObjectBuilder.Handle
  }

  /// Where the methods of an interface type begin, and of a structure's uncommon part.
  static let interfaceMethods = 80
  static let structureMethods = 80 + 16

  /// The common header, and `tail` behind it.
  static func data(_ kind: Kind, size: UInt64 = 8, flags: UInt8 = 0, tail: [UInt8] = []) -> [UInt8] {
    little(size) + little(size) + little(UInt32(7)) + [flags, 8, 8, kind.rawValue]
      + [UInt8](repeating: 0, count: 24) + tail
  }

  /// A structure with methods: for each a relocation for its name and three of R_METHODOFF.
  static func concrete(_ name: String, methods: [Method], count: Int? = nil) -> ObjectBuilder.Symbol {
    let number = UInt16(count ?? methods.count)
    var tail = [UInt8](repeating: 0, count: 32)
    tail += little(UInt32(0)) + little(number) + little(number) + little(UInt32(16)) + little(UInt32(0))
    tail += [UInt8](repeating: 0, count: 16 * methods.count)
    var s = ObjectBuilder.Symbol(name, flags: [.goType], data: data(.structure, flags: 1, tail: tail))
    for (k, m) in methods.enumerated() {
      let at = Int32(structureMethods + 16 * k)
      s.relocations += [
        .init(RelocType.addrOff, m.name, offset: at),
        .init(RelocType.methodOff, m.signature, offset: at + 4),
        .init(RelocType.methodOff, m.interfaceCode, offset: at + 8),
        .init(RelocType.methodOff, m.code, offset: at + 12),
      ]
    }
    return s
  }

  static func interface(
    _ name: String, methods: [(name: ObjectBuilder.Handle, signature: ObjectBuilder.Handle)]
  ) -> ObjectBuilder.Symbol {
    let tail = [UInt8](repeating: 0, count: 32 + 8 * methods.count)
    var s = ObjectBuilder.Symbol(name, flags: [.goType], data: data(.interface, size: 16, tail: tail))
    for (k, m) in methods.enumerated() {
      let at = Int32(interfaceMethods + 8 * k)
      s.relocations += [
        .init(RelocType.addrOff, m.name, offset: at), .init(RelocType.addrOff, m.signature, offset: at + 4),
      ]
    }
    return s
  }

  /// The content of a name symbol: flags, length, text.
  static func name(_ text: String) -> [UInt8] {
    var length: [UInt8] = []
    var n = text.utf8.count
    while n >= 0x80 {
      length.append(UInt8(n & 0x7f) | 0x80)
      n >>= 7
    }
    return [0] + length + [UInt8(n)] + Array(text.utf8)
  }
}
