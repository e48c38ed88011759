import LoaderCore

/// Why reading the command line ends before there is a link to do.
enum CommandLineStop: Error, Equatable {
  /// - Parameter removes: what lies at this path goes.
  case done(stdout: String, stderr: String, exitCode: Int32, removes: String? = nil)
  case unsupported(reason: String)

  /// `log.Fatalf`.
  static func fatal(_ message: String) -> CommandLineStop {
    .done(stdout: "", stderr: "link: \(message)\n", exitCode: 1)
  }

  /// `Exitf`, which takes an earlier output along (ld/sym.go linknew, AtExit).
  static func exit(_ program: String, _ message: String, removes output: String) -> CommandLineStop {
    .done(stdout: "", stderr: "\(program): \(message)\n", exitCode: 2, removes: output.isEmpty ? nil : output)
  }

  /// The usage text, behind a message if there is one.
  static func usage(_ message: String? = nil) -> CommandLineStop {
    .done(stdout: "", stderr: (message.map { $0 + "\n" } ?? "") + FlagTable.usage, exitCode: 2)
  }
}

/// What flags say, by the kinds of the table; a flag that was not given has its default.
struct FlagValues {
  private enum Value {
    case bool(Bool)
    case int(Int64)
    case text(String)
  }

  private var values: [FlagName: Value] = [:]

  func bool(_ name: FlagName) -> Bool {
    if case .bool(let v)? = values[name] { return v }
    if case .bool(let v) = FlagTable.flag(name).kind { return v }
    return false
  }

  /// Nil when the flag was not given.
  func ternary(_ name: FlagName) -> Bool? {
    if case .bool(let v)? = values[name] { return v }
    return nil
  }

  func int(_ name: FlagName) -> Int64 {
    if case .int(let v)? = values[name] { return v }
    if case .int(let v) = FlagTable.flag(name).kind { return v }
    return 0
  }

  func text(_ name: FlagName) -> String {
    if case .text(let v)? = values[name] { return v }
    return ""
  }

  mutating func set(_ name: FlagName, _ v: Bool) { values[name] = .bool(v) }
  mutating func set(_ name: FlagName, _ v: Int64) { values[name] = .int(v) }
  mutating func set(_ name: FlagName, _ v: String) { values[name] = .text(v) }

  /// Whether the flag has another value than its default.
  func isSet(_ name: FlagName) -> Bool {
    switch FlagTable.flag(name).kind {
    case .bool(let v): bool(name) != v
    case .ternary: ternary(name) != nil
    case .int(let v): int(name) != v
    case .count: int(name) != 0
    default: !text(name).isEmpty
    }
  }
}

/// String variables that the linker sets, in the order they were first mentioned; the last value counts
/// (ld/data.go addstrdata1).
struct StringVariables {
  private(set) var all: [(name: String, value: [UInt8])] = []
  private var index: [[UInt8]: Int] = [:]

  mutating func set(_ name: String, _ value: [UInt8]) {
    if let i = index[Array(name.utf8)] {
      all[i].value = value
    } else {
      index[Array(name.utf8)] = all.count
      all.append((name, value))
    }
  }
}

/// The arguments of one `link`, read from left to right as Go's flag package does (flag/flag.go parseOne);
/// some flags act as soon as they are read.
struct CommandLineParser {
  let program: String
  let configuration: BuildConfiguration
  let read: ResponseFile.Reader
  private(set) var flags = FlagValues()
  private(set) var strings = StringVariables()
  private(set) var importConfig: ImportConfig?
  private(set) var libraryDirectories: [String] = []
  /// What is left behind the flags.
  private(set) var operands: [String] = []

  init(program: String, configuration: BuildConfiguration, read: @escaping ResponseFile.Reader) {
    self.program = program
    self.configuration = configuration
    self.read = read
    if !configuration.goroot.isEmpty {
      strings.set("runtime.defaultGOROOT", Array(configuration.goroot.utf8))
    }
    strings.set("runtime.buildVersion", Array(configuration.buildVersion.utf8))
  }

