import LoaderCore
import TestSupport

/// Packages of functions and data that point at one another in every way that relocations can, and are edited at
/// random.
struct EditedImage {
  private struct Item {
    let name: Int
    /// Of an object: 1 text, 3 read-only, 5 and 7 data with and without pointers.
    let kind: UInt8
    var byte: UInt8
    /// Bytes of data, and of room.
    var bytes: Int
    var room: Int
    var references: [Reference]
    var isLive: Bool
  }

  private struct Reference {
    enum Sort: CaseIterable {
      case call, pcrel, address, weakAddress, offset, weakOffset, methods
      // Rare ones, which are not listed.
      case wideAddend, fixed, narrowAddress, overlap, weakOffsetOverBytes, weakCall
    }
    var sort: Sort
    /// A package and an item of it, or -1 and a name that several packages have.
    var package: Int
    var item: Int
    var addend: Int64
  }

  private final class Cache: ArchiveSource {
    let folder: ScratchFolder
    var archives: [String: Archive] = [:]
    var writes = 0
    init() throws { folder = try ScratchFolder() }
    func archive(at path: String) throws(ArchiveError) -> Archive {
      if let known = archives[path] { return known }
      let archive = try Archive.open(path)
      archives[path] = archive
      return archive
    }
  }

  private var random: SeededGenerator
  private var packages: [[Item]] = []
  private var archives: [String]
  private var stale: Set<Int>
  private let cache: Cache
  private static let packageCount = 9
  /// Names given to items that came later.
  private var names = 0
  /// Items that are always there: others may refer to them by position.
  private static let fixed = 6
  private static let sharedCount = 8

  init(seed: UInt64) throws {
    random = SeededGenerator(seed: seed)
    cache = try Cache()
    archives = [String](repeating: "", count: Self.packageCount)
    stale = Set(0..<Self.packageCount)
    for _ in 0..<Self.packageCount { packages.append([]) }
    for p in packages.indices {
      for n in 0..<(Self.fixed + 20 + self.n(60)) { packages[p].append(item(n)) }
    }
    write()
  }

  private mutating func n(_ k: Int) -> Int { Int.random(in: 0..<k, using: &random) }

  private mutating func newItem() -> Item {
    names += 1
    return item(6 * (100 + names) + n(6))
  }

  private mutating func item(_ name: Int) -> Item {
    // The kind stays with the name: references by position may be calls.
    let kind: UInt8 = [1, 1, 3, 3, 5, 7][name % 6]
    let bytes = 8 + n(90)
    var item = Item(
      name: name, kind: kind, byte: UInt8(n(256)), bytes: bytes, room: bytes + (kind == 1 ? 0 : n(3) * 8),
      references: [], isLive: n(3) > 0)
    for _ in 0..<n(5) { item.references.append(reference()) }
    return item
  }

  private mutating func reference() -> Reference {
    typealias Sort = Reference.Sort
    let sort = n(12) == 0 ? Sort.allCases[7 + n(6)] : Sort.allCases[n(7)]
    let isShared = n(4) == 0
    return Reference(
      sort: sort, package: isShared ? -1 : n(Self.packageCount),
      item: isShared ? n(Self.sharedCount) : n(Self.fixed), addend: Int64(n(40) - 10))
  }

  // MARK: edits

  /// Changes one or two packages, or none.
  mutating func edit() {
    for _ in 0..<n(3) {
      let p = n(packages.count)
      stale.insert(p)
      for _ in 0..<(1 + n(3)) { change(p) }
    }
    write()
  }

  private mutating func change(_ p: Int) {
    let count = packages[p].count
    let k = n(count)
    switch n(8) {
    case 0: packages[p].insert(newItem(), at: Self.fixed + n(count - Self.fixed + 1))
    case 1 where count > Self.fixed: packages[p].remove(at: Self.fixed + n(count - Self.fixed))
    // Many at a time.
    case 2 where count > Self.fixed + 50: packages[p].removeSubrange(Self.fixed..<(Self.fixed + 40))
    case 3:
      for _ in 0..<40 { packages[p].append(newItem()) }
    case 4: packages[p][k].byte &+= 1
    case 5: packages[p][k].isLive.toggle()
    case 6: packages[p][k].references = (0..<n(5)).map { _ in reference() }
    default:
      packages[p][k].bytes = 8 + n(90)
      packages[p][k].room = packages[p][k].bytes + (packages[p][k].kind == 1 ? 0 : n(3) * 8)
    }
  }

  /// Changes symbols as passes do, for one link only.
  mutating func meddle(_ index: SymbolIndex) {
    for _ in 0..<n(3) {
      let s = SymbolID(1 + n(index.count - 1))
      guard index.reader.data(s).count > 0 else { continue }
      index.setData(s, [UInt8](repeating: UInt8(n(200)), count: Int(index.reader.size(s))))
    }
  }

  // MARK: links

