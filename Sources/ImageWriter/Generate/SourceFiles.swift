import LoaderCore

/// runtime.filetab and runtime.cutab: the names of source files, and for each compilation unit where its
/// files' names are (cmd/link/internal/ld/pcln.go generateFilenameTabs).
///
/// Names are told apart as the objects spell them, and written expanded; a unit has entries up to the
/// last file that a function of it uses. An entry of a file that no function uses is `unused`.
struct SourceFiles: ~Copyable {
  /// Start of an object's files in `files` plus 1, 0 for one whose files are not noted; by object.
  private var bases: Table<UInt32>
  /// Numbers of names, by object and file.
  private var files = Table<UInt32>()
  private var names = FileNames()
  private let paths: SourcePath

  // Of the link at hand:

  /// Objects with functions, by first function.
  private var units = Table<UInt32>()
  /// Entries that an object's part of cutab has; by object.
  private var used: Table<UInt32>
  /// Index of an object's first entry in cutab, `absent` for one without functions; by object.
  private var entryStarts: Table<UInt32>
  /// Entries of cutab, 4 bytes each.
  private(set) var entryCount = 0

  /// The entry start of a function that has no unit.
  static let absent = UInt32.max
  private static let unused = UInt32.max

  init(paths: SourcePath, objectCount: Int) {
    self.paths = paths
    bases = Table(repeating: 0, count: objectCount)
    used = Table(repeating: 0, count: objectCount)
    entryStarts = Table(repeating: Self.absent, count: objectCount)
  }

  func write(to writer: SnapshotWriter) {
    writer.table(bases)
    writer.table(files)
    names.write(to: writer)
  }

  /// As an earlier life of the daemon left them, in no places.
  init(_ reader: inout SnapshotReader, paths: SourcePath) {
    self.paths = paths
    bases = reader.table()
    files = reader.table()
    names = FileNames(&reader, paths: paths)
    used = Table(repeating: 0, count: bases.count)
    entryStarts = Table(repeating: Self.absent, count: bases.count)
  }

  var objectCount: Int { bases.count }
  /// Bytes of filetab.
  var nameBytes: Int { names.bytes }
  /// Number of names in filetab.
  var nameCount: Int { names.placedCount }

  mutating func follow(_ change: IndexChange) {
    if change.isReshaped { reshape(change) }
    for o in 0..<bases.count where change.isRefiled(ObjectID(UInt32(o))) { bases[o] = 0 }
  }

  /// Gives objects the numbers that they have now.
  private mutating func reshape(_ change: IndexChange) {
    var moved = Table<UInt32>(repeating: 0, count: change.objectCount)
    for o in 0..<bases.count {
      if let now = change.number(of: ObjectID(UInt32(o))) { moved[now.index] = bases[o] }
    }
    swap(&bases, &moved)
    units.removeAll()
    used = Table(repeating: 0, count: change.objectCount)
    entryStarts = Table(repeating: Self.absent, count: change.objectCount)
  }

  /// Notes the files of an object.
  @inline(__always)
  mutating func note(_ object: ObjectID, _ reader: SymbolReader) {
    if bases[object.index] == 0 { add(object, reader.object(object).pointee.view) }
  }

  @inline(never)
  private mutating func add(_ object: ObjectID, _ view: ObjectView) {
    bases[object.index] = UInt32(truncatingIfNeeded: files.count + 1)
    for f in 0..<view.fileCount { files.append(names.number(of: view.fileName(f), paths: paths)) }
  }

  // MARK: places

  /// Takes all names from their places.
  mutating func lift() {
    for u in units.buffer {
      used[Int(u)] = 0
      entryStarts[Int(u)] = Self.absent
    }
    units.removeAll()
    names.lift()
  }

  /// Notes that a function of an object, the next one in order, uses files of it.
  @inline(__always)
  mutating func use(_ uses: UnsafeBufferPointer<UInt32>, of object: UInt32) {
    let o = Int(object)
    if entryStarts[o] == Self.absent {
      entryStarts[o] = 0
      units.append(object)
    }
    let numbers = files.base + (Int(bases[o]) - 1)
    var end = used[o]
    for file in uses {
      if end <= file { end = file &+ 1 }
      names.place(numbers[Int(file)])
    }
    used[o] = end
  }

