internal import Dispatch
internal import Synchronization

/// The threads that help links with their loops: one a core, but for the one that a link itself runs on.
///
/// A link has some hundred loops that take a millisecond or less, often one in another's turn or beside it. Dispatch
/// gives such a loop to one core only, and the thread that waits for what runs beside it does nothing; both made links of
/// edits a twentieth longer. Helpers look out for the next loop for a while before they sleep: to wake one takes tens of
/// microseconds in a virtual machine.
package final class Crew: Sendable {
  package static let shared = Crew(helpers: Threads.coreCount - 1)

  private struct State {
    /// Those that may have turns left, oldest first.
    var loops: [Loop] = []
    /// Helpers that wait for the bell.
    var sleepers = 0
    var isHired = false
    /// The helpers, as far as they have come, and the core that they were last told to leave to a link.
    var threads: [Threads.Handle] = []
    var linkCore: Int32?

    /// Notes that a thread on that core opens a loop.
    ///
    /// - Returns: the helpers that are to be kept off it: none when they are already, or when a helper opens it.
    mutating func leave(_ core: Int32?) -> [Threads.Handle] {
      guard let core, core != linkCore, !threads.contains(Threads.current) else { return [] }
      linkCore = core
      return threads
    }
  }

  /// With so many helpers at most they are told which cores are theirs. Linux wakes a thread where it last ran, and hardly
  /// looks for an idle core when there are few and they were busy (kernel/sched/fair.c select_idle_cpu): a helper then
  /// shared the link's core for milliseconds, while the other one had nothing to do. And so many look out for loops.
  private static let fewHelpers = 3
  /// How often a helper looks before it sleeps: for about a millisecond.
  private static let patience = 1 << 11

  private let helpers: Int
  private let state = Mutex(State())
  private let bell = DispatchSemaphore(value: 0)
  /// Counts the loops that were opened, and the helpers that look at it.
  private let opened = Atomic(0)
  private let watchers = Atomic(0)
  private let links = Atomic(0)

  package init(helpers: Int) { self.helpers = max(0, helpers) }

  /// Calls `body` with 0 up to `turns`, on this thread and those that are free; returns when all calls have.
  package func run(_ turns: Int, _ body: (Int) -> Void) {
    guard turns > 1, helpers > 0 else {
      for k in 0..<turns { body(k) }
      return
    }
    withOpenLoop(turns, body, inTheEnd: nil) {}
  }

  /// Calls `other` on another thread, if one is free until `body` returns, else then. In the end this thread helps with
  /// `other`'s loops, or anybody's: it must hold no lock.
  package func beside(_ other: () -> Void, _ body: () -> Void) {
    guard helpers > 0 else {
      other()
      return body()
    }
    withOpenLoop(1, { _ in other() }, inTheEnd: helpOut, body)
  }

  /// Calls `quiet` with 0 up to `turns` while `body` runs, on threads that no other loop needs; in the end on this one.
  package func meanwhile(_ turns: Int, _ quiet: (Int) -> Void, _ body: () -> Void) {
    guard turns > 0, helpers > 0 else {
      for k in 0..<turns { quiet(k) }
      return body()
    }
    withOpenLoop(turns, isQuiet: true, quiet, inTheEnd: helpOut, body)
  }

  /// Helpers may take the loop's turns while `meanwhile` runs; then this thread does.
  ///
  /// - Parameter inTheEnd: called while helpers are still at work; returns whether it did something.
  private func withOpenLoop(
    _ turns: Int, isQuiet: Bool = false, _ body: (Int) -> Void, inTheEnd: (() -> Bool)?,
    _ meanwhile: () -> Void
  ) {
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { body in
        let loop = Loop(turns, isQuiet: isQuiet, body)
        open(loop)
        meanwhile()
        loop.takeTurns()
        state.withLock { state in state.loops.removeAll { $0 === loop } }
        loop.waitForHelpers(inTheEnd)
      }
    }
  }

  private func open(_ loop: Loop) {
    let core = helpers <= Self.fewHelpers ? Threads.core : nil
    let (wanted, mustHire, misplaced) = state.withLock { state in
      state.loops.append(loop)
      let wanted = min(state.sleepers, loop.turns)
      state.sleepers -= wanted
      defer { state.isHired = true }
      opened.add(1, ordering: .releasing)
      return (wanted, !state.isHired, state.leave(core))
    }
    if let core { for thread in misplaced { Threads.keep(thread, off: core) } }
    for _ in 0..<wanted { bell.signal() }
    if mustHire { hire() }
  }

  // MARK: helpers

  /// Says that a link begins or ends. What is not part of one does not make helpers look out for more.
  package func noteLink(begins: Bool) {
    links.add(begins ? 1 : -1, ordering: .relaxed)
    guard begins else { return }
    let wanted = state.withLock { state in
      let wanted = min(state.sleepers, Self.fewHelpers)
      state.sleepers -= wanted
      return wanted
    }
    for _ in 0..<wanted { bell.signal() }
  }

  private func hire() {
    for _ in 0..<helpers {
      // A serial queue of its own is a thread that no limit of Dispatch's counts.
      DispatchQueue(label: "linkd.crew").async { self.help() }
    }
  }

  private func help() -> Never {
    state.withLock { state in
      state.threads.append(Threads.current)
      // This one has been told nothing yet.
      state.linkCore = nil
    }
    while true {
      let seen = opened.load(ordering: .acquiring)
      if !helpOut(), !watch(since: seen) { sleep() }
    }
  }

  /// Waits for another loop than those that were seen.
  ///
  /// - Returns: false when none was opened for a while, others look out, or no link runs.
  private func watch(since seen: Int) -> Bool {
    defer { watchers.subtract(1, ordering: .relaxed) }
    guard watchers.wrappingAdd(1, ordering: .relaxed).newValue <= Self.fewHelpers else { return false }
    for _ in 0..<Self.patience {
      guard links.load(ordering: .relaxed) > 0 else { return false }
      if opened.load(ordering: .acquiring) != seen { return true }
      Threads.yield()
    }
    return false
  }

  /// Takes turns of a loop, if there is one.
  private func helpOut() -> Bool {
    guard let loop = join() else { return false }
    if loop.isQuiet { loop.takeTurn() } else { loop.takeTurns() }
    loop.leave()
    return true
  }

  /// The oldest loop with turns left, a quiet one if there is no other.
  private func join() -> Loop? {
    state.withLock { state in
      guard
        let loop = state.loops.first(where: { $0.hasTurns && !$0.isQuiet })
          ?? state.loops.first(where: \.hasTurns)
      else { return nil }
      loop.join()
      return loop
    }
  }

  private func sleep() {
    let mustSleep = state.withLock { state in
      guard !state.loops.contains(where: \.hasTurns) else { return false }
      state.sleepers += 1
      return true
    }
    if mustSleep { bell.wait() }
  }
}

