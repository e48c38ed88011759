import Foundation
import LoaderCore
import TestSupport
import Testing

@Suite struct GoObjectTests {
  private func parse(_ object: ObjectBuilder) throws -> GoObject { try parse(object.bytes) }

  private func parse(_ bytes: [UInt8]) throws -> GoObject {
    let folder = try ScratchFolder()
    defer { withExtendedLifetime(folder) {} }
    let archive = try Archive.open(try folder.write("a.o", bytes))
    guard case .object(let object, _, _, _) = archive.members[0].content else { throw NotAnObject() }
    return object
  }

  private struct NotAnObject: Error {}

  @Test func theHeaderSaysWhatTheObjectIs() throws {
    var o = ObjectBuilder()
    o.fingerprint = 0x0102_0304_0506_0708
    o.imports = [("fmt", 7), ("a/b", 9)]
    o.packages = ["fmt", "a/b"]
    o.files = ["x.go", "y.go"]
    o.flags = ObjectBuilder.std | ObjectBuilder.shared
    let parsed = try parse(o)
    #expect(parsed.fingerprint == 0x0102_0304_0506_0708)
    #expect(parsed.imports.map(\.path) == ["fmt", "a/b"])
    #expect(parsed.imports.map(\.fingerprint) == [7, 9])
    #expect(parsed.packages == ["", "fmt", "a/b"])
    #expect(parsed.view.fileCount == 2)
    #expect(parsed.view.fileName(1).string == "y.go")
    #expect(parsed.view.isStd && parsed.view.isShared)
    #expect(!parsed.view.isFromAssembly && !parsed.view.isUnlinkable)
    #expect(!parsed.isCorrupt)
  }

  @Test func localIndicesRunOverTheBlocks() throws {
    var o = ObjectBuilder()
    let named = o.add(.init("named", kind: 7, data: [4, 4]))
    _ = o.refer(to: "elsewhere", abi: 1)
    _ = o.add(.init("long", data: [3], hash: [UInt8](1...16)), .hashed)
    _ = o.add(.init("short", data: [2], hash: [UInt8](1...8)), .hashed64)
    _ = o.add(
      .init(
        "own", abi: 1, kind: 1, flags: [.noSplit, .packageInit], size: 20, alignment: 32, data: [1],
        relocations: [.init(RelocType.call, named, offset: 1, addend: -4, isWeak: true)],
        auxiliaries: [(AuxKind.funcInfo, named), (AuxKind.pcsp, .nothing)]), .package_)
    // The view points into it.
    let object = try parse(o)
    defer { withExtendedLifetime(object) {} }
    let v = object.view
    let counts: [Int] = [v.packageDefs, v.hashed64Defs, v.hashedDefs, v.nonPackageDefs, v.nonPackageRefs]
    #expect(counts == [Int](repeating: 1, count: 5))
    #expect((0..<5).map { v.name($0).string } == ["own", "short", "long", "named", "elsewhere"])
    #expect((0..<5).map { v.isHashed($0) } == [false, true, true, false, false])
    #expect((0..<5).map { v.dataCount($0) } == [1, 1, 1, 2, 0])
    #expect((0..<4).map { v.data($0).u8(0) } == [1, 2, 3, 4])
    #expect(v.abi(0) == 1 && v.kind(0) == 1 && v.size(0) == 20 && v.alignment(0) == 32)
    #expect(v.symbolFlags(0) == [.noSplit, .packageInit])
    #expect(v.relocRecords(0).1 == 1 && v.relocRecords(1).1 == 0)
    #expect(v.auxCount(0) == 2 && v.auxCount(3) == 0)
    // A reference has no content, whatever is asked.
    #expect(v.data(4).isEmpty && v.relocRecords(4).1 == 0 && v.auxCount(4) == 0)
  }

  @Test func stringsOutsideOfTheObjectAreALie() throws {
    var o = ObjectBuilder()
    _ = o.add(.init("a name to spoil", data: [1]))
    var bytes = o.bytes
    let start = try #require(Data(bytes).range(of: Data("\0go120ld".utf8))).lowerBound
    let symbols = start + Int(offset(bytes, start, block: 6))
    bytes.replaceSubrange(symbols..<symbols + 4, with: little(UInt32(1 << 30)))
    let spoiled = try parse(bytes)
    // The name hash has looked at it already.
    #expect(spoiled.isCorrupt)
    #expect(spoiled.view.name(0).isEmpty)
  }

  @Test func fileNamesBeyondTheListAreALie() throws {
    for k in [0, -1, Int.max] {
      let o = try parse(ObjectBuilder())
      #expect(!o.isCorrupt)
      #expect(o.view.fileName(k).isEmpty)
      #expect(o.isCorrupt)
    }
  }

  private func offset(_ bytes: [UInt8], _ start: Int, block: Int) -> UInt32 {
    bytes.withUnsafeBytes { ByteView($0.baseAddress, $0.count).u32(start + 20 + 4 * block) }
  }

