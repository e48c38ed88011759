import Foundation
import LinkDaemon
import LoaderCore
import Replay
import Testing

private let version = "go1.27.3"

/// Files by path; what is not there does not exist, and what is empty is a directory.
private func reader(_ files: [String: String]) -> (String) -> Result<[UInt8], FileReadFailure> {
  { path in
    guard let text = files[path] else {
      return .failure(FileReadFailure(operation: "open", error: ErrorNumber(ENOENT)))
    }
    if text.isEmpty { return .failure(FileReadFailure(operation: "read", error: ErrorNumber(EISDIR))) }
    return .success(Array(text.utf8))
  }
}

private func parse(
  _ arguments: [String], environment: [String: String] = ["GOOS": "linux", "GOARCH": "amd64"],
  files: [String: String] = ["cfg": "packagefile fmt=fmt.a\n"], program: String = "/go/link"
) -> LinkOptions.Parsed {
  LinkOptions.parse(
    .init(program: program, arguments: arguments, environment: environment), version: version,
    read: reader(files))
}

private func options(
  _ arguments: [String], environment: [String: String] = ["GOOS": "linux", "GOARCH": "amd64"],
  files: [String: String] = ["cfg": "packagefile fmt=fmt.a\n"]
) throws -> LinkOptions {
  let all = ["-importcfg", "cfg"] + arguments + ["main.a"]
  guard case .link(let o) = parse(all, environment: environment, files: files) else {
    throw Unexpected(what: "\(parse(all, environment: environment, files: files))")
  }
  return o
}

private struct Unexpected: Error { let what: String }

private func reason(
  _ arguments: [String], environment: [String: String] = ["GOOS": "linux", "GOARCH": "amd64"]
) -> String? {
  let all = ["-importcfg", "cfg"] + arguments + ["main.a"]
  if case .unsupported(let reason) = parse(all, environment: environment) { return reason }
  return nil
}

private func variables(_ o: LinkOptions) -> [String] {
  o.stringVariables.map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" }
}

