import LoaderCore
internal import Synchronization

/// Writes the symbols of an `ImagePlan`, on all cores: those that the last image has by their lists of relocations,
/// all others from the objects.
struct BlockWriter: ~Copyable {
  private let plan: ImagePlan
  private let relocator: Relocator
  private let listRelocator: ListRelocator
  private let memory: ImageMemory
  private let targets: Targets
  private let scribes = Mutex<[RelocationScribe]>([])
  private let problems = Mutex<[(Int, [Relocator.Problem])]>([])
  private let source: UnsafePointer<UInt8>?
  private let image: UnsafeMutableRawPointer

  /// - Parameters:
  ///   - source: where what `plan` has found in the last image is to be copied from; nil when it is moved already.
  ///   - image: where it is then.
  init(
    _ plan: ImagePlan, _ relocator: Relocator, _ listRelocator: ListRelocator, _ memory: ImageMemory,
    _ targets: Targets, source: UnsafePointer<UInt8>?, image: UnsafeMutableRawPointer
  ) {
    self.plan = plan
    self.relocator = relocator
    self.listRelocator = listRelocator
    self.memory = memory
    self.targets = targets
    self.source = source
    self.image = image
  }

  /// - Returns: what cannot be relocated, in the order of the image.
  func write(_ block: ImageBlock) -> [Relocator.Problem] {
    let first = block.records.lowerBound
    Chunks.run(block.records.count, grain: 256) { range in
      let scribe = takeScribe()
      var found: [Relocator.Problem] = []
      write(first + range.lowerBound..<first + range.upperBound, of: block, scribe, &found)
      scribes.withLock { $0.append(scribe) }
      if !found.isEmpty {
        let all = found
        problems.withLock { $0.append((range.lowerBound, all)) }
      }
    }
    let found = problems.withLock { p in
      defer { p = [] }
      return p
    }
    return found.sorted { $0.0 < $1.0 }.flatMap(\.1)
  }

  private func takeScribe() -> RelocationScribe {
    scribes.withLock { $0.popLast() } ?? RelocationScribe(memory.lists, targets)
  }

  private func write(
    _ range: Range<Int>, of block: ImageBlock, _ scribe: RelocationScribe,
    _ problems: inout [Relocator.Problem]
  ) {
    let (records, matches, old) = (plan.records.base, plan.matches.base, memory.records.base)
    let (lists, last) = (memory.lists, block.records.upperBound - 1)
    for i in range {
      let at = Int(records[i].offset)
      let room = (i < last ? Int(records[i + 1].offset) : block.end) - at
      let field = image + at
      let address = UInt64(at) &+ block.bias
      let match = matches[i]
      if let k = match.record, Int(old[k].count) <= room, old[k].list != ImageRecord.unlisted {
        let known = old[k]
        records[i].count = known.count
        records[i].list = known.list
        records[i].listCount = known.listCount
        if !match.isInPlace {
          copy(SymbolID(known.symbol), to: field, limit: Int(known.count))
        } else if let source {
          field.copyMemory(
            from: source + Int(known.offset), byteCount: match.isJoined ? room : Int(known.count))
        }
        if known.listCount > 0,
          !listRelocator.apply(
            lists.list(at: known.list), count: Int(known.listCount), to: field, address: address)
        {
          writeAnew(records + i, to: field, limit: room, address, &problems)
        }
      } else {
        writeNew(
          records + i, isKnown: match.record != nil, to: field, limit: room, address, scribe, &problems)
      }
      if !match.isJoined {
        let end = Int(records[i].count)
        (field + end).initializeMemory(as: UInt8.self, repeating: block.filler, count: room - end)
      }
    }
  }

  /// - Returns: bytes.
  @discardableResult @inline(__always)
  private func copy(_ s: SymbolID, to field: UnsafeMutableRawPointer, limit: Int) -> Int {
    let data = relocator.reader.data(s)
    let count = min(data.count, limit)
    if count > 0, let from = data.base { field.copyMemory(from: from, byteCount: count) }
    return count
  }

  /// As the object has it, without a list.
  private func writeAnew(
    _ record: UnsafeMutablePointer<ImageRecord>, to field: UnsafeMutableRawPointer, limit: Int,
    _ address: UInt64, _ problems: inout [Relocator.Problem]
  ) {
    let s = SymbolID(record.pointee.symbol)
    let count = copy(s, to: field, limit: limit)
    relocator.apply(s, to: field, count: count, address: address, problems: &problems)
  }

  private func writeNew(
    _ record: UnsafeMutablePointer<ImageRecord>, isKnown: Bool, to field: UnsafeMutableRawPointer, limit: Int,
    _ address: UInt64, _ scribe: RelocationScribe, _ problems: inout [Relocator.Problem]
  ) {
    let s = SymbolID(record.pointee.symbol)
    let data = relocator.reader.data(s)
    let count = min(data.count, limit)
    if count > 0, let from = data.base { field.copyMemory(from: from, byteCount: count) }
    record.pointee.count = UInt32(truncatingIfNeeded: count)
    record.pointee.list = ImageRecord.unlisted
    guard plan.isObjects(s.raw) else {
      // It is made anew in each link.
      record.pointee.symbol = 0
      return relocator.apply(s, to: field, count: count, address: address, problems: &problems)
    }
    // One with a relocation of a rare sort has it still.
    guard !isKnown, count == data.count,
      let (list, n) = scribe.list(s, relocator.reader, data: data.base, count: count)
    else {
      return relocator.apply(s, to: field, count: count, address: address, problems: &problems)
    }
    record.pointee.list = list
    record.pointee.listCount = UInt32(truncatingIfNeeded: n)
    if n > 0, !listRelocator.apply(memory.lists.list(at: list), count: n, to: field, address: address) {
      writeAnew(record, to: field, limit: limit, address, &problems)
    }
  }
}
