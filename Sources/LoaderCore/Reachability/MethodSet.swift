/// Method names as numbers: with that of its function type a method is a `KeyTable` key, and the calls seen and the
/// methods waiting for one meet in a set of integers.
struct MethodNames: ~Copyable {
  private var slots: Table<UInt64>
  private var names: Table<ByteView>
  /// Names outlive the objects that they were read from.
  private let arena = Arena()

  init() {
    slots = Table(repeating: 0, count: 1 << 12)
    names = Table(capacity: 1 << 10)
  }

  func write(to writer: SnapshotWriter) {
    writer.table(slots)
    writer.views(Array(names.buffer))
  }

  /// The names stay where the snapshot has them.
  init(_ reader: inout SnapshotReader) {
    slots = reader.table()
    let texts = reader.views()
    names = Table(capacity: texts.count)
    for t in texts { names.append(t) }
    if slots.count.nonzeroBitCount != 1 || slots.count <= names.count { reader.fail() }
  }

  var count: Int { names.count }
  var byteCount: Int { slots.count * 8 + names.count * 16 + arena.bytesReserved }

  func text(_ id: UInt32) -> ByteView { names[Int(id)] }

  /// The number of a name; equal names have equal numbers.
  mutating func id(_ name: ByteView) -> UInt32 {
    let hash = NameHash.of(name)
    var i = Int(hash) & (slots.count - 1)
    while slots[i] != 0 {
      let e = slots[i]
      if UInt32(truncatingIfNeeded: e >> 32) == hash {
        let id = UInt32(truncatingIfNeeded: e) &- 1
        if names[Int(id)] == name { return id }
      }
      i = (i + 1) & (slots.count - 1)
    }
    let id = UInt32(names.count)
    names.append(arena.copy(name))
    slots[i] = UInt64(hash) << 32 | UInt64(id &+ 1)
    if names.count * 2 > slots.count { grow() }
    return id
  }

  private mutating func grow() {
    let grown = Table<UInt64>(repeating: 0, count: slots.count * 2)
    for e in slots.buffer where e != 0 {
      var i = Int(UInt32(truncatingIfNeeded: e >> 32)) & (grown.count - 1)
      while grown[i] != 0 { i = (i + 1) & (grown.count - 1) }
      grown[i] = e
    }
    slots = grown
  }
}

/// Numbers for 64-bit keys, in the order of their coming; 0 is not a key.
struct KeyTable: ~Copyable {
  private var slots: Table<UInt64>
  private var numbers: Table<UInt32>
  private(set) var count = 0

  init() {
    slots = Table(repeating: 0, count: 1 << 12)
    numbers = Table(uninitialized: 1 << 12)
  }

  var byteCount: Int { slots.count * 12 }

  func write(to writer: SnapshotWriter) {
    writer.numbers(count)
    writer.table(slots)
    writer.table(numbers)
  }

  init(_ reader: inout SnapshotReader) {
    count = reader.numbers(1)[0]
    slots = reader.table()
    numbers = reader.table()
    if slots.count.nonzeroBitCount != 1 || slots.count <= count || numbers.count != slots.count {
      reader.fail()
    }
  }

  @inline(__always)
  private func start(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> 24) & (slots.count - 1)
  }

  /// The number of a key, from 0.
  mutating func id(_ key: UInt64) -> UInt32 {
    var i = start(key)
    while slots[i] != 0 {
      if slots[i] == key { return numbers[i] }
      i = (i &+ 1) & (slots.count - 1)
    }
    let n = UInt32(truncatingIfNeeded: count)
    slots[i] = key
    numbers[i] = n
    count += 1
    if count * 2 > slots.count { grow() }
    return n
  }

  private mutating func grow() {
    let grown = KeyTable(slots: slots.count * 2)
    for i in 0..<slots.count where slots[i] != 0 {
      var k = grown.start(slots[i])
      while grown.slots[k] != 0 { k = (k &+ 1) & (grown.slots.count - 1) }
      grown.slots[k] = slots[i]
      grown.numbers[k] = numbers[i]
    }
    let n = count
    self = grown
    count = n
  }

  private init(slots n: Int) {
    slots = Table(repeating: 0, count: n)
    numbers = Table(uninitialized: n)
  }
}
