internal import Synchronization

/// A look at all definitions of two versions of an object.
struct VersionScan {
  struct Findings {
    var differing: [UInt32] = []
    /// By position in `packages`.
    var mentions: [[UInt32]]
  }

  private let versions: DefinitionComparison.Versions
  private let was: ObjectView
  private let now: ObjectView
  private let infos: DefinitionComparison.Classes
  private let comparesBytes: Bool
  /// Definitions that may have other bytes; nil when all have to be looked at.
  private let suspects: [Bool]?
  private let packages: [UInt32]
  /// By index of the package list, position in `packages` plus 1; 0 for others.
  private let positions: [UInt32]
  /// Whether the contents at a place are others: the short ones, then the long ones.
  private let isOtherContent: [Bool]

  /// Whether it matters what a definition refers to.
  private var looksAtReferences: Bool { !packages.isEmpty || !isOtherContent.isEmpty }

  /// Definitions that are worth a turn on another core.
  private static let grain = 4096

  init(
    _ versions: DefinitionComparison.Versions, _ infos: DefinitionComparison.Classes, comparesBytes: Bool,
    packages: [UInt32]
  ) {
    self.versions = versions
    self.infos = infos
    self.comparesBytes = comparesBytes
    self.packages = packages
    was = versions.old.pointee.view
    now = versions.new.pointee.view
    var positions = [UInt32](repeating: 0, count: versions.isSteady.count)
    for (k, package) in packages.enumerated() { positions[Int(package)] = UInt32(truncatingIfNeeded: k + 1) }
    self.positions = positions
    isOtherContent = comparesBytes ? Self.otherContents(was, now) : []
    suspects = versions.differences.flatMap { [now] in now.definitions(in: $0) }
  }

  /// - Returns: nothing when none is.
  private static func otherContents(_ was: ObjectView, _ now: ObjectView) -> [Bool] {
    let others =
      (0..<now.hashed64Defs).map { was.hash64($0) != now.hash64($0) }
      + (0..<now.hashedDefs).map { !(was.hash($0) == now.hash($0)) }
    return others.contains(true) ? others : []
  }

  var count: Int { min(was.definitions, now.definitions) }

  /// Looks at all definitions, or at those that may have other bytes.
  ///
  /// - Parameter mentions: by position in `packages`, the definitions of the old version that refer to that package.
  func run(after mentions: [[UInt32]]?) -> Findings {
    guard let mentions, let suspects, isOtherContent.isEmpty else {
      return run(count) { $0.map { UInt32(truncatingIfNeeded: $0) } }
    }
    let some = (0..<UInt32(count)).filter { suspects[Int($0)] }
    var found = run(some.count) { Array(some[$0]) }
    for (k, list) in mentions.enumerated() {
      found.mentions[k] = (found.mentions[k] + list.filter { !suspects[Int($0)] }).sorted()
    }
    return found
  }

  private func run(_ count: Int, _ definitions: (Range<Int>) -> [UInt32]) -> Findings {
    let all = Mutex([(first: Int, findings: Findings)]())
    Chunks.run(count, grain: Self.grain) { range in
      let mine = look(at: definitions(range))
      all.withLock { $0.append((range.lowerBound, mine)) }
    }
    var sum = Findings(mentions: Array(repeating: [], count: packages.count))
    for part in all.withLock({ $0.sorted { $0.first < $1.first } }) {
      sum.differing += part.findings.differing
      for k in packages.indices { sum.mentions[k] += part.findings.mentions[k] }
    }
    return sum
  }

  private func look(at definitions: [UInt32]) -> Findings {
    var found = Findings(mentions: Array(repeating: [], count: packages.count))
    let looksAtReferences = looksAtReferences
    positions.withUnsafeBufferPointer { positions in
      isOtherContent.withUnsafeBufferPointer { others in
        let marks = Marks(positions: positions, others: others, longStart: now.hashed64Defs)
        for i in definitions {
          let info = infos.has(i) ? FuncInfo(data: now.data(i), object: versions.new, isCertain: false) : nil
          var differs =
            comparesBytes && (suspects?[Int(i)] ?? !hasSameBytes(i) || (infos.has(i) && info == nil))
          if looksAtReferences { lookAtReferences(i, info, marks, &found.mentions, &differs) }
          if differs { found.differing.append(i) }
        }
      }
    }
    return found
  }

  /// What is asked of a reference.
  private struct Marks {
    let positions: UnsafeBufferPointer<UInt32>
    let others: UnsafeBufferPointer<Bool>
    let longStart: Int

    /// 0 for most; for a package that is asked for its position plus 1, and -1 for another content.
    @inline(__always)
    func mark(_ ref: SymbolRef) -> Int {
      let package = Int(ref.package_)
      if package < positions.count { return Int(positions[package]) }
      guard !others.isEmpty else { return 0 }
      let at: Int
      switch ref.package_ {
      case ObjectFormat.PackageIndex.hashed64: at = Int(ref.index)
      case ObjectFormat.PackageIndex.hashed: at = Int(ref.index) &+ longStart
      default: return 0
      }
      return at < others.count && others[at] ? -1 : 0
    }
  }

