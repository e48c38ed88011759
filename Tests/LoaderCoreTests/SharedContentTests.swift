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

  /// A main package with contents by number.
  private func main(_ contents: [UInt64]) -> [UInt8] {
    var scene = Scene()
    let function = scene.text("main.f", abi: 1)
    scene.link(scene.entry, .call(function))
    for n in contents {
      let hash = little(n) + little(~n)
      _ = scene.object.add(.init("main.c\(n)", kind: 3, data: little(n), hash: hash), .hashed)
      _ = scene.object.add(.init("main.s\(n)", kind: 3, data: little(n), hash: little(n)), .hashed64)
    }
    scene.object.imports = [("p1", 0)]
    return scene.object.bytes
  }

  /// A package with many of them.
  private var part: [UInt8] {
    var part = ObjectBuilder()
    for n in UInt64(0)..<300 {
      _ = part.add(.init("part.c\(n)", kind: 3, data: little(n), hash: little(n) + little(~n)), .hashed)
      _ = part.add(.init("part.s\(n)", kind: 3, data: little(n), hash: little(n)), .hashed64)
    }
    return part.bytes
  }

  /// Contents that an object which stays has too come and go, again and again: it is asked for its `ContentTags`.
  @Test func contentsOfWhatStaysAreFoundAgain() throws {
    let steps: [[UInt64]] = [[900], [5], [901, 5], [7, 299], [902], [7], [7, 8, 903], [904, 0]]
    let archives = try KeptArchives()
    let shared = archives.write(1, [("_go_.o", part)])
    func program(_ contents: [UInt64]) throws -> LoadedPackages {
      try archives.load([archives.write(0, [("_go_.o", main(contents))]), shared])
    }
    let resident = try ResidentProgram.resolve(
      program([5, 905]), profile: .go1_27_3, options: .init()
    ).program
    for contents in steps {
      let after = try program(contents)
      #expect(resident.update(to: after, profile: .go1_27_3, options: .init()))
      let fresh = try ResidentProgram.resolve(after, profile: .go1_27_3, options: .init()).program
      #expect(resident.index.difference(from: fresh.index) == nil, "\(contents)")
    }
  }
}
