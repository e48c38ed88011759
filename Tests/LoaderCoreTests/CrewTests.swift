import Dispatch
import LoaderCore
import Synchronization
import Testing

/// Every turn of a loop runs once and before the loop ends, whoever takes it, and however many loops there are.
@Suite struct CrewTests {
  @Test(arguments: [0, 1, 3]) func everyTurnRunsOnce(helpers: Int) {
    let crew = Crew(helpers: helpers)
    for count in [0, 1, 2, 3, 64, 1000] {
      for _ in 0..<200 { #expect(Self.turns(of: crew, count).allSatisfy { $0 == 1 }) }
    }
  }

  @Test func loopsOfSeveralThreadsAndLoopsInLoopsEnd() {
    let crew = Crew(helpers: 3)
    let wrong = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for round in 0..<300 {
        let inner = Atomic(0)
        crew.run(5) { _ in crew.run(round % 7) { _ in inner.add(1, ordering: .relaxed) } }
        if inner.load(ordering: .relaxed) != 5 * (round % 7) { wrong.add(1, ordering: .relaxed) }
        if !Self.turns(of: crew, 40).allSatisfy({ $0 == 1 }) { wrong.add(1, ordering: .relaxed) }
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
  }

  @Test(arguments: [0, 1, 3]) func quietTurnsRunOnceBesideLoops(helpers: Int) {
    let crew = Crew(helpers: helpers)
    for round in 0..<300 {
      let quiet = Mutex([Int](repeating: 0, count: round % 40))
      var mine = [Int]()
      crew.meanwhile(round % 40) { k in
        quiet.withLock { $0[k] += 1 }
      } _: {
        for _ in 0..<3 { mine += Self.turns(of: crew, 20) }
      }
      #expect(quiet.withLock { $0 } == Array(repeating: 1, count: round % 40))
      #expect(mine == Array(repeating: 1, count: 60))
    }
  }

  @Test(arguments: [0, 1]) func whatRunsBesideHasRunAtTheEnd(helpers: Int) {
    let crew = Crew(helpers: helpers)
    for _ in 0..<500 {
      var (other, mine) = ([Int](), [Int]())
      crew.beside {
        for k in 0..<50 { other.append(k) }
      } _: {
        mine = Self.turns(of: crew, 10)
      }
      #expect(other == Array(0..<50))
      #expect(mine == Array(repeating: 1, count: 10))
    }
  }

  /// A helper that takes its time with its last turn is waited for, asleep in the end.
  @Test func slowHelpersAreWaitedFor() {
    let crew = Crew(helpers: 1)
    for _ in 0..<10 {
      let done = Atomic(0)
      crew.run(2) { _ in
        Thread.wait(milliseconds: 5)
        done.add(1, ordering: .relaxed)
      }
      #expect(done.load(ordering: .relaxed) == 2)
    }
  }

  /// Helpers that look out for loops, and those that stop it, miss none.
  @Test(arguments: [1, 3, 5]) func linksThatComeAndGoLoseNoLoop(helpers: Int) {
    let crew = Crew(helpers: helpers)
    for round in 0..<200 {
      crew.noteLink(begins: true)
      for _ in 0..<round % 5 { #expect(Self.turns(of: crew, 30).allSatisfy { $0 == 1 }) }
      if round.isMultiple(of: 50) { Thread.wait(milliseconds: 3) }
      // Two links at once, of which one goes.
      if round.isMultiple(of: 3) {
        crew.noteLink(begins: true)
        #expect(Self.turns(of: crew, 30).allSatisfy { $0 == 1 })
        crew.noteLink(begins: false)
      }
      crew.noteLink(begins: false)
      #expect(Self.turns(of: crew, 30).allSatisfy { $0 == 1 })
    }
  }

  /// How often each turn of a loop ran.
  private static func turns(of crew: Crew, _ count: Int) -> [Int] {
    let counts = Table<UInt32>(repeating: 0, count: count)
    crew.run(count) { counts[$0] += 1 }
    return (0..<count).map { Int(counts[$0]) }
  }

  private enum Thread {
    static func wait(milliseconds: Int) {
      _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(milliseconds))
    }
  }
}
