import ImageWriter
import LoaderCore
import Protocol
import Synchronization

/// A program between links, and what the passes keep of the last one.
package final class ResidentLink: Sendable {
  package let program: ResidentProgram
  package let memory: LinkMemory
  let initialisers = InitMemory()
  let last = LastLink()

  package init(_ program: ResidentProgram, memory: LinkMemory = LinkMemory()) {
    self.program = program
    self.memory = memory
  }

  /// Follows an exchange of objects, and finds the order of initialisers if that may be another one.
  func foreseeInitialisers(_ change: IndexChange) {
    initialisers.follow(change)
    // Contents are patched without.
    if change.contents == nil { InitOrder.foresee(program.index, memory: initialisers) }
  }

  /// Bytes of private memory, roughly.
  package var byteCount: Int { program.byteCount + memory.byteCount + last.byteCount }
}

/// The last link of a program, when an image of it can be patched.
final class LastLink: @unchecked Sendable {
  private(set) var finished: FinishedLink?
  private(set) var plan: LinkPlan?

  func note(_ finished: FinishedLink?, _ plan: LinkPlan) {
    self.finished = finished
    self.plan = plan
  }

  func forget() {
    finished = nil
    plan = nil
  }

  var byteCount: Int { finished?.byteCount ?? 0 }
}