@Suite struct LinkOptionsTests {
  @Test func defaults() throws {
    let o = try options([])
    #expect(o.output == "a.out" && o.mainObject == "main.a" && o.buildMode == .exe)
    #expect(o.importConfig.packageFiles == ["fmt": "fmt.a"])
    #expect(o.textAddress == 0x401000 && o.rounding == 4096 && o.dataAddress == nil)
    #expect(o.entry == "_rt0_amd64_linux" && o.gnuBuildID == .none && o.functionAlignment == 0)
    #expect(!o.stripSymbols && !o.omitDWARF && o.compressDWARF && o.pruneWeakMap && o.checkLinkname)
    #expect(variables(o) == ["runtime.buildVersion=go1.27.3"])
    #expect(
      o.expectedHeader == "go object linux amd64 go1.27.3 GOAMD64=v1 X:regabiwrappers,regabiargs,dwarf5,"
        + "jsonv2,greenteagc,randomizedheapbase64,sizespecializedmalloc\n")
  }

  @Test func whatTheGoCommandAsks() throws {
    let o = try options(
      [
        "-o", "out", "-X=runtime.godebugDefault=a=1,b=2", "-buildmode=exe", "-buildid=A/B/C/A", "-s", "-w",
        "-extld=gcc",
      ],
      environment: ["GOROOT": "/go", "GOOS": "linux", "GOARCH": "amd64", "GOAMD64": "v3"],
      files: ["cfg": "packagefile a/b.c=x=y.a\n# note\n\nmodinfo \"0w\\xaf\\f\\npath\\n\"\n"])
    #expect(o.output == "out" && o.buildID == "A/B/C/A" && o.gnuBuildID == .hashOfBuildID)
    #expect(o.stripSymbols && o.omitDWARF)
    #expect(o.importConfig.packageFiles == ["a/b.c": "x=y.a"])
    #expect(
      o.stringVariables.map(\.name) == [
        "runtime.defaultGOROOT", "runtime.buildVersion", "runtime.modinfo", "runtime.godebugDefault",
      ])
    #expect(o.stringVariables[2].value == [0x30, 0x77, 0xaf, 0x0c, 0x0a] + Array("path\n".utf8))
    #expect(o.stringVariables[3].value == Array("a=1,b=2".utf8))
    #expect(o.expectedHeader?.contains(" GOAMD64=v3 ") == true)
    #expect(o.configuration.goroot == "/go")
  }

  @Test func variablesKeepTheirFirstPlaceAndTheirLastValue() throws {
    let o = try options(
      ["-X", "main.b=1", "-X", "ex.com/p.v2.a=2", "--X=main.b=3=4", "-X", "runtime.buildVersion=mine"])
    #expect(variables(o) == ["runtime.buildVersion=mine", "main.b=3=4", "ex.com/p%2ev2.a=2"])
  }

  @Test func flagsAreWrittenInManyWays() throws {
    #expect(try options(["--s", "-w=0"]).omitDWARF == false)
    #expect(try options(["-s"]).omitDWARF)
    #expect(try options(["-w"]).stripSymbols == false)
    #expect(try options(["-s=T", "-s=false"]).stripSymbols == false)
    #expect(try options(["-R", "0x1_0000", "-T=0o20000000"]).rounding == 65536)
    #expect(try options(["-R", "0x1_0000"]).textAddress == 0x401000)
    #expect(try options(["-R=0x1000000"]).textAddress == 0x1001000)
    #expect(try options(["-D=0x800000"]).dataAddress == 0x800000)
    #expect(try options(["-B", "0x00fF"]).gnuBuildID == .bytes([0, 255]))
    #expect(try options(["-buildid=x", "-B=none"]).gnuBuildID == .none)
    #expect(try options(["-f"]).expectedHeader == nil)
    #expect(try options(["--"]).mainObject == "main.a")
    #expect(try options(["-o", "-s"]).output == "-s")
  }

  @Test func responseFilesMayNameOthers() throws {
    let o = try options(
      ["@one", "-e"], files: ["cfg": "#", "one": "-o 'a b'\n@two", "two": "-X \"main.s=\\\"q\\\"\" -s"])
    #expect(o.output == "a b" && o.stripSymbols && o.allErrors)
    #expect(variables(o).last == "main.s=\"q\"")
    guard case .unsupported = parse(["@loop"], files: ["loop": "@loop"]) else {
      throw Unexpected(what: "endless expansion")
    }
  }

  @Test func experiments() throws {
    let env = ["GOEXPERIMENT": "arenas,nogreenteagc,regabi"]
    let o = try options([], environment: env)
    #expect(o.configuration.buildVersion == "go1.27.3-X:arenas,nogreenteagc")
    #expect(
      o.expectedHeader?.hasSuffix(
        "regabiargs,arenas,dwarf5,jsonv2,randomizedheapbase64,"
          + "sizespecializedmalloc\n") == true)
    #expect(reason([], environment: ["GOEXPERIMENT": "nodwarf5"]) == "GOEXPERIMENT=nodwarf5")
    #expect(reason([], environment: ["GOEXPERIMENT": "fieldtrack"]) == "GOEXPERIMENT=fieldtrack")
  }

  @Test func otherTargetsFallBack() {
    #expect(reason([], environment: ["GOOS": "darwin", "GOARCH": "amd64"]) == "target darwin/amd64")
    #expect(reason([], environment: ["GOOS": "linux", "GOARCH": "arm64"]) == "target linux/arm64")
    #expect(reason([], environment: ["GOAMD64": "v9"]) == "GOAMD64=v9")
    #expect(reason([], environment: ["GOMIPS": "x"]) == "GOMIPS=x")
    #expect(reason([], environment: ["GOFIPS140": "v1.0"]) == "GOFIPS140=v1.0")
    #expect(reason([], environment: ["GOFIPS140": "v1.0.0-c2097c7c", "GOARM64": "v9.2,lse"]) == nil)
  }

  @Test(arguments: [
    ["-linkmode=external"], ["-buildmode=c-shared"], ["-buildmode", "plugin"], ["-race"], ["-msan"],
    ["-linkshared"], ["-cpuprofile=x"], ["-v=3", "-debugtextsize=65536"], ["-v=3", "-debugtramp=2"],
    ["-benchmarkprofile=p", "-benchmark=cpu"],
    ["-H=windows"], ["-D=4097"], ["-D=-2"], ["-T=-3"],
    ["-T=0x7fffffffffffffff"], ["-T=1"], ["-T=0xfff"], ["-T=0x401020"],
    ["-R=0x4000000000000000"],
  ])
  func fallsBackByName(_ arguments: [String]) throws {
    let why = try #require(reason(arguments))
    let name = arguments[0].prefix { $0 != "=" }
    #expect(why.hasPrefix(name))
  }

  @Test func fallsBackForTheEnvironmentAndForErrorsThatSayMore() {
    #expect(reason([], environment: ["GO_EXTLINK_ENABLED": "1"]) == "GO_EXTLINK_ENABLED=1")
    #expect(reason(["-linkmode=internal"], environment: ["GO_EXTLINK_ENABLED": "1"]) == nil)
    #expect(reason([], environment: ["GO_EXTLINK_ENABLED": "0"]) == nil)
    #expect(reason(["-h", "-R=1"]) == "an error with -h")
    #expect(reason(["-v", "-v", "-benchmark=gpu"]) == "an error with -v=2")
    if case .done(_, let stderr, _, _) = parse(["-v", "-benchmark=gpu", "main.a"]) {
      #expect(stderr.hasPrefix("unknown benchmark flag: \"gpu\"\n"))
    } else {
      Issue.record("left an error with -v to the real linker")
    }
    if case .unsupported(let why) = parse(["main.a"]) {
      #expect(why == "no -importcfg")
    } else {
      Issue.record("linked without -importcfg")
    }
  }

  @Test(arguments: [
    ["-extld=cc", "-extldflags=-static '-a b'"], ["-libgcc=none"], ["-tmpdir=/tmp"], ["-L", "x"], ["-k=x"],
    ["-macos=1.2"], ["-debugtramp=2"], ["-installsuffix=race"], ["-aslr"], ["-a", "-n"], ["-v=0"],
    ["-memprofilerate=1"], ["-msan=false"], ["-H=linux"], ["-linkmode=auto"], ["-E", "x"],
  ])
  func acceptsWhatChangesNothing(_ arguments: [String]) throws { _ = try options(arguments) }

  @Test func everyFlagIsInTheTableOnce() {
    #expect(Set(FlagTable.all.map(\.name)) == Set(FlagName.allCases))
    #expect(FlagTable.all.count == FlagName.allCases.count)
    let names = FlagTable.all.map { Array($0.name.rawValue.utf8) }
    #expect(names == names.sorted { $0.lexicographicallyPrecedes($1) })
    #expect(FlagTable.markdown.split(separator: "\n").count == FlagName.allCases.count + 2)
    #expect(Set(FlagTable.all.filter(\.isBoolean).map(\.name.rawValue)) == LinkArguments.booleanFlags)
    #expect(FlagTable.markdown.contains("| `-R quantum` | set address rounding quantum | native |"))
  }
}

