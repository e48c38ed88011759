import LoaderCore
import TestSupport

/// A Go object made by hand, as package main; all symbols are named definitions of no package.
struct ObjectFixture {
  struct Symbol {
    var name: String
    var abi: UInt16 = 0
    /// The object file's kind: 1 text, 3 read-only data.
    var kind: UInt8 = 3
    var size = 0
    var alignment = 0
    var data: [UInt8] = []
    var relocations: [Reference] = []
    /// Kinds of auxiliary symbols with indices of symbols; nil refers to nothing.
    var auxiliaries: [(kind: UInt8, symbol: Int?)] = []
  }

  struct Reference {
    var offset: Int32
    var size: UInt8 = 4
    var type: UInt16
    var addend: Int64 = 0
    var symbol: Int
  }

  struct InlinedCall {
    var file: UInt32
    var symbol: Int
    var parentPC: Int32
  }

  var files: [String] = []
  var symbols: [Symbol] = []
  var isAssembly = false

  /// Adds a symbol and gives its index.
  mutating func add(_ s: Symbol) -> Int {
    symbols.append(s)
    return symbols.count - 1
  }

  /// Adds read-only data.
  mutating func data(_ name: String, _ bytes: [UInt8], alignment: Int = 0) -> Int {
    add(Symbol(name: name, size: bytes.count, alignment: alignment, data: bytes))
  }

  /// Adds a FuncInfo (cmd/internal/goobj/funcinfo.go).
  mutating func info(
    _ name: String, args: UInt32 = 0, funcID: UInt8 = 0, flag: UInt8 = 0, startLine: Int32 = 0,
    files: [UInt32] = [], calls: [InlinedCall] = []
  ) -> Int {
    var b = little(args) + little(UInt32(0)) + [funcID, flag, 0, 0] + little(startLine)
    b += little(UInt32(files.count)) + files.flatMap { little($0) }
    b += little(UInt32(calls.count))
    for c in calls {
      b += little(Int32(-1)) + little(c.file) + little(Int32(1)) + reference(c.symbol) + little(c.parentPC)
    }
    return data(name, b)
  }

  /// The program of this object alone.
  func load() throws -> SymbolIndex { try HandmadeProgram(main: object).resolve().index }

  private func reference(_ symbol: Int?) -> [UInt8] {
    guard let symbol else { return little(UInt32(0)) + little(UInt32(0)) }
    return little(UInt32(0x7fff_ffff)) + little(UInt32(symbol))
  }

  private var object: ObjectBuilder {
    var object = ObjectBuilder()
    object.isMain = true
    object.flags = isAssembly ? ObjectBuilder.fromAssembly : 0
    object.files = files
    for s in symbols {
      _ = object.add(
        .init(
          s.name, abi: s.abi, kind: s.kind, size: s.size, alignment: s.alignment, data: s.data,
          relocations: s.relocations.map {
            .init($0.type, .init(.named, $0.symbol), offset: $0.offset, size: $0.size, addend: $0.addend)
          },
          auxiliaries: s.auxiliaries.map { ($0.kind, $0.symbol.map { .init(.named, $0) } ?? .nothing) }))
    }
    return object
  }
}
