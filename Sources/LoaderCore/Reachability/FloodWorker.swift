internal import Synchronization

/// The marks of a flood, by node: set by several workers, and only ever set.
struct FloodMarks: @unchecked Sendable {
  /// An `Atomic<UInt8>` is its value in memory.
  private let base: UnsafeMutablePointer<Atomic<UInt8>>

  init(_ table: borrowing Table<UInt8>) {
    base = UnsafeMutableRawPointer(table.base).assumingMemoryBound(to: Atomic<UInt8>.self)
  }

  @inline(__always)
  subscript(_ node: Int) -> UInt8 { base[node].load(ordering: .relaxed) }

  /// Sets marks.
  ///
  /// - Returns: what was set before.
  @inline(__always)
  func set(_ node: Int, _ bits: UInt8) -> UInt8 {
    // Most are set already, and looking is much cheaper than locking.
    let seen = base[node].load(ordering: .relaxed)
    if seen & bits == bits { return seen }
    return base[node].bitwiseOr(bits, ordering: .relaxed).oldValue
  }

  /// Takes the first marks over from another table, before anybody works.
  func copy(_ marks: borrowing Table<UInt8>) {
    UnsafeMutableRawPointer(base).copyMemory(from: marks.base, byteCount: marks.count)
  }

  /// Starts again.
  func clearAll(_ count: Int) {
    UnsafeMutableRawPointer(base).initializeMemory(as: UInt8.self, repeating: 0, count: count)
  }

  /// Takes a node out of the set; after the flood.
  func clear(_ node: Int) { base[node].store(0, ordering: .relaxed) }
}

/// One worker of a flood: visits nodes along the edges that need no look at the pass as a whole. What it comes
/// to besides, it notes.
final class FloodWorker: @unchecked Sendable {
  private let reader: SymbolReader
  private let map: EdgeGraph.Nodes
  private let marks: FloodMarks
  private let lists: EdgeLists
  private let starts: EdgeGraph.Starts
  private let team: FloodTeam
  private var writer: EdgeLists.Writer
  private let scan: EdgeScan
  private(set) var stack = Table<UInt32>(capacity: 1 << 12)
  /// Nodes taken off the stack that are visited next: a ring, in which what a visit reads is brought near meanwhile.
  private let approach = Table<UInt32>(repeating: 0, count: FloodWorker.approachLength)
  private var approachStart = 0
  private var approachCount = 0
  /// Visited nodes whose lists have markers.
  private(set) var marked = Table<UInt32>(capacity: 1 << 10)
  /// Visited nodes without lists.
  private(set) var specials = Table<UInt32>(capacity: 64)
  /// Visited nodes that are package initialisers.
  private(set) var initialisers = Table<UInt32>(capacity: 64)
  private(set) var reflectSeen = false
  private(set) var failure: LinkFailure?

  init(
    _ index: SymbolIndex, _ graph: EdgeGraph, _ marks: FloodMarks, _ options: Deadcode.Options,
    _ team: FloodTeam
  ) {
    reader = index.reader
    map = graph.map
    lists = graph.lists
    starts = graph.listStarts
    writer = EdgeLists.Writer(graph.lists)
    scan = EdgeScan(index, graph.map, options)
    self.marks = marks
    self.team = team
  }

  func push(_ node: UInt32) { stack.append(node) }

  func forgetMarked() { marked.removeAll() }

  /// Visits until no worker of the team has work.
  func run() {
    team.join()
    do throws(LinkFailure) {
      repeat {
        while let node = next() {
          try visit(node)
          if stack.count > FloodTeam.plenty, team.isHungry { share() }
        }
      } while takeWork()
    } catch {
      failure = error
      team.giveUp()
    }
  }

  /// A power of two.
  private static let approachLength = 8

  /// The node to be visited next, of those that came last.
  @inline(__always)
  private func next() -> Int? {
    while approachCount < Self.approachLength, stack.count > 0 {
      let node = stack.removeLast()
      approach[(approachStart &+ approachCount) & (Self.approachLength &- 1)] = node
      approachCount &+= 1
      prefetchIndices(Int(node))
    }
    guard approachCount > 0 else { return nil }
    let half = Self.approachLength / 2
    if approachCount > half {
      prefetchRecords(Int(approach[(approachStart &+ half) & (Self.approachLength &- 1)]))
    }
    let node = approach[approachStart]
    approachStart = (approachStart &+ 1) & (Self.approachLength &- 1)
    approachCount &-= 1
    return Int(node)
  }

  @inline(__always)
  private func prefetchIndices(_ node: Int) {
    let start = starts.start(node)
    if start != 0 { return lists.prefetch(at: start &- 1) }
    let place = reader.place(map.symbol(node))
    if place.object > 1 { reader.objects[Int(place.object)].view.prefetchIndices(place.local) }
  }

