import LinkDaemon
import LoaderCore
import TestSupport
import Testing

/// Which programs stay when there is no room for all.
@Suite struct ProgramStoreTests {
  private let programs: [LoadedPackages]

  init() throws {
    programs = try (0..<6).map { k in
      var main = ObjectBuilder()
      main.isMain = true
      _ = main.add(.init("main.main", kind: 1, data: [UInt8(k)]))
      return try HandmadeProgram(main: main).load()
    }
  }

  /// Room for so many of the programs.
  private func store(_ count: Int) throws -> ProgramStore {
    let one = try resolve(programs[0]).byteCount
    return ProgramStore(budget: count * one + one / 2)
  }

  private func resolve(_ packages: LoadedPackages) throws -> ResidentLink {
    ResidentLink(try ResidentProgram.resolve(packages, profile: .go1_27_3, options: .init()).program)
  }

  /// Links a program, so to speak.
  ///
  /// - Returns: whether it was there.
  private func link(_ k: Int, _ store: ProgramStore) throws -> Bool {
    let known = store.take(k, for: programs[k])
    store.keep(try known ?? resolve(programs[k]), k)
    return known != nil
  }

  @Test func programsInTurnAreFoundAgain() throws {
    let store = try store(3)
    for k in programs.indices { #expect(try !link(k, store)) }
    for _ in 0..<3 {
      // Were the one that was used longest ago to go, it would be just the one that is asked for next: none was found.
      #expect(try programs.indices.count { try link($0, store) } >= 2)
    }
  }

  @Test func whatNobodyLinksAnyMoreGoes() throws {
    let store = try store(3)
    for k in programs.indices { _ = try link(k, store) }
    // Three others are linked from now on; there is room for all of them.
    var last: [Bool] = []
    for _ in 0..<12 { last = try [3, 4, 5].map { try link($0, store) } }
    #expect(last == [true, true, true])
    #expect(try !link(0, store))
  }
}
