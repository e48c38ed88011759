import ImageWriter
import LoaderCore
import Synchronization

/// The resolved programs of a daemon, on disk, for its next life: a program as the last link left it, so that the
/// first link after a restart takes changed objects in as any later one does.
///
/// One file a program: what parsing its archives computed, then index, graph and memory of the passes. The catalogue
/// has a checksum of every piece, and all of it is read and checked before any is used; what was checked is what this
/// build of linkd wrote (the build is part of the name), so numbers in it are not doubted again.
final class KeptPrograms: Sendable {
  /// The blob kind in `ObjectCache`.
  private static let kind: UInt8 = 3

  private let folder: KeptFolder
  private let cache: ObjectCache
  private let maker: String

  /// - Parameter maker: names the build of linkd and the Go release.
  init?(_ cache: ObjectCache, maker: String) {
    guard let folder = cache.folder("programs", share: 8) else { return nil }
    self.folder = folder
    self.cache = cache
    self.maker = maker
  }

  /// Writes a program that no link uses meanwhile.
  ///
  /// - Parameters:
  ///   - key: `LinkPlan.packagesKey`
  ///   - isWanted: asked again and again; false gives it up.
  func keep(_ link: ResidentLink, _ key: Int, while isWanted: @escaping () -> Bool) -> Bool {
    guard cache.isUsable else { return false }
    let name = KeptFolder.name(of: "program", maker, key)
    let written = folder.write(name.file, while: isWanted) { file in
      let writer = SnapshotWriter(file.add)
      guard DormantArchives.write(link.program.packages.objects, to: writer), link.program.write(to: writer)
      else { return false }
      link.memory.write(to: writer)
      return true
    }
    guard let written else { return false }
    let words = [UInt64(written.size)] + written.sums
    cache.store(kind: Self.kind, key: name.entry, blob: words.withUnsafeBytes { Array($0) })
    return true
  }

  /// The program that an earlier life left; nil when there is none, or it is not what it was.
  func open(_ key: Int) -> DormantProgram? {
    let name = KeptFolder.name(of: "program", maker, key)
    guard let blob = cache.load(kind: Self.kind, key: name.entry), blob.count >= 16 else { return nil }
    let words = blob.withUnsafeBytes { Array($0.assumingMemoryBound(to: UInt64.self)) }
    guard words[0] < 1 << 40, let block = SnapshotBlock(count: Int(words[0])),
      folder.read(name.file, Array(words.dropFirst()), into: block.memory)
    else { return nil }
    return DormantProgram(block)
  }

  /// Makes room.
  func tidy() { folder.trim() }

  func removeAll() { folder.removeAll() }
}

/// A program from disk that no link has asked for yet.
final class DormantProgram: Sendable {
  let archives: DormantArchives
  private let rest: SnapshotReader
  private let isWoken = Atomic(false)

  /// Whether a link goes on with it.
  var wasOfUse: Bool { isWoken.load(ordering: .relaxed) }

  fileprivate init?(_ block: SnapshotBlock) {
    var reader = SnapshotReader(block)
    guard let archives = DormantArchives(&reader) else { return nil }
    self.archives = archives
    rest = reader
  }

  /// The program as it was, if it is one of the same packages: what changed is still to be exchanged.
  func wake(for packages: LoadedPackages) -> ResidentLink? {
    guard let objects = archives.objects(like: packages.objects) else { return nil }
    var reader = rest
    guard
      let program = ResidentProgram.restore(
        &reader, like: packages, objects: objects, profile: ReleaseProfile.go1_27_3)
    else { return nil }
    isWoken.store(true, ordering: .relaxed)
    return ResidentLink(program, memory: LinkMemory(&reader) ?? LinkMemory())
  }
}
