/// What -importcfg says: where packages lie, and the module information of the program
/// (cmd/link/internal/ld/ld.go readImportCfg).
package struct ImportConfig: Equatable, Sendable {
  /// Package path -> archive file.
  package var packageFiles: [String: String] = [:]
  /// Package path -> shared library; looked at with -linkshared only.
  package var packageSharedLibraries: [String: String] = [:]
  /// The values of the `modinfo` lines, in order; bytes that need not be UTF-8.
  package var moduleInfos: [[UInt8]] = []

  /// Reads the text of the file that messages call `path`.
  ///
  /// - Throws: what the real linker prints of the first bad line, with exit code 1.
  static func parse(_ text: [UInt8], path: String) throws(CommandLineStop) -> ImportConfig {
    var config = ImportConfig()
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    config.packageFiles.reserveCapacity(lines.count)
    for (index, raw) in lines.enumerated() {
      if let (key, file) = raw.withUnsafeBufferPointer(plainPackageFile) {
        config.packageFiles[key] = file
        continue
      }
      let line = GoText.trimSpace(raw)
      guard let first = line.first, first != UInt8(ascii: "#") else { continue }
      let place = "\(path):\(index + 1)"
      let blank = line.firstIndex(of: UInt8(ascii: " ")) ?? line.endIndex
      let arguments = GoText.trimSpace(line[min(blank + 1, line.endIndex)...])
      switch String(decoding: line[..<blank], as: UTF8.self) {
      case "packagefile":
        let (key, file) = try pair(arguments, "packagefile", place)
        config.packageFiles[key] = file
      case "packageshlib":
        let (key, file) = try pair(arguments, "packageshlib", place)
        config.packageSharedLibraries[key] = file
      case "modinfo":
        guard let value = GoText.unquote(arguments) else {
          throw .fatal("\(place): invalid modinfo: invalid syntax")
        }
        config.moduleInfos.append(value)
      default:
        guard let verb = GoText.quote(line[..<blank]) else {
          throw .unsupported(reason: "an unknown directive in \(path)")
        }
        throw .fatal("\(place): unknown directive \(verb)")
      }
    }
    return config
  }

  private static let packageFile = Array("packagefile ".utf8)

  /// What a line says that is written as the go command writes nearly all of them; nil for others, right or wrong.
  private static func plainPackageFile(_ line: UnsafeBufferPointer<UInt8>) -> (String, String)? {
    func isPlain(_ byte: UInt8) -> Bool { byte > UInt8(ascii: " ") && byte < 0x7f }
    let start = packageFile.count
    guard line.count > start + 2, line.starts(with: packageFile), isPlain(line[start]),
      isPlain(line[line.count - 1]),
      let equals = line[start...].firstIndex(of: UInt8(ascii: "=")), equals > start, equals + 1 < line.count,
      let key = String(validating: line[start..<equals], as: UTF8.self),
      let file = String(validating: line[(equals + 1)...], as: UTF8.self)
    else { return nil }
    return (key, file)
  }

  private static func pair(
    _ text: ArraySlice<UInt8>, _ verb: String, _ place: String
  ) throws(CommandLineStop) -> (String, String) {
    guard let equals = text.firstIndex(of: UInt8(ascii: "=")), equals > text.startIndex,
      equals + 1 < text.endIndex
    else {
      throw .fatal("\(place): invalid \(verb): syntax is \"\(verb) path=filename\"")
    }
    guard let key = String(validating: text[..<equals], as: UTF8.self),
      let value = String(validating: text[(equals + 1)...], as: UTF8.self)
    else { throw .unsupported(reason: "an import configuration that is not UTF-8") }
    return (key, value)
  }
}
