import GoDeflate
import LoaderCore

/// What the passes keep from one link of a program to the next. It saves work and decides nothing: a link that
/// starts with an empty memory gives the same bytes.
///
/// A link takes it out of the store together with its program; one that fails drops both.
package final class LinkMemory: @unchecked Sendable {
  /// Types by string.
  var typeStrings = SortedStrings()
  /// Whether reflection can find a type, by symbol (`TypeStrings`); 0 when that is not known.
  var listing = Table<UInt8>(capacity: 1)
  /// The order of the type descriptors.
  var types = SortedTypes()
  /// The bucket of `SymbolGroups` plus 1, by symbol; 0 when it is not known.
  var groupKinds = Table<UInt8>(capacity: 1)
  /// The functions that fit the stack.
  package let stack = StackMemory()
  /// The objects' data symbols by size, by kind.
  var sizeOrders: [SizeOrder] = []
  /// Which words of .data and .bss hold pointers.
  var gcPrograms = GCMemory()
  /// The parts of the function tables.
  package let functions: FunctionMemory
  /// What the image is made of.
  package let image = ImageMemory()
  /// What the symbol table says of definitions.
  var symbolNames = SymbolNames()
  /// What DWARF is made of.
  let debug: DebugMemory

  /// Bytes that compressed DWARF had in the last link; 0 when that is not known.
  package var lastDebugBytes: Int { debug.streams.values.reduce(0) { $0 + $1.count } }

  /// Where the tables are that an earlier life of the daemon left.
  private let block: SnapshotBlock?

  package init() {
    functions = FunctionMemory()
    debug = DebugMemory()
    block = nil
  }

  // MARK: from one life of the daemon to the next

  /// Writes all but what the image is made of, names of the symbol table, GC programs, functions that fit the stack, types
  /// and frames of DWARF, and compressed sections.
  package func write(to writer: SnapshotWriter) {
    writer.table(listing)
    writer.table(groupKinds)
    typeStrings.write(to: writer)
    types.order.write(to: writer)
    writer.numbers(sizeOrders.count)
    for order in sizeOrders { order.write(to: writer) }
    functions.write(to: writer)
    debug.write(to: writer)
  }

  /// What an earlier life left.
  ///
  /// - Returns: nil when it makes no sense.
  package init?(_ reader: inout SnapshotReader) {
    block = reader.block
    listing = reader.table()
    groupKinds = reader.table()
    typeStrings = SortedStrings(&reader)
    types = SortedTypes(order: TypeOrder(&reader))
    let orders = reader.numbers(1)[0]
    while reader.isGood, sizeOrders.count < orders { sizeOrders.append(SizeOrder(&reader)) }
    functions = FunctionMemory(&reader)
    debug = DebugMemory(&reader)
    guard reader.isGood else { return nil }
  }

  /// Follows an exchange of objects, after which there are `count` symbols; nil forgets everything.
  package func follow(_ change: IndexChange?, count: Int) {
    guard let change else { return forget(count: count) }
    // No two of them know of each other.
    Chunks.each(7) { part in
      switch part {
      case 0: functions.follow(change)
      case 1: image.follow(change)
      case 2: debug.follow(change)
      case 3: for k in sizeOrders.indices { sizeOrders[k].follow(change) }
      case 4: followTypes(change, count)
      case 5: symbolNames.follow(change)
      default:
        stack.follow(change, count: count)
        gcPrograms.follow(change)
      }
    }
  }

  private func followTypes(_ change: IndexChange, _ count: Int) {
    typeStrings = typeStrings.following(change)
    types.follow(change)
    if let ranges = change.ranges {
      Self.renumber(&listing, change, in: ranges, count)
      Self.renumber(&groupKinds, change, in: ranges, count)
    } else {
      listing = Self.moved(listing, change, count)
      groupKinds = Self.moved(groupKinds, change, count)
    }
  }

  private func forget(count: Int) {
    functions.follow(nil)
    image.follow(nil)
    symbolNames = SymbolNames()
    stack.follow(nil, count: count)
    typeStrings = SortedStrings()
    listing.removeAll()
    types = SortedTypes()
    groupKinds.removeAll()
    sizeOrders = []
    gcPrograms = GCMemory()
    debug.forget()
  }

  /// Takes what is known by symbol to new numbers, when all but those of a few runs stay.
  static func renumber<Fact: FixedWidthInteger & BitwiseCopyable>(
    _ known: inout Table<Fact>, _ change: IndexChange, in ranges: [Range<Int>], _ count: Int
  ) {
    known.truncate(to: change.oldCount)
    known.grow(to: count, with: 0)
    change.forEachTouched { known[$0.index] = 0 }
    let moved = ranges.joined().compactMap { c -> (symbol: SymbolID, value: Fact)? in
      guard known[c] != 0, let n = change.number(SymbolID(c)) else { return nil }
      return (n, known[c])
    }
    for n in ranges.joined() { known[n] = 0 }
    for (symbol, value) in moved { known[symbol.index] = value }
  }

  /// What is known by symbol, by new numbers.
  static func moved<Fact: FixedWidthInteger & BitwiseCopyable>(
    _ known: borrowing Table<Fact>, _ change: IndexChange, _ count: Int
  ) -> Table<Fact> {
    let out = Table<Fact>(repeating: 0, count: count)
    // Most symbols are nothing here: they are passed by eight bytes at a time.
    let lanes = 8 / MemoryLayout<Fact>.stride
    let (from, to) = (known.base, out.base)
    let n = min(known.count, change.oldCount)
    Chunks.run((n + lanes - 1) / lanes, grain: 1 << 13) { range in
      for w in range {
        let first = lanes * w
        if first + lanes <= n, UnsafeRawPointer(from + first).loadUnaligned(as: UInt64.self) == 0 { continue }
        for i in first..<min(first + lanes, n) where from[i] != 0 {
          let s = SymbolID(i)
          if !change.isTouched(s), let n = change.number(s) { to[n.index] = from[i] }
        }
      }
    }
    return out
  }

  /// Bytes of memory.
  package var byteCount: Int {
    typeStrings.byteCount + types.byteCount + listing.count + groupKinds.count
      + gcPrograms.byteCount + functions.byteCount + stack.byteCount + image.byteCount + debug.byteCount
      + symbolNames.byteCount
      + sizeOrders.reduce(0) { $0 + $1.byteCount }
  }
}
