/// What deadcode found: which symbols are part of the program, and which types reach an interface.
/// Symbols made after the pass are added as they are made.
package struct LiveSet: ~Copyable, @unchecked Sendable {
  private var marks: Table<UInt8>
  /// What -dumpdep and -v=2 print on stdout.
  package let dump: [UInt8]

  static let reachable: UInt8 = 1
  static let usedInIface: UInt8 = 2

  init(marks: consuming Table<UInt8>, dump: [UInt8]) {
    self.marks = marks
    self.dump = dump
  }

  @inline(__always) var base: UnsafeMutablePointer<UInt8> { marks.base }

  @inline(__always) package func contains(_ s: SymbolID) -> Bool {
    s.index < marks.count && marks[s.index] & LiveSet.reachable != 0
  }

  @inline(__always) package func isUsedInIface(_ s: SymbolID) -> Bool {
    s.index < marks.count && marks[s.index] & LiveSet.usedInIface != 0
  }

  package mutating func insert(_ s: SymbolID) {
    marks.grow(to: s.index + 1, with: 0)
    marks[s.index] |= LiveSet.reachable
  }

  /// Number of reachable symbols.
  package var count: Int {
    var n = 0
    for m in marks.buffer where m & LiveSet.reachable != 0 { n += 1 }
    return n
  }

  /// A pointer that says for each symbol below `limit` whether it is reachable (bit 0).
  package var reachableBits: UnsafePointer<UInt8> { UnsafePointer(marks.base) }
  package var limit: Int { marks.count }
}
