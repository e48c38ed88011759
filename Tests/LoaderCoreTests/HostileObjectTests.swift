import Foundation
import LoaderCore
import TestSupport
import Testing

/// Objects with some bytes turned, through everything that this room does with objects: whatever they say, the
/// process goes on and the right object still gives what it gave.
@Suite struct HostileObjectTests {
  /// An object with something in every block.
  private static func object() -> ObjectBuilder {
    var o = ObjectBuilder()
    o.isMain = true
    o.imports = [("part", 0)]
    o.packages = ["part"]
    o.files = ["main.go"]
    let text = o.add(
      .init("main.main", abi: 1, kind: 1, data: [UInt8](repeating: 0x90, count: 20)), .package_)
    let entry = o.add(.init("_rt0_amd64_linux", kind: 1, data: [0xe9, 0, 0, 0, 0]))
    let name = o.add(.init("name", data: [0, 3, 0x53, 0x61, 0x79]))
    let signature = o.add(.init("type:func()", flags: [.goType], data: GoType.data(.function)))
    let short = o.add(.init("", data: [1, 2, 3], hash: [1, 2, 3, 0, 0, 0, 0, 0]), .hashed64)
    let long = o.add(.init("", data: [4, 5, 6], hash: [UInt8](1...16)), .hashed)
    let outside = o.refer(to: "part.f", abi: 1)
    let type = o.add(
      GoType.concrete(
        "type:main.T", methods: [.init(name: name, signature: signature, interfaceCode: text, code: text)]))
    let interface = o.add(GoType.interface("type:main.I", methods: [(name, signature)]))
    o.referenceFlags = [(type, .usedInIface)]
    o[entry].relocations = [
      .init(RelocType.call, text, offset: 1), .init(RelocType.useIface, type),
      .init(RelocType.useIfaceMethod, interface, addend: Int64(GoType.interfaceMethods)),
      .init(RelocType.useNamedMethod, name), .init(RelocType.addr, short), .init(RelocType.addr, long),
      .init(RelocType.call, outside), .init(RelocType.call, .init(.imported(package_: 1), 0)),
      .init(RelocType.call, .init(.builtin, 3)),
    ]
    let info = o.add(.init("info", data: [UInt8](repeating: 0, count: 24)), .package_)
    o[text].auxiliaries = [(AuxKind.funcInfo, info), (AuxKind.goType, signature), (AuxKind.pcsp, .nothing)]
    return o
  }

  private static func part() -> ObjectBuilder {
    var o = ObjectBuilder()
    _ = o.add(.init("part.g", abi: 1, kind: 1, data: [0xc3]), .package_)
    _ = o.add(.init("part.f", abi: 1, kind: 1, data: [0xc3]))
    // The builtin that the other object calls.
    _ = o.add(.init("runtime.panicshift", abi: 1, kind: 1, data: [0xc3]))
    return o
  }

  private struct Source: ArchiveSource {
    func archive(at path: String) throws(ArchiveError) -> Archive { try Archive.open(path) }
  }

  /// Loads, resolves, floods and reads all there is; what was found, as text.
  private func everything(_ main: String, _ part: String) throws -> String {
    let request = PackageLoader.Request(mainObject: main, packageFiles: ["part": part], expectedHeader: nil)
    let program = try PackageLoader.load(request, from: Source())
    let index = try SymbolResolver.resolve(program, profile: .go1_27_3, options: .init()).index
    let live = try Deadcode.run(index, initOrder: try InitOrder.schedule(index), options: .init())
    let r = index.reader
    let decoder = TypeDecoder(r)
    var out = ""
    for i in 1..<index.count {
      let s = SymbolID(i)
      let relocations = r.relocations(s)
      let targets = (0..<relocations.count).map { r.target(relocations[$0], in: relocations).raw }
      let aux = r.auxiliaries(s)
      let parts = (0..<aux.count).map { r.resolve(aux.ref($0), in: aux.object).raw }
      let info = r.funcInfo(s)
      for k in 0..<min(info?.inlineCount ?? 0, 100) { _ = info?.inlineNode(k) }
      out +=
        "\(r.name(s).string) \(r.version(s)) \(r.kind(s)) \(r.size(s)) \(r.data(s).count) \(targets) \(parts)"
      out += " \(live.contains(s)) \(decoder.string(s).string) \(decoder.methods(r.data(s))?.count ?? -1)\n"
    }
    if let bad = index.corruptObject { throw LinkFailure.corrupt(file: bad.file.path, detail: "") }
    return out
  }

  @Test(arguments: 0..<8) func turnedBytesEndNothing(seed: Int) throws {
    let folder = try ScratchFolder()
    let good = Self.object().bytes
    let part = try folder.write("part.o", Self.part().bytes)
    let expected = try everything(try folder.write("good.o", good), part)
    var random = SeededGenerator(seed: UInt64(seed))
    var (refused, taken) = (0, 0)
    for _ in 0..<200 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        bytes[at] =
          [0, 0xff, 0x7f, bytes[at] ^ 1, bytes[at] &+ 1, UInt8.random(in: 0...255, using: &random)]
          .randomElement(using: &random) ?? 0
      }
      let path = try folder.write("bad.o", bytes)
      if failure({ _ = try everything(path, part) }) == nil { taken += 1 } else { refused += 1 }
    }
    // Both must occur, or the bytes were not turned where it counts.
    #expect(refused > 25 && taken > 5, "seed \(seed): \(refused) refused, \(taken) taken")
    #expect(try everything("\(folder.path)/good.o", part) == expected, "seed \(seed)")
  }

  /// A number of the object turned into the largest, one after another.
  @Test func everyWordMayBeHuge() throws {
    let folder = try ScratchFolder()
    let good = Self.object().bytes
    let part = try folder.write("part.o", Self.part().bytes)
    let start = try #require(Data(good).range(of: Data("\0go120ld".utf8))).lowerBound
    var refused = 0
    let places = stride(from: start, to: good.count - 4, by: 3)
    for (k, at) in places.enumerated() {
      var bytes = good
      bytes.replaceSubrange(at..<at + 4, with: little(k % 2 == 0 ? UInt32.max : 0x7fff_fffa))
      let path = try folder.write("bad.o", bytes)
      if failure({ _ = try everything(path, part) }) != nil { refused += 1 }
    }
    #expect(refused > good.count / 12)
    #expect(failure { _ = try everything(try folder.write("good.o", good), part) } == nil)
  }
}
