import Foundation
import LoaderCore

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
  func load() throws -> SymbolIndex {
    let file = FileManager.default.temporaryDirectory.appending(path: "linkd-fixture-\(UUID()).o")
    try Data(bytes()).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let request = PackageLoader.Request(mainObject: file.path, packageFiles: [:], expectedHeader: nil)
    let program = try PackageLoader.load(request, from: Source())
    return try SymbolResolver.resolve(program, profile: .go1_27_3, options: .init()).index
  }

  private struct Source: ArchiveSource {
    func archive(at path: String) throws(ArchiveError) -> Archive { try Archive.open(path) }
  }

  private func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian, Array.init)
  }

  private func reference(_ symbol: Int?) -> [UInt8] {
    guard let symbol else { return little(UInt32(0)) + little(UInt32(0)) }
    return little(UInt32(0x7fff_ffff)) + little(UInt32(symbol))
  }

  private func bytes() -> [UInt8] {
    let headerSize = 8 + 8 + 4 + 4 * 19
    var strings: [UInt8] = []
    func string(_ text: String) -> [UInt8] {
      defer { strings += Array(text.utf8) }
      return little(UInt32(text.utf8.count)) + little(UInt32(headerSize + strings.count))
    }
    var fileBlock: [UInt8] = []
    for f in files { fileBlock += string(f) }
    var records: [UInt8] = []
    var relocIndex = little(UInt32(0))
    var auxIndex = little(UInt32(0))
    var dataIndex = little(UInt32(0))
    var relocs: [UInt8] = []
    var aux: [UInt8] = []
    var contents: [UInt8] = []
    for s in symbols {
      records += string(s.name) + little(s.abi) + [s.kind, 0, 0]
      records += little(UInt32(s.size)) + little(UInt32(s.alignment))
      for r in s.relocations {
        relocs += little(r.offset) + [r.size] + little(r.type) + little(r.addend) + reference(r.symbol)
      }
      for a in s.auxiliaries { aux += [a.kind] + reference(a.symbol) }
      contents += s.data
      relocIndex += little(UInt32(relocs.count / 23))
      auxIndex += little(UInt32(aux.count / 9))
      dataIndex += little(UInt32(contents.count))
    }
    // Autolib, packages, files, definitions (of the package, short hashed, hashed, of none), references,
    // reference flags, hashes (short, long), indices, relocations, auxiliaries, data, reference names.
    let blocks = [
      [], [], fileBlock, [], [], [], records, [], [], [], [], relocIndex, auxIndex, dataIndex, relocs, aux,
      contents, [],
    ]
    var out = Array("go object linux amd64 test\nmain\n\n!\n\0go120ld".utf8)
    out += little(UInt64(0)) + little(UInt32(isAssembly ? 4 : 0))
    var at = UInt32(headerSize + strings.count)
    for b in blocks {
      out += little(at)
      at += UInt32(b.count)
    }
    out += little(at) + strings
    for b in blocks { out += b }
    return out
  }
}
