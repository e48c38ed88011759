import ImageWriter
import LoaderCore
import Protocol
import Synchronization

/// The last images of a daemon, on disk: what `ResultStore` holds, for the daemon's next life.
///
/// The image is a file of its own; what belongs to it (words, ranges of the FIPS module, checksums of the file's
/// pieces) is its entry in the catalogue. Both are found by what decides the bytes and by who made them: a result
/// of another build of linkd or another Go release is never found. No byte is handed out that was not checked.
final class KeptResults: Sendable {
  /// The blob kind in `ObjectCache`.
  private static let kind: UInt8 = 2

  private let folder: KeptFolder
  private let cache: ObjectCache
  private let maker: String
  /// Those that are on disk already.
  private let written = Mutex<Set<ContentKey>>([])

  /// - Parameter maker: names the build of linkd and the Go release.
  init?(_ cache: ObjectCache, maker: String) {
    guard let folder = cache.folder("results", share: 4) else { return nil }
    self.folder = folder
    self.cache = cache
    self.maker = maker
  }

  private func name(_ key: ContentKey, _ program: Int) -> (entry: [UInt8], file: KeptFolder.Name) {
    KeptFolder.name(of: "result", maker, program, key.bytes)
  }

  // MARK: keeping

  func isKept(_ key: ContentKey) -> Bool { written.withLock { $0.contains(key) } }

  /// Writes a result.
  ///
  /// - Parameters:
  ///   - isUrgent: to the disk itself, which takes its time, but never as long as memory for the file may take to find.
  ///   - isWanted: asked again and again; false gives it up.
  func keep(
    _ image: LinkedImage, under key: ContentKey, program: Int, isUrgent: Bool,
    while isWanted: @escaping () -> Bool
  ) {
    let name = name(key, program)
    guard cache.isUsable else { return }
    let written = folder.write(name.file, while: isWanted) { file in
      file.reserve(image.image.count)
      if isUrgent { file.bypassMemory() }
      file.add(UnsafeRawBufferPointer(start: image.image.base, count: image.image.count))
      return true
    }
    guard let written else { return }
    cache.store(kind: Self.kind, key: name.entry, blob: KeptResultEntry(image, written.sums).encoded)
    self.written.withLock { _ = $0.insert(key) }
  }

  /// Forgets which results are on disk but for these, and makes room.
  func tidy(keeping keys: [ContentKey]) {
    written.withLock { $0.formIntersection(keys) }
    folder.trim()
  }

  /// Removes all results, whoever made them.
  func removeAll() {
    written.withLock { $0 = [] }
    folder.removeAll()
  }

  /// The path of a result's file.
  func path(_ key: ContentKey, program: Int) -> String { folder.place(name(key, program).file) }

  /// Says that a result's file was taken away: it is not kept any more, until it is written again.
  func noteTaken(_ key: ContentKey) { written.withLock { _ = $0.remove(key) } }

  // MARK: finding

  /// Whether there may be results of a program.
  func has(program: Int) -> Bool { folder.has(group: KeptFolder.group(program)) }

  /// The result of an earlier life; nil when there is none, or it is not what it was.
  func find(_ key: ContentKey, program: Int) -> LinkedImage? {
    let name = name(key, program)
    guard let blob = cache.load(kind: Self.kind, key: name.entry), let entry = KeptResultEntry(blob),
      let image = try? OutputImage(count: entry.count, spare: entry.spare),
      let memory = image.window(0, entry.count), folder.read(name.file, entry.sums, into: memory)
    else { return nil }
    written.withLock { _ = $0.insert(key) }
    return LinkedImage(image: image, printed: entry.printed, fipsModule: entry.fipsModule)
  }
}

/// What the catalogue says of a result.
package struct KeptResultEntry {
  /// Bytes of the image.
  package let count: Int
  /// Bytes of memory that the image had beyond these, for whoever takes it over.
  let spare: Int
  package let printed: Printed
  package let fipsModule: FIPSModule
  /// A checksum of every `KeptFolder.chunk` bytes.
  package let sums: [UInt64]

  package init(_ image: LinkedImage, _ sums: [UInt64]) {
    count = image.image.count
    spare = image.image.spare
    printed = image.printed
    fipsModule = image.fipsModule
    self.sums = sums
  }

  /// Little-endian numbers of 8 bytes, lists after their lengths; then the words.
  package var encoded: [UInt8] {
    let (out, err) = (Array(printed.stdout.utf8), Array(printed.stderr.utf8))
    var numbers = [count, spare, out.count, err.count, printed.lengths.count] + printed.lengths
    numbers.append(fipsModule.ranges.count)
    for r in fipsModule.ranges { numbers += [r.lowerBound, r.upperBound] }
    let words = numbers.map { UInt64(bitPattern: Int64($0)) } + [UInt64(sums.count)] + sums
    return words.flatMap { w in (0..<8).map { UInt8(truncatingIfNeeded: w >> UInt64(8 * $0)) } } + out + err
  }

  /// - Returns: nil for what `encoded` does not give. (The catalogue has checked that the bytes are the written ones.)
  package init?(_ bytes: [UInt8]) {
    var reader = NumberReader(bytes)
    count = reader.next()
    spare = reader.next()
    let (out, err) = (reader.next(), reader.next())
    let lengths = (0..<reader.length()).map { _ in reader.next() }
    let ends = (0..<reader.length()).map { _ in (reader.next(), reader.next()) }
    sums = (0..<reader.length()).map { _ in UInt64(bitPattern: Int64(reader.next())) }
    let (size, chunks) = (count, (count + KeptFolder.chunk - 1) / KeptFolder.chunk)
    guard reader.isGood, count > 0, count < 1 << 40, spare >= 0, spare < 1 << 40, sums.count == chunks,
      ends.allSatisfy({ 0 <= $0.0 && $0.0 <= $0.1 && $0.1 <= size }), out >= 0, err >= 0,
      reader.rest.count - out == err
    else { return nil }
    fipsModule = FIPSModule(ranges: ends.map { $0.0..<$0.1 })
    printed = Printed(
      stdout: String(decoding: reader.rest.prefix(out), as: UTF8.self),
      stderr: String(decoding: reader.rest.dropFirst(out), as: UTF8.self), lengths: lengths)
  }
}

private struct NumberReader {
  private(set) var rest: ArraySlice<UInt8>
  private(set) var isGood = true

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  mutating func next() -> Int {
    guard rest.count >= 8 else {
      isGood = false
      return 0
    }
    defer { rest = rest.dropFirst(8) }
    return Int(truncatingIfNeeded: rest.prefix(8).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) })
  }

  /// The length of a list of numbers, of which at least so many can be there.
  mutating func length() -> Int {
    let n = next()
    guard n >= 0, n <= rest.count / 8 else {
      isGood = false
      return 0
    }
    return n
  }
}
