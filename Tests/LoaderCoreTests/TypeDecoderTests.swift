import LoaderCore
import TestSupport
import Testing

@Suite struct TypeDecoderTests {
  private func withView<R>(_ bytes: [UInt8], _ body: (ByteView) -> R) -> R {
    bytes.withUnsafeBytes { body(ByteView($0.baseAddress, $0.count)) }
  }

  @Test func theHeaderIsReadWhereTheReleaseHasIt() throws {
    var scene = Scene()
    let name = scene.name("*main.T")
    var bytes = GoType.data(.slice, size: 24, flags: 2)
    bytes.replaceSubrange(8..<16, with: little(UInt64(16)))
    let t = scene.object.add(
      .init("type:T", data: bytes, relocations: [.init(RelocType.addrOff, name, offset: 40)]))
    let index = try HandmadeProgram(main: scene.object).resolve().index
    let decoder = TypeDecoder(index.reader)
    let s = index.lookup("type:T")
    let d = index.reader.data(s)
    #expect(decoder.kind(d) == TypeDecoder.Kind.slice)
    #expect(decoder.size(d) == 24 && decoder.pointerBytes(d) == 16)
    #expect(decoder.tflag(d) == 2 && !decoder.hasUncommon(d))
    // The name begins with the star of the pointer type, which shares it.
    #expect(decoder.string(s).string == "main.T")
    #expect(decoder.methods(d) == nil)
    scene.object[t].data[20] = 0
    let plain = try HandmadeProgram(main: scene.object).resolve().index
    #expect(TypeDecoder(plain.reader).string(plain.lookup("type:T")).string == "*main.T")
  }

  @Test(arguments: [
    (2, 48), (17, 72), (18, 64), (19, 56), (20, 80), (21, 136), (22, 56), (23, 56), (24, 48), (25, 80),
    (26, 48),
    (255, 48),
  ])
  func theUncommonPartFollowsTheKindsOwn(_ kind: UInt8, _ size: Int) throws {
    #expect(TypeDecoder.descriptorSize(kind) == size)
    var bytes = [UInt8](repeating: 0, count: size) + little(UInt32(0)) + little(UInt16(3)) + little(UInt16(2))
    bytes += little(UInt32(100)) + little(UInt32(0))
    bytes[20] = TypeDecoder.TFlag.uncommon
    bytes[23] = kind
    let index = try HandmadeProgram(main: Scene().object).resolve().index
    let decoder = TypeDecoder(index.reader)
    let methods = withView(bytes) { decoder.methods($0) }
    #expect(methods?.offset == size + 100 && methods?.count == 3)
    // Cut short, it has no methods.
    let cut = withView(Array(bytes.prefix(size))) { decoder.methods($0) }
    withExtendedLifetime(index) {}
    #expect(cut?.count == 0)
  }

  @Test(arguments: [0, 1, 127, 128, 300, 20_000])
  func namesHaveAVariableLength(_ length: Int) {
    let text = String(repeating: "n", count: length)
    #expect(withView(GoType.name(text) + [1, 2]) { TypeDecoder.nameText($0).string } == text)
  }

  @Test(
    arguments: [
      [], [0], [0, 5, 0x61], [0, 0x80], [0, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0x61],
      [0, 0xff, 0xff, 0xff, 0xff, 0x7f],
    ] as [[UInt8]])
  func namesThatLieAreEmpty(_ bytes: [UInt8]) {
    #expect(withView(bytes) { TypeDecoder.nameText($0).isEmpty })
  }

  @Test func fieldsWithoutARelocationHaveNoTarget() throws {
    var scene = Scene()
    let a = scene.data("a")
    let b = scene.data("b")
    _ = scene.data("t", .init(RelocType.addr, a, offset: 8), .init(RelocType.addr, b, offset: 8))
    let index = try HandmadeProgram(main: scene.object).resolve().index
    let decoder = TypeDecoder(index.reader)
    let t = index.lookup("t")
    #expect(decoder.target(t, at: 8) == index.lookup("a"))
    #expect(decoder.target(t, at: 0).isNone && decoder.target(t, at: -8).isNone)
    #expect(decoder.itabType(t) == index.lookup("a"))
    #expect(decoder.name(index.reader.relocations(t), at: 0).isEmpty)
  }
}
