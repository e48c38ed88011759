import Foundation

/// The repository this test was built from.
let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// One text file of the repository.
struct SourceFile {
  /// Path from the repository's root.
  var path: String
  var text: String

  /// Lines, the newline at the end of the last one not counted.
  var lineCount: Int {
    text.split(separator: "\n", omittingEmptySubsequences: false).count - (text.hasSuffix("\n") ? 1 : 0)
  }

  /// `Sources/ROOM/...` -> ROOM.
  var room: String? {
    let parts = path.split(separator: "/")
    return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
  }

  /// The code with comments and string literals blanked out, line by line as before.
  var code: String { Self.codeOnly(text) }
}

extension SourceFile {
  /// All files below `folders` whose name ends in one of `endings`.
  static func all(in folders: [String], endings: [String]) throws -> [SourceFile] {
    var files: [SourceFile] = []
    for folder in folders {
      let root = repository.appendingPathComponent(folder)
      for path in try FileManager.default.subpathsOfDirectory(atPath: root.path).sorted() {
        guard endings.contains(where: path.hasSuffix) else { continue }
        let url = root.appendingPathComponent(path)
        files.append(
          SourceFile(path: folder + "/" + path, text: try String(contentsOf: url, encoding: .utf8)))
      }
    }
    return files
  }

  static func swift() throws -> [SourceFile] { try all(in: ["Sources", "Tests"], endings: [".swift"]) }

  /// Blanks comments and string literals; what an interpolation holds goes with its string.
  static func codeOnly(_ text: String) -> String {
    let characters = Array(text)
    var result = ""
    var at = 0
    func starts(_ word: String) -> Bool {
      let end = at + word.count
      return end <= characters.count && String(characters[at..<end]) == word
    }
    func skip(to end: String, nesting begin: String? = nil, escapes: Bool) {
      var depth = 1
      while at < characters.count {
        if escapes, characters[at] == "\\" {
          at += 2
          continue
        }
        if let begin, starts(begin) { depth += 1 }
        if starts(end) {
          depth -= 1
          if depth == 0 {
            at += end.count
            return
          }
        }
        if characters[at].isNewline {
          if end == "\"" { return }
          result.append("\n")
        }
        at += 1
      }
    }
    while at < characters.count {
      if starts("//") {
        while at < characters.count, !characters[at].isNewline { at += 1 }
      } else if starts("/*") {
        at += 2
        skip(to: "*/", nesting: "/*", escapes: false)
      } else if starts("\"\"\"") {
        at += 3
        skip(to: "\"\"\"", escapes: true)
        result.append("\"\"")
      } else if characters[at] == "\"" {
        at += 1
        skip(to: "\"", escapes: true)
        result.append("\"\"")
      } else {
        result.append(characters[at])
        at += 1
      }
    }
    return result
  }
}

/// The numbers of the lines of `code` on which `pattern` matches.
func lines(of code: String, matching pattern: Regex<Substring>) -> [Int] {
  code.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
    line.firstMatch(of: pattern) == nil ? nil : index + 1
  }
}
