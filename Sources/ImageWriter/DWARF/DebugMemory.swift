import GoDeflate
import LoaderCore

/// What DWARF keeps from one link of a program to the next. All of it saves work only: each part says under
/// which conditions it is what a link without memory would find, and is made anew otherwise.
final class DebugMemory: @unchecked Sendable {
  /// Compressed sections by name.
  var streams: [String: DeflateStream] = [:]
  /// The sections before compression.
  var written: WrittenDebug?
  private var lastStamp = 0
  /// By object.
  private(set) var units: [UnitMemo] = []
  /// What the line tables' directories were made with.
  private var goroot: String?
  let frames = FrameMemo()
  let types = TypeMemo()
  /// "go:info.T" and `type:T`, where both are as they were.
  var promises: [Promise] = []

  struct Promise: BitwiseCopyable {
    var entry: SymbolID
    var type: SymbolID
  }

  init() {}

  /// Writes what is no pointer into objects, and no stream, which takes as much to read as to make.
  func write(to writer: SnapshotWriter) {
    writer.texts(goroot.map { [$0] } ?? [])
    UnitMemo.write(units, to: writer)
    writer.array(promises)
  }

  init(_ reader: inout SnapshotReader) {
    goroot = reader.texts().first
    units = UnitMemo.read(&reader)
    promises = reader.array()
  }

  /// Makes room for all objects.
  func prepare(objectCount: Int, goroot: String) {
    while units.count < objectCount { units.append(UnitMemo()) }
    if self.goroot != goroot {
      for u in units {
        u.lineHead = nil
        u.debuggerScript = nil
      }
    }
    self.goroot = goroot
  }

  /// Tells the sections of a link from those of any other.
  func nextStamp() -> Int {
    lastStamp += 1
    return lastStamp
  }

  /// The sections of the last link, for one that makes its own.
  func takeWritten() -> WrittenDebug? { written.take() }

  /// Follows an exchange of objects.
  func follow(_ change: IndexChange) {
    if change.isReshaped {
      var now = (0..<change.objectCount).map { _ in UnitMemo() }
      for (o, unit) in units.enumerated() {
        if let object = change.number(of: ObjectID(UInt32(o))) { now[object.index] = unit }
      }
      units = now
    }
    let units = self.units
    Chunks.run(units.count, grain: 64) { range in
      for o in range {
        let object = ObjectID(UInt32(truncatingIfNeeded: o))
        if change.isRefiled(object) {
          units[o].forget(change)
        } else {
          if change.isExchanged(object) { units[o].forgetPlaces() }
          units[o].follow(change)
        }
      }
    }
    frames.follow(change)
    types.follow(change)
    if change.namesMoved { written = nil }
    written?.follow(change)
    promises = promises.compactMap { p in
      guard !change.isTouched(p.entry), !change.isTouched(p.type), let entry = change.number(p.entry),
        let type = change.number(p.type)
      else { return nil }
      return Promise(entry: entry, type: type)
    }
  }

  func forget() {
    streams = [:]
    written = nil
    units = []
    frames.forget()
    types.forget()
    promises = []
  }

  /// Bytes of memory.
  var byteCount: Int {
    streams.values.reduce(0) { $0 + $1.byteCount } + (written?.byteCount ?? 0)
      + units.reduce(0) { $0 + $1.byteCount }
      + frames.byteCount + types.byteCount + promises.capacity * MemoryLayout<Promise>.stride
  }
}
