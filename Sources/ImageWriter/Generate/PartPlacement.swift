import LoaderCore

extension FunctionParts {
  /// Hands out places in order of appearance, going over the numbers in all records: to names, source files, pc
  /// tables, funcdata and the records themselves.
  ///
  /// - Throws: `.unsupported` for funcdata without content, and for a record with a part that is gone.
  mutating func place() throws(LinkFailure) {
    names.lift(none: 0)
    pcTables.lift(none: 0)
    funcdata.lift(none: FuncdataPlaces.absent)
    sources.lift()
    let records = PlacedRecords(self)
    var pcBytes: Int?
    var nameBytes: Int?
    var places = FuncdataPlaces()
    let (nameSizes, nameOffsets) = (names.sizes.base, names.offsets.base)
    let (pcSizes, pcOffsets) = (pcTables.sizes.base, pcTables.offsets.base)
    let (dataSizes, dataOffsets, shapes) = (funcdata.sizes.base, funcdata.offsets.base, shapes.base)
    Chunks.together {
      pcBytes = records.placePCTables(pcSizes, pcOffsets)
    } _: {
      nameBytes = records.placeNames(nameSizes, nameOffsets)
      places = records.placeFuncdata(dataSizes, dataOffsets, shapes)
    }
    placeRecords()
    guard let pcBytes, let nameBytes, !places.isStale else {
      throw .unsupported(reason: "function tables of another program")
    }
    guard !places.isEmptyPart else { throw .unsupported(reason: "funcdata without content") }
    self.pcBytes = pcBytes
    self.nameBytes = nameBytes
    places.finish(funcdata.offsets.buffer, shapes)
    funcdataPlaces = places
  }

  /// Records one behind the other, each padded to 8 bytes, and the source files of their functions.
  private mutating func placeRecords() {
    starts.removeAll()
    starts.reserve(order.count + 1)
    var at = 0
    var needed = 0
    for k in order.buffer {
      let f = functions.base + Int(k)
      let object = words[Int(f[0].words) + Word.object]
      if object != 0 {
        let uses = UnsafeBufferPointer(
          start: files.base + Int(f[0].files), count: Int(f[1].files &- f[0].files))
        sources.use(uses, of: object)
      }
      starts.append(UInt32(truncatingIfNeeded: at))
      let length = Int(f[1].words &- f[0].words)
      needed += length
      at += (length + 1) & ~1
    }
    starts.append(UInt32(truncatingIfNeeded: at))
    recordWords = needed
    sources.finish()
  }
}

/// The records of one link in order.
private struct PlacedRecords {
  private typealias Word = FunctionParts.Word

  private let order: UnsafeMutableBufferPointer<UInt32>
  private let functions: UnsafePointer<FunctionParts.Function>
  private let words: UnsafePointer<UInt32>
  private let calls: UnsafePointer<FunctionParts.InlinedCall>

  init(_ parts: borrowing FunctionParts) {
    order = parts.order.buffer
    functions = UnsafePointer(parts.functions.base)
    words = UnsafePointer(parts.words.base)
    calls = UnsafePointer(parts.calls.base)
  }

  /// A function's name, then those of the functions inlined in it.
  ///
  /// - Returns: bytes of all names; nil when one is gone.
  func placeNames(_ sizes: UnsafePointer<UInt32>, _ offsets: UnsafeMutablePointer<UInt32>) -> Int? {
    var at = 0
    var isGone = false
    func place(_ n: UInt32) {
      guard offsets[Int(n)] == SharedParts.unplaced else { return }
      let size = sizes[Int(n)]
      if size == SharedParts.gone { isGone = true }
      offsets[Int(n)] = UInt32(truncatingIfNeeded: at)
      at &+= Int(size)
    }
    for k in order {
      let f = functions + Int(k)
      place(words[Int(f[0].words) + Word.name])
      for c in Int(f[0].calls)..<Int(f[1].calls) { place(calls[c].name) }
    }
    return isGone ? nil : at
  }

