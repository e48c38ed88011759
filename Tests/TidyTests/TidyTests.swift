import Foundation
import Testing

/// What may be imported from where: the arrows of the design. A room that is not listed fails.
private let arrows: [String: Set<String>] = [
  "Protocol": [],
  "Hashing": [],
  "LoaderCore": ["Hashing"],
  "GoDeflate": ["Hashing"],
  "ImageDiff": [],
  "ImageWriter": ["LoaderCore", "GoDeflate"],
  "Replay": ["Protocol", "ImageDiff"],
  "LinkDaemon": ["Protocol", "LoaderCore", "ImageWriter", "Replay"],
  "linkd": ["LinkDaemon", "Protocol"],
  "linkctl": ["Protocol", "ImageDiff", "Replay"],
]

/// Packages of others, and the rooms that may know them.
private let guests: [String: Set<String>] = [
  "GRDB": ["LinkDaemon"],
  "Crypto": ["ImageWriter", "LinkDaemon"],
  "Logging": ["LinkDaemon", "linkd"],
  "ArgumentParser": ["linkctl", "linkd"],
]

/// Files that may hold a trap, with the reason. The path ends in the key.
private let trapExceptions: [String: String] = [:]

/// Files above the length limit, with the reason.
private let lengthExceptions: [String: String] = [:]

/// The names of scripts end in one of these.
private let scriptEndings = [
  ".py", ".sh", "/setup", "/test", "/bench", "/demo", "/identity", "/corpus",
].map { $0.hasPrefix("/") ? String($0.dropFirst()) : $0 }

private let longestFile = 600

@Suite struct TidyTests {
  @Test func roomsImportOnlyWhatTheDesignAllows() throws {
    let own = Set(arrows.keys)
    for file in try SourceFile.all(in: ["Sources"], endings: [".swift"]) {
      let room = try #require(file.room, "\(file.path) lies in no room")
      let allowed = try #require(arrows[room], "Sources/\(room) is not in the table of rooms")
      for match in file.code.matches(
        of: /(?m)^\s*(?:@\w+\s+)*(?:package |internal |private )?import (?:\w+ )?(\w+)/)
      {
        let module = String(match.1)
        if own.contains(module) {
          #expect(allowed.contains(module), "\(file.path) imports \(module)")
        } else if let rooms = guests[module] {
          #expect(rooms.contains(room), "\(file.path) imports \(module)")
        }
      }
    }
  }

  @Test func filesAreShort() throws {
    let files =
      try SourceFile.swift()
      + SourceFile.all(in: ["scripts"], endings: scriptEndings)
    for file in files where lengthExceptions[file.path] == nil {
      #expect(file.lineCount <= longestFile, "\(file.path) has \(file.lineCount) lines")
    }
    for path in lengthExceptions.keys {
      let file = files.first { $0.path == path }
      #expect((file?.lineCount ?? 0) > longestFile, "\(path) needs no exception")
    }
  }

  @Test func nothingTraps() throws {
    // `!` behind a name or a bracket is a forced unwrap; `!=` is not.
    let pattern: Regex<Substring> =
      /\bfatalError\(|\bpreconditionFailure\(|\bassertionFailure\(|\btry!|\bas!|[\w)\]]!(?!=)/
    var used: Set<String> = []
    for file in try SourceFile.all(in: ["Sources"], endings: [".swift"]) {
      let found = lines(of: file.code, matching: pattern)
      if trapExceptions[file.path] != nil {
        if !found.isEmpty { used.insert(file.path) }
        continue
      }
      #expect(
        found.isEmpty, "\(file.path) can trap on line \(found.map(String.init).joined(separator: ", "))")
    }
    #expect(used == Set(trapExceptions.keys), "exceptions without need")
  }

  @Test func nothingIsPublic() throws {
    for file in try SourceFile.all(in: ["Sources"], endings: [".swift"]) {
      let found = lines(
        of: file.code,
        matching: /\b(?:public|open) (?:\w+ )*(?:struct|class|enum|func|var|let|init|actor|protocol)\b/)
      #expect(found.isEmpty, "\(file.path): modules share by `package`, line \(found)")
    }
  }

  @Test func noMachineIsNamed() throws {
    let folders = ["Sources", "Tests", "scripts", ".ci"]
    var files = try SourceFile.all(
      in: folders,
      endings: [
        ".swift", ".go", ".s", ".txt", ".py", "setup", "test", "bench", "demo", "identity",
        "corpus", ".sh", "run",
      ])
    for name in ["README.md", "CONTRIBUTING.md", "DESIGN.md", "Package.swift"] {
      files.append(SourceFile(path: name, text: try text(name)))
    }
    // Spelled so that this file does not match itself.
    let patterns = [
      "/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/Us" + "ers/", "deb.deb" + "ian.org", "py" + "pi.org/",
    ]
    for file in files {
      for pattern in patterns {
        // A path of Go's source that has such a folder in it is no place on a machine.
        let places = file.text.ranges(of: pattern).filter { range in
          let before = file.text[..<range.lowerBound].last
          return !(pattern.hasPrefix("/") && (before?.isLetter ?? false))
        }
        #expect(places.isEmpty, "\(file.path) names \(pattern)")
      }
    }
  }

  @Test func documentsNameWhatIsThere() throws {
    let readme = try text("README.md") + text("CONTRIBUTING.md")
    for script in try FileManager.default.contentsOfDirectory(atPath: repository.path + "/scripts") {
      guard script != "lib", script != "__pycache__" else { continue }
      #expect(
        readme.contains("scripts/\(script)"),
        "neither README.md nor CONTRIBUTING.md mentions scripts/\(script)")
    }
    let design = try text("DESIGN.md")
    for room in arrows.keys {
      #expect(design.contains(room), "DESIGN.md does not mention \(room)")
    }
    #expect(
      try text("LICENSE").contains("Apache License\n                           Version 2.0, January 2004"))
    // Whatever documents name as a path of ours must be there.
    for name in ["README.md", "CONTRIBUTING.md", "DESIGN.md"] {
      for match in try text(name).matches(of: /(?:Sources|Tests|scripts)\/[A-Za-z0-9_\/.-]*[A-Za-z0-9]/) {
        let path = repository.path + "/" + match.0
        #expect(FileManager.default.fileExists(atPath: path), "\(name) names \(match.0), which is not there")
      }
    }
  }

  @Test func fixturesAndTheirTableAgree() throws {
    let folder = "Tests/Fixtures/programs"
    let rows = try text(folder + "/table.txt").split(separator: "\n").filter { !$0.hasPrefix("#") }
    let listed = Set(
      rows.compactMap { $0.split(whereSeparator: { $0 == " " || $0 == "/" }).first.map(String.init) })
    let there = try FileManager.default.contentsOfDirectory(atPath: repository.path + "/" + folder)
      .filter { !$0.contains(".") }
    #expect(listed == Set(there))
    #expect(there.count >= 30)
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOf: repository.appendingPathComponent(path), encoding: .utf8)
  }
}

/// The checks above stand on this: code is told from comments and strings.
@Suite struct CodeOnlyTests {
  @Test(arguments: [
    ("let a = \"x!\" // b!\nc!", "let a = \"\" \nc!"),
    ("/* a! /* b! */ c! */d", "d"),
    ("\"\"\"\n a!\n \\\"\"\" b!\n\"\"\"x", "\n\n\n\"\"x"),
    ("\"\\\"!\" + e", "\"\" + e"),
  ])
  func blanks(_ text: String, _ code: String) {
    #expect(SourceFile.codeOnly(text) == code)
  }
}
