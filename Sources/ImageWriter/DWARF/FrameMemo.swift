import LoaderCore

/// The functions of the last link, in address order, with their facts and their entries in .debug_frame, which
/// depend on nothing but the function's own contents and its address.
final class FrameMemo: @unchecked Sendable {
  /// Functions whose entries share a sink.
  static let grain = 1024

  private var functions = Table<SymbolID>()
  private var facts = Table<FunctionFact>()
  /// Where in its sink a function's entry ends.
  private var ends = Table<UInt32>()
  /// The common entry, then those of `grain` functions each.
  private var sinks: [ByteSink] = []

  /// For each of `now` its position in the last link, -1 for none. Functions that come in another order may go
  /// unrecognised.
  func match(_ now: [SymbolID], _ reader: SymbolReader) -> Table<Int32> {
    let matches = Table<Int32>(repeating: -1, count: now.count)
    var old = 0
    for (i, f) in now.enumerated() {
      var at = old
      let end = min(old &+ Self.lookahead, functions.count)
      while at < end, functions[at] != f { at &+= 1 }
      guard at < end, !reader.isExternal(f) else { continue }
      matches[i] = Int32(truncatingIfNeeded: at)
      old = at &+ 1
    }
    return matches
  }

  /// How many functions may have gone between two that are still there.
  private static let lookahead = 256

  func fact(_ old: Int32) -> FunctionFact { facts[Int(old)] }

  func entry(_ old: Int32) -> ByteView {
    let at = Int(old)
    let start = at % Self.grain == 0 ? 0 : Int(ends[at - 1])
    let sink = sinks[at / Self.grain + 1]
    return ByteView(UnsafeRawPointer(sink.base + start), Int(ends[at]) - start)
  }

  func keep(
    _ functions: [SymbolID], _ facts: borrowing Table<FunctionFact>, _ ends: borrowing Table<UInt32>,
    _ sinks: [ByteSink]
  ) {
    let n = functions.count
    self.functions = Table(uninitialized: n)
    self.facts = Table(uninitialized: n)
    self.ends = Table(uninitialized: n)
    for i in 0..<n {
      self.functions[i] = functions[i]
      self.facts[i] = facts[i]
      self.ends[i] = ends[i]
    }
    self.sinks = sinks
  }

  func follow(_ change: IndexChange) {
    for i in 0..<functions.count {
      let depths = facts[i].stackDepths
      guard !change.isTouched(functions[i]), let now = change.number(functions[i]),
        depths.isNone || !change.isTouched(depths), depths.isNone || change.number(depths) != nil
      else {
        functions[i] = .none
        continue
      }
      functions[i] = now
      facts.base[i].stackDepths = change.number(depths) ?? .none
    }
  }

  func forget() {
    functions = Table()
    facts = Table()
    ends = Table()
    sinks = []
  }

  /// Bytes of memory.
  var byteCount: Int {
    functions.count * (8 + MemoryLayout<FunctionFact>.stride) + sinks.reduce(0) { $0 + $1.room }
  }
}