  func load() throws -> LoadedPackages {
    var files: [String: String] = [:]
    for p in archives.indices.dropFirst() { files["p\(p)"] = archives[p] }
    let request = PackageLoader.Request(mainObject: archives[0], packageFiles: files, expectedHeader: nil)
    return try PackageLoader.load(request, from: cache)
  }

  func resolve() throws -> ResidentProgram {
    try ResidentProgram.resolve(load(), profile: .go1_27_3, options: .init()).program
  }

  // MARK: objects

  private mutating func write() {
    for p in stale {
      cache.writes += 1
      let bytes = ArchiveBuilder.bytes([("_go_.o", object(p).bytes)])
      archives[p] = (try? cache.folder.write("p\(p)-\(cache.writes).a", bytes)) ?? ""
    }
    stale = []
  }

  private func path(_ p: Int) -> String { p == 0 ? "main" : "p\(p)" }

  private func object(_ p: Int) -> ObjectBuilder {
    typealias Handle = ObjectBuilder.Handle
    var o = ObjectBuilder()
    o.isMain = p == 0
    o.imports = p == 0 ? (1..<packages.count).map { ("p\($0)", 0) } : []
    o.packages = packages.indices.map(path)
    for item in packages[p] {
      _ = o.add(
        .init(
          "\(path(p)).x\(item.name)", abi: item.kind == 1 ? 1 : 0, kind: item.kind, size: item.room,
          data: [UInt8](repeating: item.byte, count: item.bytes)), .package_)
    }
    // Symbols by name that some packages have, with contents of their own: the first one counts.
    let shared = (0..<Self.sharedCount).map { k in
      guard (p + k) % 3 != 0 else { return o.refer(to: "shared\(k)") }
      return o.add(
        .init(
          "shared\(k)", kind: 3, flags: .dupOK, data: [UInt8](repeating: UInt8(p), count: 16),
          relocations: [.init(RelocType.addr, Handle(.package_, k % Self.fixed), offset: 8, size: 8)]))
    }
    for (k, item) in packages[p].enumerated() {
      let relocations = item.references.enumerated().flatMap { i, r in
        let list = self.relocations(r, target(r, p, shared), at: 16 * i)
        return list.allSatisfy { Int($0.offset) + Int($0.size) <= item.bytes } ? list : []
      }
      // Those of weak offsets stand over zeros, but for one sort.
      let h = Handle(.package_, k)
      for r in relocations where r.type == RelocType.addrOff && r.isWeak && r.addend != 3 {
        for i in 0..<4 { o[h].data[Int(r.offset) + i] = 0 }
      }
      o[h].relocations = relocations
    }
    let wanted = packages[p].indices.filter { packages[p][$0].isLive }.map { Handle(.package_, $0) }
    o[Handle(.package_, 0)].relocations += wanted.map { .init(RelocType.addr, $0, size: 0) }
    guard p == 0 else { return o }
    let entry = o.add(.init("_rt0_amd64_linux", kind: 1, data: [1, 2, 3]))
    _ = o.add(.init("runtime.unreachableMethod", abi: 1, kind: 1, data: [5]))
    for q in packages.indices {
      let first = q == 0 ? Handle(.package_, 0) : Handle(.imported(package_: q + 1), 0)
      o[entry].relocations.append(.init(RelocType.addr, first, size: 0))
    }
    return o
  }

  private func target(_ r: Reference, _ p: Int, _ shared: [ObjectBuilder.Handle]) -> ObjectBuilder.Handle {
    if r.package < 0 { return shared[r.item] }
    return ObjectBuilder.Handle(r.package == p ? .package_ : .imported(package_: r.package + 1), r.item)
  }

  private func relocations(
    _ r: Reference, _ target: ObjectBuilder.Handle, at offset: Int
  ) -> [ObjectBuilder.Relocation] {
    func one(
      _ type: UInt16, _ size: UInt8, at k: Int = 0, addend: Int64? = nil, weak: Bool = false
    ) -> ObjectBuilder.Relocation {
      .init(type, target, offset: Int32(offset + k), size: size, addend: addend ?? r.addend, isWeak: weak)
    }
    switch r.sort {
    case .call: return [one(RelocType.call, 4)]
    case .pcrel: return [one(RelocType.pcrel, 4)]
    case .address: return [one(RelocType.addr, 8)]
    case .weakAddress: return [one(RelocType.addr, 8, weak: true)]
    case .offset: return [one(RelocType.addrOff, 4)]
    case .weakOffset: return [one(RelocType.addrOff, 4, addend: 1, weak: true)]
    case .methods: return [0, 4, 8].map { one(RelocType.methodOff, 4, at: $0) }
    case .wideAddend: return [one(RelocType.addr, 8, addend: 1 << 40)]
    case .fixed: return [one(RelocType.const_, 4)]
    case .narrowAddress: return [one(RelocType.addr, 4)]
    case .overlap: return [one(RelocType.addr, 8), one(RelocType.pcrel, 4, at: 2)]
    case .weakOffsetOverBytes: return [one(RelocType.addrOff, 4, addend: 3, weak: true)]
    case .weakCall: return [one(RelocType.call, 4, weak: true)]
    }
  }
}