/// The programs linked last, resolved and ready to take changed objects in. A link takes the one that is
/// nearest to what it needs out, and puts it back when it is done: two links never share one, and one that
/// fails leaves nothing behind.
package final class ProgramStore: Sendable {
  private struct Entry {
    let key: Int
    /// What it has in common with its states of other packages, if anything.
    let kin: Int?
    let link: ResidentLink
    /// How its packages were loaded.
    let walk: PackageWalk?
    let use: Int
    /// Of memory, when it was put in.
    let byteCount: Int
  }

  /// A program as it is on disk.
  private struct Kept {
    let packages: LoadedPackages
    let byteCount: Int
  }

  private struct State {
    /// Bytes.
    var budget: Int
    var entries: [Entry] = []
    var clock = 0
    /// From disk, for the link that is about to ask.
    var dormant: [Int: DormantProgram] = [:]
    var kept: [Int: Kept] = [:]
    var bytes = 0

    mutating func keepToBudget() {
      while bytes > budget, !entries.isEmpty { remove(at: victim) }
    }

    @discardableResult
    mutating func remove(at index: Int) -> ResidentLink {
      let entry = entries.remove(at: index)
      bytes -= entry.byteCount
      return entry.link
    }

    /// Whether there is no room for another program like these.
    var isFull: Bool { entries.count > 1 && bytes + bytes / entries.count > budget }

    /// Which program goes for one that is put in next: the one used longest ago if that is long ago, else the one used
    /// last: who links many programs in turn needs the one used longest ago next.
    var victim: Int {
      // They are in the order of their use.
      guard let first = entries.first else { return 0 }
      return clock + 1 - first.use > ProgramStore.patience * (entries.count + 1) ? 0 : entries.count - 1
    }
  }

  private let state: Mutex<State>
  /// Held while a program is being written.
  private let writing = Mutex(())

  /// - Parameter budget: bytes.
  package init(budget: Int) { state = Mutex(State(budget: budget)) }

  /// Changes the budget; what is too much goes.
  package func setBudget(_ bytes: Int) {
    state.withLock { s in
      s.budget = bytes
      s.keepToBudget()
    }
  }

  /// Takes the program with the fewest objects to exchange out; without a resident one that from disk, or else one
  /// with the fewest packages to add and remove; or another program with nearly the same packages, if that has to make
  /// room for this one anyway.
  package func take(_ key: Int, kin: Int? = nil, for packages: LoadedPackages) -> ResidentLink? {
    // Whoever writes one sees that a link runs, and soon stops.
    writing.withLock { _ in }
    return takeNearest { $0.key == key ? $0.link.program.distance(to: packages) : nil }
      ?? wake(key, for: packages)
      ?? takeNearest { kin != nil && $0.kin == kin ? $0.link.program.difference(from: packages) : nil }
      ?? takeNextVictim(for: packages)
  }

  /// Takes the program that `keep` would let go for this one.
  private func takeNextVictim(for packages: LoadedPackages) -> ResidentLink? {
    state.withLock { s in
      guard s.isFull, s.entries[s.victim].link.program.difference(from: packages) != nil else {
        return nil
      }
      return s.remove(at: s.victim)
    }
  }

  /// How the packages of a program were loaded when it was last linked.
  func lastWalk(of key: Int) -> PackageWalk? {
    state.withLock { s in s.entries.filter { $0.key == key }.max { $0.use < $1.use }?.walk }
  }

  private func wake(_ key: Int, for packages: LoadedPackages) -> ResidentLink? {
    guard let dormant = state.withLock({ $0.dormant.removeValue(forKey: key) }),
      let link = dormant.wake(for: packages)
    else { return nil }
    noteKept(link, key)
    return link
  }

  private func takeNearest(_ distance: (Entry) -> Int?) -> ResidentLink? {
    state.withLock { s in
      var best: (index: Int, distance: Int)?
      for (i, e) in s.entries.enumerated() {
        guard let d = distance(e), d < best?.distance ?? .max else { continue }
        best = (i, d)
      }
      guard let best else { return nil }
      return s.remove(at: best.index)
    }
  }

  /// Puts a program (back) in. When the budget is passed others go.
  package func keep(_ link: ResidentLink, _ key: Int, kin: Int? = nil, walk: PackageWalk? = nil) {
    let byteCount = link.byteCount
    state.withLock { s in
      s.bytes += byteCount
      s.keepToBudget()
      s.clock += 1
      s.entries.append(
        Entry(key: key, kin: kin, link: link, walk: walk, use: s.clock, byteCount: byteCount))
    }
  }

  // MARK: from one life of the daemon to the next

  func has(_ key: Int) -> Bool { state.withLock { s in s.entries.contains { $0.key == key } } }

  /// Whether there is a program of these packages, or of others that differ in a few of them.
  func hasNear(_ key: Int, kin: Int?) -> Bool {
    state.withLock { s in s.entries.contains { $0.key == key || (kin != nil && $0.kin == kin) } }
  }

  /// Has a program from disk at hand for the link that is about to ask; nil when it has ended.
  func offer(_ dormant: DormantProgram?, _ key: Int) { state.withLock { $0.dormant[key] = dormant } }

  /// The programs used last that are not on disk as they are, or nearly so.
  func keysToKeep() -> [Int] {
    state.withLock { s in
      var keys: [Int] = []
      for e in s.entries.sorted(by: { $0.use > $1.use }).prefix(Self.keptPrograms) where !keys.contains(e.key)
      {
        let known = s.kept[e.key]
        let isNear = known.flatMap { e.link.program.changes(since: $0.packages) }.map {
          $0 <= Self.nearDistance
        }
        if isNear != true || e.link.byteCount > (known?.byteCount ?? 0) / 4 * 5 { keys.append(e.key) }
      }
      return keys
    }
  }

  private static let keptPrograms = 4
  /// In uses of a program per program that there is.
  fileprivate static let patience = 4
  /// So many exchanged objects are found again faster than a program is written.
  private static let nearDistance = 8

  /// Writes the program used last of those with a key; no link takes it meanwhile.
  ///
  /// - Parameter write: returns whether it was written.
  func write(_ key: Int, _ write: (ResidentLink) -> Bool) {
    writing.withLock { _ in
      let found = state.withLock { s in s.entries.filter { $0.key == key }.max { $0.use < $1.use }?.link }
      if let found, write(found) { noteKept(found, key) }
    }
  }

  private func noteKept(_ link: ResidentLink, _ key: Int) {
    let kept = Kept(packages: link.program.packages, byteCount: link.byteCount)
    state.withLock { $0.kept[key] = kept }
  }

  /// The files of all programs.
  func files() -> Set<ObjectIdentifier> {
    let programs = state.withLock { $0.entries.map(\.link.program) }
    return Set(programs.flatMap { $0.packages.objects.map { ObjectIdentifier($0.file) } })
  }

  package var counts: (programs: Int, bytes: Int) { state.withLock { ($0.entries.count, $0.bytes) } }

  func removeAll() {
    state.withLock { s in
      s.entries = []
      s.bytes = 0
      s.kept = [:]
    }
  }
}
