import Foundation
import LoaderCore

/// A program of one object that defines nothing: an index to make symbols in.
struct EmptyProgram {
  let index: SymbolIndex

  private struct Source: ArchiveSource {
    func archive(at path: String) throws(ArchiveError) -> Archive { try Archive.open(path) }
  }

  init() throws {
    var object = Array("go object linux amd64 test\nmain\n\n!\n\0go120ld".utf8)
    object += Array(repeating: 0, count: 12)
    // 19 block offsets; all blocks are empty but the relocation, auxiliary and data index.
    let sizes = Array(repeating: 0, count: 11) + [4, 4, 4] + Array(repeating: 0, count: 5)
    var offset = UInt32(8 + 8 + 4 + 4 * 19)
    for size in [0] + sizes + [0] {
      offset += UInt32(size)
      object += withUnsafeBytes(of: offset.littleEndian, Array.init)
    }
    object += Array(repeating: 0, count: 12)
    let file = FileManager.default.temporaryDirectory.appending(path: "linkd-empty-\(UUID()).o")
    try Data(object).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let request = PackageLoader.Request(mainObject: file.path, packageFiles: [:], expectedHeader: nil)
    let program = try PackageLoader.load(request, from: Source())
    index = try SymbolResolver.resolve(program, profile: .go1_27_3, options: .init()).index
  }
}