/// docs/flags.md is made from the code: LINKD_WRITE_DOCS=1 in a test run's environment writes it anew.
@Suite struct FlagDocumentTests {
  private static let mark =
    "<!-- From here on made from the code: see Tests/LinkDaemonTests/LinkOptionsTests.swift -->\n"

  @Test func tellsTheFlagsAsTheyAre() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = root.appending(path: "docs/flags.md")
    let parts = try String(contentsOf: file, encoding: .utf8).components(separatedBy: Self.mark)
    try #require(parts.count == 2)
    if ProcessInfo.processInfo.environment["LINKD_WRITE_DOCS"] == "1" {
      try (parts[0] + Self.mark + FlagTable.markdown).write(to: file, atomically: true, encoding: .utf8)
    } else {
      #expect(parts[1] == FlagTable.markdown, "docs/flags.md is not what the code says")
    }
  }
}

@Suite struct PhaseReportTests {
  @Test func printsWhatBenchmarkToolsRead() {
    let phases: [(name: String, nanoseconds: UInt64)] = [("loadlib", 12), ("Symbol table", 30)]
    #expect(
      PhaseReport.text(phases, .cpu)
        == "BenchmarkLoadlib 1 12 ns/op\nBenchmarkSymbolTable 1 30 ns/op\nBenchmarkTotalTime 1 42 ns/op\n")
    #expect(PhaseReport.text([], .mem) == "BenchmarkTotalTime_GC 1 0 ns/op\n")
  }
}

