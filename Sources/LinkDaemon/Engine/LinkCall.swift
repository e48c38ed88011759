import Crypto
import ImageWriter
import LoaderCore
import Protocol
import Replay

/// One request on its way through the engine: how its words become a plan, and by what its result is known.
final class LinkCall {
  let request: LinkRequest
  let control: LinkControl
  let start: UInt64
  /// Known once the command line is read; a failing link removes it.
  var output: OutputFile?
  /// Whether the link is to be made again by Go's linker, for which what it read is kept.
  let isVerified: Bool
  private var texts: [String: [UInt8]] = [:]
  /// Why an error is left to Go's linker: -h ends it in a stack trace, -v=2 in a dump of all symbols.
  private(set) var reasonNotToFail: String?
  /// -benchmark
  private(set) var benchmark: PhaseReport.Kind?
  /// What was written.
  var image: LinkedImage?
  /// Set when the output is in its place.
  var written: Written?
  /// Known once the inputs are open.
  var files: InputSet?

  /// An output.
  struct Written: Sendable {
    /// `ResultStore.program`
    let program: Int
    /// `OutputImage.contents`
    let contents: UInt64
    /// Whether the next one may be a spare.
    let wantsSpare: Bool
  }

  init(request: LinkRequest, control: LinkControl, start: UInt64) {
    self.request = request
    self.control = control
    self.start = start
    isVerified = request.verify?.takesOne() ?? false
  }

  var invocation: LinkOptions.Invocation {
    LinkOptions.Invocation(
      program: request.programName ?? request.realLinker ?? "link", arguments: request.arguments,
      environment: request.environment)
  }

