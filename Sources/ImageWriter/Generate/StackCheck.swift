import LoaderCore

/// The nosplit stack check (cmd/link/internal/ld/stackcheck.go): functions that do not check the stack
/// themselves, and what they call, must fit into what a checking function leaves free.
///
/// A function's height is how far it and its callees grow the stack before somebody checks it: found
/// bottom up, visiting every function once. Only functions marked nosplit can be higher than the 8 bytes
/// of a call, so only they are walked. When one is over the limit, the call graph below it is recorded in a
/// second pass and every path over the limit reported.
package struct StackCheck: ~Copyable {
  package struct Options: Sendable, Equatable {
    /// -race: functions may use twice the room.
    package var race = false
    /// -debugnosplit: print the call graph.
    package var debugNosplit = false
    package init() {}
  }

  package struct Result: Sendable {
    /// What -debugnosplit prints on stdout, before anything of `overflows`.
    package fileprivate(set) var graph = ""
    /// In the order the real linker reports them. Each counts as an error, after which the link goes on to
    /// `exitIfErrors` (after asmb; exit 2), or ends with "too many errors" when it is the 21st and -e is
    /// not given: before the paths of that one are printed.
    package fileprivate(set) var overflows: [Overflow] = []
  }

  package struct Overflow: Equatable, Sendable {
    /// The line on stderr, without its newline.
    package let error: String
    /// The paths, printed on stdout after that: whole lines.
    package let paths: String
  }

  /// A call, or growth without one.
  package struct Edge {
    /// Bytes the stack has grown by at the call, the return address included.
    package let growth: Int
    /// A symbol, `leaf` for growth without a call, or `indirect`.
    package let target: UInt32

    package init(growth: Int, target: UInt32) {
      self.growth = growth
      self.target = target
    }
  }

  package static let leaf: UInt32 = 0
  /// What a closure or an interface method stands for; assumed to check the stack.
  package static let indirect: UInt32 = .max
  /// Bytes that a call pushes.
  private static let callSize = 8
  /// Bytes that a chain of nosplit functions may use (internal/abi.StackNosplitBase).
  private static let nosplitBase = 800
  /// "Infinite": the height of a function while it is being visited, and the largest there is.
  private static let cycle = 32767
  /// Calls below one another before the real linker, whose stack grows, is asked instead.
  /// Chains that fit the limit are below 200.
  package static let maxDepth = 256

  private let reader: SymbolReader
  private let morestack: UInt32
  private let debugNosplit: Bool
  /// By symbol, height plus 1; 0 not visited.
  private var heights: Table<UInt16>
  private var indirectIsKnown = false
  /// Recorded in the second pass only.
  private var graph: [UInt32: [Edge]]?
  private var printed = ""

  /// Checks all functions.
  ///
  /// - Parameters:
  ///   - text: functions in link order, before the FIPS ones are gathered (the order only -debugnosplit shows).
  ///   - memory: what earlier links found to fit.
  /// - Throws: `.corrupt` for pcsp tables the real linker would stop at, `.unsupported` for call chains or
  ///   reports without reasonable end.
  package static func run(
    _ index: SymbolIndex, text: [SymbolID], options: Options, memory: StackMemory = StackMemory()
  ) throws(LinkFailure) -> Result {
    let reader = index.reader
    let morestack = index.lookup("runtime.morestack", version: 0)
    let limit = nosplitBase * (options.race ? 2 : 1) - callSize
    if memory.serves(options) {
      var again = StackCheck(
        reader, morestack: morestack, options, heights: memory.lend(count: reader.count))
      if again.stillFit(text, memory.stale, limit: limit) {
        memory.take(again.heights, options)
        return Result()
      }
    }
    var result = Result()
    var first = StackCheck(reader, morestack: morestack, options)
    var failed: [SymbolID] = []
    for s in text where options.debugNosplit || reader.symbolClass(s).contains(.noSplit) {
      if try first.height(s.raw, depth: 0) > limit { failed.append(s) }
    }
    result.graph = first.printed
    guard !failed.isEmpty else {
      memory.take(first.heights, options)
      return result
    }

    var second = StackCheck(reader, morestack: morestack, options, recording: true)
    for s in failed { _ = try second.height(s.raw, depth: 0) }
    result.graph += second.printed
    var report = StackReport(graph: second.graph ?? [:]) { Self.name($0, reader) }
    for root in try report.roots(heights: second.recordedHeights) {
      let name = reader.name(SymbolID(root)).string
      result.overflows.append(
        Overflow(
          error: "\(name): nosplit stack over \(limit) byte limit",
          paths: try report.paths(from: root, limit: limit)))
    }
    return result
  }

  private init(
    _ reader: SymbolReader, morestack: SymbolID, _ options: Options, recording: Bool = false
  ) {
    self.init(
      reader, morestack: morestack, options, heights: Table(repeating: 0, count: reader.count))
    graph = recording ? [:] : nil
  }

  private init(
    _ reader: SymbolReader, morestack: SymbolID, _ options: Options, heights: consuming Table<UInt16>
  ) {
    self.reader = reader
    self.morestack = morestack.raw
    debugNosplit = options.debugNosplit
    self.heights = heights
  }

  /// Whether all functions fit for which nothing else is known: with heights from an earlier check, which are not too low
  /// as long as none of the functions that were exchanged since is higher than it was.
  private mutating func stillFit(
    _ text: [SymbolID], _ stale: [(symbol: SymbolID, height: Int)], limit: Int
  ) -> Bool {
    do throws(LinkFailure) {
      for s in stale where try height(s.symbol.raw, depth: 0) > s.height { return false }
      for s in text where heights[s.index] == 0 && reader.symbolClass(s).contains(.noSplit) {
        if try height(s.raw, depth: 0) > limit { return false }
      }
      return true
    } catch {
      return false
    }
  }

  /// The heights of what the second pass has visited.
  private var recordedHeights: [UInt32: Int] {
    var known: [UInt32: Int] = [:]
    for s in (graph ?? [:]).keys { known[s] = s == Self.indirect ? Self.callSize : Int(heights[Int(s)]) - 1 }
    return known
  }

  /// "name<version>", as the graph and the paths show a function.
  static func name(_ s: UInt32, _ reader: SymbolReader) -> String {
    if s == indirect { return "indirect" }
    if s == leaf { return "leaf" }
    return "\(reader.name(SymbolID(s)).string)<\(reader.version(SymbolID(s)))>"
  }

  /// Bytes, at most `cycle`; visits what the function calls.
  private mutating func height(_ s: UInt32, depth: Int) throws(LinkFailure) -> Int {
    if s == Self.indirect {
      if !indirectIsKnown {
        indirectIsKnown = true
        note([Edge(growth: Self.callSize, target: morestack)], of: s)
      }
      return Self.callSize
    }
    let known = heights[Int(s)]
    if known > 0 { return Int(known) - 1 }
    guard depth < Self.maxDepth else {
      throw .unsupported(reason: "a chain of over \(Self.maxDepth) nosplit functions")
    }
    heights[Int(s)] = UInt16(Self.cycle + 1)
    var walk = Walk()
    try visit(s, &walk, depth: depth)
    let height = min(walk.height, Self.cycle)
    heights[Int(s)] = UInt16(height + 1)
    note(walk.edges, of: s)
    return height
  }

  /// What the visit of one function collects.
  private struct Walk {
    var height = 0
    var edges: [Edge] = []
  }

  private mutating func add(
    _ walk: inout Walk, growth: Int, target: UInt32, depth: Int
  ) throws(LinkFailure) {
    if debugNosplit || graph != nil { walk.edges.append(Edge(growth: growth, target: target)) }
    let below = target == Self.leaf ? 0 : try height(target, depth: depth + 1)
    walk.height = max(walk.height, growth + below)
  }

  private mutating func visit(_ raw: UInt32, _ walk: inout Walk, depth: Int) throws(LinkFailure) {
    let s = SymbolID(raw)
    // morestack calls functions, but on another stack.
    guard raw != morestack else { return }
    let auxiliaries = reader.auxiliaries(s)
    var pcsp = SymbolID.none
    var hasInfo = false
    for i in 0..<auxiliaries.count {
      switch auxiliaries.kind(i) {
      case AuxKind.funcInfo: hasInfo = true
      case AuxKind.pcsp where pcsp.isNone:
        pcsp = reader.resolve(auxiliaries.ref(i), in: auxiliaries.object)
      default: break
      }
    }
    guard hasInfo else { return }
    guard reader.symbolClass(s).contains(.noSplit) else {
      return try add(&walk, growth: Self.callSize, target: morestack, depth: depth)
    }
    var deepest = 0
    var next = 0
    let relocs = reader.relocations(s)
    var spans = PCValueTable(reader.data(pcsp))
    while let span = spans.next() {
      let height = Int(span.value)
      deepest = max(deepest, height)
      while next < relocs.count {
        let r = relocs[next]
        guard UInt32(bitPattern: r.offset) < span.end else { break }
        next += 1
        if RelocType.isDirectCall(r.type) {
          let target = reader.target(r, in: relocs).raw
          try add(&walk, growth: height + Self.callSize, target: target, depth: depth)
        } else if r.type == RelocType.callInd {
          try add(&walk, growth: height + Self.callSize, target: Self.indirect, depth: depth)
        }
      }
    }
    if spans.isMalformed {
      throw .corrupt(file: reader.name(s).string, detail: "malformed pcsp table")
    }
    if deepest > walk.height {
      try add(&walk, growth: deepest, target: Self.leaf, depth: depth)
    }
  }

  /// Records and prints the calls of a function that has been visited.
  private mutating func note(_ edges: [Edge], of s: UInt32) {
    graph?[s] = edges
    guard debugNosplit else { return }
    for e in edges {
      printed += "nosplit: \(Self.name(s, reader)) +\(e.growth)"
      printed += e.target == Self.leaf ? "\n" : " -> \(Self.name(e.target, reader))\n"
    }
  }
}
