import Foundation
import LinkDaemon
import Logging
import Protocol
import Synchronization
import TestSupport
import Testing

/// A small program compiled by Go, with a package of its own besides main, and what the engine needs to link it.
/// Its archives are private copies that a test may change.
final class RealProgram: Sendable {
  let sandbox: Sandbox
  let go: RealToolchain
  let compiled: RealToolchain.Program

  /// Compiled once for all tests, by what `Part.text` says.
  private static let built = Mutex<[String: RealToolchain.Program]>([:])
  private static let buildPlace: Sandbox? = {
    // What a constant holds lives as long as the process.
    atexit { RealProgram.buildPlace?.remove() }
    return try? Sandbox()
  }()

  /// - Parameter text: eight letters that the program's package holds; programs differ in nothing else.
  convenience init(text: String = "original") throws { try self.init(part: Self.part(holding: text)) }

  /// - Parameter source: the source of the program's package: `New` gives something with a `Say() string`.
  init(part source: String) throws {
    go = try #require(RealToolchain.current)
    sandbox = try Sandbox()
    compiled = try Self.compile(source, go)
    for (name, path) in [
      ("main.a", compiled.mainObject), ("part.a", compiled.packageFiles["prog/part"] ?? ""),
    ] {
      let copy = "\(sandbox.path)/\(name)"
      try FileManager.default.copyItem(atPath: path, toPath: copy)
      try Self.age(copy)
    }
    var config = ""
    for (package, file) in compiled.packageFiles.sorted(by: { $0.key < $1.key }) {
      let path = ["prog": main, "prog/part": part][package] ?? file
      config += "packagefile \(package)=\(path)\n"
    }
    _ = try sandbox.write("importcfg", config)
  }

  /// Makes a file look old: what was written a moment ago is read again for each link.
  static func age(_ path: String) throws {
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -3600)], ofItemAtPath: path)
  }

  private static func part(holding text: String) -> String {
    """
    package part

    type T struct{ words []string }

    // Not inlined: what importers know of the package does not depend on the words.
    //
    //go:noinline
    func New() *T { return &T{[]string{"\(text)"}} }

    func (t *T) Say() string { return t.words[0] }

    """
  }

  private static func compile(_ part: String, _ go: RealToolchain) throws -> RealToolchain.Program {
    try built.withLock { built in
      if let known = built[part] { return known }
      let place = try #require(buildPlace)
      let program = try go.compile(
        [
          "main.go": """
          package main

          import "prog/part"

          type speaker interface{ Say() string }

          var table = map[string]int{"a": 1}

          func main() {
          \tvar s speaker = part.New()
          \tprintln(s.Say(), table["a"])
          }

          """,
          "part/part.go": part,
        ], in: URL(filePath: "\(place.path)/\(built.count)"), flags: ["-trimpath"])
      built[part] = program
      return program
    }
  }

  var main: String { "\(sandbox.path)/main.a" }
  var part: String { "\(sandbox.path)/part.a" }
  var output: String { "\(sandbox.path)/a.out" }

  /// Puts another program's package in this one's place.
  func takePart(of other: RealProgram) throws {
    try FileManager.default.removeItem(atPath: part)
    try FileManager.default.copyItem(atPath: other.part, toPath: part)
    try Self.age(part)
  }

  func request(
    _ flags: [String] = [], output: String? = nil, debug: Bool = false, buildID: String = "test"
  ) -> LinkRequest {
    LinkRequest(
      arguments: ["-o", output ?? self.output, "-importcfg", "\(sandbox.path)/importcfg"]
        + (debug ? [] : ["-s", "-w"]) + flags + ["-buildid=\(buildID)", main],
      workingDirectory: sandbox.path,
      environment: ["GOROOT": go.goroot, "GOOS": "linux", "GOARCH": "amd64"],
      realLinker: go.linker)
  }

  /// What the real linker makes of the archives as they are now.
  func expected(_ flags: [String] = [], debug: Bool = false, buildID: String = "test") throws -> Data {
    let place = URL(filePath: "\(sandbox.path)/real")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    let arguments = request(flags, output: "\(place.path)/a.out", debug: debug, buildID: buildID).arguments
    let result = try go.run(go.linker, arguments, in: place)
    #expect(result.exitCode == 0, "\(result.stderr)")
    return try Data(contentsOf: place.appending(path: "a.out"))
  }

  /// The output, nil when there is none.
  var linked: Data? { FileManager.default.contents(atPath: output) }

  /// Files beside the output that no test made.
  var leftovers: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: sandbox.path)) ?? []
    return names.filter { $0.hasPrefix(".linkd") || $0.contains(".linkd-") }
  }
}

/// Keeps what it is told to itself.
let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// An engine of a test's own.
func engine(
  cache: ObjectCache? = nil, build: String = "test", _ change: (inout EngineConfiguration) -> Void = { _ in }
) -> any LinkEngine {
  // Nothing is verified here.
  let nowhere = FileManager.default.temporaryDirectory.appending(path: "linkd-no-verification").path
  var configuration = EngineConfiguration(
    cache: cache, build: build, logger: silent, verificationSpool: nowhere + "/spool", differences: nowhere)
  change(&configuration)
  return makeEngine(configuration)
}

/// What a link prints; empty, and an issue, when it was handed back.
func said(_ engine: any LinkEngine, _ request: LinkRequest) -> String {
  guard case .done(_, let stdout, let stderr, _) = engine.link(request, control: LinkControl()) else {
    Issue.record("the link was handed back")
    return ""
  }
  return String(decoding: stdout + stderr, as: UTF8.self)
}

extension LinkOutcome {
  var report: LinkReport? {
    if case .done(_, _, _, let report) = self { return report }
    return nil
  }

  var exitCode: Int32? {
    if case .done(let code, _, _, _) = self { return code }
    return nil
  }

  var complaint: String {
    if case .done(_, _, let stderr, _) = self { return String(decoding: stderr, as: UTF8.self) }
    return ""
  }

  var fallbackReason: String? {
    if case .fallback(let reason) = self { return reason }
    return nil
  }
}
