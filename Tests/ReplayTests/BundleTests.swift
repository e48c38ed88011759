import Foundation
import Protocol
import Replay
import Testing

/// A folder that goes with its last reference.
private final class Folder {
  let path = "/tmp/lr-\(UUID().uuidString.prefix(8))"

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false) }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String) throws -> String {
    let file = "\(path)/\(name)"
    let parent = (file as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    return file
  }
}

@Suite struct BundleTests {
  private func request(_ words: [String], in folder: Folder) -> BundleWriter.Request {
    BundleWriter.Request(
      tool: "/go/link", arguments: LinkArguments(words), workingDirectory: folder.path,
      environment: ["GOOS": "linux", "PATH": "/bin", "TMPDIR": "/x"], importPath: "a/b c")
  }

  private func write(
    _ request: BundleWriter.Request, _ config: String, to parent: String
  ) throws -> LinkBundle {
    var writer = BundleWriter(in: parent)
    return try writer.write(request, importConfig: Array(config.utf8)) { path, store throws(SystemError) in
      let file = request.absolute(path)
      return ReplaySyscalls.exists(file) ? try store.keep(file: file) : store.absent(path)
    }
  }

  private func files(below path: String) -> [String] {
    (FileManager.default.subpaths(atPath: path) ?? []).filter { name in
      var isDirectory: ObjCBool = false
      let exists = FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isDirectory)
      return exists && !isDirectory.boolValue
    }.sorted()
  }

  @Test func keepsAllThatALinkReads() throws {
    let folder = try Folder()
    let content = "cached content"
    let hash = SHA256.hexadecimal(of: Array(content.utf8))
    let cached = try folder.write("cache/\(hash.prefix(2))/\(hash)-d", content)
    _ = try folder.write("main.a", "the program")
    _ = try folder.write("fmt.a", "fmt")
    let config =
      "# kept\npackagefile fmt=fmt.a\npackagefile os=\(cached)\npackagefile gone=gone.a\nmodinfo \"x\"\n"
    let request = request(
      ["-o", "deep/out", "-importcfg", "cfg", "-fipso=f.o", "-s", "main.a"], in: folder)
    let bundle = try write(request, config, to: "\(folder.path)/B")

    let reread = try LinkBundle(folder: bundle.folder)
    #expect(
      reread.arguments.starts(with: ["-o", "@OUT@", "-importcfg", "importcfg", "-fipso=@OUT@.fips.o", "-s"]))
    #expect(
      reread.arguments(output: "/x/y").starts(with: [
        "-o", "/x/y", "-importcfg", "importcfg", "-fipso=/x/y.fips.o",
      ]))
    #expect(reread.environment == ["GOOS": "linux"], "places of this machine stay here")
    #expect(
      reread.tool == "/go/link" && reread.importPath == "a/b c" && reread.workingDirectory == folder.path)
    #expect(bundle.name.hasPrefix("a_b-"))
    let lines = try String(contentsOfFile: "\(bundle.folder)/importcfg", encoding: .utf8).split(
      separator: "\n")
    #expect(lines.count == 5 && lines[0] == "# kept" && lines[4] == "modinfo \"x\"")
    let fmt = SHA256.hexadecimal(of: Array("fmt".utf8))
    #expect(lines[1] == "packagefile fmt=../objects/\(fmt.prefix(2))/\(fmt).a")
    #expect(lines[2] == "packagefile os=../objects/\(hash.prefix(2))/\(hash)-d")
    #expect(lines[3].hasPrefix("packagefile gone=../objects/absent/"))
    let main = try #require(reread.arguments.last)
    #expect(try String(contentsOfFile: "\(bundle.folder)/\(main)", encoding: .utf8) == "the program")
    #expect(files(below: "\(folder.path)/B").count == 5)
    // The names of contents are what others compute for them.
    #expect(LinkBundle.find(in: "\(folder.path)/B") == [bundle.folder])
    #expect(LinkBundle.find(in: bundle.folder) == [bundle.folder])
  }

  @Test func sharesContentsAndRecognisesRequests() throws {
    let folder = try Folder()
    for name in ["main.a", "same.a", "work1/fmt.a", "work2/fmt.a"] {
      _ = try folder.write(name, name.hasPrefix("work") ? "f" : "m")
    }
    let words = ["-o", "out", "-importcfg", "cfg", "main.a"]
    let first = try write(request(words, in: folder), "packagefile fmt=work1/fmt.a\n", to: "\(folder.path)/B")
    let again = try write(request(words, in: folder), "packagefile fmt=work2/fmt.a\n", to: "\(folder.path)/B")
    #expect(first.folder == again.folder, "the same but for places")
    let other = try write(
      request(["-s"] + words, in: folder), "packagefile fmt=work2/fmt.a\n", to: "\(folder.path)/B")
    #expect(other.folder != first.folder)
    #expect(LinkBundle.find(in: "\(folder.path)/B").count == 2)
    #expect(files(below: "\(folder.path)/B/objects").count == 2)
    #expect(!files(below: "\(folder.path)/B").contains { $0.contains("partial") })
  }

  @Test func pointsFirstAndKeepsLater() throws {
    let folder = try Folder()
    let hash = SHA256.hexadecimal(of: Array("cached".utf8))
    let cached = try folder.write("cache/\(hash.prefix(2))/\(hash)-d", "cached")
    var store = ObjectStore(beside: "\(folder.path)/B")
    let reference = try store.refer(to: cached, cacheHash: hash)
    let entry = "\(folder.path)/B/x/\(reference)".replacingOccurrences(of: "/x/..", with: "")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: entry) == cached)
    try store.complete()
    try FileManager.default.removeItem(atPath: cached)
    #expect(try String(contentsOfFile: entry, encoding: .utf8) == "cached")
  }

  @Test func refusesWhatItCannotKeep() throws {
    let folder = try Folder()
    #expect(throws: BundleError.self) {
      _ = try write(request(["-o", "x", "main.a"], in: folder), "", to: "\(folder.path)/B")
    }
    #expect(throws: BundleError.self) { _ = try LinkBundle(folder: folder.path) }
    _ = try folder.write("request.json", "{\"tool\": 1}")
    #expect(throws: BundleError.self) { _ = try LinkBundle(folder: folder.path) }
  }

  @Test(arguments: [
    ("/c/3b/3b" + String(repeating: "0", count: 62) + "-d", true),
    ("/c/3c/3b" + String(repeating: "0", count: 62) + "-d", false),
    ("/c/3b/3b" + String(repeating: "0", count: 62), false), ("/c/3b/3b0-d", false), ("-d", false),
  ])
  func knowsTheBuildCache(_ path: String, _ isCached: Bool) {
    #expect((ObjectStore.cacheHash(path) != nil) == isCached)
  }
}