  /// Every block offset, moved to where it cannot be.
  @Test(arguments: 0..<19) func blockOffsetsMustBeInOrder(_ block: Int) throws {
    var o = ObjectBuilder()
    o.imports = [("fmt", 1)]
    o.packages = ["fmt"]
    o.files = ["x.go"]
    o.referenceFlags = [(.init(.named, 0), .usedInIface)]
    _ = o.add(
      .init(
        "s", data: [1], relocations: [.init(1, .init(.named, 0))],
        auxiliaries: [(0, .init(.named, 0))]))
    _ = o.add(.init("", data: [1], hash: [UInt8](1...8)), .hashed64)
    _ = o.add(.init("", data: [1], hash: [UInt8](1...16)), .hashed)
    _ = o.add(.init("p", data: [1]), .package_)
    _ = o.refer(to: "r")
    let bytes = o.bytes
    #expect(refusal(of: bytes) == nil)
    let start = try #require(Data(bytes).range(of: Data("\0go120ld".utf8))).lowerBound
    for lie: UInt32 in [0, 7, 0xffff_ffff, 0x8000_0000, UInt32(bytes.count + 1)] {
      var spoiled = bytes
      let at = start + 20 + 4 * block
      spoiled.replaceSubrange(at..<at + 4, with: little(lie))
      #expect(refusal(of: spoiled) == "block offsets out of range", "block \(block) at \(lie)")
    }
  }

  @Test(arguments: [
    // Hashes, index of relocations, of auxiliaries, of data: too few of them for the symbols.
    9, 10, 11, 12, 13,
  ])
  func blocksHaveWhatTheSymbolsNeed(_ block: Int) throws {
    var o = ObjectBuilder()
    _ = o.add(.init("", data: [1], hash: [UInt8](1...8)), .hashed64)
    _ = o.add(.init("", data: [1], hash: [UInt8](1...16)), .hashed)
    var bytes = o.bytes
    #expect(refusal(of: bytes) == nil)
    let start = try #require(Data(bytes).range(of: Data("\0go120ld".utf8))).lowerBound
    // The next block begins where this one does: this one is empty.
    let at = start + 20 + 4 * (block + 1)
    bytes.replaceSubrange(at..<at + 4, with: little(offset(bytes, start, block: block)))
    #expect(refusal(of: bytes) == "block offsets out of range")
  }

  /// Why an object is not read; nil when it is.
  private func refusal(of bytes: [UInt8]) -> String? {
    do {
      _ = try parse(bytes)
      return nil
    } catch ArchiveError.failure(.corrupt(_, let detail)) {
      return detail
    } catch {
      return "\(error)"
    }
  }

  @Test func rangesOfSymbolsMustBeInOrder() throws {
    var o = ObjectBuilder()
    _ = o.add(.init("a", data: [1, 2], relocations: [.init(1, .nothing)], auxiliaries: [(0, .nothing)]))
    let bytes = o.bytes
    let start = try #require(Data(bytes).range(of: Data("\0go120ld".utf8))).lowerBound
    for block in [11, 12, 13] {
      for lie: UInt32 in [0xffff_ffff, 3] {
        var spoiled = bytes
        let at = start + Int(offset(bytes, start, block: block))
        spoiled.replaceSubrange(at + 4..<at + 8, with: little(lie))
        let object = try parse(spoiled)
        _ = object.view.data(0)
        _ = object.view.relocRecords(0)
        _ = object.view.auxRecords(0)
        #expect(object.isCorrupt, "index block \(block) says \(lie)")
      }
    }
  }

  // MARK: traits

  @Test(arguments: [(0, 0), (1, 1), (2, 2), (8, 4), (1 << 30, 31)])
  func alignmentsFitAByte(_ alignment: UInt32, _ trait: UInt8) throws {
    var o = ObjectBuilder()
    _ = o.add(.init("a", flags: [.local, .usedInIface], alignment: Int(alignment)))
    let object = try parse(o)
    let t = SymbolTraits(rawValue: object.traits[0])
    withExtendedLifetime(object) {}
    #expect(t.alignment == trait)
    #expect(t.isLocal && t.isUsedInIface && t.hasFlags && !t.isWasmExport)
  }

  @Test func classesHoldTheMostAskedFlags() throws {
    var o = ObjectBuilder()
    _ = o.add(.init("f", kind: 1, flags: [.reflectMethod, .packageInit]))
    _ = o.add(.init("t", flags: [.goType, .dupOK]))
    _ = o.add(.init("i", flags: [.itab]))
    _ = o.add(.init("u", kind: 200))
    let object = try parse(o)
    let classes = (0..<4).map { SymbolClass(rawValue: object.classes[$0]) }
    withExtendedLifetime(object) {}
    let expected: [SymbolClass] = [[.text, .reflectMethod, .packageInit], [.goType, .dupOK], [.itab], []]
    #expect(classes.map(\.rawValue) == expected.map(\.rawValue))
    #expect(SymbolKind.fromObjectByte(200) == .undefined)
  }

  @Test func namesOfEveryLengthHashDifferently() {
    let text = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
    var seen: Set<UInt32> = []
    for n in 0...text.count {
      let hash = text.prefix(n).withUnsafeBytes { NameHash.of(ByteView($0.baseAddress, $0.count)) }
      #expect(seen.insert(hash).inserted, "length \(n)")
    }
  }
}
