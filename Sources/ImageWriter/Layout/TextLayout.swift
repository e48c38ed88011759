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
    package init() {}
  }

  /// - Parameter linkerText: functions of the linker's own, which come before all others of their kind.
  package init(
    _ index: SymbolIndex, _ live: borrowing LiveSet, order: TextOrder, linkerText: [SymbolID],
    options: Options, addresses: inout Addresses
  ) {
    let reader = index.reader
    var all = linkerText.filter { live.contains($0) } + order.functions
    if options.shuffleSeed != 0 {
      var random = GoRand(seed: options.shuffleSeed)
      random.shuffle(&all[...])
    }
    // Stable by kind: gathers the FIPS functions between their brackets.
    var byKind: [SymbolKind: [SymbolID]] = [:]
    for s in all { byKind[reader.kind(s), default: []].append(s) }
    let functions = byKind.keys.sorted().flatMap { byKind[$0] ?? [] }

    let quantum = options.functionAlignment == 0 ? Self.functionAlignment : options.functionAlignment
    var alignment = quantum
    var at = options.textAddress.rounded(to: quantum)
    start = at
    var starts: [UInt64] = []
    starts.reserveCapacity(functions.count)
    for s in functions {
      let a = max(index.alignment(s), quantum)
      at = at.rounded(to: a)
      alignment = max(alignment, a)
      starts.append(at)
      addresses.place(s, at: at, in: .text)
      at &+= max(UInt64(reader.size(s)), Self.minimumFunction)
    }
    self.functions = functions
    self.starts = starts
    self.order = order
    self.alignment = alignment
    end = at
  }
}