@Suite struct ComparisonTests {
  @Test(arguments: [
    ("", ""), ("ab", "1"), ("xaby", "x1y"), ("aab", "a1"), ("abc", "2"), ("abcab", "21"), ("ababd", "11d"),
    ("a", "a"), ("bcdd", "b3d"),
  ])
  func theLongestWordIsReplaced(_ text: String, _ expected: String) {
    let words = ["ab": "1", "abc": "2", "cd": "3", "": "4"].map { (Array($0.utf8), Array($1.utf8)) }
    let got = Comparison.replacing(
      Dictionary(words) { first, _ in first }, in: Array(text.utf8))
    #expect(String(decoding: got, as: UTF8.self) == expected)
  }

  private func result(
    _ code: Int32 = 0, _ stdout: String = "", _ stderr: String = "", _ output: String = "/none"
  ) -> LinkResult {
    LinkResult(exitCode: code, stdout: Array(stdout.utf8), stderr: Array(stderr.utf8), output: output)
  }

  private func headline(
    _ expected: LinkResult, _ actual: LinkResult, _ words: [String] = []
  ) throws -> String? {
    try Comparison(arguments: LinkArguments(words)).difference(expected: expected, actual: actual)?.headline
  }

  @Test func comparesAllThatIsSeen() throws {
    #expect(try headline(result(), result()) == nil)
    #expect(try headline(result(2), result()) == "exit code: expected 2, actual 0")
    #expect(try headline(result(0, "a\nb"), result(0, "a\nc")) == "stdout: expected \"b\", actual \"c\"")
    #expect(try headline(result(0, "", "w\n"), result())?.hasPrefix("stderr: expected \"w\"") == true)
    #expect(
      try headline(result(0, "b\na"), result(0, "a\nb"), ["-dumpdep"]) == nil, "an order that means nothing")
    #expect(try headline(result(0, "9 ns"), result(0, "8 ns"), ["-benchmark=cpu"]) == nil)
    #expect(try headline(result(1, "", "no /a/x", "/a/x"), result(1, "", "no /b/y", "/b/y")) == nil)
  }

  @Test func comparesFiles() throws {
    let folder = try Folder()
    let (one, two) = (try folder.write("one", "abc"), try folder.write("two", "abd"))
    #expect(try headline(result(0, "", "", one), result(0, "", "", one)) == nil)
    #expect(try headline(result(0, "", "", one), result(0, "", "", two))?.contains("bytes differ") == true)
    #expect(try headline(result(0, "", "", one), result()) == "output file: expected one, actual none")
    var more = Comparison(arguments: LinkArguments([]))
    more.otherOutputs = [(one, two)]
    #expect(
      try more.difference(expected: result(0, "", "", one), actual: result(0, "", "", one))?.headline
        == "the files \(one) and \(two) differ")
    let three = try folder.write("three", "abc")
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: three)
    #expect(
      try headline(result(0, "", "", one), result(0, "", "", three)) == "mode bits: expected 644, actual 700")
  }

  @Test func runsAProgramWhereItIsTold() throws {
    let folder = try Folder()
    let tool = try folder.write("tool", "#!/bin/sh\necho \"$0 $* $PWD $A\"; echo e >&2; exit 3\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: tool)
    let inner = "\(folder.path)/inner"
    try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)
    let run = LinkRun(
      linker: tool, arguments: ["x", "y z"], environment: ["A=b"], directory: inner, output: "/none")
    let result = try run.run(scratch: folder.path)
    #expect(String(decoding: result.stdout, as: UTF8.self) == "\(tool) x y z \(inner) b\n")
    #expect(result.exitCode == 3 && result.stderr == Array("e\n".utf8))
    var missing = run
    missing.linker = "\(folder.path)/none"
    #expect(throws: SystemError.self) { _ = try missing.run(scratch: folder.path) }
  }

  @Test func environmentsOfBundles() {
    let base = ["GOROOT=/x", "LINKD=0", "HOME=/h", "CC=gcc"]
    #expect(
      LinkRun.environment(base, bundle: ["CC": "cc", "GOOS": "linux"]) == ["HOME=/h", "CC=cc", "GOOS=linux"])
  }
}
