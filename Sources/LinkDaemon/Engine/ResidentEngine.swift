import Crypto
import Dispatch
import ImageWriter
import LoaderCore
import Logging
import Protocol
import Synchronization

/// Links with what earlier links left: parsed archives, shared by all programs, and the last images.
///
/// A request either ends as the real linker would end it, or is handed back with a reason. Nothing of one
/// request outlives it but parsed archives and, when it succeeded, its image and its program's resolved index.
package final class ResidentEngine: LinkEngine {
  private let archives: ArchiveStore
  private let results: ResultStore
  private let programs: ProgramStore
  private let cache: ObjectCache?
  private let hashLimit: Int
  private let spareBytes: Int
  private let spares: SpareOutputs?
  private let kept: KeptResults?
  private let keptPrograms: KeptPrograms?
  private let budget: MemoryBudget
  private let releases = ReleaseFinder()
  private let logger: Logger
  private let counts = Mutex((parsed: 0, reused: 0))
  private let verifier: Verifier

  private let running = RunningLinks()

  /// Counts links; the memory that passes leave behind goes back when none came for a while.
  private let lastLink = Mutex(0)
  private static let trimDelay = DispatchTimeInterval.seconds(10)
  /// Nanoseconds after a link without another one: a spare that comes too early is in the way.
  private static let spareDelay = 30_000_000
  /// Bytes of tables that are prepared for at most, and how long after a link: its answer must be on its way.
  private static let preparedBytes = 32 << 20
  private static let prepareDelay = DispatchTimeInterval.milliseconds(4)
  /// Time for a link's answer to get to whoever waits for it, before more is done about the link.
  private static let answerTime = DispatchTimeInterval.milliseconds(2)
  /// When no link came for so long, what is held is written for the daemon's next life.
  private static let keepDelay = 1.0
  /// Seconds between two writings: an editing hand makes images faster than a disk should see. The last ones are
  /// written when the daemon ends.
  private static let keepInterval = 300.0
  /// Time for that when the daemon ends.
  private static let lastKeepNanoseconds: UInt64 = 600_000_000
  /// Bytes of results from which on older ones are left.
  private static let keptBytes = 512 << 20
  /// The end of that time; 0 as long as the daemon goes on.
  private let lastKeep = Atomic<UInt64>(0)
  /// When what is held was last written; 0 for never.
  private let lastKept = Atomic<UInt64>(0)
  /// Programs whose last result waits for its key.
  private let late = Mutex<[Int]>([])
  /// Counts invalidations: what waits for its key since before one is not kept.
  private let invalidations = Atomic(0)
  private let keepQueue = DispatchQueue(label: "linkd.keep", qos: .utility)

  package init(_ configuration: EngineConfiguration) {
    MappingGuard.install()
    Heap.keepLargeBlocks()
    archives = ArchiveStore(hashes: configuration.cache.map(CachedNameHashes.init))
    budget = MemoryBudget(configured: configuration.memoryBudget)
    let parts = MemoryBudget.parts(of: budget.most)
    results = ResultStore(budget: parts.images)
    programs = ProgramStore(budget: parts.programs)
    logger = configuration.logger
    cache = configuration.cache
    hashLimit = configuration.hashLimit
    spareBytes = configuration.spareBytes
    spares = configuration.cache?.spares(fewestBytes: spareBytes)
    // The one release there is a profile of.
    let maker = "\(configuration.build) \(ReleaseProfile.go1_27_3.version)"
    let kept = configuration.cache.flatMap { KeptResults($0, maker: maker) }
    self.kept = kept
    let keptPrograms = configuration.cache.flatMap { KeptPrograms($0, maker: maker) }
    self.keptPrograms = keptPrograms
    let running = running
    verifier = Verifier(
      Verifier.Places(spool: configuration.verificationSpool, differences: configuration.differences),
      limits: Verifier.Limits(heldBytes: budget.most / 2), logger: logger,
      isBusy: { running.count > 0 },
      onDistrust: { [spares] in
        spares?.removeAll(forGood: true)
        kept?.removeAll()
        keptPrograms?.removeAll()
      })
  }

  package func link(_ request: LinkRequest, control: LinkControl) -> LinkOutcome {
    if let reason = verifier.distrust { return .fallback(reason: reason) }
    running.begin()
    Chunks.noteLink(begins: true)
    let start = DispatchTime.now().uptimeNanoseconds
    let call = LinkCall(request: request, control: control, start: start)
    defer {
      Chunks.noteLink(begins: false)
      running.end()
      afterAnswer(of: call)
      scheduleHousekeeping()
      if let image = call.image { prepareHeap(image.image.count) }
      scheduleSpare(call.written)
    }
    let outcome = link(call)
    if call.isVerified, case .done(let exitCode, let stdout, let stderr, let report) = outcome,
      report.how != "refused"
    {
      if let task = call.verificationTask(
        exitCode == 0 ? call.image : nil, exitCode: exitCode, stdout: stdout, stderr: stderr)
      {
        verifier.add(task)
      } else {
        verifier.skip("too little is known of the link")
      }
    }
    return outcome
  }

  /// Letting go of hundreds of files takes part of a millisecond: the client need not wait for it.
  private func afterAnswer(of call: LinkCall) {
    nonisolated(unsafe) let call = call
    keepQueue.asyncAfter(deadline: .now() + Self.answerTime) { [weak self] in
      withExtendedLifetime(call) {}
      self?.keepToBudget()
    }
  }

  private func link(_ call: LinkCall) -> LinkOutcome {
    do throws(LinkFailure) {
      guard let release = releases.release(of: call.request.realLinker) else {
        throw .unsupported(reason: "unknown Go release")
      }
      switch LinkOptions.parse(call.invocation, version: release, read: call.read) {
      case .unsupported(let reason): throw .unsupported(reason: reason)
      case .done(let stdout, let stderr, let exitCode, let removed):
        if let removed, call.control.mayCommit() {
          OutputFile(path: call.absolute(removed), shown: removed, umask: 0).remove()
        }
        return .done(
          exitCode: exitCode, stdout: Array(stdout.utf8), stderr: Array(stderr.utf8),
          report: LinkReport(how: "refused"))
      case .link(let options): return try link(call, try call.plan(options))
      }
    } catch {
      return outcome(of: error, call)
    }
  }

  // MARK: one link

  private func link(_ call: LinkCall, _ plan: LinkPlan) throws(LinkFailure) -> LinkOutcome {
    let output = OutputFile(path: plan.output, shown: plan.shownOutput, umask: call.request.umask)
    try output.check()
    call.output = output
    let inputs = archives.look(at: call.inputs(plan), from: call.request.workingDirectory)
    call.files = inputs
    let key = knownKey(call, plan, inputs)
    if let key, let known = find(key, plan, output) {
      _ = try put(known, plan, output, InputCheck(inputs), call)
      counts.withLock { $0.reused += inputs.files.count }
      let report = LinkReport(
        how: "replayed", objectsReused: inputs.files.count,
        explanation: LinkExplanation(program: .init("replayed")))
      return done(call, known, report)
    }
    return try link(call, plan, output, inputs, key)
  }

  /// The key of a result that may be known; nil when it is not worth hashing the inputs for it before the link: there is
  /// much to hash and no result of the program, or an input that no known result has.
  private func knownKey(_ call: LinkCall, _ plan: LinkPlan, _ inputs: InputSet) -> LinkCall.ResultKey? {
    let program = ResultStore.program(plan)
    if late.withLock({ $0.contains(program) }) { waitForKept() }
    let isHeld = results.has(program: program)
    // Results on disk are not known by their inputs, and not asked for while the program is resident (`find`).
    let isResident = isHeld && programs.hasNear(plan.packagesKey, kin: plan.mainKey)
    return LinkCall.resultKey(
      call.request, inputs, of: archives, plan,
      limit: isHeld || kept?.has(program: program) == true ? .max : hashLimit,
      isOfUse: { !isResident || results.knows(content: $0, of: program) })
  }

  private func link(
    _ call: LinkCall, _ plan: LinkPlan, _ output: OutputFile, _ inputs: InputSet, _ key: LinkCall.ResultKey?
  ) throws(LinkFailure) -> LinkOutcome {
    let dormant = dormantProgram(plan, inputs)
    defer { if dormant != nil { programs.offer(nil, plan.packagesKey) } }
    let files = archives.read(
      inputs, packages: plan.load.packagesByFile, known: dormant?.archives, twins: plan.mayStandIn)
    defer { files.twins.end() }
    counts.withLock { c in
      c.parsed += files.newFiles
      c.reused += files.knownFiles
    }
    var timer = PhaseTimer { phase in
      call.control.progress(phase)
      return !call.control.isCancelled
    }
    var story = LinkStory()
    let foresight = foresee(plan, inputs, output)
    defer {
      foresight?.end()
      results.lend(nil, to: ResultStore.program(plan))
    }
    let check = InputCheck(inputs)
    var linked = Result<LinkedImage, LinkFailure>.failure(.unsupported(reason: "not linked"))
    Chunks.meanwhile(check.turns, check.run) {
      linked = Result { () throws(LinkFailure) in
        try Link.run(
          plan, archives: files, programs: programs, images: results, timer: &timer, story: &story)
      }
    }
    let image: LinkedImage
    do throws(LinkFailure) {
      image = try linked.get()
    } catch {
      // What went wrong may be no more than that.
      if let changed = inputs.changedFile() { throw Self.inputChanged(changed) }
      if case .unsupported = error { throw error }
      // An object that is found to contradict itself must do so by itself, and not only beside another version.
      var isDoubtful = files.hasTwins || story.usesStandIns
      if case .corrupt = error { isDoubtful = plan.mayStandIn }
      guard isDoubtful else { throw error }
      return try linkWithItsOwn(call, plan, output, key)
    }
    if files.hasTwins || story.usesStandIns, !image.printed.isEmpty || !archives.confirm(files.twins) {
      image.rest?.run()
      return try linkWithItsOwn(call, plan, output, key)
    }
    foresight?.end()
    guard try put(image, plan, output, check, call, twins: files.twinFiles) else {
      return try linkWithItsOwn(call, plan, output, key)
    }
    try timer.end("write")
    if let key {
      results.keep(image, under: key, program: ResultStore.program(plan))
    } else {
      keepLater(image, call, plan, inputs)
    }
    archives.trim(keeping: 64, held: programs.files)
    let how =
      dormant?.wasOfUse == true
      ? "restored" : files.knownFiles == 0 ? "cold" : files.newFiles == 0 ? "linked" : "relinked"
    let report = LinkReport(
      how: how, objectsParsed: files.newFiles, objectsReused: files.knownFiles,
      phases: timer.phases.map { LinkReport.Phase(name: $0.name, nanoseconds: Int($0.nanoseconds)) },
      explanation: story.explanation)
    return done(call, image, report, phases: timer.phases)
  }

  /// Has memory found for an output whose program has none yet.
  private func foresee(_ plan: LinkPlan, _ inputs: InputSet, _ output: OutputFile) -> Foresight? {
    let program = ResultStore.program(plan)
    let bytes = Foresight.fewestBytes(inputs: inputs.bytes, isStripped: !plan.elf.hasSymbols)
    let hasMemory = results.hasMemory(for: program, bytes: bytes)
    let spares = spares.flatMap { $0.serves(output.folder) ? $0 : nil }
    guard bytes >= spareBytes, !hasMemory || spares.map({ !$0.isReady(program, for: bytes) }) ?? false
    else { return nil }
    // As much again as it may be more, of which no page is touched.
    let memory = hasMemory ? nil : try? OutputImage(count: bytes, spare: bytes)
    results.lend(memory, to: program)
    return Foresight(bytes: bytes, memory: memory, spares: spares, program: program)
  }

  /// Links again from the request's own files: what a link says names files.
  private func linkWithItsOwn(
    _ call: LinkCall, _ plan: LinkPlan, _ output: OutputFile, _ key: LinkCall.ResultKey?
  ) throws(LinkFailure) -> LinkOutcome {
    archives.forgetTwins()
    archives.forgetCorrupt()
    var plan = plan
    plan.mayStandIn = false
    let inputs = archives.look(at: call.inputs(plan), from: call.request.workingDirectory, twins: false)
    call.files = inputs
    return try link(call, plan, output, inputs, key)
  }

  /// The program as an earlier life left it, if this one does not know it and has most files still to read.
  private func dormantProgram(_ plan: LinkPlan, _ inputs: InputSet) -> DormantProgram? {
    let key = plan.packagesKey
    guard let keptPrograms, inputs.unknownFiles * 2 > inputs.files.count, !programs.has(key),
      let dormant = keptPrograms.open(key)
    else { return nil }
    programs.offer(dormant, key)
    return dormant
  }

  /// The result of the same request before: of this life of the daemon or an earlier one.
  private func find(_ key: LinkCall.ResultKey, _ plan: LinkPlan, _ output: OutputFile) -> LinkedImage? {
    if let known = results.find(key.whole) { return known }
    // Reading a file costs as much as the edit that would make it again.
    guard !programs.hasNear(plan.packagesKey, kin: plan.mainKey) else { return nil }
    let program = ResultStore.program(plan)
    guard let kept, let known = kept.find(key.whole, program: program) else { return nil }
    results.keep(known, under: key, program: program)
    // The file's pages are in memory now. Another one is written for the next life when nobody waits.
    if let spares, spares.serves(output.folder),
      spares.adopt(kept.path(key.whole, program: program), of: known.image, program)
    {
      kept.noteTaken(key.whole)
    }
    return known
  }

  /// Writes the file, unless an input changed meanwhile or nobody wants it any more.
  ///
  /// - Parameter twins: files that stood for inputs.
  /// - Returns: false when one of those is not what it was: nothing is written.
  private func put(
    _ image: LinkedImage, _ plan: LinkPlan, _ output: OutputFile, _ check: InputCheck, _ call: LinkCall,
    twins: [MappedFile] = []
  ) throws(LinkFailure) -> Bool {
    let program = ResultStore.program(plan)
    let (staged, changed, areTwinsChanged) = try stage(image, program, output, check, twins)
    if changed == nil, areTwinsChanged {
      output.discard(staged)
      return false
    }
    do throws(LinkFailure) {
      if let changed { throw Self.inputChanged(changed) }
      guard call.control.mayCommit() else { throw .unsupported(reason: "cancelled") }
      if let path = plan.fipsObject {
        let file = FIPSObjectFile(path: call.absolute(path), shown: path, umask: call.request.umask)
        try file.write(image.fipsModule, of: image.image)
      }
    } catch {
      output.discard(staged)
      // Go's linker has told half of the trace by then.
      if plan.verbosity != 0 { throw .unsupported(reason: "an error with -v") }
      throw error
    }
    try output.commit(staged)
    call.written = LinkCall.Written(
      program: program, contents: image.image.contents,
      wantsSpare: spares.map { $0.fewestBytes <= image.image.count && $0.serves(output.folder) } ?? false)
    return true
  }

  /// Writes the file beside its place, and looks meanwhile whether an input changed: no pass reads them any more.
  private func stage(
    _ image: LinkedImage, _ program: Int, _ output: OutputFile, _ check: InputCheck, _ twins: [MappedFile]
  ) throws(LinkFailure) -> (path: String, changed: String?, areTwinsChanged: Bool) {
    var changed: String?
    var areTwinsChanged = false
    var staged = Result<String, LinkFailure>.failure(.unsupported(reason: "not written"))
    Chunks.beside {
      changed = check.changedFile()
      areTwinsChanged = !twins.areAsTheyWere
      image.rest?.run()
    } _: {
      staged = Result { () throws(LinkFailure) in
        try output.stage(image.image, program: program, spares: spares)
      }
    }
    return (try staged.get(), changed, areTwinsChanged)
  }

  private static func inputChanged(_ path: String) -> LinkFailure {
    .unsupported(reason: "input changed while linking: \(path)")
  }

  private func done(
    _ call: LinkCall, _ image: LinkedImage, _ known: LinkReport,
    phases: [(name: String, nanoseconds: UInt64)] = []
  ) -> LinkOutcome {
    call.image = image
    var report = known
    report.outputBytes = image.image.count
    report.wallNanoseconds = Int(DispatchTime.now().uptimeNanoseconds - call.start)
    report.turns = image.printed.turns
    var stdout = Array(image.printed.stdout.utf8)
    if let kind = call.benchmark { stdout += PhaseReport.text(phases, kind).utf8 }
    return .done(
      exitCode: 0, stdout: stdout, stderr: Array(image.printed.stderr.utf8), report: report)
  }

  private func outcome(of failure: LinkFailure, _ call: LinkCall) -> LinkOutcome {
    func failed(_ printed: Printed, _ last: String, _ exitCode: Int32) -> LinkOutcome {
      // The real linker has removed an old output by now, and leaves none behind. (If the link was given up,
      // somebody else may be writing there.)
      if let output = call.output, call.control.mayCommit() { output.remove() }
      var all = printed
      all.err(last)
      return .done(
        exitCode: exitCode, stdout: Array(all.stdout.utf8), stderr: Array(all.stderr.utf8),
        report: LinkReport(
          how: "failed", wallNanoseconds: Int(DispatchTime.now().uptimeNanoseconds - call.start),
          turns: all.turns))
    }
    if case .unsupported(let reason) = failure { return .fallback(reason: reason) }
    if let reason = call.reasonNotToFail { return .fallback(reason: reason) }
    switch failure {
    case .unsupported(let reason): return .fallback(reason: reason)
    case .failed(let stderr, let exitCode, let printed): return failed(printed, stderr, exitCode)
    case .exit(let message, let printed):
      return failed(printed, "\(call.invocation.program): \(message)\n", 2)
    case .corrupt(let file, let detail):
      return failed(Printed(), "\(call.invocation.program): \(file): \(detail)\n", 2)
    }
  }

  // MARK: housekeeping

  /// Lets go of what is too much by now.
  private func keepToBudget() {
    let parts = MemoryBudget.parts(of: budget.now())
    results.setBudget(parts.images)
    programs.setBudget(parts.programs)
  }

  /// Waits for what links before left to be kept, unless that takes longer than a link may.
  private func waitForKept() {
    let isKept = DispatchSemaphore(value: 0)
    // Behind what waits for an answer to go out.
    keepQueue.asyncAfter(deadline: .now() + Self.answerTime) { isKept.signal() }
    _ = isKept.wait(timeout: .now() + .milliseconds(50))
  }

  /// Keeps a result whose key was too much work on the way to it.
  private func keepLater(_ image: LinkedImage, _ call: LinkCall, _ plan: LinkPlan, _ files: InputSet) {
    let program = ResultStore.program(plan)
    let (request, written) = (call.request, call.written)
    late.withLock { $0.append(program) }
    let before = invalidations.load(ordering: .relaxed)
    keepQueue.asyncAfter(deadline: .now() + Self.answerTime) { [weak self] in
      defer { self?.late.withLock { all in all.firstIndex(of: program).map { _ = all.remove(at: $0) } } }
      guard self?.invalidations.load(ordering: .relaxed) == before else { return }
      // The next link, of another program, has better use for the cores.
      QuietWork.run { [weak self] in
        guard let self,
          let key = LinkCall.resultKey(request, files, of: self.archives, plan, isUrgent: false),
          files.canBeReadAgain
        else { return }
        self.results.keep(image, under: key, program: program)
        self.scheduleSpare(written)
      }
    }
  }

  /// Has the next output of a program prepared, memory and file, if no other link comes.
  private func scheduleSpare(_ written: LinkCall.Written?) {
    guard let spares else { return }
    guard let written else { return spares.whenQuiet(after: Self.spareDelay) {} }
    let mine = lastLink.withLock { $0 }
    let isWanted: @Sendable () -> Bool = { [weak self] in
      self.map { $0.running.count == 0 && $0.lastLink.withLock { $0 } == mine } ?? false
    }
    spares.whenQuiet(after: Self.spareDelay) { [weak self] in
      guard let self, isWanted() else { return }
      self.results.prepareMemory(of: written.program, while: isWanted)
      guard written.wantsSpare else { return }
      spares.prepare(written.program, contents: written.contents, while: isWanted) {
        self.results.image(written.contents)
      }
    }
  }

  /// Finds memory for the next link's tables, which are many times its output.
  ///
  /// - Parameter bytes: of the last output.
  private func prepareHeap(_ bytes: Int) {
    let wanted = min(8 * bytes, Self.preparedBytes)
    let mine = lastLink.withLock { $0 }
    DispatchQueue.global(qos: .utility).asyncAfter(deadline: .now() + Self.prepareDelay) { [weak self] in
      guard let self, self.running.count == 0, self.lastLink.withLock({ $0 }) == mine else { return }
      QuietWork.start { [running] in
        Heap.prepare(wanted) { running.count == 0 }
      }
    }
  }

  private func scheduleHousekeeping() {
    let mine = lastLink.withLock { n in
      n += 1
      return n
    }
    DispatchQueue.global(qos: .utility).asyncAfter(deadline: .now() + Self.trimDelay) { [weak self] in
      if self?.lastLink.withLock({ $0 }) == mine { Heap.trim() }
    }
    let last = lastKept.load(ordering: .relaxed)
    let sinceLast = Double(DispatchTime.now().uptimeNanoseconds &- last) / 1e9
    let wait = last == 0 ? Self.keepDelay : max(Self.keepDelay, Self.keepInterval - sinceLast)
    keepQueue.asyncAfter(deadline: .now() + wait) { [weak self] in
      guard let self, self.lastLink.withLock({ $0 }) == mine else { return }
      self.lastKept.store(DispatchTime.now().uptimeNanoseconds, ordering: .relaxed)
      self.keepAll(isUrgent: false)
      self.kept?.tidy(keeping: self.results.keys)
      self.keptPrograms?.tidy()
    }
  }

  /// Writes the results and programs that are not on disk yet, newest first.
  ///
  /// - Parameter isUrgent: somebody waits for the end of the daemon.
  private func keepAll(isUrgent: Bool) {
    archives.storeHashes(while: mayKeep)
    guard let kept, let keptPrograms else { return }
    // One waits for the disk, the other for memory.
    DispatchQueue.concurrentPerform(iterations: 2) { k in
      if k == 0 { keepResults(kept, isUrgent) } else { keepPrograms(keptPrograms) }
    }
    // What is not trusted any more must not outlive this process.
    if verifier.distrust != nil {
      kept.removeAll()
      keptPrograms.removeAll()
    }
  }

  private func keepResults(_ kept: KeptResults, _ isUrgent: Bool) {
    var bytes = 0
    for key in results.keys where mayKeep() && bytes < Self.keptBytes {
      guard let (image, program) = results.peek(key) else { continue }
      bytes += image.image.count
      if !kept.isKept(key) {
        kept.keep(image, under: key, program: program, isUrgent: isUrgent, while: mayKeep)
      }
    }
  }

  private func keepPrograms(_ kept: KeptPrograms) {
    for key in programs.keysToKeep() where mayKeep() {
      programs.write(key) { mayKeep() && kept.keep($0, key, while: mayKeep) }
    }
  }

  private func mayKeep() -> Bool {
    let end = lastKeep.load(ordering: .relaxed)
    return verifier.distrust == nil && running.count == 0
      && (end == 0 || DispatchTime.now().uptimeNanoseconds < end)
  }

  package func keepForNextLife() {
    lastKeep.store(DispatchTime.now().uptimeNanoseconds + Self.lastKeepNanoseconds, ordering: .relaxed)
    keepQueue.sync { keepAll(isUrgent: true) }
    cache?.flush()
  }

  package func status() -> EngineStatus {
    let store = archives.counts
    let kept = results.counts
    var status = EngineStatus()
    status.toolchains = [
      EngineStatus.Toolchain(
        name: "go1.27.3 linux/amd64", residentBytes: store.privateBytes + kept.bytes + programs.counts.bytes,
        objects: store.resident, programs: kept.programs)
    ]
    let totals = counts.withLock { $0 }
    status.objectsParsed = totals.parsed
    status.objectsReused = totals.reused
    status.programsResident = kept.programs
    status.budgetBytes = budget.most
    return status
  }

  package var verification: VerificationStatus { verifier.status }

  package func stop() {
    verifier.stop()
    spares?.removeAll(forGood: true)
  }

  package func invalidate() {
    archives.removeAll()
    programs.removeAll()
    spares?.removeAll()
    invalidations.add(1, ordering: .relaxed)
    // After what is being written.
    keepQueue.sync {
      results.removeAll()
      kept?.removeAll()
      keptPrograms?.removeAll()
    }
  }
}

/// How many links run.
private final class RunningLinks: Sendable {
  private let number = Atomic(0)

  var count: Int { number.load(ordering: .relaxed) }
  func begin() { number.add(1, ordering: .relaxed) }
  func end() { number.subtract(1, ordering: .relaxed) }
}
