import ImageWriter
import LoaderCore
import Protocol
import Replay

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A link that was answered and is to be made again by Go's linker.
///
/// When its turn comes, the go command has rewritten the build id in the output, moved it away and removed its work
/// folder with most inputs. So a task holds what linkd read and what it wrote: inputs as they are mapped, which
/// outlives their names, and the image from which the output was written.
struct VerificationTask: Sendable {
  let request: LinkRequest
  /// Go's linker.
  let linker: String
  /// With response files expanded.
  let arguments: LinkArguments
  /// What the file of -importcfg said.
  let importConfig: [UInt8]
  let files: InputSet
  /// Nil when the link failed.
  let image: LinkedImage?
  let exitCode: Int32
  let stdout: [UInt8]
  let stderr: [UInt8]

  /// Bytes of memory that wait with it.
  var heldBytes: Int { image?.image.count ?? 0 }

  /// Why a link cannot be compared; nothing is wrong with it.
  struct Skipped: Error {
    let reason: String
  }

  // MARK: Making the link again

  /// Writes the link's bundle. Inputs of the build cache are only pointed at: they are there as long as they are
  /// needed, nearly always.
  func writeBundle(_ writer: inout BundleWriter) throws -> LinkBundle {
    let request = BundleWriter.Request(
      tool: linker, arguments: arguments, workingDirectory: request.workingDirectory,
      environment: request.environment, importPath: "")
    return try writer.write(request, importConfig: importConfig) {
      path, store throws(SystemError) in
      guard let file = files.mapped(path) else { return store.absent(path) }
      let place = request.absolute(path)
      if let hash = ObjectStore.cacheHash(place), ReplaySyscalls.exists(place) {
        return try store.refer(to: place, cacheHash: hash)
      }
      return try store.keep(bytes: file.bytes.buffer, cacheHash: ObjectStore.cacheHash(place))
    }
  }

  /// Compares, with Go's linker's result in a folder of the verifier's.
  ///
  /// - Returns: nil when both are the same.
  func difference(
    from expected: LinkResult, _ bundle: LinkBundle, scratch: String
  ) throws -> Replay.Difference? {
    // A failure's words name the inputs, which have other names here; that both fail is what counts.
    if let exit = exitDifference(expected) { return exit }
    guard let image else { return nil }
    var comparison = Comparison(arguments: arguments)
    comparison.comparesMode = false
    var shown = expected
    shown.stdout = withOriginalNames(expected.stdout)
    shown.stderr = withOriginalNames(expected.stderr)
    let actual = LinkResult(
      exitCode: exitCode, stdout: stdout, stderr: stderr, output: arguments.value("o") ?? "a.out")
    // The same words, however the output is called.
    if let words = comparison.streams(shown, actual) { return words }
    let bytes = UnsafeRawBufferPointer(start: image.image.base, count: image.image.count)
    let same = try ReplaySyscalls.withContents(of: expected.output) { ReplaySyscalls.areSame($0, bytes) }
    let fipsDifference = try differenceOfFIPSObject(image, expected, scratch)
    if same { return fipsDifference }
    var written = actual
    written.stdout = shown.stdout
    written.stderr = shown.stderr
    written.output = "\(scratch)/actual"
    try ReplaySyscalls.write(written.output, bytes)
    return try comparison.difference(expected: shown, actual: written)
  }

  /// What a link may fail of that says nothing of what is linked: Go's linker had less luck than linkd.
  func misfortune(of expected: LinkResult) -> String? {
    guard exitCode == 0, expected.exitCode != 0 else { return nil }
    if expected.exitCode > 2 { return "Go's linker ended with exit code \(expected.exitCode)" }
    let words = String(decoding: expected.stderr.prefix(1 << 16), as: UTF8.self)
    let troubles = [
      "no space left on device", "disk quota exceeded", "out of memory", "cannot allocate memory",
      "too many open files", "resource temporarily unavailable", "file too large",
    ]
    return troubles.first { words.contains($0) }.map { "Go's linker: \($0)" }
  }

  private func exitDifference(_ expected: LinkResult) -> Replay.Difference? {
    if (expected.exitCode == 0) == (exitCode == 0) { return nil }
    let words = expected.exitCode == 0 ? stderr : expected.stderr
    return Replay.Difference(
      headline: "exit code: expected \(expected.exitCode), actual \(exitCode)",
      explanation: String(decoding: words.prefix(2000), as: UTF8.self))
  }

  private func differenceOfFIPSObject(
    _ image: LinkedImage, _ expected: LinkResult, _ scratch: String
  ) throws -> Replay.Difference? {
    guard arguments.value("fipso") != nil else { return nil }
    let own = "\(scratch)/actual.fips.o"
    try FIPSObjectFile(path: own, shown: own, umask: 0o077).write(image.fipsModule, of: image.image)
    if try ReplaySyscalls.haveSameBytes("\(expected.output).fips.o", own) { return nil }
    return Replay.Difference(
      headline: "the file of -fipso differs", explanation: "expected.fips.o and actual.fips.o differ")
  }

  /// What Go's linker printed, with the inputs' names as the request has them.
  private func withOriginalNames(_ text: [UInt8]) -> [UInt8] {
    guard !text.isEmpty else { return text }
    let store = ObjectStore(beside: "/")
    var originals: [[UInt8]: [UInt8]] = [:]
    for path in files.paths {
      guard let file = files.mapped(path) else { continue }
      let place = path.hasPrefix("/") ? path : "\(request.workingDirectory)/\(path)"
      let name = store.reference(bytes: file.bytes.buffer, cacheHash: ObjectStore.cacheHash(place))
      originals[Array(name.utf8)] = Array(path.utf8)
    }
    return Comparison.replacing(originals, in: text)
  }
}
