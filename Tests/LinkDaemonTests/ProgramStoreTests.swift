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
    // Not one that had to go for it.
    let isOwn = known?.program.distance(to: programs[k]) == 0
    store.keep(try isOwn ? known ?? resolve(programs[k]) : resolve(programs[k]), k)
    return isOwn
  }

  @Test func whatHasToGoIsTakenOver() throws {
    let store = try store(3)
    for k in 0..<2 { _ = try link(k, store) }
    // There is room for another one.
    #expect(store.take(2, for: programs[2]) == nil)
    store.keep(try resolve(programs[2]), 2)
    let taken = try #require(store.take(3, for: programs[3]))
    #expect(taken.program.distance(to: programs[2]) == 0)
    #expect(taken.program.update(to: programs[3], profile: .go1_27_3, options: .init()))
    let fresh = try resolve(programs[3]).program
    #expect(taken.program.index.difference(from: fresh.index) == nil)
    store.keep(taken, 3)
    // The others are still there.
    #expect(try link(0, store) && link(1, store) && !link(2, store))
  }

  @Test func aSmallerBudgetLetsProgramsGo() throws {
    let store = try store(3)
    for k in 0..<3 { _ = try link(k, store) }
    store.setBudget(try resolve(programs[0]).byteCount * 3 / 2)
    #expect(store.counts.programs == 1 && store.counts.bytes > 0)
    store.setBudget(0)
    #expect(store.counts.programs == 0 && store.counts.bytes == 0)
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