  /// Counts the entries, once all uses are noted.
  mutating func finish() {
    var total: UInt32 = 0
    for u in units.buffer {
      entryStarts[Int(u)] = total
      total &+= used[Int(u)]
    }
    entryCount = Int(total)
  }

  /// Index of an object's first entry; valid after `finish`.
  var entryStart: UnsafePointer<UInt32> { UnsafePointer(entryStarts.base) }

  // MARK: contents

  /// Writes `4 * entryCount` bytes.
  func writeEntries(to out: UnsafeMutableRawPointer) {
    for u in units.buffer {
      let o = Int(u)
      let at = out + 4 * Int(entryStarts[o])
      let numbers = files.base + (Int(bases[o]) - 1)
      for f in 0..<Int(used[o]) {
        let offset = names.offset(numbers[f]) ?? Self.unused
        at.storeBytes(of: offset.littleEndian, toByteOffset: 4 * f, as: UInt32.self)
      }
    }
  }

  /// Writes `nameBytes` bytes.
  func writeNames(to out: UnsafeMutableRawPointer) { names.write(to: out) }

  mutating func tighten() { files.tighten() }

  var byteCount: Int {
    bases.byteCount + files.byteCount + units.byteCount + used.byteCount + entryStarts.byteCount
      + names.byteCount
  }
}

/// Distinct file names, and those of one link in order of appearance.
struct FileNames: ~Copyable {
  private struct Entry: BitwiseCopyable {
    /// Copies: the objects may go.
    let raw: ByteView
    let expanded: ByteView
  }
  private var entries = Table<Entry>(capacity: 1024)
  /// Index into `entries` plus 1; a power of two of slots.
  private var slots = Table<UInt32>(repeating: 0, count: 2048)
  private let arena = Arena()
  private var offsets = Table<UInt32>()
  /// Bytes of all names that have places, with their final zeros.
  private(set) var bytes = 0
  private(set) var placedCount = 0

  private static let unplaced = UInt32.max

  init() {}

  func write(to writer: SnapshotWriter) { writer.views(entries.buffer.map(\.raw)) }

  init(_ reader: inout SnapshotReader, paths: SourcePath) {
    for name in reader.views() { _ = number(of: name, paths: paths) }
  }

  /// The number of a name, which is added when it is new.
  mutating func number(of raw: ByteView, paths: SourcePath) -> UInt32 {
    var slot = slot(of: raw)
    if slots[slot] != 0 { return slots[slot] - 1 }
    if 2 * entries.count >= slots.count {
      rehash()
      slot = self.slot(of: raw)
    }
    let copy = arena.copy(raw)
    entries.append(Entry(raw: copy, expanded: paths.expand(copy, in: arena)))
    slots[slot] = UInt32(entries.count)
    return UInt32(entries.count - 1)
  }

  private func slot(of raw: ByteView) -> Int {
    let mask = slots.count - 1
    var at = Int(NameHash.of(raw)) & mask
    while slots[at] != 0, !(entries[Int(slots[at]) - 1].raw == raw) { at = (at + 1) & mask }
    return at
  }

  private mutating func rehash() {
    slots = Table(repeating: 0, count: 2 * slots.count)
    for k in 0..<entries.count { slots[slot(of: entries[k].raw)] = UInt32(k + 1) }
  }

  mutating func lift() {
    offsets.removeAll()
    offsets.grow(to: entries.count, with: Self.unplaced)
    bytes = 0
    placedCount = 0
  }

  /// Gives a name its place, behind those that have one.
  @inline(__always)
  mutating func place(_ n: UInt32) {
    guard offsets[Int(n)] == Self.unplaced else { return }
    offsets[Int(n)] = UInt32(truncatingIfNeeded: bytes)
    bytes &+= entries[Int(n)].expanded.count &+ 1
    placedCount &+= 1
  }

  @inline(__always)
  func offset(_ n: UInt32) -> UInt32? {
    let at = offsets[Int(n)]
    return at == Self.unplaced ? nil : at
  }

  func write(to out: UnsafeMutableRawPointer) {
    for k in 0..<entries.count where offsets[k] != Self.unplaced {
      let name = entries[k].expanded
      let at = out + Int(offsets[k])
      if let from = name.base { at.copyMemory(from: from, byteCount: name.count) }
      at.storeBytes(of: 0, toByteOffset: name.count, as: UInt8.self)
    }
  }

  var byteCount: Int {
    entries.byteCount + slots.byteCount + offsets.byteCount + arena.bytesReserved
  }
}
