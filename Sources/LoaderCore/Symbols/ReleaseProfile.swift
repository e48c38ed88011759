/// What one Go release fixes for the linker: its name and the tables that objects are read with.
package struct ReleaseProfile: Sendable {
  /// As in `go version`: "go1.27.3".
  package let version: String
  /// Builtin symbols by number.
  let builtins: BuiltinTable
  let blockedLinknames: [String: [String]]

  /// The profile of a release, nil when linkd does not know it.
  package static func named(_ version: String) -> ReleaseProfile? {
    guard version == "go1.27.3" else { return nil }
    return go1_27_3
  }

  package static let go1_27_3 = ReleaseProfile(
    version: "go1.27.3", builtins: BuiltinTable(BuiltinList.go1_27),
    blockedLinknames: BlockedLinknames.go1_27)
}

/// Names and ABIs of the builtin symbols, found by name.
struct BuiltinTable: @unchecked Sendable {
  private let names: [ByteView]
  private let abis: [UInt16]
  private let slots: [Int16]

  /// `list` has one "name abi" a line.
  init(_ list: StaticString) {
    var names: [ByteView] = []
    var abis: [UInt16] = []
    let text = ByteView(UnsafeRawPointer(list.utf8Start), list.utf8CodeUnitCount)
    var start = 0
    while start < text.count {
      var end = start
      while end < text.count, text.u8(end) != 0x0a { end += 1 }
      if end - start > 2 {
        // The name itself may contain spaces; the ABI is the last character.
        names.append(text.slice(start, end - start - 2))
        abis.append(UInt16(text.u8(end - 1) &- 0x30))
      }
      start = end + 1
    }
    var slots = [Int16](repeating: -1, count: 2048)
    for (i, n) in names.enumerated() {
      var at = Int(NameHash.of(n)) & 2047
      while slots[at] >= 0 { at = (at + 1) & 2047 }
      slots[at] = Int16(i)
    }
    self.names = names
    self.abis = abis
    self.slots = slots
  }

  var count: Int { names.count }
  func name(_ i: Int) -> String { names.indices.contains(i) ? names[i].string : "?" }

  /// The number of the builtin of that name and ABI, if it is one.
  func find(_ name: ByteView, hash: UInt32, abi: UInt16) -> Int? {
    var at = Int(hash) & 2047
    while slots[at] >= 0 {
      let i = Int(slots[at])
      if names[i] == name, abis[i] == abi { return i }
      at = (at + 1) & 2047
    }
    return nil
  }
}
