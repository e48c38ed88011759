/// The flags of `go tool link`, by the names they have there (cmd/link/internal/ld/main.go; objabi/flag.go
/// for -V).
package enum FlagName: String, CaseIterable, Sendable {
  case hostBuildID = "B"
  case dataAddress = "D"
  case entry = "E"
  case headerType = "H"
  case interpreter = "I"
  case libraryDirectory = "L"
  case rounding = "R"
  case textAddress = "T"
  case version = "V"
  case stringVariable = "X"
  case a, asan, aslr
  case benchmark, benchmarkProfile = "benchmarkprofile"
  case bindNow = "bindnow"
  case buildID = "buildid"
  case buildMode = "buildmode"
  case callGraph = "c"
  case captureHostObjects = "capturehostobjs"
  case checkLinkname = "checklinkname"
  case compressDWARF = "compressdwarf"
  case cpuProfile = "cpuprofile"
  case noDynamic = "d"
  case debugNosplit = "debugnosplit"
  case debugTextSize = "debugtextsize"
  case debugTrampolines = "debugtramp"
  case dumpDependencies = "dumpdep"
  case allErrors = "e"
  case externalArchiver = "extar"
  case externalLinker = "extld"
  case externalLinkerFlags = "extldflags"
  case ignoreVersion = "f"
  case fipsObject = "fipso"
  case functionAlignment = "funcalign"
  case noPackageChecks = "g"
  case haltOnError = "h"
  case importcfg
  case installSuffix = "installsuffix"
  case fieldTracking = "k"
  case libgcc
  case linkMode = "linkmode"
  case linkShared = "linkshared"
  case macOS = "macos"
  case macSDK = "macsdk"
  case memoryProfile = "memprofile"
  case memoryProfileRate = "memprofilerate"
  case msan
  case n
  case output = "o"
  case pluginPath = "pluginpath"
  case pruneWeakMap = "pruneweakmap"
  case runPath = "r"
  case race
  case randomLayout = "randlayout"
  case stripSymbols = "s"
  case strictDups = "strictdups"
  case temporaryDirectory = "tmpdir"
  case trace = "v"
  case noDWARF = "w"
}

/// One flag: how it is written, what `link` says of it, and what linkd does with it.
package struct LinkFlag: Sendable {
  /// How the flag's value is read; with it the default.
  package enum Kind: Equatable, Sendable {
    case bool(Bool)
    /// A boolean whose default depends on other flags.
    case ternary
    case int(Int64)
    case text
    /// Words in quotes (cmd/internal/quoted).
    case words
    /// Up to three numbers below 256.
    case macVersion(String)
    case linkMode
    case buildMode
    /// Counts its mentions; can also be given a number.
    case count
    /// Acted on where it stands among the arguments: -L, -X, -importcfg.
    case action
    /// -V
    case version
  }

  package enum Support: Equatable, Sendable {
    case native
    /// Some values are done, others fall back.
    case partly(String)
    /// Accepted as the real linker does; it changes nothing in an internal link for linux/amd64.
    case ignored(String)
    /// The real linker does the link when the flag has another value than its default.
    case fallback(String)
  }

  package let name: FlagName
  package let kind: Kind
  /// The words of `link`'s usage; a name in back quotes stands for the value.
  package let help: String
  package let support: Support

  init(_ name: FlagName, _ kind: Kind, _ help: String, _ support: Support = .native) {
    self.name = name
    self.kind = kind
    self.help = help
    self.support = support
  }

  /// Whether the flag can stand without a value.
  package var isBoolean: Bool {
    switch kind {
    case .bool, .ternary, .count, .version: true
    default: false
    }
  }
}

