import LoaderCore
import TestSupport
import Testing

/// A content that an object has under several names is one symbol, until these have contents of their own.
@Suite struct SharedContentTests {
  private func program(_ contents: [UInt8]) throws -> LoadedPackages {
    var scene = Scene()
    let function = scene.text("main.f", abi: 1)
    scene.link(scene.entry, .call(function))
    // As those of deferred calls (cmd/compile, FUNCDATA_OpenCodedDeferInfo): named, and known by content.
    for (k, content) in contents.enumerated() {
      let hash = [UInt8](repeating: content, count: 16)
      _ = scene.object.add(.init("main.f\(k).opendefer", kind: 3, data: [content], hash: hash), .hashed)
    }
    var part = ObjectBuilder()
    for k in 0..<200 { _ = part.add(.init("part.other\(k)", abi: 1, kind: 1, data: [0xc3])) }
    scene.object.imports = [("part", 0)]
    return try HandmadeProgram(["main": [scene.object], "part": [part]]).load()
  }

  /// With as many definitions as before, and with others.
  @Test(arguments: [[2, 3], [2, 3, 4], [3, 2, 3], [2]] as [[UInt8]])
  func namesOfOneContentPart(contents: [UInt8]) throws {
    let resident = try ResidentProgram.resolve(program([1, 1]), profile: .go1_27_3, options: .init()).program
    let after = try program(contents)
    #expect(resident.update(to: after, profile: .go1_27_3, options: .init()))
    let fresh = try ResidentProgram.resolve(after, profile: .go1_27_3, options: .init()).program
    #expect(resident.index.difference(from: fresh.index) == nil)
  }
}