/// A loop whose turns are taken by several threads.
private final class Loop: @unchecked Sendable {
  let turns: Int
  /// Whether others come first: a helper looks for them after each turn.
  let isQuiet: Bool
  /// What its calls share is pointers to disjoint ranges. A pointer, for a helper may hold the loop for a moment longer than
  /// the closure may live; it is called as long as there are turns, for the end of which the owner waits.
  private let body: UnsafePointer<(Int) -> Void>
  private let next = Atomic(0)
  /// Helpers at work; only those who hold the crew's lock add to them.
  private let helpers = Atomic(0)
  private let isAwaited = Atomic(false)
  private let end = DispatchSemaphore(value: 0)

  /// Looks at the helpers that are still at work before the owner sleeps: some tens of microseconds, or, while there may
  /// be something to do, milliseconds.
  private static let patience = (idle: 1 << 8, helping: 1 << 13)

  init(_ turns: Int, isQuiet: Bool, _ body: UnsafePointer<(Int) -> Void>) {
    self.turns = turns
    self.isQuiet = isQuiet
    self.body = body
  }

  var hasTurns: Bool { next.load(ordering: .relaxed) < turns }

  /// Never inlined: when it returns, it has let go of the closure.
  @inline(never)
  func takeTurns() { while takeTurn() {} }

  /// - Returns: false when there was none left.
  @inline(never) @discardableResult
  func takeTurn() -> Bool {
    let k = next.wrappingAdd(1, ordering: .relaxed).oldValue
    guard k < turns else { return false }
    body.pointee(k)
    return true
  }

  func join() { helpers.add(1, ordering: .relaxed) }

  /// A helper has done all that it will.
  func leave() {
    let left = helpers.wrappingSubtract(1, ordering: .sequentiallyConsistent).newValue
    // Whoever takes the flag away ends the waiting.
    if left == 0, isAwaited.exchange(false, ordering: .sequentiallyConsistent) { end.signal() }
  }

  /// Called by the owner when nobody can join any more.
  ///
  /// - Parameter doMeanwhile: called again and again; returns whether it did something.
  func waitForHelpers(_ doMeanwhile: (() -> Bool)?) {
    let patience = doMeanwhile == nil ? Self.patience.idle : Self.patience.helping
    var looks = 0
    while looks < patience {
      if helpers.load(ordering: .acquiring) == 0 { return }
      if doMeanwhile?() == true {
        looks = 0
      } else {
        looks += 1
        Threads.yield()
      }
    }
    isAwaited.store(true, ordering: .sequentiallyConsistent)
    if helpers.load(ordering: .sequentiallyConsistent) == 0,
      isAwaited.exchange(false, ordering: .sequentiallyConsistent)
    {
      return
    }
    end.wait()
  }
}
