/// What the relocations that only tell the linker something say, looked up once: the method that a call through
/// an interface names, the name asked of reflection, the name and signature of a type's method.
///
/// A fact belongs to a list of `EdgeGraph`, and is read from other symbols' contents; when one of those is
/// touched by an exchange of objects, it is looked up again.
final class MarkerFacts {
  struct Fact: BitwiseCopyable {
    enum Kind: UInt8 { case useIfaceMethod, useNamedMethod, method }
    let kind: Kind
    /// Its list was dropped.
    var isGone = false
    var isResolved: Bool
    /// The node whose list the fact is in, and the number of its relocation.
    let owner: UInt32
    let relocation: UInt32
    /// Of a method: its place among the type's.
    let ordinal: UInt32
    /// Nodes whose contents were looked at, besides the owner's; 0 for none.
    var content: UInt32 = 0
    var nameContent: UInt32 = 0
    /// `nameID`; of a method or a called method also `key`, and the node of its function type.
    var name: UInt32 = 0
    var key: UInt32 = 0
    var signature: UInt32 = 0
    /// The node that R_METHODOFF itself points to.
    var methodType: UInt32 = 0
  }

  private(set) var facts = Table<Fact>(capacity: 1024)
  private var names = MethodNames()
  private var keys = KeyTable()
  /// Names whose first letter is of upper case.
  private var exported: [Bool] = []
  private var fullSize = 0
  /// Facts to be looked up again since the last flood.
  private(set) var stale: [UInt32] = []

  init() {}

  // MARK: from one life of the daemon to the next

  func write(to writer: SnapshotWriter) {
    writer.numbers(fullSize)
    writer.table(facts)
    names.write(to: writer)
    keys.write(to: writer)
    writer.array(exported)
  }

  init(_ reader: inout SnapshotReader) {
    fullSize = reader.numbers(1)[0]
    facts = reader.table()
    names = MethodNames(&reader)
    keys = KeyTable(&reader)
    exported = reader.array()
    if exported.count != names.count { reader.fail() }
  }

  var nameCount: Int { names.count }
  var keyCount: Int { keys.count }
  var byteCount: Int { facts.count * MemoryLayout<Fact>.stride + keys.byteCount + names.byteCount }
  /// Whether facts must be counted anew to be rid of those that are gone.
  var isFull: Bool { facts.count > 2 * fullSize + 1 << 16 || facts.count >= EdgeGraph.Tag.mask }

  func noteSize() {
    if fullSize == 0 { fullSize = facts.count }
    stale = []
  }

  func removeAll() {
    facts = Table(capacity: 1024)
    names = MethodNames()
    keys = KeyTable()
    exported = []
    fullSize = 0
    stale = []
  }

  @inline(__always)
  subscript(_ i: Int) -> Fact {
    get { facts[i] }
    set { facts[i] = newValue }
  }

  func append(_ f: Fact) -> UInt32 {
    facts.append(f)
    return UInt32(truncatingIfNeeded: facts.count &- 1)
  }

  // MARK: names and keys

  /// The number of a name.
  func nameID(_ text: ByteView) -> UInt32 {
    let id = names.id(text)
    if Int(id) == exported.count { exported.append(Self.isExported(text)) }
    return id
  }

  func text(_ name: UInt32) -> ByteView { names.text(name) }

  /// The number of a method's name and function type.
  func key(_ name: UInt32, _ signature: Int) -> UInt32 {
    keys.id(UInt64(name &+ 1) << 32 | UInt64(UInt32(truncatingIfNeeded: signature)))
  }

  func isExported(_ name: UInt32) -> Bool { exported[Int(name)] }

  private static func isExported(_ name: ByteView) -> Bool {
    let first = name.u8(0)
    if first < 0x80 { return first >= 0x41 && first <= 0x5a }
    return name.string.unicodeScalars.first?.properties.generalCategory == .uppercaseLetter
  }

  /// Takes a list's facts out that is not kept: its node may be another symbol's in the next link.
  func leave(_ edges: UnsafeMutablePointer<UInt32>, _ count: Int) {
    for k in 0..<count where edges[k] >> EdgeGraph.Tag.shift == EdgeGraph.Tag.fact {
      (facts.base + Int(edges[k] & EdgeGraph.Tag.mask)).pointee.isGone = true
    }
  }

  // MARK: exchange of objects

  /// Forgets the facts of nodes whose lists were dropped, and what was read from touched nodes. Only what `leave` took
  /// out may be of a node that is no more.
  func drop(lists: borrowing Bitmap, _ touched: borrowing Bitmap) {
    for i in 0..<facts.count where !facts[i].isGone {
      let f = facts.base + i
      if lists[Int(f.pointee.owner)] {
        f.pointee.isGone = true
      } else if touched[Int(f.pointee.content)] || touched[Int(f.pointee.nameContent)] {
        if f.pointee.isResolved { stale.append(UInt32(truncatingIfNeeded: i)) }
        f.pointee.isResolved = false
      }
    }
  }

  /// Whether some fact names one of these nodes.
  func leads(to some: borrowing Bitmap) -> Bool {
    for f in facts.buffer where !f.isGone && f.isResolved {
      if some[Int(f.signature)] || some[Int(f.methodType)] { return true }
    }
    return false
  }
}