  private func hasSameBytes(_ i: UInt32) -> Bool {
    let (a, n) = was.relocRecords(i)
    let (b, m) = now.relocRecords(i)
    let (c, x) = was.auxRecords(i)
    let (d, y) = now.auxRecords(i)
    let rest = ObjectFormat.symbolSize - 8
    return n == m && x == y && was.data(i) == now.data(i)
      && was.bytes.slice(was.record(i) + 8, rest) == now.bytes.slice(now.record(i) + 8, rest)
      && was.name(i) == now.name(i)
      && ByteView(a, n * ObjectFormat.relocSize) == ByteView(b, m * ObjectFormat.relocSize)
      && ByteView(c, x * ObjectFormat.auxSize) == ByteView(d, y * ObjectFormat.auxSize)
  }

  /// Notes a definition with each of `packages` that it refers to; one that refers to another content differs.
  private func lookAtReferences(
    _ i: UInt32, _ info: FuncInfo?, _ marks: Marks, _ mentions: inout [[UInt32]], _ differs: inout Bool
  ) {
    func note(_ mark: Int) {
      if mark < 0 {
        differs = true
      } else if mentions[mark - 1].last != i {
        mentions[mark - 1].append(i)
      }
    }
    let (relocations, count) = now.relocRecords(i)
    if var at = relocations {
      for _ in 0..<count {
        let mark = marks.mark(Relocation(at: at).ref)
        if mark != 0 { note(mark) }
        at += ObjectFormat.relocSize
      }
    }
    let (base, auxCount) = now.auxRecords(i)
    let auxiliaries = Auxiliaries(base: base, count: auxCount, object: versions.new)
    for k in 0..<auxCount {
      let mark = marks.mark(auxiliaries.ref(k))
      if mark != 0 { note(mark) }
    }
    guard let info else { return }
    for k in 0..<info.inlineCount {
      let mark = marks.mark(info.inlineNode(k).function)
      if mark != 0 { note(mark) }
    }
  }
}

extension ObjectView {
  /// Whether all definitions have the same auxiliary symbols as in another version with as many, by the same references.
  func hasAuxiliaries(of other: ObjectView) -> Bool {
    let (index, records) = (4 * (definitions + 1), ObjectFormat.auxSize * Int(auxCount))
    return definitions == other.definitions && auxCount == other.auxCount
      && bytes.slice(auxIndexStart, index) == other.bytes.slice(other.auxIndexStart, index)
      && bytes.slice(auxStart, records) == other.bytes.slice(other.auxStart, records)
  }

  /// The definitions with anything in some ranges of the object's bytes.
  ///
  /// - Returns: nil when where things stand lies in there, too.
  fileprivate func definitions(in ranges: [Range<Int>]) -> [Bool]? {
    let indices = relocIndexStart..<relocStart
    if ranges.contains(where: { $0.overlaps(indices) }) { return nil }
    var found = [Bool](repeating: false, count: definitions)
    for range in ranges {
      markRecords(range, symbolStart, ObjectFormat.symbolSize, first: 0, count: definitions, &found)
      markRecords(range, hash64Start, 8, first: packageDefs, count: hashed64Defs, &found)
      markRecords(range, hashStart, 16, first: packageDefs + hashed64Defs, count: hashedDefs, &found)
      markOwners(range, relocStart, ObjectFormat.relocSize, Int(relocCount), index: relocIndexStart, &found)
      markOwners(range, auxStart, ObjectFormat.auxSize, Int(auxCount), index: auxIndexStart, &found)
      markOwners(range, dataStart, 1, Int(dataSize), index: dataIndexStart, &found)
    }
    return found
  }

  /// Which of `count` records of `size` bytes from `start` on a range has a part of.
  private func records(_ range: Range<Int>, _ start: Int, _ size: Int, _ count: Int) -> Range<Int> {
    let part = range.clamped(to: start..<start + size * count)
    if part.isEmpty { return 0..<0 }
    return (part.lowerBound - start) / size..<(part.upperBound - start + size - 1) / size
  }

  private func markRecords(
    _ range: Range<Int>, _ start: Int, _ size: Int, first: Int, count: Int, _ found: inout [Bool]
  ) {
    for k in records(range, start, size, count) { found[first + k] = true }
  }

  /// Marks the definitions that some records belong to.
  ///
  /// - Parameter index: where the table begins which says of each definition, and of the end, the first record.
  private func markOwners(
    _ range: Range<Int>, _ start: Int, _ size: Int, _ count: Int, index: Int, _ found: inout [Bool]
  ) {
    let part = records(range, start, size, count)
    guard !part.isEmpty else { return }
    func firstRecord(_ i: Int) -> Int { Int(bytes.u32(index &+ 4 &* i)) }
    // The first definition that ends behind the beginning of the part.
    var (a, b) = (0, definitions)
    while a < b {
      let m = (a + b) / 2
      if firstRecord(m + 1) <= part.lowerBound { a = m + 1 } else { b = m }
    }
    while a < definitions, firstRecord(a) < part.upperBound {
      found[a] = true
      a += 1
    }
  }
}