/// All flags of `link` as of Go 1.27, in the order of its usage text: parsing, usage and documentation are
/// made from this one table.
package enum FlagTable {
  package static func flag(_ name: FlagName) -> LinkFlag { byName[name] ?? all[0] }

  static func flag(named name: [UInt8]) -> LinkFlag? {
    FlagName(rawValue: String(decoding: name, as: UTF8.self)).map(flag)
  }

  private static let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }

  private static let externalOnly = LinkFlag.Support.ignored("only external linking looks at it")
  private static let notELF = LinkFlag.Support.ignored("not for ELF")

  package static let all: [LinkFlag] =
    ([
      LinkFlag(
        .hostBuildID, .text,
        "set ELF NT_GNU_BUILD_ID `note` or Mach-O UUID; use \"gobuildid\" to generate it from the Go build"
          + " ID; \"none\" to disable"),
      LinkFlag(.dataAddress, .int(-1), "set the start address of data symbols"),
      LinkFlag(.entry, .text, "set `entry` symbol name"),
      LinkFlag(.headerType, .text, "set header `type`", .partly("\"linux\" only")),
      LinkFlag(.interpreter, .text, "use `linker` as ELF dynamic linker"),
      LinkFlag(
        .libraryDirectory, .action, "add specified `directory` to library path",
        .ignored("packages come from -importcfg")),
      LinkFlag(.rounding, .int(-1), "set address rounding `quantum`"),
      LinkFlag(.textAddress, .int(-1), "set the start address of text symbols"),
      LinkFlag(.version, .version, "print version and exit"),
      LinkFlag(
        .stringVariable, .action, "add string value `definition` of the form importpath.name=value"),
      LinkFlag(.a, .bool(false), "no-op (deprecated)"),
      LinkFlag(.asan, .bool(false), "enable ASan interface", .fallback("needs external linking")),
      LinkFlag(.aslr, .bool(true), "enable ASLR for buildmode=c-shared on windows", notELF),
      LinkFlag(
        .benchmark, .text, "set to 'mem' or 'cpu' to enable phase benchmarking",
        .partly("times of linkd's own phases, which bear the real names where they match; no allocations")),
      LinkFlag(
        .benchmarkProfile, .text, "emit phase profiles to `base`_phase.{cpu,mem}prof",
        .partly("nothing without -benchmark; with it falls back: profiles the real linker")),
      LinkFlag(
        .bindNow, .bool(false), "mark a dynamically linked ELF object for immediate function binding"),
      LinkFlag(.buildID, .text, "record `id` as Go toolchain build id"),
      LinkFlag(.buildMode, .buildMode, "set build `mode`", .partly("the others need external linking")),
      LinkFlag(.callGraph, .bool(false), "dump call graph"),
      LinkFlag(
        .captureHostObjects, .text,
        "capture host object files loaded during internal linking to specified dir",
        .ignored("programs with host objects fall back")),
      LinkFlag(.checkLinkname, .bool(true), "check linkname symbol references"),
    ] + allFromCompress)

  private static let allFromCompress: [LinkFlag] =
    ([
      LinkFlag(.compressDWARF, .bool(true), "compress DWARF if possible"),
      LinkFlag(.cpuProfile, .text, "write cpu profile to `file`", .fallback("profiles the real linker")),
      LinkFlag(.noDynamic, .bool(false), "disable dynamic executable"),
      LinkFlag(.debugNosplit, .bool(false), "dump nosplit call graph"),
      LinkFlag(
        .debugTextSize, .int(0), "debug text section max size", .ignored("amd64 has one text section")),
      LinkFlag(.debugTrampolines, .int(0), "debug trampolines", .ignored("amd64 has no trampolines")),
      LinkFlag(.dumpDependencies, .bool(false), "dump symbol dependency graph"),
      LinkFlag(.allErrors, .bool(false), "no limit on number of errors reported"),
      LinkFlag(.externalArchiver, .text, "archive program for buildmode=c-archive", externalOnly),
      LinkFlag(.externalLinker, .words, "use `linker` when linking in external mode", externalOnly),
      LinkFlag(.externalLinkerFlags, .words, "pass `flags` to external linker", externalOnly),
      LinkFlag(.ignoreVersion, .bool(false), "ignore version mismatch"),
      LinkFlag(.fipsObject, .text, "write fips module to `file`"),
      LinkFlag(.functionAlignment, .int(0), "set function align to `N` bytes"),
      LinkFlag(.noPackageChecks, .bool(false), "disable go package data checks"),
      LinkFlag(
        .haltOnError, .bool(false), "halt on error",
        .partly("a link with errors falls back: it ends in a stack trace")),
      LinkFlag(.importcfg, .action, "read import configuration from `file`"),
      LinkFlag(
        .installSuffix, .text, "set package directory `suffix`", .ignored("packages come from -importcfg")),
      LinkFlag(
        .fieldTracking, .text, "set field tracking `symbol`",
        .ignored("only GOEXPERIMENT=fieldtrack looks at it, which falls back")),
      LinkFlag(
        .libgcc, .text, "compiler support lib for internal linking; use \"none\" to disable",
        .ignored("programs with host objects fall back")),
    ] + allFromLinkMode)

  private static let allFromLinkMode: [LinkFlag] = [
    LinkFlag(.linkMode, .linkMode, "set link `mode`", .partly("\"external\" falls back")),
    LinkFlag(
      .linkShared, .bool(false), "link against installed Go shared libraries",
      .fallback("needs external linking")),
    LinkFlag(
      .macOS, .macVersion("13.0.0"),
      "mac OS version to write in build info (only used in internal linking)", notELF),
    LinkFlag(
      .macSDK, .macVersion("26.2.0"),
      "mac SDK version to write in build info (only used in internal linking)", notELF),
    LinkFlag(
      .memoryProfile, .text, "write memory profile to `file`", .fallback("profiles the real linker")),
    LinkFlag(
      .memoryProfileRate, .int(0), "set runtime.MemProfileRate to `rate`",
      .ignored("nothing without -memprofile")),
    LinkFlag(.msan, .bool(false), "enable MSan interface", .fallback("needs external linking")),
    LinkFlag(.n, .bool(false), "no-op (deprecated)"),
    LinkFlag(.output, .text, "write output to `file`"),
    LinkFlag(
      .pluginPath, .text, "full path name for plugin", .ignored("nothing without -buildmode=plugin")),
    LinkFlag(.pruneWeakMap, .bool(true), "prune weak mapinit refs"),
    LinkFlag(.runPath, .text, "set the ELF dynamic linker search `path` to dir1:dir2:..."),
    LinkFlag(.race, .bool(false), "enable race detector", .fallback("needs the race runtime's host object")),
    LinkFlag(.randomLayout, .int(0), "randomize function layout"),
    LinkFlag(.stripSymbols, .bool(false), "disable symbol table"),
    LinkFlag(
      .strictDups, .int(0),
      "sanity check duplicate symbol contents during object file reading (1=warn 2=err)."),
    LinkFlag(.temporaryDirectory, .text, "use `directory` for temporary files", externalOnly),
    LinkFlag(
      .trace, .count, "print link trace",
      .partly(
        "from -v=2 on errors fall back: a dump of all symbols follows; -v=3 falls back with -debugtextsize"
          + " or -debugtramp=2")),
    LinkFlag(.noDWARF, .ternary, "disable DWARF generation"),
  ]
}