  @inline(__always)
  private func prefetchRecords(_ node: Int) {
    guard starts.start(node) == 0 else { return }
    let place = reader.place(map.symbol(node))
    if place.object > 1 { reader.objects[Int(place.object)].view.prefetchRecords(place.local) }
  }

  private func takeWork() -> Bool {
    guard let work = team.take() else { return false }
    for n in work { stack.append(n) }
    return true
  }

  /// Gives half of the stack away, what came first: that leads farthest.
  private func share() {
    let n = stack.count / 2
    team.give(Array(UnsafeBufferPointer(start: stack.base, count: n)))
    stack.removeFirst(n)
  }

  private func visit(_ node: Int) throws(LinkFailure) {
    let start = starts.start(node)
    if start != 0 {
      let list = lists.list(at: start &- 1)
      follow(node, list[1], list + EdgeLists.headerWords, Int(list[0]))
      return
    }
    let s = map.symbol(node)
    let header = try scan.scan(s)
    if node < starts.count, !reader.isExternal(s), let position = writer.add(header, scan.list) {
      starts.set(node, position)
    } else {
      specials.append(UInt32(truncatingIfNeeded: node))
    }
    follow(node, header, scan.list.base, scan.list.count)
  }

  @inline(__always)
  private func follow(_ node: Int, _ header: UInt32, _ edges: UnsafeMutablePointer<UInt32>, _ count: Int) {
    typealias Tag = EdgeGraph.Tag
    let flags = SymbolClass(rawValue: UInt8(truncatingIfNeeded: header))
    if flags.contains(.reflectMethod) { reflectSeen = true }
    if header & EdgeGraph.Header.hasMarkers != 0 { marked.append(UInt32(truncatingIfNeeded: node)) }
    if header & EdgeGraph.Header.isInitialiser != 0 { initialisers.append(UInt32(truncatingIfNeeded: node)) }
    // Types reachable by reflection from one that reaches an interface reach it too.
    let isConverted = flags.contains(.goType) && marks[node] & LiveSet.usedInIface != 0
    for k in 0..<count {
      let e = edges[k]
      let t = e & Tag.mask
      switch e >> Tag.shift {
      case Tag.plain: mark(t, LiveSet.reachable)
      case Tag.type: mark(t, isConverted ? LiveSet.reachable | LiveSet.usedInIface : LiveSet.reachable)
      case Tag.useIface: convert(t)
      default: break
      }
    }
  }

  /// Sets marks of a node that is needed; one that gets a new mark is visited (again).
  @inline(__always)
  private func mark(_ node: UInt32, _ bits: UInt8) {
    if marks.set(Int(node), bits) & bits != bits { stack.append(node) }
  }

  /// Says that a type reaches an interface, which does not make it needed.
  private func convert(_ node: UInt32) {
    let old = marks.set(Int(node), LiveSet.usedInIface)
    if old & LiveSet.usedInIface == 0, old & LiveSet.reachable != 0 { stack.append(node) }
  }
}

/// What the workers of a flood share: the work that one has too much of, and when all are done. None waits for one
/// that has not begun: there may be fewer threads than workers.
final class FloodTeam: Sendable {
  /// Nodes on a stack from which on it is shared.
  static let plenty = 48

  let size: Int
  private let begun = Atomic(0)
  private let idle = Atomic(0)
  private let hasFailed = Atomic(false)
  private let pool = Mutex([[UInt32]]())

  init(size: Int) { self.size = size }

  var isHungry: Bool { idle.load(ordering: .relaxed) > 0 }

  /// Before each run of the workers.
  func start() {
    begun.store(0, ordering: .relaxed)
    idle.store(0, ordering: .relaxed)
  }

  /// When a worker begins.
  func join() { begun.add(1, ordering: .acquiringAndReleasing) }

  func give(_ work: [UInt32]) { pool.withLock { $0.append(work) } }

  func giveUp() { hasFailed.store(true, ordering: .relaxed) }

  /// Work that another had too much of; nil when nobody has any. (Who gives takes before it rests: none is lost.)
  func take() -> [UInt32]? {
    if let work = pool.withLock({ $0.popLast() }) { return work }
    idle.add(1, ordering: .acquiringAndReleasing)
    while idle.load(ordering: .acquiring) < begun.load(ordering: .acquiring),
      !hasFailed.load(ordering: .relaxed)
    {
      if let work = pool.withLock({ $0.popLast() }) {
        idle.subtract(1, ordering: .acquiringAndReleasing)
        return work
      }
      Threads.yield()
    }
    return nil
  }
}
