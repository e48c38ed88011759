/// Symbols still to be visited. The live set does not depend on the order, but the texts of -dumpdep and
/// -v=2 do: for them the smallest index comes first, as in cmd/link/internal/ld/heap.go.
struct WorkList: ~Copyable {
  private var items: Table<UInt32>
  private let smallestFirst: Bool

  init(smallestFirst: Bool) {
    items = Table(capacity: 1 << 14)
    self.smallestFirst = smallestFirst
  }

  var isEmpty: Bool { items.count == 0 }

  @inline(__always)
  mutating func push(_ s: SymbolID) {
    items.append(s.raw)
    if smallestFirst { siftUp() }
  }

  @inline(__always)
  mutating func pop() -> SymbolID {
    guard smallestFirst, items.count > 1 else { return SymbolID(items.removeLast()) }
    let top = items[0]
    let last = items.removeLast()
    items[0] = last
    siftDown()
    return SymbolID(top)
  }

  private func siftUp() {
    var i = items.count - 1
    while i > 0 {
      let parent = (i - 1) / 2
      guard items[i] < items[parent] else { return }
      swapAt(i, parent)
      i = parent
    }
  }

  private func siftDown() {
    var i = 0
    while true {
      var child = 2 * i + 1
      guard child < items.count else { return }
      if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
      guard items[child] < items[i] else { return }
      swapAt(i, child)
      i = child
    }
  }

  private func swapAt(_ a: Int, _ b: Int) {
    let t = items[a]
    items[a] = items[b]
    items[b] = t
  }
}