  /// Reads all arguments.
  mutating func parse(_ arguments: [[UInt8]]) throws(CommandLineStop) {
    var rest = arguments[...]
    while let argument = rest.first, argument.count >= 2, argument[0] == UInt8(ascii: "-") {
      rest.removeFirst()
      if argument == Array("--".utf8) { break }
      let name = argument.dropFirst(argument[1] == UInt8(ascii: "-") ? 2 : 1)
      guard let first = name.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "=") else {
        throw .usage("bad flag syntax: \(Self.string(argument))")
      }
      try parse(name, &rest)
    }
    operands = rest.map(Self.string)
  }

  private static func string(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: Array(bytes), as: UTF8.self)
  }

  private mutating func parse(
    _ text: ArraySlice<UInt8>, _ rest: inout ArraySlice<[UInt8]>
  ) throws(CommandLineStop) {
    let equals = text.firstIndex(of: UInt8(ascii: "="))
    let name = Array(text[..<(equals ?? text.endIndex)])
    var value = equals.map { Array(text[($0 + 1)...]) }
    guard let flag = FlagTable.flag(named: name) else {
      throw name == Array("help".utf8)
        ? .usage() : .usage("flag provided but not defined: -\(Self.string(name))")
    }
    if flag.isBoolean { return try setBoolean(flag, value) }
    if value == nil { value = rest.popFirst() }
    guard let value else { throw .usage("flag needs an argument: -\(Self.string(name))") }
    try set(flag, value)
  }

  private mutating func setBoolean(_ flag: LinkFlag, _ given: [UInt8]?) throws(CommandLineStop) {
    let value = given ?? Array("true".utf8)
    let problem: String
    switch flag.kind {
    case .version: throw printVersion()
    case .count:
      if let n = count(value, from: flags.int(flag.name)) { return flags.set(flag.name, n) }
      problem = "invalid count \(try quoted(value))"
    case .ternary:
      if let v = GoText.parseBool(value) { return flags.set(flag.name, v) }
      problem = "strconv.ParseBool: parsing \(try quoted(value)): invalid syntax"
    default:
      if let v = GoText.parseBool(value) { return flags.set(flag.name, v) }
      problem = "parse error"
    }
    throw .usage("invalid boolean value \(try quoted(value)) for -\(flag.name.rawValue): \(problem)")
  }

  private func count(_ value: [UInt8], from now: Int64) -> Int64? {
    switch Self.string(value) {
    case "true": now &+ 1
    case "false": 0
    default: try? GoText.parseInt(value, base: 10)
    }
  }

  private func quoted(_ text: [UInt8]) throws(CommandLineStop) -> String {
    guard let q = GoText.quote(text) else {
      throw .unsupported(reason: "a message with text beyond ASCII")
    }
    return q
  }

  /// "link version go1.27.3", which the go command makes part of every build id (objabi/flag.go).
  private func printVersion() -> CommandLineStop {
    var name = program.utf8[...]
    if let slash = name.lastIndex(of: UInt8(ascii: "/")) { name = name[name.index(after: slash)...] }
    if let slash = name.lastIndex(of: UInt8(ascii: "\\")) { name = name[name.index(after: slash)...] }
    if name.suffix(4).elementsEqual(".exe".utf8) { name = name.dropLast(4) }
    return .done(
      stdout: "\(Self.string(name)) version \(configuration.version)\(configuration.versionSuffix)\n",
      stderr: "", exitCode: 0)
  }

  private mutating func set(_ flag: LinkFlag, _ value: [UInt8]) throws(CommandLineStop) {
    let text = Self.string(value)
    let problem: String
    switch flag.kind {
    case .action: return try act(flag.name, value)
    case .int:
      do throws(GoText.NumberError) {
        return flags.set(flag.name, try GoText.parseInt(value, base: 0))
      } catch {
        problem = error == .syntax ? "parse error" : "value out of range"
      }
    case .words:
      guard let mark = GoText.unterminatedQuote(value) else { return flags.set(flag.name, text) }
      problem = "unterminated \(mark) string"
    case .macVersion:
      if Self.isMacVersion(value) { return flags.set(flag.name, text) }
      problem = "invalid version \(try quoted(value))"
    case .linkMode:
      if ["auto", "internal", "external"].contains(text) { return flags.set(flag.name, text) }
      problem = "invalid linkmode: \(try quoted(value))"
    case .buildMode:
      if BuildMode(rawValue: text) != nil { return flags.set(flag.name, text) }
      problem = "invalid buildmode: \(try quoted(value))"
    default: return flags.set(flag.name, text)
    }
    throw .usage("invalid value \(try quoted(value)) for flag -\(flag.name.rawValue): \(problem)")
  }

  private static func isMacVersion(_ text: [UInt8]) -> Bool {
    let numbers = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return numbers.count <= 3
      && numbers.allSatisfy {
        guard let n = try? GoText.parseInt(Array($0), base: 10) else { return false }
        return (0...255).contains(n)
      }
  }

  // MARK: flags that act at once

  private mutating func act(_ name: FlagName, _ value: [UInt8]) throws(CommandLineStop) {
    switch name {
    case .libraryDirectory: libraryDirectories.append(Self.string(value))
    case .stringVariable: try setVariable(value)
    default: try readImportConfig(Self.string(value))
    }
  }

  /// -X importpath.name=value
  private mutating func setVariable(_ text: [UInt8]) throws(CommandLineStop) {
    guard let equals = text.firstIndex(of: UInt8(ascii: "=")),
      let dot = text[..<equals].lastIndex(of: UInt8(ascii: "."))
    else {
      throw .exit(
        program, "-X flag requires argument of the form importpath.name=value", removes: flags.text(.output))
    }
    let package_ = PackagePath.prefix(Self.string(text[..<dot]))
    strings.set(package_ + Self.string(text[dot..<equals]), Array(text[(equals + 1)...]))
  }

  private mutating func readImportConfig(_ path: String) throws(CommandLineStop) {
    switch read(path) {
    case .failure(let e): throw .fatal("-importcfg: \(e.text(path))")
    case .success(let text):
      let config = try ImportConfig.parse(text, path: path)
      for value in config.moduleInfos { strings.set("runtime.modinfo", value) }
      importConfig = config
    }
  }
}
