/// What each symbol needs, resolved once: the lists that the flood of deadcode follows. Lists are made when
/// the flood first comes to a symbol, and kept for the next link of the program.
///
/// A symbol is a *node* here, a number that stays while others come and go: when an object is exchanged,
/// symbols are renumbered (`IndexPatch`), nodes are not, and only the lists of what the object touched are
/// dropped.
package final class EdgeGraph: @unchecked Sendable {
  /// An edge is a tag over a node, or over the number of a relocation.
  enum Tag {
    /// Needs the node.
    static let plain: UInt32 = 0
    /// Needs the type descriptor; one that reaches an interface hands that on to it.
    static let type: UInt32 = 1
    /// R_USEIFACE of a type.
    static let useIface: UInt32 = 2
    /// R_USEIFACE of an itab: of its type.
    static let useIfaceOfItab: UInt32 = 3
    /// Over relocation numbers: R_USEIFACEMETHOD, R_USENAMEDMETHOD, the first of three R_METHODOFF.
    static let useIfaceMethod: UInt32 = 4
    static let useNamedMethod: UInt32 = 5
    static let methodOff: UInt32 = 6

    static let shift: UInt32 = 29
    static let mask: UInt32 = 1 << 29 - 1
  }

  /// Where a node's list starts in `edges`, plus 1; 0 when it has none yet.
  private(set) var starts: Table<UInt32>
  /// Lists one after another: number of edges, `SymbolClass`, the edges.
  private(set) var edges: Table<UInt32>
  /// By symbol and by node; both empty while a node is its symbol's number.
  private var nodes = Table<UInt32>(capacity: 1)
  private var symbols = Table<UInt32>(capacity: 1)
  /// Symbols of the sealed index; the linker's own come after them.
  private(set) var symbolCount: Int
  private(set) var nodeCount: Int
  private var isIdentity = true
  /// Words of edges when the lists were new.
  private var fullSize = 0

  package init(symbolCount: Int) {
    self.symbolCount = symbolCount
    nodeCount = symbolCount
    starts = Table(repeating: 0, count: symbolCount)
    edges = Table(capacity: 1 << 16)
  }

  /// Bytes of memory.
  package var byteCount: Int { 4 * (starts.count + edges.count + nodes.count + symbols.count) }

  // MARK: nodes

  struct Nodes {
    fileprivate let nodes: UnsafeMutablePointer<UInt32>?
    fileprivate let symbols: UnsafeMutablePointer<UInt32>?
    fileprivate let symbolCount: Int
    fileprivate let nodeCount: Int

    @inline(__always)
    func node(_ s: SymbolID) -> Int {
      guard let nodes else { return s.index }
      return s.index < symbolCount ? Int(nodes[s.index]) : s.index &- symbolCount &+ nodeCount
    }

    @inline(__always)
    func symbol(_ node: Int) -> SymbolID {
      guard let symbols else { return SymbolID(node) }
      return node < nodeCount ? SymbolID(symbols[node]) : SymbolID(node &- nodeCount &+ symbolCount)
    }

    var isIdentity: Bool { nodes == nil }
  }

  var map: Nodes {
    Nodes(
      nodes: isIdentity ? nil : nodes.base, symbols: isIdentity ? nil : symbols.base,
      symbolCount: symbolCount,
      nodeCount: nodeCount)
  }

  // MARK: lists

  /// Keeps the list of a node.
  func keep(_ node: Int, class flags: UInt8, _ list: borrowing Table<UInt32>) {
    guard node < starts.count, edges.count + list.count < Int(UInt32.max) - 4 else { return }
    starts[node] = UInt32(truncatingIfNeeded: edges.count &+ 1)
    edges.append(UInt32(truncatingIfNeeded: list.count))
    edges.append(UInt32(flags))
    for e in list.buffer { edges.append(e) }
  }

  func drop(_ node: Int) {
    if node < starts.count { starts[node] = 0 }
  }

  /// Says that a flood is over: what the lists take now is their size without leavings.
  func noteSize() {
    if fullSize == 0 { fullSize = edges.count }
  }

  private func reset(_ count: Int) {
    isIdentity = true
    symbolCount = count
    nodeCount = count
    starts = Table(repeating: 0, count: count)
    edges.removeAll()
    nodes.removeAll()
    symbols.removeAll()
    fullSize = 0
  }

  // MARK: exchange of objects

  /// Follows a patch of the index, which has `count` symbols now.
  func follow(_ patch: IndexChange, count: Int) {
    if patch.namesMoved || nodeCount > 2 * count + 4096 || edges.count > 2 * fullSize + 1 << 20 {
      return reset(count)
    }
    let old = map
    for c in 0..<patch.oldCount where patch.isTouched(SymbolID(c)) { drop(old.node(SymbolID(c))) }
    if !patch.unlike.isEmpty, leads(to: patch.unlike.map { old.node(SymbolID($0)) }) { return reset(count) }
    renumber(patch, old, count)
  }

  /// Whether some list has one of these nodes.
  private func leads(to some: [Int]) -> Bool {
    let set = Bitmap(count: nodeCount)
    for n in some { set[n] = true }
    for start in starts.buffer where start != 0 {
      let list = edges.base + Int(start &- 1)
      for k in 0..<Int(list[0]) {
        let e = list[k &+ 2]
        if e >> Tag.shift <= Tag.useIfaceOfItab, set[Int(e & Tag.mask)] { return true }
      }
    }
    return false
  }

  private func renumber(_ patch: IndexChange, _ old: Nodes, _ count: Int) {
    let moved = Table<UInt32>(repeating: 0, count: count)
    for c in 1..<patch.oldCount {
      let n = patch.number(SymbolID(c))?.index ?? 0
      if n != 0, moved[n] == 0 { moved[n] = UInt32(truncatingIfNeeded: old.node(SymbolID(c))) }
    }
    var next = nodeCount
    var back = Table<UInt32>(repeating: 0, count: nodeCount)
    for n in 1..<count {
      if moved[n] == 0 {
        moved[n] = UInt32(truncatingIfNeeded: next)
        next += 1
        back.append(UInt32(truncatingIfNeeded: n))
      } else {
        back[Int(moved[n])] = UInt32(truncatingIfNeeded: n)
      }
    }
    nodes = moved
    symbols = back
    symbolCount = count
    nodeCount = next
    starts.grow(to: next, with: 0)
    isIdentity = false
  }
}
