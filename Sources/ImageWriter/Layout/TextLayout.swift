import LoaderCore

/// The text section: functions in address order with their addresses
/// (cmd/link/internal/ld/data.go textaddress, assignAddress).
///
/// From here on text addresses are final: pclntab and DWARF are generated from them before the data is
/// laid out.
package struct TextLayout: Sendable {
  /// Functions in address order (the loader's Textp).
  package let functions: [SymbolID]
  /// Virtual addresses of `functions`.
  package let starts: [UInt64]
  /// Dependency order of the packages, and of the functions before the FIPS ones were moved.
  package let order: TextOrder
  package let start: UInt64
  /// runtime.etext: the first address behind the last function.
  package let end: UInt64
  /// The section's alignment in bytes.
  package let alignment: Int
  /// Bytes of the section: one more than the functions need, so that etext is inside.
  package var length: UInt64 { end - start + 1 }

  /// The smallest room for a function: findfunctab tells functions apart by 16 bytes (abi.MINFUNC).
  static let minimumFunction: UInt64 = 16
  /// Alignment of functions on amd64 (amd64/l.go funcAlign).
  static let functionAlignment = 32

  package struct Options: Sendable, Equatable {
    /// -T: where text starts.
    package var textAddress: UInt64 = 0x401000
    /// -funcalign; 0 is the machine's own.
    package var functionAlignment = 0
    /// -randlayout: shuffles the functions; 0 leaves them alone.
    package var shuffleSeed: Int64 = 0
    fileprivate var quantum: Int { functionAlignment == 0 ? TextLayout.functionAlignment : functionAlignment }
    package init() {}
  }

  /// - Parameters:
  ///   - linkerText: functions of the linker's own, which come before all others of their kind.
  ///   - meanwhile: what else there is to do that only reads the index.
  package init(
    _ index: SymbolIndex, _ live: borrowing LiveSet, order: TextOrder, linkerText: [SymbolID],
    options: Options, addresses: inout Addresses, meanwhile: () -> Void = {}
  ) {
    var all = linkerText.filter { live.contains($0) } + order.functions
    if options.shuffleSeed != 0 {
      var random = GoRand(seed: options.shuffleSeed)
      random.shuffle(&all[...])
    }
    let sizes = TextSizes(all, index)
    var functions: [SymbolID] = []
    var starts: [UInt64] = []
    var (alignment, end) = (0, UInt64(0))
    Chunks.beside(meanwhile) {
      sizes.read()
      (functions, starts) = sizes.place(options, &alignment, &end)
    }
    addresses.grow(to: index.count)
    addresses.place(functions, at: starts, from: 0, in: .text)
    start = options.textAddress.rounded(to: options.quantum)
    self.functions = functions
    self.starts = starts
    self.order = order
    self.alignment = alignment
    self.end = end
  }
}

/// What the layout asks of functions.
private final class TextSizes: @unchecked Sendable {
  private struct Fact: BitwiseCopyable {
    /// Bytes.
    var size: UInt64
    /// Bytes; 0 when no definition gave an alignment.
    var alignment: Int
    var kind: SymbolKind
  }

  private let functions: [SymbolID]
  private let index: SymbolIndex
  private let facts: Table<Fact>

  init(_ functions: [SymbolID], _ index: SymbolIndex) {
    self.functions = functions
    self.index = index
    facts = Table(uninitialized: functions.count)
  }

  func read() {
    let (facts, reader) = (facts.base, index.reader)
    Chunks.run(functions.count, grain: 2048) { range in
      for i in range {
        let s = functions[i]
        facts[i] = Fact(
          size: UInt64(bitPattern: reader.size(s)), alignment: index.alignment(s), kind: reader.kind(s))
      }
    }
  }

  /// The functions by kind, which gathers the FIPS ones between their brackets, and their addresses.
  func place(
    _ options: TextLayout.Options, _ alignment: inout Int, _ end: inout UInt64
  ) -> (functions: [SymbolID], starts: [UInt64]) {
    var placed: [SymbolID] = []
    var starts: [UInt64] = []
    placed.reserveCapacity(functions.count)
    starts.reserveCapacity(functions.count)
    alignment = options.quantum
    var at = options.textAddress.rounded(to: options.quantum)
    for k in positions() {
      let fact = facts[Int(k)]
      let a = max(fact.alignment, options.quantum)
      at = at.rounded(to: a)
      alignment = max(alignment, a)
      placed.append(functions[Int(k)])
      starts.append(at)
      at &+= max(fact.size, TextLayout.minimumFunction)
    }
    end = at
    return (placed, starts)
  }

  /// Places in `functions`, stable by kind.
  private func positions() -> [UInt32] {
    var counts = [Int](repeating: 0, count: 257)
    for fact in facts.buffer { counts[Int(fact.kind.rawValue) + 1] += 1 }
    for k in 1...256 { counts[k] += counts[k - 1] }
    var positions = [UInt32](repeating: 0, count: functions.count)
    for i in 0..<facts.count {
      let k = Int(facts[i].kind.rawValue)
      positions[counts[k]] = UInt32(truncatingIfNeeded: i)
      counts[k] += 1
    }
    return positions
  }
}
