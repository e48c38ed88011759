import LoaderCore
import TestSupport
import Testing

/// A reference by position may mean another symbol although no byte of the object says so: when the package that it is to
/// was changed.
@Suite struct MentionTests {
  private typealias Handle = ObjectBuilder.Handle

  private func main() -> [UInt8] {
    var scene = Scene()
    scene.object.imports = [("p1", 0), ("p2", 0)]
    let function = scene.text("main.f", abi: 1)
    scene.link(scene.entry, .call(function))
    return scene.object.bytes
  }

  /// Functions f0 to f9, of which f0 calls a function of the other package, and some data.
  private func caller(of position: Int, data: UInt8) -> [UInt8] {
    var object = ObjectBuilder()
    object.packages = ["p2"]
    for k in 0..<10 {
      let target = k == 0 ? Handle(.imported(package_: 1), position) : Handle(.package_, 0)
      _ = object.add(
        .init(
          "p1.f\(k)", abi: 1, kind: 1, data: [UInt8](repeating: UInt8(k), count: 64),
          relocations: [.init(RelocType.call, target)]), .package_)
    }
    _ = object.add(.init("p1.data", kind: 7, data: [UInt8](repeating: data, count: 64)), .package_)
    return object.bytes
  }

  private func called(_ names: [String]) -> [UInt8] {
    var object = ObjectBuilder()
    for name in names {
      _ = object.add(.init("p2.\(name)", abi: 1, kind: 1, data: Array(name.utf8)), .package_)
    }
    return object.bytes
  }

  /// What an edit did to f0 and f1: whether each may say something else.
  private func touches(_ program: ResidentProgram, _ after: LoadedPackages) throws -> [Bool] {
    let functions = (0..<2).map { program.index.lookup("p1.f\($0)", version: 1) }
    try #require(functions.allSatisfy { !$0.isNone })
    var found: [Bool] = []
    let isUpdated = program.update(
      to: after, profile: .go1_27_3, options: .init(),
      follow: { change, _ in found = functions.map(change.isTouched) })
    #expect(isUpdated)
    return found
  }

  @Test func sameBytesWithAnotherMeaningAreSeenAgainAndAgain() throws {
    let archives = try KeptArchives()
    let main = archives.write(0, [("_go_.o", main())])
    func program(_ names: [String], calling position: Int, data: UInt8) throws -> LoadedPackages {
      try archives.load([
        main, archives.write(1, [("_go_.o", caller(of: position, data: data))]),
        archives.write(2, [("_go_.o", called(names))]),
      ])
    }
    let first = try program(["alpha", "beta", "gamma"], calling: 0, data: 1)
    let resident = try ResidentProgram.resolve(first, profile: .go1_27_3, options: .init()).program
    func touched(_ names: [String], calling position: Int, data: UInt8) throws -> [Bool] {
      try touches(resident, program(names, calling: position, data: data))
    }
    // The same function at another place.
    #expect(try touched(["zeta", "alpha", "beta", "gamma"], calling: 1, data: 1) == [false, false])
    // Another function at the same place; then the place is the same, and the function.
    #expect(try touched(["zeta", "beta", "gamma"], calling: 1, data: 2) == [true, false])
    #expect(try touched(["zeta", "beta", "delta"], calling: 1, data: 3) == [false, false])
    #expect(try touched(["zeta", "delta", "beta"], calling: 1, data: 4) == [true, false])
    #expect(archives.likenesses > 3)
  }
}
