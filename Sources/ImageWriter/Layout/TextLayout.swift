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

  package struct Options: Sendable {
    /// -T: where text starts.
    package var textAddress: UInt64 = 0x401000
    /// -funcalign; 0 is the machine's own.
    package var functionAlignment = 0
    /// -randlayout: shuffles the functions; 0 leaves them alone.
    package var shuffleSeed: Int64 = 0
    package init() {}
  }

  /// - Parameter linkerText: functions of the linker's own, which come before all others of their kind.
  package init(
    _ index: SymbolIndex, _ live: borrowing LiveSet, order: TextOrder, linkerText: [SymbolID],
    options: Options, addresses: inout Addresses
  ) {
    var all = linkerText.filter { live.contains($0) } + order.functions
    if options.shuffleSeed != 0 {
      var random = GoRand(seed: options.shuffleSeed)
      random.shuffle(&all[...])
    }
    let facts = TextFacts(all, index)
    let functions = facts.positions.map { all[Int($0)] }

    let quantum = options.functionAlignment == 0 ? Self.functionAlignment : options.functionAlignment
    var alignment = quantum
    var at = options.textAddress.rounded(to: quantum)
    start = at
    var starts: [UInt64] = []
    starts.reserveCapacity(functions.count)
    for k in facts.positions {
      let fact = facts.table[Int(k)]
      let a = max(fact.alignment, quantum)
      at = at.rounded(to: a)
      alignment = max(alignment, a)
      starts.append(at)
      at &+= max(fact.size, Self.minimumFunction)
    }
    addresses.grow(to: index.count)
    addresses.place(functions, at: starts, from: 0, in: .text)
    self.functions = functions
    self.starts = starts
    self.order = order
    self.alignment = alignment
    end = at
  }
}

/// What the layout asks of functions.
private struct TextFacts: ~Copyable {
  struct Fact: BitwiseCopyable {
    /// Bytes.
    var size: UInt64
    /// Bytes; 0 when no definition gave an alignment.
    var alignment: Int
    var kind: SymbolKind
  }

  /// In the order of the functions.
  let table: Table<Fact>
  /// Places in `table`, stable by kind: that gathers the FIPS functions between their brackets.
  let positions: [UInt32]

  init(_ functions: [SymbolID], _ index: SymbolIndex) {
    table = Table(uninitialized: functions.count)
    let (facts, reader) = (table.base, index.reader)
    Chunks.run(functions.count, grain: 2048) { range in
      for i in range {
        let s = functions[i]
        facts[i] = Fact(
          size: UInt64(bitPattern: reader.size(s)), alignment: index.alignment(s), kind: reader.kind(s))
      }
    }
    var counts = [Int](repeating: 0, count: 257)
    for fact in table.buffer { counts[Int(fact.kind.rawValue) + 1] += 1 }
    for k in 1...256 { counts[k] += counts[k - 1] }
    var positions = [UInt32](repeating: 0, count: functions.count)
    for i in 0..<table.count {
      let k = Int(facts[i].kind.rawValue)
      positions[counts[k]] = UInt32(truncatingIfNeeded: i)
      counts[k] += 1
    }
    self.positions = positions
  }
}
