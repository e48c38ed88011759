import ImageWriter
import LoaderCore
import Synchronization

/// The last images, by what decides their bytes: a request whose inputs are all unchanged is answered from
/// here. Of each program the last two are kept: an edit is undone more often than an older state comes back. Of a
/// large one, and of all when there are many, it is the last only, and its memory serves the next. Least recently used
/// ones go when the budget is passed.
package final class ResultStore: Sendable {
  /// Bytes from which on an image is large.
  private static let manyBytes = 32 << 20

  private struct Entry {
    let image: LinkedImage
    /// `ResultStore.program`
    let program: Int
    /// Of its inputs that the build cache does not name.
    let contents: Set<ContentKey>
    var use: Int
  }

  private struct State {
    /// Bytes.
    var budget: Int
    var images: [ContentKey: Entry] = [:]
    /// Memory without an image, for the next one of a program.
    var lent: [Int: OutputImage] = [:]
    /// Memory of small images that went, for any that comes: finding new memory takes longer than filling it.
    var idle: [OutputImage] = []
    var bytes = 0
    var clock = 0

    mutating func keepToBudget() {
      while bytes > budget, let old = oldest() { remove(old) }
    }

    mutating func remove(_ key: ContentKey) {
      if let image = takeImage(key), image.count < ResultStore.manyBytes { keepIdle(image) }
    }

    mutating func keepIdle(_ memory: OutputImage) {
      idle.append(memory)
      while idle.count > ResultStore.idleLimit || idleBytes > budget / 8, !idle.isEmpty { idle.removeFirst() }
    }

    var idleBytes: Int { idle.reduce(0) { $0 + $1.count + $1.spare } }

    mutating func takeIdle(count: Int, spare: Int) -> OutputImage? {
      idle.firstIndex { $0.canHold(count: count, spare: spare) }.map { idle.remove(at: $0) }
    }

    /// The image, if nobody else has it.
    mutating func takeImage(_ key: ContentKey) -> OutputImage? {
      var image = images.removeValue(forKey: key)?.image.image
      bytes -= image?.count ?? 0
      return isKnownUniquelyReferenced(&image) ? image : nil
    }

    /// How many images a program may have, if its own have that many bytes.
    func limit(_ bytes: Int) -> Int {
      bytes >= ResultStore.manyBytes || self.bytes > budget / 2 || images.count > ResultStore.manyImages
        ? 1 : ResultStore.imagesPerProgram
    }

    /// Whether an image is the only one that its program may have.
    func isOnly(_ key: ContentKey) -> Bool { images[key].map { limit($0.image.image.count) == 1 } ?? false }

    /// The entry of a program that goes when another comes; nil as long as there is room for both.
    func next(of program: Int) -> ContentKey? {
      guard let key = oldest(of: program) else { return nil }
      let limit = isOnly(key) ? 1 : ResultStore.imagesPerProgram
      return images.count { $0.value.program == program } < limit ? nil : key
    }

    /// The entry used longest ago; of one program, or of all.
    func oldest(of program: Int? = nil) -> ContentKey? {
      images.filter { program == nil || $0.value.program == program }.min { $0.value.use < $1.value.use }?.key
    }
  }

  private static let imagesPerProgram = 2
  /// With more images than these a program keeps its last one only: who links many programs after an edit undoes none of
  /// them soon, and their memory would have to be found.
  private static let manyImages = 16
  private static let idleLimit = 4

  private let state: Mutex<State>

  /// - Parameter budget: bytes.
  init(budget: Int) { state = Mutex(State(budget: budget)) }

  /// Changes the budget; what is too much goes.
  func setBudget(_ bytes: Int) {
    state.withLock { s in
      s.budget = bytes
      s.keepToBudget()
    }
  }

  var counts: (programs: Int, bytes: Int) { state.withLock { ($0.images.count, $0.bytes + $0.idleBytes) } }

  /// What images of a program have in common, as long as it is linked the same way.
  static func program(_ plan: LinkPlan) -> Int {
    let way = (plan.dwarf == nil ? 0 : 1) | (plan.elf.hasSymbols ? 2 : 0) | (plan.elf.isPIE ? 4 : 0)
    return (plan.mainKey ?? plan.packagesKey) ^ way
  }

  /// Whether there is any result of a program.
  func has(program: Int) -> Bool {
    state.withLock { s in s.images.values.contains { $0.program == program } }
  }

  /// Whether some result of a program has an input of that content.
  func knows(content: ContentKey, of program: Int) -> Bool {
    state.withLock { s in
      s.images.values.contains { $0.program == program && $0.contents.contains(content) }
    }
  }

  func find(_ key: ContentKey) -> LinkedImage? {
    state.withLock { s in
      s.clock += 1
      s.images[key]?.use = s.clock
      return s.images[key]?.image
    }
  }

  func keep(_ image: LinkedImage, under known: LinkCall.ResultKey, program: Int) {
    let key = known.whole
    state.withLock { s in
      s.clock += 1
      s.remove(key)
      s.images[key] = Entry(image: image, program: program, contents: known.contents, use: s.clock)
      s.bytes += image.image.count
      let limit = s.limit(image.image.count)
      while s.images.count(where: { $0.value.program == program }) > limit,
        let old = s.oldest(of: program)
      {
        s.remove(old)
      }
      s.keepToBudget()
    }
  }

  /// What is held, newest first.
  var keys: [ContentKey] {
    state.withLock { s in s.images.sorted { $0.value.use > $1.value.use }.map(\.key) }
  }

  /// A held image and its program; no use is noted.
  func peek(_ key: ContentKey) -> (image: LinkedImage, program: Int)? {
    state.withLock { s in s.images[key].map { ($0.image, $0.program) } }
  }

  /// The image with these contents; no use is noted.
  func image(_ contents: UInt64) -> OutputImage? {
    state.withLock { s in s.images.values.first { $0.image.image.contents == contents }?.image.image }
  }

  /// Memory for a program's next image, of so many bytes: that of the one whose place it takes, which is forgotten, or
  /// of one that went. Nil when there is none, or somebody still uses it.
  func takeMemory(of program: Int, count: Int, spare: Int) -> OutputImage? {
    let memory = state.withLock { s in
      s.lent.removeValue(forKey: program) ?? s.next(of: program).flatMap { s.takeImage($0) }
    }
    if let memory, memory.reuse(count: count, spare: spare) { return memory }
    let idle = state.withLock { s in s.takeIdle(count: count, spare: spare) }
    return idle.flatMap { $0.reuse(count: count, spare: spare) ? $0 : nil }
  }

  /// Whether there is memory for a program's next image.
  func hasMemory(for program: Int, bytes: Int) -> Bool {
    state.withLock { s in
      s.next(of: program) != nil || s.idle.contains { $0.canHold(count: bytes, spare: 0) }
    }
  }

  /// Finds memory for a program's next image, as its last one will stay.
  ///
  /// - Parameter isWanted: asked again and again; false ends it.
  func prepareMemory(of program: Int, while isWanted: () -> Bool) {
    let last = state.withLock { s -> (count: Int, spare: Int)? in
      guard s.next(of: program) == nil, let key = s.oldest(of: program), let entry = s.images[key] else {
        return nil
      }
      let image = entry.image.image
      guard image.count < Self.manyBytes,
        !s.idle.contains(where: { $0.canHold(count: image.count, spare: 0) })
      else { return nil }
      return (image.count, image.spare)
    }
    guard let last, isWanted(), let memory = try? OutputImage(count: last.count, spare: last.spare) else {
      return
    }
    memory.populate(last.count + last.spare, while: isWanted)
    state.withLock { $0.keepIdle(memory) }
  }

  /// Lends memory to the next image of a program that has none; nil takes it back.
  func lend(_ memory: OutputImage?, to program: Int) {
    state.withLock { $0.lent[program] = memory }
  }

  /// An image for a link that changes a little of it: the only one itself, which is forgotten, or a copy of one of
  /// several. Nil when it is not here, or somebody still uses it.
  func imageToPatch(_ contents: UInt64) throws(LinkFailure) -> OutputImage? {
    let found = state.withLock { s -> (image: OutputImage, isTaken: Bool, memory: OutputImage?)? in
      guard let key = s.images.first(where: { $0.value.image.image.contents == contents })?.key else {
        return nil
      }
      if s.isOnly(key) { return s.takeImage(key).map { ($0, true, nil) } }
      guard let entry = s.images[key] else { return nil }
      let next = s.next(of: entry.program)
      return (entry.image.image, false, next == key ? nil : next.flatMap { s.takeImage($0) })
    }
    guard let found else { return nil }
    return found.isTaken ? found.image : try found.image.copy(into: found.memory)
  }

  func removeAll() {
    state.withLock { s in
      s.images = [:]
      s.idle = []
      s.bytes = 0
    }
  }
}