/// Calls of the real `link` and ours, which must say the same.
@Suite(
  .enabled(
    if: ProcessInfo.processInfo.environment["LINKD_TEST_GOROOT"] != nil, "LINKD_TEST_GOROOT is not set"))
struct LinkOptionsIdentityTests {
  private let directory = FileManager.default.temporaryDirectory.appending(path: "linkd-options-\(UUID())")
  private let link =
    ProcessInfo.processInfo.environment["LINKD_TEST_GOROOT", default: ""]
    + "/pkg/tool/linux_amd64/link"

  private static let files = [
    "cfg": "packagefile fmt=fmt.a\n", "badverb": "# x\n\n  verb a=b\n", "badfile": "packagefile a=\n",
    "badlib": "packageshlib =x", "badinfo": "modinfo \"x\n", "tabs": "\tpackagefile\ta=b\n",
    "info": "modinfo `a`\r\n", "args": "-s 'a b' \"c\" \\-d", "nested": "-importcfg=cfg @args",
    "quote": "-X 'main.a=b", "empty": " \n",
  ]

  private struct Outcome: Equatable {
    let stdout: String
    let stderr: String
    let exitCode: Int32
  }

  private func real(_ arguments: [String], _ environment: [String: String]) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(filePath: link)
    process.arguments = arguments
    process.currentDirectoryURL = directory
    process.environment = environment
    let stdout = directory.appending(path: "stdout")
    let stderr = directory.appending(path: "stderr")
    for file in [stdout, stderr] { try Data().write(to: file) }
    process.standardOutput = try FileHandle(forWritingTo: stdout)
    process.standardError = try FileHandle(forWritingTo: stderr)
    try process.run()
    process.waitUntilExit()
    return Outcome(
      stdout: String(decoding: try Data(contentsOf: stdout), as: UTF8.self),
      stderr: String(decoding: try Data(contentsOf: stderr), as: UTF8.self),
      exitCode: process.terminationStatus)
  }

  private func setUp() throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    for (name, text) in Self.files { try Data(text.utf8).write(to: directory.appending(path: name)) }
    try FileManager.default.createDirectory(
      at: directory.appending(path: "dir"), withIntermediateDirectories: true)
  }

  /// Ours must be the real linker's answer; a link that ours would do must get the real one as far as
  /// looking for the object, which does not exist.
  ///
  /// - Returns: whether there was something to compare.
  @discardableResult
  private func compare(_ arguments: [String], _ environment: [String: String] = [:]) throws -> Bool {
    var files = Self.files
    files["dir"] = ""
    let ours = LinkOptions.parse(
      .init(program: link, arguments: arguments, environment: environment), version: version,
      read: reader(files))
    switch ours {
    case .done(let stdout, let stderr, let exitCode, _):
      let want = try real(arguments, environment)
      #expect(
        Outcome(stdout: stdout, stderr: stderr, exitCode: exitCode) == want, "\(arguments) \(environment)")
    case .link(let o):
      let want = try real(arguments, environment)
      let message =
        "\(link): cannot open file \(o.mainObject): open \(o.mainObject): no such file or directory\n"
      #expect(want.stderr == message, "\(arguments) \(environment)")
    case .unsupported: return false
    }
    return true
  }

  @Test func saysTheSame() throws {
    try setUp()
    defer { try? FileManager.default.removeItem(at: directory) }
    let cases: [[String]] = [
      [], ["-help"], ["--help"], ["-h"], ["-nosuch"], ["-nosuch=1"], ["---s"], ["-="], ["-=x"], ["--=s"],
      ["x.a", "y.a"], ["-V"], ["-V=full"], ["-V=goexperiment"], ["--V"], ["-s", "-V", "-nosuch"],
      ["-nosuch", "-V"], ["-X", "a", "-V"], ["-X"], ["-X", "a=b"], ["-X", "=a.b"], ["-X=a.b"], ["-o"],
      ["-s=maybe", "x.a"], ["-w=maybe", "x.a"], ["-w=\"\t", "x.a"], ["-v=x", "x.a"], ["-v=1_0"], ["-R", "x"],
      ["-R=5", "x.a"], ["-R=-5", "x.a"], ["-R=12288", "x.a"], ["-R", "99999999999999999999"], ["-R="],
      ["-funcalign=3", "x.a"], ["-funcalign=-4", "x.a"], ["-funcalign=0x10", "x.a"], ["-strictdups=1.5"],
      ["-linkmode=none"], ["-buildmode=none"], ["-buildmode="], ["-linkmode"], ["-aslr=false", "x.a"],
      ["-H=foo", "x.a"], ["-H", "a b\"", "x.a"], ["-H=", "-R=7"], ["-extldflags='a", "x.a"],
      ["-extld", "\"a b", "x.a"], ["-macos=1.2.3.4"], ["-macos=256"], ["-macsdk=1..2"], ["-B=1", "x.a"],
      ["-B=0xzz", "x.a"], ["-B=0x1", "x.a"], ["-B=0x1z", "x.a"], ["-B=0x12z", "x.a"], ["-B=0x1é", "x.a"],
      ["-B=gobuildid", "x.a"], ["-B=0x" + String(repeating: "0", count: 66), "x.a"],
      ["-B=0x" + String(repeating: "0", count: 65), "x.a"], ["-importcfg=nosuch"], ["-importcfg", "dir"],
      ["-importcfg="], ["-importcfg=badverb"], ["-importcfg=badfile"], ["-importcfg=badlib"],
      ["-importcfg=badinfo"], ["-importcfg=tabs"], ["-importcfg=info", "-X=a", "x.a"], ["@nosuch"], ["@dir"],
      ["@"], ["@args"], ["@nested"], ["@quote"], ["@empty"], ["-importcfg", "cfg", "@args", "@empty"],
      ["-importcfg=cfg", "x.a"], ["-importcfg=info", "x.a"], ["-importcfg=cfg", "-s", "--", "-x.a"],
      ["-importcfg=cfg", "-"], ["-crash_for_testing", "-V"],
      ["-benchmark=gpu", "x.a"], ["-benchmark=g\"u", "-benchmarkprofile=p", "x.a"],
      ["-importcfg=cfg", "-benchmarkprofile=x", "x.a"],
      ["-importcfg=empty", "-T=0x400000", "-D=0x1000000", "-funcalign=64", "x.a"],
    ]
    for c in cases { try compare(c) }
    for experiment in ["arenas", "none", "noarenas,,greenteagc", "foo", "nono", "regabi,noregabi", "Arenas"] {
      try compare(["-V=full"], ["GOEXPERIMENT": experiment])
    }
    for amd64 in ["v1", "v4", "v5"] { try compare(["-V"], ["GOAMD64": amd64]) }
  }

  @Test func saysTheSameOfRandomArguments() throws {
    try setUp()
    defer { try? FileManager.default.removeItem(at: directory) }
    let pieces: [[String]] =
      [
        ["-s"], ["-w"], ["-w=x"], ["-s=x"], ["-o", "out"], ["-o=out"], ["-X", "main.a=b"], ["-X=bad"],
        ["-importcfg", "cfg"], ["-importcfg=cfg"], ["-importcfg=cfg"], ["-importcfg=badverb"], ["@args"],
        ["@nested"], ["@nosuch"], ["-R=4096"], ["-R=3"], ["-funcalign=5"], ["-B=0x12"], ["-B=0x1"],
        ["-buildid", "a"], ["-V"], ["--"], ["-"], ["-T"], ["7"], ["-bogus"], ["x.a"], ["x.a"], ["-e"],
        ["-buildmode=exe"], ["-H=linux"], ["-H=x"], ["-aslr=0"], ["-linkmode=auto"], ["-d"], ["-f=1"],
      ]
    var state = UInt64(20_260_727)
    func next(_ n: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % n
    }
    var compared = 0
    for _ in 0..<400 {
      var arguments: [String] = []
      for _ in 0..<next(7) { arguments += pieces[next(pieces.count)] }
      if next(2) == 0 { arguments += ["-importcfg=cfg", "main.a"] }
      if try compare(arguments) { compared += 1 }
    }
    #expect(compared > 350)
  }
}
