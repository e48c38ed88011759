import LoaderCore

/// The archives of a program on disk: by what they are known, and what parsing them computed.
///
/// One of the build cache is known by the content that its name tells, and is read again where it is. Any other, such
/// as the main package's in a work folder that is gone, is a copy in the file.
struct DormantArchives: Sendable {
  private struct Entry: Sendable {
    /// Nil for a copy.
    let key: ContentKey?
    let path: String
    let copy: ByteView
    let tables: [ObjectTables]
  }

  /// In load order.
  private let entries: [Entry]
  private let byKey: [ContentKey: Int]
  private let block: SnapshotBlock

  /// Bytes of archives that are copied, at most.
  private static let copyLimit = 32 << 20

  // MARK: writing

  /// - Returns: false when they cannot be kept.
  static func write(_ objects: [GoObject], to writer: SnapshotWriter) -> Bool {
    var runs: [Range<Int>] = []
    var copied = 0
    for (k, o) in objects.enumerated() {
      if let last = runs.last, objects[last.lowerBound].file === o.file {
        runs[runs.count - 1] = last.lowerBound..<k + 1
        continue
      }
      runs.append(k..<k + 1)
      if ContentKey.named(by: o.file.path) == nil {
        copied += o.file.bytes.count
        if o.file.mayBeOverwritten { return false }
      }
      if o.file.isTorn { return false }
    }
    guard copied <= copyLimit else { return false }
    writer.numbers(runs.count)
    for run in runs {
      let file = objects[run.lowerBound].file
      let isNamed = ContentKey.named(by: file.path) != nil
      writer.text(file.path)
      writer.numbers(isNamed ? 1 : 0, run.count)
      writer.bytes(isNamed ? UnsafeRawBufferPointer(start: nil, count: 0) : file.bytes.buffer)
      for o in objects[run] { o.write(to: writer) }
    }
    return true
  }

  // MARK: reading

  init?(_ reader: inout SnapshotReader) {
    var entries: [Entry] = []
    var byKey: [ContentKey: Int] = [:]
    let count = reader.numbers(1)[0]
    while reader.isGood, entries.count < count {
      let path = reader.text()
      let numbers = reader.numbers(2)
      let copy = reader.bytes()
      var tables: [ObjectTables] = []
      for _ in 0..<max(numbers[1], 0) {
        guard let t = ObjectTables(&reader) else { return nil }
        tables.append(t)
      }
      let key = numbers[0] == 0 ? nil : ContentKey.named(by: path)
      if let key { byKey[key] = entries.count }
      entries.append(
        Entry(
          key: key, path: path, copy: ByteView(UnsafeRawPointer(copy.baseAddress), copy.count), tables: tables
        ))
    }
    guard reader.isGood else { return nil }
    self.entries = entries
    self.byKey = byKey
    block = reader.block
  }

  /// What parsing an archive computed of its objects; nothing when it is not known.
  func tables(_ key: ContentKey) -> [ObjectTables] { byKey[key].map { entries[$0].tables } ?? [] }

  /// The objects that the program was made of: those of another version of it, where they are the same.
  ///
  /// - Returns: nil when one of them is gone.
  func objects(like new: [GoObject]) -> [GoObject]? {
    guard entries.reduce(0, { $0 + $1.tables.count }) == new.count else { return nil }
    var all: [GoObject] = []
    all.reserveCapacity(new.count)
    for entry in entries {
      let mine = new[all.count..<all.count + entry.tables.count]
      if let file = mine.first?.file, mine.last?.file === file, isSame(entry, file) {
        all += mine
      } else {
        guard let old = objects(entry) else { return nil }
        all += old
      }
    }
    return all
  }

  private func isSame(_ entry: Entry, _ file: MappedFile) -> Bool {
    if let key = entry.key { return ContentKey.named(by: file.path) == key }
    return !file.isTorn && entry.copy == file.bytes
  }

  /// The objects of an old version.
  private func objects(_ entry: Entry) -> [GoObject]? {
    let file: MappedFile
    if entry.key == nil {
      file = MappedFile(copyOf: entry.path, bytes: entry.copy, in: block)
    } else {
      guard case .success(let mapped) = MappedFile.open(entry.path) else { return nil }
      file = mapped
    }
    guard let archive = try? Archive(file: file, hashes: nil, tables: entry.tables),
      archive.objects.count == entry.tables.count
    else { return nil }
    return archive.objects
  }
}
