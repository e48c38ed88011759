import LoaderCore

/// What `-buildmode` can be.
package enum BuildMode: String, Sendable {
  case exe, pie
  case archive = "c-archive"
  case sharedC = "c-shared"
  case shared, plugin
}

/// Everything that the command line and the environment of one `link` say, as one value
/// (cmd/link/internal/ld/main.go Main, up to the loading of packages).
///
/// Paths are as they were given: relative ones start at the request's directory.
package struct LinkOptions: Sendable {
  package let configuration: BuildConfiguration
  /// argv[0], which messages of `Exitf` begin with.
  package let program: String
  package let mainObject: String
  /// -o
  package let output: String
  package let importConfig: ImportConfig
  package let buildMode: BuildMode
  /// Variables to set, in the order of first mention with the last value: the toolchain's own
  /// (runtime.defaultGOROOT, runtime.buildVersion), runtime.modinfo and those of -X.
  package let stringVariables: [(name: String, value: [UInt8])]
  /// -buildid
  package let buildID: String
  /// -B
  package let gnuBuildID: GNUBuildID
  /// -E
  package let entry: String
  /// -fipso; nil when it was not given.
  package let fipsObject: String?

  // Where things lie.
  /// -R: bytes that segments are rounded to.
  package let rounding: Int64
  /// -T: where text starts; behind the headers' page.
  package let textAddress: Int64
  /// -D; nil follows the segments before.
  package let dataAddress: Int64?
  /// -funcalign: bytes; 0 is the machine's own.
  package let functionAlignment: Int
  /// -randlayout: a seed; 0 keeps the order.
  package let layoutSeed: Int64

  // What the file holds.
  /// -s
  package let stripSymbols: Bool
  /// -w, which -s implies unless it is given.
  package let omitDWARF: Bool
  /// -compressdwarf
  package let compressDWARF: Bool
  /// -pruneweakmap
  package let pruneWeakMap: Bool
  /// -race
  package let race: Bool

  // Dynamic executables.
  /// -d
  package let noDynamic: Bool
  /// -I; empty for the platform's own.
  package let interpreter: String
  /// -r; nil when it was not given.
  package let runPath: String?
  /// -bindnow
  package let bindNow: Bool

  // Checks and what is printed.
  /// The first line that all objects must have; nil with -f.
  package let expectedHeader: String?
  /// -checklinkname
  package let checkLinkname: Bool
  /// -strictdups: 0, 1 warns, 2 and up are errors.
  package let strictDups: Int64
  /// -dumpdep
  package let dumpDependencies: Bool
  /// -debugnosplit
  package let debugNosplit: Bool
  /// -e: no limit on the number of errors.
  package let allErrors: Bool
  /// -h: the first error ends the link in a stack trace.
  package let haltOnError: Bool
  /// -g: what packages say of themselves is not read, not even that they are main.
  package let ignorePackageData: Bool
  /// -c
  package let callGraph: Bool
  /// -benchmark
  package let benchmark: PhaseReport.Kind?
  /// -v: how often it was given, or a number.
  package let verbosity: Int64

  /// The ELF note NT_GNU_BUILD_ID.
  package enum GNUBuildID: Equatable, Sendable {
    case none
    /// A hash of -buildid (cmd/internal/hash.Sum32, the first 20 bytes).
    case hashOfBuildID
    /// Up to 32 bytes.
    case bytes([UInt8])
  }

  /// One call of `link`, as the client saw it.
  package struct Invocation: Sendable {
    package var program: String
    /// Without the program.
    package var arguments: [String]
    package var environment: [String: String]

    package init(program: String, arguments: [String], environment: [String: String]) {
      self.program = program
      self.arguments = arguments
      self.environment = environment
    }
  }

  package enum Parsed: Sendable {
    case link(LinkOptions)
    /// There is nothing to link: the real linker prints this and exits.
    ///
    /// - Parameter removes: what lies at this path goes, as with the real linker.
    case done(stdout: String, stderr: String, exitCode: Int32, removes: String?)
    /// The real linker must do it.
    case unsupported(reason: String)
  }

  /// Reads the command line.
  ///
  /// - Parameters:
  ///   - version: the toolchain's, "go1.27.3".
  ///   - read: a whole file; takes paths as the command line has them.
  package static func parse(
    _ call: Invocation, version: String, read: @escaping (String) -> Result<[UInt8], FileReadFailure>
  ) -> Parsed {
    do throws(CommandLineStop) {
      return .link(try options(call, version: version, read: read))
    } catch {
      switch error {
      case .done(let stdout, let stderr, let exitCode, let removes):
        return .done(stdout: stdout, stderr: stderr, exitCode: exitCode, removes: removes)
      case .unsupported(let reason): return .unsupported(reason: reason)
      }
    }
  }

  private static func options(
    _ call: Invocation, version: String, read: @escaping ResponseFile.Reader
  ) throws(CommandLineStop) -> LinkOptions {
    // The go command's tests let tools fail without a word.
    if call.arguments.contains("-crash_for_testing") || call.program == "-crash_for_testing" {
      throw .done(stdout: "", stderr: "", exitCode: 2)
    }
    guard !call.program.utf8.starts(with: "@".utf8) else { throw .unsupported(reason: "a program named @…") }
    let configuration = try BuildConfiguration(
      version: version, environment: call.environment, program: call.program)
    let arguments = try ResponseFile.expand(call.arguments.map { Array($0.utf8) }, read: read)
    var parser = CommandLineParser(program: call.program, configuration: configuration, read: read)
    do throws(CommandLineStop) {
      try parser.parse(arguments)
      try checkValues(parser)
    } catch {
      // With these flags an error is not the end of what the real linker prints or writes.
      let loud: [FlagName] = [.haltOnError, .cpuProfile, .memoryProfile]
      if case .done(_, _, let exitCode, _) = error, exitCode != 0 {
        if let flag = loud.first(where: parser.flags.isSet) {
          throw .unsupported(reason: "an error with -\(flag.rawValue)")
        }
        if parser.flags.int(.trace) > 1 { throw .unsupported(reason: loudTrace) }
      }
      throw error
    }
    return try LinkOptions(parser)
  }

  /// From this level on the real linker prints its whole symbol table when a link fails.
  static let loudTrace = "an error with -v=2"

  /// - Parameter isLate: the output has its default name by then.
  private static func exit(
    _ parser: CommandLineParser, _ message: String, isLate: Bool = false
  ) -> CommandLineStop {
    let output = parser.flags.text(.output)
    return .exit(parser.program, message, removes: isLate && output.isEmpty ? "a.out" : output)
  }

  private static func isPowerOfTwo(_ n: Int64) -> Bool { n > 0 && n & (n - 1) == 0 }

  private static func hex(_ n: Int64) -> String {
    "0x" + (n < 0 ? "-" : "") + String(n.magnitude, radix: 16)
  }

  /// The checks that follow the parsing, in the real linker's order.
  private static func checkValues(_ parser: CommandLineParser) throws(CommandLineStop) {
    let flags = parser.flags
    let header = flags.text(.headerType)
    if !header.isEmpty, !["linux", "android"].contains(header) {
      let others = [
        "aix", "darwin", "ios", "dragonfly", "freebsd", "js", "netbsd", "openbsd", "plan9", "illumos",
        "solaris", "wasip1", "windows", "windowsgui",
      ]
      if others.contains(header) { throw .unsupported(reason: "-H=\(header)") }
      guard let quoted = GoText.quote(header.utf8) else {
        throw .unsupported(reason: "a message with text beyond ASCII")
      }
      throw .usage("invalid headtype: \(quoted)")
    }
    let mode = BuildMode(rawValue: flags.text(.buildMode)) ?? .exe
    if !flags.bool(.aslr), mode != .sharedC {
      throw .usage("-aslr=false is only allowed for -buildmode=c-shared")
    }
    let rounding = flags.int(.rounding)
    if rounding != -1, rounding < 4096 || !isPowerOfTwo(rounding) {
      throw exit(parser, "invalid -R value \(hex(rounding))")
    }
    let alignment = flags.int(.functionAlignment)
    if alignment != 0, !isPowerOfTwo(alignment) {
      throw exit(parser, "invalid -funcalign value \(alignment)")
    }
    if mode != .shared, parser.operands.count != 1 { throw .usage() }
    _ = try gnuBuildID(parser)
    let benchmark = flags.text(.benchmark)
    if !benchmark.isEmpty, PhaseReport.Kind(rawValue: benchmark) == nil {
      guard let quoted = GoText.quote(benchmark.utf8) else {
        throw .unsupported(reason: "a message with text beyond ASCII")
      }
      throw .usage("unknown benchmark flag: \(quoted)")
    }
  }

  /// -B, with -buildid (ld/main.go; ld/elf.go addbuildinfo).
  private static func gnuBuildID(_ parser: CommandLineParser) throws(CommandLineStop) -> GNUBuildID {
    let given = parser.flags.text(.hostBuildID)
    let hasBuildID = !parser.flags.text(.buildID).isEmpty
    switch given {
    case "": return hasBuildID ? .hashOfBuildID : .none
    case "none": return .none
    case "gobuildid":
      guard hasBuildID else {
        throw exit(parser, "-B gobuildid requires a Go build ID supplied via -buildid", isLate: true)
      }
      return .hashOfBuildID
    default: break
    }
    let digits = Array(given.utf8)
    guard digits.starts(with: "0x".utf8) else {
      throw exit(parser, "-B argument must start with 0x: \(given)", isLate: true)
    }
    guard (digits.count - 2) / 2 <= 32 else {
      throw exit(parser, "-B option too long (max 32 digits): \(given)", isLate: true)
    }
    return .bytes(try decodeHex(digits.dropFirst(2), given, parser))
  }

  /// A wrong digit is found before an odd number of them, also where it has no partner.
  private static func decodeHex(
    _ digits: ArraySlice<UInt8>, _ given: String, _ parser: CommandLineParser
  ) throws(CommandLineStop) -> [UInt8] {
    var bytes: [UInt8] = []
    var high: UInt8?
    for c in digits {
      guard c < 0x80, let d = Character(Unicode.Scalar(c)).hexDigitValue else {
        // Beyond ASCII, %c shows a byte as the character of that number.
        let shown = String(Character(Unicode.Scalar(c)))
        throw exit(parser, "-B argument contains invalid hex digit \(shown): \(given)", isLate: true)
      }
      if let h = high {
        bytes.append(h << 4 | UInt8(d))
        high = nil
      } else {
        high = UInt8(d)
      }
    }
    if high != nil {
      throw exit(parser, "-B argument must have even number of digits: \(given)", isLate: true)
    }
    return bytes
  }

  private init(_ parser: CommandLineParser) throws(CommandLineStop) {
    let flags = parser.flags
    if let reason = Self.fallbackReason(parser) { throw .unsupported(reason: reason) }
    guard let config = parser.importConfig else { throw .unsupported(reason: "no -importcfg") }
    configuration = parser.configuration
    program = parser.program
    mainObject = parser.operands.first ?? ""
    importConfig = config
    output = flags.text(.output).isEmpty ? "a.out" : flags.text(.output)
    buildMode = BuildMode(rawValue: flags.text(.buildMode)) ?? .exe
    stringVariables = parser.strings.all
    buildID = flags.text(.buildID)
    gnuBuildID = try Self.gnuBuildID(parser)
    entry = flags.text(.entry).isEmpty ? "_rt0_amd64_linux" : flags.text(.entry)
    fipsObject = flags.isSet(.fipsObject) ? flags.text(.fipsObject) : nil
    rounding = Self.rounding(flags)
    textAddress = Self.textAddress(flags)
    dataAddress = flags.int(.dataAddress) == -1 ? nil : flags.int(.dataAddress)
    functionAlignment = Int(flags.int(.functionAlignment))
    layoutSeed = flags.int(.randomLayout)
    stripSymbols = flags.bool(.stripSymbols)
    omitDWARF = flags.ternary(.noDWARF) ?? stripSymbols
    compressDWARF = flags.bool(.compressDWARF)
    pruneWeakMap = flags.bool(.pruneWeakMap)
    race = flags.bool(.race)
    noDynamic = flags.bool(.noDynamic)
    interpreter = flags.text(.interpreter)
    runPath = flags.isSet(.runPath) ? flags.text(.runPath) : nil
    bindNow = flags.bool(.bindNow)
    expectedHeader = flags.bool(.ignoreVersion) ? nil : configuration.objectHeader
    checkLinkname = flags.bool(.checkLinkname)
    strictDups = flags.int(.strictDups)
    dumpDependencies = flags.bool(.dumpDependencies)
    debugNosplit = flags.bool(.debugNosplit)
    allErrors = flags.bool(.allErrors)
    haltOnError = flags.bool(.haltOnError)
    ignorePackageData = flags.bool(.noPackageChecks)
    callGraph = flags.bool(.callGraph)
    benchmark = PhaseReport.Kind(rawValue: flags.text(.benchmark))
    verbosity = flags.int(.trace)
  }

  private static func rounding(_ flags: FlagValues) -> Int64 {
    flags.int(.rounding) == -1 ? 4096 : flags.int(.rounding)
  }

  /// Behind the page of headers at the first multiple of -R from 4 MiB on (amd64/obj.go archinit).
  private static func textAddress(_ flags: FlagValues) -> Int64 {
    let given = flags.int(.textAddress)
    if given != -1 { return given }
    let quantum = rounding(flags)
    return ((1 << 22) + quantum - 1) / quantum * quantum + 4096
  }

  /// Why the real linker must do the link, nil when linkd can.
  private static func fallbackReason(_ parser: CommandLineParser) -> String? {
    let flags = parser.flags
    for f in FlagTable.all where flags.isSet(f.name) {
      if case .fallback(let why) = f.support { return "-\(f.name.rawValue): \(why)" }
    }
    if flags.isSet(.benchmark), flags.isSet(.benchmarkProfile) {
      return "-benchmarkprofile: profiles the real linker"
    }
    if flags.int(.trace) > 2, flags.int(.debugTextSize) != 0 || flags.int(.debugTrampolines) > 1 {
      // The real linker then lays text out more than once, and tells each time.
      return "-v=3 with -debugtextsize or -debugtramp"
    }
    let mode = flags.text(.buildMode)
    if !["", "exe", "pie"].contains(mode) { return "-buildmode=\(mode): needs external linking" }
    switch flags.text(.linkMode) {
    case "external": return "-linkmode=external"
    case "internal": break
    default:
      if parser.configuration.externalLinkEnabled == "1" { return "GO_EXTLINK_ENABLED=1" }
    }
    for e in parser.configuration.experimentDifferences where ["fieldtrack", "nodwarf5"].contains(e) {
      return "GOEXPERIMENT=\(e)"
    }
    if let c = flags.text(.entry).utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(c) {
      return "-E with an address"
    }
    // With these the output file is made before the real linker complains, or it makes no sense of them.
    let limit: Int64 = 1 << 46
    if rounding(flags) > limit { return "-R beyond the address space" }
    let text = textAddress(flags)
    if !(0...limit).contains(text) { return "-T beyond the address space" }
    // Headers before address 0, or text that does not begin where a section may.
    if text != 0, text < 4096 || text % 64 != 0 {
      return "-T is no multiple of 64 from 4096 on"
    }
    let data = flags.int(.dataAddress)
    if data != -1, !(0...limit).contains(data) || data % rounding(flags) != 0 {
      return "-D is no multiple of -R"
    }
    return nil
  }
}
