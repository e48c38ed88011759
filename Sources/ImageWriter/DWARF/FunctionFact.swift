import LoaderCore

/// What DWARF asks of a function more than once.
struct FunctionFact: BitwiseCopyable {
  /// Bytes of code.
  var size: UInt32 = 0
  /// Whether it has the metadata that compiled and assembled functions have, and the linker's own do not.
  var hasMetadata = false
  /// The table of stack depths.
  var stackDepths = SymbolID.none

  /// The facts of all functions, in address order.
  ///
  /// - Parameter known: positions in the last link, as `FrameMemo.match` gives them.
  static func gather(
    _ functions: [SymbolID], _ reader: SymbolReader, _ known: borrowing Table<Int32>, _ memory: FrameMemo
  ) -> Table<FunctionFact> {
    let facts = Table(repeating: FunctionFact(), count: functions.count)
    let base = facts.base
    let known = known.base
    Chunks.run(functions.count, grain: 512) { range in
      for i in range {
        base[i] = known[i] < 0 ? FunctionFact(functions[i], reader) : memory.fact(known[i])
      }
    }
    return facts
  }

  private init() {}

  private init(_ f: SymbolID, _ reader: SymbolReader) {
    size = UInt32(truncatingIfNeeded: reader.data(f).count)
    let auxiliaries = reader.auxiliaries(f)
    for i in 0..<auxiliaries.count {
      switch auxiliaries.kind(i) {
      case AuxKind.funcInfo where !hasMetadata:
        // The same condition as `FuncInfo.init`, without reading the contents.
        hasMetadata = auxiliaries.object.pointee.view.dataCount(auxiliaries.ref(i).index) >= 24
      case AuxKind.pcsp where stackDepths.isNone:
        stackDepths = reader.resolve(auxiliaries.ref(i), in: auxiliaries.object)
      default: break
      }
    }
  }
}

extension Chunks {
  /// Runs two different things at the same time, on one core one after the other.
  static func together(_ a: () -> Void, _ b: () -> Void) {
    run(2, grain: 1) { range in
      for k in range { k == 0 ? a() : b() }
    }
  }
}
