/// What the environment tells the Go toolchain (package internal/buildcfg): target, experiments, GOROOT.
/// Built from the variables of one request; the daemon's own environment plays no part.
package struct BuildConfiguration: Equatable, Sendable {
  /// As `go version` prints it: "go1.27.3".
  package let version: String
  /// $GOROOT; empty when it is not set, as with -trimpath.
  package let goroot: String
  /// The level of amd64, 1 to 4.
  package let goamd64: Int
  /// Experiments that are on, in the toolchain's order.
  package let enabledExperiments: [String]
  /// How the experiments differ from the release's own: "arenas", "nogreenteagc" ….
  package let experimentDifferences: [String]
  /// $GO_EXTLINK_ENABLED, which decides -linkmode=auto: "0" internal, "1" external.
  package let externalLinkEnabled: String

  /// The line that objects made with the same toolchain and settings begin with (objabi.HeaderString),
  /// newline included.
  package var objectHeader: String {
    "go object linux amd64 \(version) GOAMD64=v\(goamd64) X:\(enabledExperiments.joined(separator: ","))\n"
  }

  /// runtime.buildVersion: the version, and how the experiments differ (ld/main.go).
  package var buildVersion: String {
    if experimentDifferences.isEmpty { return version }
    let separator = version.utf8.contains(UInt8(ascii: "-")) ? " " : "-"
    return version + separator + "X:" + experimentDifferences.joined(separator: ",")
  }

  /// What -V adds behind the version.
  var versionSuffix: String {
    experimentDifferences.isEmpty ? "" : " X:" + experimentDifferences.joined(separator: ",")
  }

  /// - Throws: unsupported for targets other than linux/amd64 and for values the toolchain does not know;
  ///   the real linker's message for an unknown experiment.
  init(version: String, environment: [String: String], program: String) throws(CommandLineStop) {
    func value(_ name: String, _ defaultValue: String) -> String {
      let v = environment[name] ?? ""
      return v.isEmpty ? defaultValue : v
    }
    let target = value("GOOS", Self.hostSystem) + "/" + value("GOARCH", Self.hostArchitecture)
    guard target == "linux/amd64" else { throw .unsupported(reason: "target \(target)") }
    for (name, isKnown) in Self.otherVariables where !isKnown(value(name, "")) {
      throw .unsupported(reason: "\(name)=\(value(name, ""))")
    }
    guard let level = ["v1", "v2", "v3", "v4"].firstIndex(of: value("GOAMD64", "v1")) else {
      throw .unsupported(reason: "GOAMD64=\(value("GOAMD64", ""))")
    }
    self.version = version
    goroot = environment["GOROOT"] ?? ""
    goamd64 = level + 1
    externalLinkEnabled = value("GO_EXTLINK_ENABLED", "")
    let on: [Bool]
    do throws(Experiments.Unknown) {
      on = try Experiments.parse(value("GOEXPERIMENT", ""))
    } catch {
      throw .done(
        stdout: "", stderr: "\(Self.baseName(program)): unknown GOEXPERIMENT \(error.name)\n", exitCode: 2)
    }
    enabledExperiments = Experiments.enabled(on)
    experimentDifferences = Experiments.differences(on)
  }

  /// The last element of a path (path/filepath.Base).
  static func baseName(_ path: String) -> String {
    guard !path.isEmpty else { return "." }
    return path.split(separator: "/").last.map(String.init) ?? "/"
  }

  private static var hostSystem: String {
    #if os(macOS)
      "darwin"
    #else
      "linux"
    #endif
  }

  private static var hostArchitecture: String {
    #if arch(arm64)
      "arm64"
    #else
      "amd64"
    #endif
  }

  /// Variables for other targets which the toolchain checks all the same; nobody gets past the go command
  /// with a wrong one, so what is not well known is left to the real linker.
  private static let otherVariables: [(name: String, isKnown: @Sendable (String) -> Bool)] = [
    ("GOARM64", isGOARM64),
    ("GOMIPS", { ["", "hardfloat", "softfloat"].contains($0) }),
    ("GOMIPS64", { ["", "hardfloat", "softfloat"].contains($0) }),
    ("GOPPC64", { ["", "power8", "power9", "power10"].contains($0) }),
    ("GORISCV64", { ["", "rva20u64", "rva22u64", "rva23u64"].contains($0) }),
    ("GOWASM", { $0.split(separator: ",").allSatisfy { $0 == "satconv" || $0 == "signext" } }),
    ("GOFIPS140", isGOFIPS140),
  ]

  @Sendable private static func isGOARM64(_ value: String) -> Bool {
    if value.isEmpty { return true }
    var parts = value.split(separator: ",", omittingEmptySubsequences: false)
    let base = parts.removeFirst()
    let versions = (0...9).map { "v8.\($0)" } + (0...5).map { "v9.\($0)" }
    return versions.contains { $0 == base } && parts.allSatisfy { $0 == "lse" || $0 == "crypto" }
  }

  /// A word, or v1.Y.Z, v1.Y.Z-hhhhhhhh, v1.Y.Z-rcN.
  @Sendable private static func isGOFIPS140(_ value: String) -> Bool {
    if ["", "off", "latest", "inprocess", "certified"].contains(value) { return true }
    guard value.hasPrefix("v1.") else { return false }
    let parts = value.dropFirst(3).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    guard numbers.count == 2, numbers.allSatisfy(isNumber) else { return false }
    guard parts.count == 2 else { return true }
    if parts[1].hasPrefix("rc") { return isNumber(parts[1].dropFirst(2)) }
    return parts[1].utf8.count == 8
  }

  private static func isNumber(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }
}

/// GOEXPERIMENT of Go 1.27 on linux/amd64 (internal/goexperiment/flags.go; internal/buildcfg/exp.go).
enum Experiments {
  /// In the order of the toolchain's list, and whether the release has them on.
  private static let all: [(name: String, isOn: Bool)] = [
    ("fieldtrack", false), ("preemptibleloops", false), ("staticlockranking", false),
    ("boringcrypto", false), ("regabiwrappers", true), ("regabiargs", true),
    ("heapminimum512kib", false), ("arenas", false), ("cgocheck2", false), ("loopvar", false),
    ("newinliner", false), ("dwarf5", true), ("jsonv2", true), ("greenteagc", true),
    ("randomizedheapbase64", true), ("runtimefreegc", false), ("sizespecializedmalloc", true),
    ("simd", false), ("runtimesecret", false), ("mapsplitgroup", false),
  ]

  struct Unknown: Error { let name: String }

  /// Which experiments a value of GOEXPERIMENT turns on: names, names after "no", and "none" for none at all
  /// so far.
  static func parse(_ text: String) throws(Unknown) -> [Bool] {
    var on = all.map(\.isOn)
    for word in text.split(separator: ",") {
      if word == "none" {
        on = on.map { _ in false }
        continue
      }
      let isOn = !word.hasPrefix("no")
      let name = isOn ? word : word.dropFirst(2)
      // The register ABI cannot be turned off on amd64.
      if name == "regabi" { continue }
      guard let i = all.firstIndex(where: { $0.name == name }) else { throw Unknown(name: String(name)) }
      on[i] = isOn
    }
    for (i, e) in all.enumerated() where e.name.hasPrefix("regabi") { on[i] = true }
    return on
  }

  static func enabled(_ on: [Bool]) -> [String] { zip(all, on).filter(\.1).map(\.0.name) }

  static func differences(_ on: [Bool]) -> [String] {
    zip(all, on).filter { $0.isOn != $1 }.map { $1 ? $0.name : "no" + $0.name }
  }
}
