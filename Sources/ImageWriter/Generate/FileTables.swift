import LoaderCore

/// runtime.filetab and runtime.cutab: the names of source files, and for each compilation unit where its
/// files' names are (cmd/link/internal/ld/pcln.go generateFilenameTabs).
///
/// Names are told apart as the objects spell them, and written expanded; a unit has entries up to the
/// last file that a function of it uses.
struct FileTables: ~Copyable, @unchecked Sendable {
  /// Objects with functions, by first function.
  private(set) var units: [ObjectID] = []
  /// Number of the object in `units` plus 1, by object.
  private let numbers: Table<UInt32>
  /// Start of a unit's files in `offsets`, by unit.
  private var bases: Table<UInt32>
  /// Entries that a unit's part of cutab has, by unit.
  private var used: Table<UInt32>
  /// Offset of the name in filetab, by unit and file; `unseen` until a function uses the file.
  private var offsets: Table<UInt32>
  private var names = FileNames()
  private let reader: SymbolReader
  private let paths: SourcePath

  private static let unseen = UInt32.max

  init(_ reader: SymbolReader, paths: SourcePath) {
    self.reader = reader
    self.paths = paths
    numbers = Table(repeating: 0, count: reader.objectCount)
    bases = Table(capacity: reader.objectCount)
    used = Table(capacity: reader.objectCount)
    offsets = Table(capacity: 32 * reader.objectCount)
  }

  /// Bytes of filetab.
  var nameBytes: Int { names.bytes }
  /// Number of names in filetab.
  var nameCount: Int { names.count }
  /// Entries of cutab, 4 bytes each; valid after `finish`.
  private(set) var entryCount = 0
  /// Index of a unit's first entry in cutab, by unit; valid after `finish`.
  private(set) var entryStarts: [UInt32] = []

  /// The number of an object among those with functions.
  @inline(__always)
  mutating func unit(of object: ObjectID) -> Int {
    let n = numbers[object.index]
    return n != 0 ? Int(n) &- 1 : addUnit(object)
  }

  @inline(never)
  private mutating func addUnit(_ object: ObjectID) -> Int {
    let k = units.count
    units.append(object)
    numbers[object.index] = UInt32(k + 1)
    bases.append(UInt32(offsets.count))
    used.append(0)
    let files = reader.object(object).pointee.view.fileCount
    offsets.grow(to: offsets.count + files, with: Self.unseen)
    return k
  }

  /// Notes that a function of `unit` uses the unit's file `file`; a file that the unit does not have marks
  /// the object as corrupt.
  @inline(__always)
  mutating func use(_ file: UInt32, unit: Int) {
    let at = Int(bases[unit]) &+ Int(file)
    let end = unit &+ 1 < bases.count ? Int(bases[unit &+ 1]) : offsets.count
    guard at < end else {
      reader.object(units[unit]).pointee.view.noteFault()
      return
    }
    if used[unit] <= file { used[unit] = file &+ 1 }
    if offsets[at] == Self.unseen {
      let offset = addName(file, unit: unit)
      offsets[at] = offset
    }
  }

  @inline(never)
  private mutating func addName(_ file: UInt32, unit: Int) -> UInt32 {
    let raw = reader.object(units[unit]).pointee.view.fileName(Int(file))
    return names.offset(of: raw, paths: paths)
  }

  /// Counts the entries, once all uses are noted.
  mutating func finish() {
    var total: UInt32 = 0
    for n in used.buffer {
      entryStarts.append(total)
      total &+= n
    }
    entryCount = Int(total)
    findUnused()
  }

  /// A file that only others use has an entry all the same when it lies below the last one used here.
  private func findUnused() {
    Chunks.run(units.count, grain: 64) { range in
      for k in range {
        let view = reader.object(units[k]).pointee.view
        let base = Int(bases[k])
        for f in 0..<Int(used[k]) where offsets[base + f] == Self.unseen {
          offsets[base + f] = names.find(view.fileName(f)) ?? Self.unseen
        }
      }
    }
  }

  /// Writes `4 * entryCount` bytes.
  func writeEntries(to out: UnsafeMutableRawPointer) {
    for k in units.indices {
      let at = out + 4 * Int(entryStarts[k])
      at.copyMemory(from: offsets.base + Int(bases[k]), byteCount: 4 * Int(used[k]))
    }
  }

  /// Writes `nameBytes` bytes.
  func writeNames(to out: UnsafeMutableRawPointer) { names.write(to: out) }
}

/// Distinct file names in order of appearance, with their offsets.
struct FileNames: ~Copyable, @unchecked Sendable {
  private struct Entry: BitwiseCopyable {
    let raw: ByteView
    let expanded: ByteView
    let offset: UInt32
  }
  private var entries = Table<Entry>(capacity: 1024)
  /// Index into `entries` plus 1; a power of two of slots.
  private var slots = Table<UInt32>(repeating: 0, count: 2048)
  private let arena = Arena()
  /// Bytes of all names with their final zeros.
  private(set) var bytes = 0

  var count: Int { entries.count }

  /// The offset of `raw`'s expansion, which is added when it is new.
  mutating func offset(of raw: ByteView, paths: SourcePath) -> UInt32 {
    var slot = slot(of: raw)
    if slots[slot] != 0 { return entries[Int(slots[slot]) - 1].offset }
    if 2 * entries.count >= slots.count {
      rehash()
      slot = self.slot(of: raw)
    }
    let expanded = paths.expand(raw, in: arena)
    let offset = UInt32(truncatingIfNeeded: bytes)
    entries.append(Entry(raw: raw, expanded: expanded, offset: offset))
    slots[slot] = UInt32(entries.count)
    bytes += expanded.count + 1
    return offset
  }

  func find(_ raw: ByteView) -> UInt32? {
    let k = slots[slot(of: raw)]
    return k == 0 ? nil : entries[Int(k) - 1].offset
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

  func write(to out: UnsafeMutableRawPointer) {
    for e in entries.buffer {
      let at = out + Int(e.offset)
      if let from = e.expanded.base { at.copyMemory(from: from, byteCount: e.expanded.count) }
      at.storeBytes(of: 0, toByteOffset: e.expanded.count, as: UInt8.self)
    }
  }
}
