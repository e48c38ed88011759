import Protocol

/// A link request on disk, with all it needs to be made again somewhere else: `docs/bundles.md` has the format.
package struct LinkBundle: Sendable {
  /// Stands for the output file in the arguments.
  package static let outputMark = "@OUT@"
  static let requestName = "request.json"
  static let format = 2

  /// Absolute; relative paths among the arguments start here.
  package var folder: String
  /// The linker as it was called.
  package var tool: String
  package var arguments: [String]
  package var environment: [String: String]
  /// Where the link was made, for the reader: a replay runs in `folder`.
  package var workingDirectory: String
  package var importPath: String

  package var name: String {
    String(folder[(folder.lastIndex(of: "/").map(folder.index(after:)) ?? folder.startIndex)...])
  }

  /// The arguments with a real output file.
  package func arguments(output: String) -> [String] {
    arguments.map { argument in
      let parts = argument.utf8.split(separator: Self.outputMark.utf8, omittingEmptySubsequences: false)
      return parts.count < 2 ? argument : parts.map { String(Substring($0)) }.joined(separator: output)
    }
  }
}

/// Why a bundle cannot be written or read.
package enum BundleError: Error, Equatable, Sendable, CustomStringConvertible {
  case system(SystemError)
  case malformed(path: String, problem: String)
  /// The request says too little to be kept: why.
  case unfit(String)

  package var description: String {
    switch self {
    case .system(let error): error.description
    case .malformed(let path, let problem): "\(path): \(problem)"
    case .unfit(let why): why
    }
  }
}

extension LinkBundle {
  private static let largestRequest = 16 << 20

  /// Reads the bundle in a folder.
  package init(folder: String) throws(BundleError) {
    let path = "\(folder)/\(Self.requestName)"
    do {
      let text = try Syscalls.readHead(path, limit: Self.largestRequest)
      let fields = try JSONFields(try JSONValue(parsing: text))
      self.folder = folder
      tool = try fields.required("tool")
      arguments = try fields.required("args")
      environment = try fields.optional("env") ?? [:]
      workingDirectory = try fields.optional("cwd") ?? "/"
      importPath = try fields.optional("importpath") ?? ""
    } catch let error as SystemError {
      throw .system(error)
    } catch {
      throw .malformed(path: path, problem: "\(error)")
    }
  }

  /// The folders of the bundles in or below a folder, sorted.
  package static func find(in folder: String) -> [String] {
    if ReplaySyscalls.exists("\(folder)/\(requestName)") { return [folder] }
    return ReplaySyscalls.names(in: folder).flatMap { name -> [String] in
      let path = "\(folder)/\(name)"
      if name == ObjectStore.name || name.contains(".partial-") || !ReplaySyscalls.isDirectory(path) {
        return []
      }
      return find(in: path)
    }
  }

  var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("format", Self.format)
    object.set("tool", tool)
    object.set("args", arguments)
    object.set("cwd", workingDirectory)
    object.set("importpath", importPath)
    object.set("env", environment)
    return object.object
  }
}