  /// Absolute, from the client's directory.
  func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : "\(request.workingDirectory)/\(path)"
  }

  func read(_ path: String) -> Result<[UInt8], FileReadFailure> {
    switch MappedFile.open(absolute(path)) {
    case .success(let file):
      let bytes = Array(file.bytes.buffer)
      if isVerified { texts[path] = bytes }
      return .success(bytes)
    case .failure(let e): return .failure(FileReadFailure(operation: "open", error: e))
    }
  }

  // MARK: verification

  /// The link as Go's linker is to make it again; nil when too little is known of it.
  func verificationTask(
    _ image: LinkedImage?, exitCode: Int32, stdout: [UInt8], stderr: [UInt8]
  ) -> VerificationTask? {
    guard let files, let linker = request.realLinker,
      let words = LinkArguments.expand(request.arguments, read: { texts[$0] })
    else { return nil }
    let arguments = LinkArguments(words)
    guard let config = arguments.value("importcfg").flatMap({ texts[$0] }) else { return nil }
    return VerificationTask(
      request: request, linker: linker, arguments: arguments, importConfig: config, files: files,
      image: image,
      exitCode: exitCode, stdout: stdout, stderr: stderr)
  }

  // MARK: the plan

  /// - Throws: `.unsupported` for what the passes do not do yet.
  func plan(_ options: LinkOptions) throws(LinkFailure) -> LinkPlan {
    guard !options.race else { throw .unsupported(reason: "-race") }
    guard options.textAddress >= 0, options.textAddress < 1 << 46, (options.dataAddress ?? 0) >= 0,
      (options.dataAddress ?? 0) < 1 << 46
    else { throw .unsupported(reason: "address beyond 2^46") }
    var plan = LinkPlan(
      load: PackageLoader.Request(
        mainObject: options.mainObject, packageFiles: options.importConfig.packageFiles,
        expectedHeader: options.expectedHeader))
    plan.output = absolute(options.output)
    plan.shownOutput = options.output
    plan.fipsObject = options.fipsObject
    plan.allErrors = options.allErrors
    plan.load.allErrors = options.allErrors
    plan.load.ignorePackageData = options.ignorePackageData
    plan.callGraph = options.callGraph
    plan.benchmark = options.benchmark
    benchmark = options.benchmark
    plan.verbosity = options.verbosity
    plan.load.trace = options.verbosity > 1
    plan.deadcode.trace = options.verbosity > 1
    if options.haltOnError {
      reasonNotToFail = "an error with -h"
    } else if options.verbosity > 1 {
      reasonNotToFail = LinkOptions.loudTrace
    }
    plan.resolve.checkLinkname = options.checkLinkname
    plan.resolve.strictDups = options.strictDups > 0
    plan.strictDupsFail = options.strictDups > 1
    plan.deadcode.entry = options.entry
    plan.deadcode.pruneWeakMap = options.pruneWeakMap
    plan.deadcode.dumpDependencies = options.dumpDependencies
    plan.text.textAddress = UInt64(options.textAddress)
    plan.text.functionAlignment = options.functionAlignment
    plan.text.shuffleSeed = options.layoutSeed
    plan.image.textAddress = UInt64(options.textAddress)
    plan.image.rounding = Int(options.rounding)
    plan.image.dataAddress = options.dataAddress.map { UInt64($0) }
    plan.elf.textAddress = plan.image.textAddress
    plan.elf.rounding = plan.image.rounding
    plan.elf.buildID = options.buildID
    plan.elf.hasSymbols = !options.stripSymbols
    planDynamic(options, &plan)
    switch options.gnuBuildID {
    case .none: plan.elf.gnuBuildID = []
    case .hashOfBuildID: plan.elf.gnuBuildID = ELFWriter.gnuBuildID(from: options.buildID)
    case .bytes(let b): plan.elf.gnuBuildID = b
    }
    plan.texts = GivenTexts(strings: options.stringVariables)
    plan.goroot = request.environment["GOROOT"] ?? ""
    if !options.omitDWARF {
      plan.dwarf = DebugInfo.Options(goroot: plan.goroot, version: options.configuration.version)
      plan.dwarf?.countsSymbols = options.verbosity != 0
    }
    plan.compressDWARF = options.compressDWARF
    plan.stackCheck.race = options.race
    plan.stackCheck.debugNosplit = options.debugNosplit
    guard (0...2).contains(options.strictDups) else {
      var printed = Printed()
      printed.out(LinkTrace(plan).heading)
      throw LinkFailure.fatal("invalid -strictdups flag value \(options.strictDups)").after(printed)
    }
    return plan
  }

  /// An executable that imports nothing is static, whatever -d says (ld/lib.go linksetup).
  private func planDynamic(_ options: LinkOptions, _ plan: inout LinkPlan) {
    guard options.buildMode == .pie else { return }
    plan.elf.isPIE = true
    plan.data.useRelro = true
    guard !options.noDynamic else { return }
    plan.data.isStatic = false
    var dynamic = DynamicSections.Options()
    dynamic.bindNow = options.bindNow
    dynamic.runPath = options.runPath ?? ""
    plan.dynamic = dynamic
    plan.elf.interpreter = options.interpreter.isEmpty ? Self.hostInterpreter : options.interpreter
  }

  /// The C library's dynamic linker on this machine: musl's when only that is there (ld/elf.go asmbElf).
  private static var hostInterpreter: String {
    let (glibc, musl) = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1")
    func exists(_ path: String) -> Bool {
      if case .success = FileStamp.of(path: path) { true } else { false }
    }
    return !exists(glibc) && exists(musl) ? musl : glibc
  }

  /// All files the link may read. The main object first; paths as the command line has them. One that two packages
  /// name, which the go command never does, is there twice.
  func inputs(_ plan: LinkPlan) -> [String] {
    let main = plan.load.mainObject
    return [main] + plan.load.packageFiles.values.filter { $0 != main }
  }

  // MARK: the result's name

  /// Flags whose values are places only. (Whether there is a -fipso changes no byte of the output.)
  private static let fileFlags = ["o", "importcfg", "fipso"]

  /// By what a result is known, and by which contents besides those that the build cache names.
  struct ResultKey {
    let whole: ContentKey
    let contents: Set<ContentKey>
  }

  /// What decides the bytes: the arguments but for the paths of inputs and output, the environment, and the
  /// contents of the inputs. Nil when the result is not worth knowing (`ArchiveStore.contentKeys`).
  static func resultKey(
    _ request: LinkRequest, _ inputs: InputSet, of archives: ArchiveStore, _ plan: LinkPlan,
    limit: Int = .max, isUrgent: Bool = true, isOfUse: (ContentKey) -> Bool = { _ in true }
  ) -> ResultKey? {
    var hash = SHA256()
    func add(_ text: String) {
      var text = text
      text.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
      hash.update(data: [0])
    }
    // Times are news each time, and names of inputs no part of the key.
    if plan.benchmark != nil || plan.verbosity > 1 { return nil }
    // A response file hides what the arguments are.
    if request.arguments.dropLast().contains(where: { $0.hasPrefix("@") }) { return nil }
    // In any order as yet: mostly they are new, and there is no key.
    let files = Array(plan.load.packageFiles)
    guard
      let keys = archives.contentKeys(
        of: [plan.load.mainObject] + files.map(\.value), in: inputs, limit: limit, isUrgent: isUrgent,
        isOfUse: isOfUse)
    else {
      return nil
    }
    add("linkd result 1")
    var skips = false
    for a in request.arguments.dropLast() {
      if skips {
        skips = false
        continue
      }
      let name = a.hasPrefix("--") ? String(a.dropFirst(2)) : String(a.dropFirst())
      if a.hasPrefix("-"), Self.fileFlags.contains(name) {
        skips = true
        continue
      }
      if a.hasPrefix("-"), Self.fileFlags.contains(where: { name.hasPrefix($0 + "=") }) { continue }
      add(a)
    }
    for (name, value) in request.environment.sorted(by: { $0.key < $1.key }) { add("\(name)=\(value)") }
    // Module information comes with the import configuration, not with the arguments.
    hash.update(data: plan.texts.moduleInfo)
    keys.all[0].add(to: &hash)
    for (package, key) in zip(files.map(\.key), keys.all.dropFirst()).sorted(by: { $0.0 < $1.0 }) {
      add(package)
      key.add(to: &hash)
    }
    add(request.realLinker ?? "")
    // Which one it is depends on the machine.
    add(plan.elf.interpreter)
    return ResultKey(whole: ContentKey(Array(hash.finalize())), contents: keys.unnamed)
  }
}
