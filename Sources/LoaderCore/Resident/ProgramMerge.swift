/// The objects of a program and of its next state, which has other packages or loads them in another order, in one
/// row: in it each state's objects have their own order.
///
/// `IndexPatch` exchanges an object for another one in the same place. In this row each object has one: what is new
/// takes the place of an object without symbols, and what goes leaves one. A package whose place among the others is
/// another one goes and comes.
struct ProgramMerge {
  /// Places among the objects of either state.
  struct Slot {
    let old: Int?
    let new: Int?
  }

  let slots: [Slot]

  /// - Returns: nil when the objects of some package do not follow one another.
  init?(_ old: LoadedPackages, _ new: LoadedPackages) {
    guard let was = Self.runs(of: old), let now = Self.runs(of: new) else { return nil }
    let places = Dictionary(now.enumerated().map { ($1.path, $0) }) { first, _ in first }
    let partner: [Int?] = was.map { run in
      guard let k = places[run.path], now[k].objects.count == run.objects.count else { return nil }
      return k
    }
    let stays = Self.longestRise(of: partner)
    let stayed = Set(zip(partner, stays).compactMap { $1 ? $0 : nil })
    var slots: [Slot] = []
    var k = 0
    func add(_ run: (path: String, objects: Range<Int>)) {
      slots += run.objects.map { Slot(old: nil, new: $0) }
    }
    for (i, run) in was.enumerated() {
      guard stays[i], let own = partner[i] else {
        slots += run.objects.map { Slot(old: $0, new: nil) }
        continue
      }
      while k < own {
        if !stayed.contains(k) { add(now[k]) }
        k += 1
      }
      slots += zip(run.objects, now[own].objects).map { Slot(old: $0, new: $1) }
      k = own + 1
    }
    for run in now[k...] { add(run) }
    self.slots = slots
  }

  /// The packages in load order, each with its objects.
  private static func runs(of packages: LoadedPackages) -> [(path: String, objects: Range<Int>)]? {
    var runs: [(path: String, objects: Range<Int>)] = []
    var seen: Set<UInt32> = []
    var last: UInt32?
    for (k, library) in packages.libraryOfObject.enumerated() {
      if library == last, let run = runs.popLast() {
        runs.append((run.path, run.objects.lowerBound..<k + 1))
        continue
      }
      guard seen.insert(library).inserted else { return nil }
      runs.append((packages.libraries[Int(library)].path, k..<k + 1))
      last = library
    }
    return runs
  }

  /// Which members of a longest rising choice of numbers there are.
  private static func longestRise(of numbers: [Int?]) -> [Bool] {
    // By length of a choice, less 1: the last member of the one that ends lowest; by member, the one before it.
    var ends: [Int] = []
    var before = [Int?](repeating: nil, count: numbers.count)
    for (i, number) in numbers.enumerated() {
      guard let number else { continue }
      var (a, b) = (0, ends.count)
      while a < b {
        let m = (a + b) / 2
        if (numbers[ends[m]] ?? 0) < number { a = m + 1 } else { b = m }
      }
      before[i] = a > 0 ? ends[a - 1] : nil
      if a == ends.count { ends.append(i) } else { ends[a] = i }
    }
    var chosen = [Bool](repeating: false, count: numbers.count)
    var next = ends.last
    while let i = next {
      chosen[i] = true
      next = before[i]
    }
    return chosen
  }
}

extension LoadedPackages {
  /// What is in the row of a merge: objects in the places that have one, in others one without symbols.
  ///
  /// - Parameters:
  ///   - objects: by slot.
  ///   - filler: the object without symbols.
  init(_ new: LoadedPackages, in merge: ProgramMerge, objects: [GoObject?], filler: GoObject) {
    let nowhere = Library(path: "\0", file: "", sourceRef: "", fingerprint: 0)
    self.init(
      libraries: new.libraries + [nowhere], objects: objects.map { $0 ?? filler },
      libraryOfObject: merge.slots.map { slot in
        slot.new.map { new.libraryOfObject[$0] } ?? UInt32(new.libraries.count)
      },
      printed: Printed(), errorCount: 0, exports: new.exports)
  }
}

extension GoObject {
  /// An object without symbols.
  static let empty: GoObject? = {
    // Each index of a block has one entry more than there are symbols.
    let (start, entry) = (ObjectFormat.headerSize, 4)
    let size = start + 3 * entry
    guard let block = SnapshotBlock(count: size), let base = block.memory.baseAddress else { return nil }
    block.memory.copyBytes(from: ObjectFormat.magic.bytes)
    for i in 0..<ObjectFormat.Block.count {
      let indices = min(max(i - ObjectFormat.Block.relocIndex.rawValue, 0), 3)
      let offset = UInt32(start + indices * entry)
      base.storeBytes(of: offset.littleEndian, toByteOffset: 20 + 4 * i, as: UInt32.self)
    }
    let bytes = ByteView(UnsafeRawPointer(base), size)
    return try? parse(bytes, of: MappedFile(copyOf: "", bytes: bytes, in: block), name: "")
  }()
}

extension StaticString {
  fileprivate var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
  }
}
