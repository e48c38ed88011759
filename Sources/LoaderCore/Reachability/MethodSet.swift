/// Method signatures as numbers: a name's number and its function type, so that the calls seen and the
/// methods waiting for one meet in a set of integers.
struct MethodNames: ~Copyable {
  private var slots: Table<UInt64>
  private var names: Table<ByteView>

  init() {
    slots = Table(repeating: 0, count: 1 << 14)
    names = Table(capacity: 1 << 12)
  }

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
    names.append(name)
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

/// A set of 64-bit keys; 0 is not a key.
struct KeySet: ~Copyable {
  private var slots: Table<UInt64>
  private var count = 0

  init() { slots = Table(repeating: 0, count: 1 << 12) }

  @inline(__always)
  private func start(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> 24) & (slots.count - 1)
  }

  func contains(_ key: UInt64) -> Bool {
    var i = start(key)
    while slots[i] != 0 {
      if slots[i] == key { return true }
      i = (i + 1) & (slots.count - 1)
    }
    return false
  }

  mutating func insert(_ key: UInt64) {
    var i = start(key)
    while slots[i] != 0 {
      if slots[i] == key { return }
      i = (i + 1) & (slots.count - 1)
    }
    slots[i] = key
    count += 1
    if count * 2 > slots.count { grow() }
  }

  private mutating func grow() {
    let old = slots.buffer.filter { $0 != 0 }
    slots = Table(repeating: 0, count: slots.count * 2)
    for key in old {
      var i = start(key)
      while slots[i] != 0 { i = (i + 1) & (slots.count - 1) }
      slots[i] = key
    }
  }
}