  /// pcsp, pcfile and pcline, then the numbered ones, and last the inlined calls'. An empty table is at 0, which
  /// the runtime takes for none.
  ///
  /// - Returns: bytes of all tables, with the one before them; nil when one is gone.
  func placePCTables(_ sizes: UnsafePointer<UInt32>, _ offsets: UnsafeMutablePointer<UInt32>) -> Int? {
    var at = 1
    var isGone = false
    func place(_ n: UInt32) {
      guard offsets[Int(n)] == SharedParts.unplaced else { return }
      let size = sizes[Int(n)]
      if size == SharedParts.gone { isGone = true }
      offsets[Int(n)] = size == 0 ? 0 : UInt32(truncatingIfNeeded: at)
      at &+= Int(size)
    }
    let inlined = Word.fixed + FunctionScan.inlineTreeIndex
    for k in order {
      let f = functions + Int(k)
      let record = words + Int(f[0].words)
      for w in Word.pcTables { place(record[w]) }
      let end = Word.fixed + Int(record[Word.pcCount])
      guard f[1].calls != f[0].calls, inlined < end else {
        for w in Word.fixed..<end { place(record[w]) }
        continue
      }
      for w in Word.fixed..<end { place(record[w == inlined ? Word.hidden : w]) }
      place(record[inlined])
    }
    return isGone ? nil : at
  }

  /// Places among those of equal alignment, for now.
  func placeFuncdata(
    _ sizes: UnsafePointer<UInt32>, _ offsets: UnsafeMutablePointer<UInt32>,
    _ shapes: UnsafePointer<FunctionParts.FuncdataShape>
  ) -> FuncdataPlaces {
    var places = FuncdataPlaces()
    for k in order {
      let f = functions + Int(k)
      let record = words + Int(f[0].words)
      let first = Word.fixed + Int(record[Word.pcCount])
      for w in first..<(first + Int(record[Word.counts] >> 24)) {
        let n = Int(record[w])
        if offsets[n] == SharedParts.unplaced {
          offsets[n] = places.add(size: sizes[n], alignmentLog2: shapes[n].alignmentLog2)
        }
      }
    }
    return places
  }
}

/// go:func.*: falling alignment, those of one alignment by appearance.
struct FuncdataPlaces {
  /// Funcdata with places.
  private(set) var count = 0
  /// Where those of an alignment begin and end, by its logarithm; first relative to each other, later in
  /// go:func.*.
  private var begins = [Int](repeating: 0, count: 64)
  private(set) var ends = [Int](repeating: 0, count: 64)
  private var counts = [Int](repeating: 0, count: 64)
  private(set) var isEmptyPart = false
  private(set) var isStale = false
  /// Bytes of go:func.*.
  private(set) var bytes = 0
  /// Bytes; 0 when fewer than two symbols gave none: the real linker learns the largest alignment while it
  /// compares.
  private(set) var alignment = 0

  /// No funcdata (runtime/symtab.go funcdata).
  static let absent = UInt32.max

  @inline(__always)
  fileprivate mutating func add(size: UInt32, alignmentLog2: UInt8) -> UInt32 {
    let a = Int(alignmentLog2 & 63)
    if size == 0 { isEmptyPart = true }
    if size == SharedParts.gone { isStale = true }
    let mask = (1 << a) &- 1
    let at = (ends[a] &+ mask) & ~mask
    ends[a] = at &+ Int(size)
    counts[a] &+= 1
    count &+= 1
    return UInt32(truncatingIfNeeded: at)
  }

  /// Makes places among equals places in go:func.*.
  fileprivate mutating func finish(
    _ offsets: UnsafeMutableBufferPointer<UInt32>, _ shapes: UnsafePointer<FunctionParts.FuncdataShape>
  ) {
    if count > 1, let largest = counts.lastIndex(where: { $0 > 0 }) { alignment = 1 << largest }
    var at = 0
    for a in stride(from: 63, through: 0, by: -1) where counts[a] > 0 {
      let mask = (1 << a) - 1
      begins[a] = (at + mask) & ~mask
      ends[a] += begins[a]
      at = ends[a]
    }
    bytes = at
    for k in 1..<offsets.count where offsets[k] != SharedParts.unplaced {
      offsets[k] &+= UInt32(truncatingIfNeeded: begins[Int(shapes[k].alignmentLog2 & 63)])
    }
  }

  /// Room of a part at `offset`: its bytes and those up to the next of its alignment.
  @inline(__always)
  func room(_ offset: UInt32, size: UInt32, alignmentLog2: UInt8) -> Int {
    let a = Int(alignmentLog2 & 63)
    let mask = (1 << a) - 1
    let end = Int(offset) + Int(size)
    return min((end + mask) & ~mask, max(ends[a], end)) - Int(offset)
  }

  /// Ranges of go:func.* between different alignments.
  var gaps: [Range<Int>] {
    var gaps: [Range<Int>] = []
    var at = 0
    for a in stride(from: 63, through: 0, by: -1) where counts[a] > 0 {
      if at < begins[a] { gaps.append(at..<begins[a]) }
      at = ends[a]
    }
    return gaps
  }
}
