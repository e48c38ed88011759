import Protocol

/// Makes bundles: rewrites a request so that it names nothing outside the folder that holds them.
package struct BundleWriter {
  /// A request as it was made.
  package struct Request {
    package var tool: String
    /// With response files expanded.
    package var arguments: LinkArguments
    package var workingDirectory: String
    package var environment: [String: String]
    /// What the go command says is being linked; may be empty.
    package var importPath: String

    package init(
      tool: String, arguments: LinkArguments, workingDirectory: String, environment: [String: String],
      importPath: String
    ) {
      self.tool = tool
      self.arguments = arguments
      self.workingDirectory = workingDirectory
      self.environment = environment
      self.importPath = importPath
    }

    package func absolute(_ path: String) -> String {
      path.hasPrefix("/") ? path : "\(workingDirectory)/\(path)"
    }
  }

  /// Puts an input, named as the request names it, into the store, and gives its path from the bundle's folder.
  package typealias Keep = (String, inout ObjectStore) throws(SystemError) -> String

  /// Variables that only say where things are on this machine.
  private static let placeVariables: Set<String> = ["PATH", "PWD", "TMPDIR"]
  /// Flags with files that a link writes: each gets a name behind the output's.
  private static let otherOutputs = ["fipso", "cpuprofile", "memprofile", "benchmarkprofile"]

  package private(set) var store: ObjectStore
  private let parent: String

  /// - Parameter parent: the folder that holds the bundles.
  package init(in parent: String) {
    self.parent = parent
    store = ObjectStore(beside: parent)
  }

  /// Writes one bundle; one of the same name, which is the same request, is left as it is.
  ///
  /// - Parameter importConfig: what the file of -importcfg says.
  package mutating func write(
    _ request: Request, importConfig: [UInt8], keep: Keep
  ) throws(BundleError) -> LinkBundle {
    var arguments = request.arguments
    guard arguments.value("importcfg") != nil else {
      throw .unfit("no -importcfg: the inputs of such a link are not known before it runs")
    }
    var config: [UInt8] = []
    do {
      config = try rewrite(importConfig, keep)
      var store = self.store
      try arguments.replaceOperands { path throws(SystemError) in try keep(path, &store) }
      self.store = store
    } catch {
      throw .system(error)
    }
    arguments.replaceValues(of: "importcfg") { _ in "importcfg" }
    if arguments.value("o") == nil { arguments.prepend("o", LinkBundle.outputMark) }
    arguments.replaceValues(of: "o") { _ in LinkBundle.outputMark }
    for flag in Self.otherOutputs {
      arguments.replaceValues(of: flag) { _ in "\(LinkBundle.outputMark).\(flag == "fipso" ? "fips.o" : flag)"
      }
    }
    var bundle = LinkBundle(
      folder: "", tool: request.tool, arguments: arguments.words,
      environment: request.environment.filter { !Self.placeVariables.contains($0.key) },
      workingDirectory: request.workingDirectory, importPath: request.importPath)
    bundle.folder = "\(parent)/\(Self.name(request, bundle, config))"
    try save(bundle, config)
    return bundle
  }

  /// Makes a bundle that was written last for good: see `ObjectStore.refer`.
  package mutating func complete() throws(SystemError) { try store.complete() }

  /// The lines of an import configuration with each file replaced by the stored one.
  private mutating func rewrite(_ text: [UInt8], _ keep: Keep) throws(SystemError) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(text.count)
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      if index > 0 { out.append(UInt8(ascii: "\n")) }
      guard line.starts(with: "packagefile ".utf8) || line.starts(with: "packageshlib ".utf8),
        let equals = line.firstIndex(of: UInt8(ascii: "=")),
        let path = String(validating: line[(equals + 1)...], as: UTF8.self)
      else {
        out += line
        continue
      }
      out += line[...equals]
      out += try keep(path, &store).utf8
    }
    return out
  }

  private func save(_ bundle: LinkBundle, _ config: [UInt8]) throws(BundleError) {
    do {
      if ReplaySyscalls.exists(bundle.folder) { return }
      try Locations.makeDirectories(parent)
      let partial = try ReplaySyscalls.makeTemporaryDirectory(in: parent, prefix: "\(bundle.name).partial-")
      try ReplaySyscalls.write("\(partial)/importcfg", config)
      try ReplaySyscalls.write(
        "\(partial)/\(LinkBundle.requestName)", bundle.json.serialized(pretty: true) + [0x0A])
      do {
        try ReplaySyscalls.rename(partial, to: bundle.folder)
      } catch {
        // Another one was quicker, with the same.
        ReplaySyscalls.removeTree(partial)
        if !ReplaySyscalls.exists(bundle.folder) { throw error }
      }
    } catch let error as SystemError {
      throw .system(error)
    } catch {
      throw .malformed(path: bundle.folder, problem: "\(error)")
    }
  }

  /// What is linked, and a hash of all that decides the link: the same request has the same name wherever it is made.
  private static func name(_ request: Request, _ bundle: LinkBundle, _ config: [UInt8]) -> String {
    var output = request.arguments.value("o") ?? "a.out"
    if let slash = output.lastIndex(of: "/") { output = String(output[output.index(after: slash)...]) }
    let what =
      (request.importPath.isEmpty ? output : request.importPath).split(separator: " ").first ?? "link"
    let readable = what.unicodeScalars.map { scalar in
      let plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-".unicodeScalars
      return plain.contains(scalar) ? String(scalar) : "_"
    }.joined()
    let words =
      [bundle.tool] + bundle.arguments
      + bundle.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let digest = SHA256.hexadecimal(of: Array(words.joined(separator: "\0").utf8) + [0] + config)
    return "\(readable.prefix(100))-\(digest.prefix(10))"
  }
}
