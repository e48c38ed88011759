/// What -v=2 prints of the flood (cmd/link/internal/ld/deadcode.go). Types are told by their numbers in the real
/// linker's index (`SymbolRanks`).
enum DeadcodeTrace {
  static func roots(_ names: [String]) -> [UInt8] {
    Array("deadcode start names: [\(names.joined(separator: " "))]\n".utf8)
  }

  /// Reached code calls an interface's method.
  static func called(_ name: ByteView, _ type: Int) -> [UInt8] {
    Array("reached iface method: {".utf8) + name.buffer + Array(" \(type)}\n".utf8)
  }

  /// Reached code calls methods of that name, whatever their type.
  static func called(_ name: ByteView) -> [UInt8] {
    Array("reached generic iface method: ".utf8) + name.buffer + [0x0a]
  }

  /// A method waits for a call.
  static func waiting(_ name: ByteView, _ signature: Int, of type: Int, _ typeName: ByteView)
    -> [UInt8]
  {
    Array("markable method: {".utf8) + name.buffer
      + Array(" \(signature)} of sym \(type) ".utf8) + typeName.buffer + [0x0a]
  }

  /// A package initialiser no longer calls what fills a map.
  static func redirected(_ initializer: ByteView, from: ByteView, to: ByteView) -> [UInt8] {
    Array("deadcode: ".utf8) + initializer.buffer + Array(" rewrite ".utf8) + from.buffer
      + Array(" ref to ".utf8) + to.buffer + [0x0a]
  }
}
