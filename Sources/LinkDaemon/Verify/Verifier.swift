import Foundation
import Logging
import Protocol
import Replay
import Synchronization

/// Makes answered links again with Go's linker and compares: `LINKD_VERIFY`.
///
/// One at a time, on a thread that waits for everybody else, when no link runs. A difference makes the daemon distrust
/// itself: from then on it links nothing. What is wrong may be in anything that is resident, so only a new process
/// starts clean.
final class Verifier: Sendable {
  struct Places: Sendable {
    /// For links that are being compared.
    var spool: String
    /// For those that differed.
    var differences: String
  }

  struct Limits: Sendable {
    var tasks = 256
    /// Memory that waits with the tasks, in bytes.
    var heldBytes: Int
    /// A machine that never rests must not keep links from being compared.
    var longestPauseMilliseconds = 60_000
    var keptDifferences = 3
  }

  private struct State {
    var waiting: [VerificationTask] = []
    var running: VerificationTask?
    var process: ReplaySyscalls.ProcessID?
    var hasThread = false
    var stopping = false
    var status = VerificationStatus()
  }

  private let places: Places
  private let limits: Limits
  private let isBusy: @Sendable () -> Bool
  private let onDistrust: @Sendable () -> Void
  private let logger: Logger
  private let state = Mutex(State())

  /// - Parameters:
  ///   - isBusy: whether links run, for which a comparison waits.
  ///   - onDistrust: called after the first difference.
  init(
    _ places: Places, limits: Limits, logger: Logger, isBusy: @escaping @Sendable () -> Bool,
    onDistrust: @escaping @Sendable () -> Void
  ) {
    self.places = places
    self.limits = limits
    self.logger = logger
    self.isBusy = isBusy
    self.onDistrust = onDistrust
  }

  /// Why links are not to be made any more; nil while all is well.
  var distrust: String? {
    state.withLock { $0.status.distrusted }
      ? "distrust: a verified link differed from Go's linker's (linkctl status tells which)" : nil
  }

  var status: VerificationStatus {
    state.withLock { state in
      var status = state.status
      status.waiting = state.waiting.count + (state.running == nil ? 0 : 1)
      return status
    }
  }

  func add(_ task: VerificationTask) {
    let startsThread = state.withLock { state -> Bool in
      let held = state.waiting.reduce(task.heldBytes) { $0 + $1.heldBytes }
      guard !state.stopping, !state.status.distrusted, state.waiting.count < limits.tasks,
        held <= limits.heldBytes || state.waiting.isEmpty
      else {
        state.status.skipped += 1
        return false
      }
      state.waiting.append(task)
      defer { state.hasThread = true }
      return !state.hasThread
    }
    guard startsThread else { return }
    let thread = Thread { [self] in work() }
    thread.name = "verify"
    thread.start()
  }

  /// Counts a link that should have been compared and cannot be.
  func skip(_ reason: String) {
    logger.notice("not verified: \(reason)")
    state.withLock { $0.status.skipped += 1 }
  }

  /// Ends the comparison that runs and forgets the others. Returns when nothing is left behind.
  func stop() {
    state.withLock { state in
      state.stopping = true
      state.status.skipped += state.waiting.count
      state.waiting = []
      if let process = state.process { ReplaySyscalls.kill(process) }
    }
    let deadline = Syscalls.monotonicNanoseconds() + 5_000_000_000
    while state.withLock({ $0.hasThread }), Syscalls.monotonicNanoseconds() < deadline {
      Syscalls.sleep(milliseconds: 5)
    }
  }

  // MARK: The thread

  private func work() {
    ReplaySyscalls.becomeUnimportant()
    removeLeftovers()
    while let task = next() {
      verify(task)
      state.withLock { $0.running = nil }
    }
  }

  /// The next task, once no link runs; nil ends the thread.
  private func next() -> VerificationTask? {
    let deadline = Syscalls.monotonicNanoseconds() + UInt64(limits.longestPauseMilliseconds) * 1_000_000
    // The answer to the link goes first.
    repeat {
      Syscalls.sleep(milliseconds: 20)
    } while isBusy() && !isStopping
      && Syscalls.monotonicNanoseconds() < deadline
    return state.withLock { state in
      guard !state.stopping, !state.waiting.isEmpty else {
        // Under the same lock as `add`, so that no task is left without a thread.
        state.hasThread = false
        return nil
      }
      state.running = state.waiting.removeFirst()
      return state.running
    }
  }

  private var isStopping: Bool { state.withLock { $0.stopping } }

  private func verify(_ task: VerificationTask) {
    do {
      try Locations.makeDirectories(places.spool)
      let folder = try ReplaySyscalls.makeTemporaryDirectory(
        in: places.spool, prefix: "\(Syscalls.processID)-")
      defer { ReplaySyscalls.removeTree(folder) }
      var writer = BundleWriter(in: folder)
      let bundle = try task.writeBundle(&writer)
      let expected = try run(task, bundle, folder)
      if isStopping { throw VerificationTask.Skipped(reason: "the daemon stops") }
      if let why = task.misfortune(of: expected) { throw VerificationTask.Skipped(reason: why) }
      if let torn = task.files.tornFile { throw VerificationTask.Skipped(reason: "input changed: \(torn)") }
      if let difference = try task.difference(from: expected, bundle, scratch: folder) {
        distrust(task, difference)
        let bundle = save(folder, &writer)
        state.withLock { state in
          state.status.lastDifference?.bundle = bundle
          guard let bundle, let last = state.status.lastDifference else { return }
          // The files that it names have moved.
          state.status.lastDifference?.explanation = last.explanation.replacing(folder, with: bundle)
        }
        logger.error("the link that differs is kept", metadata: ["bundle": "\(bundle ?? "no: see above")"])
      } else {
        state.withLock { state in
          state.status.verified += 1
          state.status.identical += 1
        }
      }
    } catch {
      skip("\((error as? VerificationTask.Skipped)?.reason ?? "\(error)")")
    }
  }

  private func run(_ task: VerificationTask, _ bundle: LinkBundle, _ folder: String) throws -> LinkResult {
    let output = "\(folder)/expected"
    // The link's own variables and no others: those of whoever started the daemon are none of its business.
    let environment = bundle.environment.merging(["TMPDIR": folder]) { $1 }
    let run = LinkRun(
      linker: task.linker, arguments: bundle.arguments(output: output),
      environment: environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" },
      directory: bundle.folder, output: output)
    defer { state.withLock { $0.process = nil } }
    return try run.run(scratch: folder) { process in
      let stopping = state.withLock { state in
        state.process = process
        return state.stopping
      }
      if stopping { ReplaySyscalls.kill(process) }
    }
  }

  // MARK: Differences

  private func distrust(_ task: VerificationTask, _ difference: Replay.Difference) {
    let output = task.request.outputPath ?? ""
    logger.error(
      "a link differs from Go's linker's; from now on every link falls back: \(difference.headline)",
      metadata: ["output": "\(output)"])
    state.withLock { state in
      state.status.verified += 1
      state.status.differing += 1
      state.status.distrusted = true
      // One difference is enough to know; memory is worth more than a second.
      state.status.skipped += state.waiting.count
      state.waiting = []
      state.status.lastDifference = VerificationStatus.Difference(
        time: Int(Syscalls.wallClockSeconds()), output: output, headline: difference.headline,
        explanation: difference.explanation, bundle: nil)
    }
    onDistrust()
  }

  /// Keeps a difference for those who will look for its cause.
  private func save(_ folder: String, _ writer: inout BundleWriter) -> String? {
    do {
      try writer.complete()
      try Locations.makeDirectories(places.differences)
      let old = ReplaySyscalls.names(in: places.differences)
      for name in old.dropLast(limits.keptDifferences - 1) {
        ReplaySyscalls.removeTree("\(places.differences)/\(name)")
      }
      let place = "\(places.differences)/\(Syscalls.wallClockSeconds())-\(Syscalls.processID)"
      try ReplaySyscalls.move(folder, to: place)
      return place
    } catch {
      logger.error("cannot save a difference: \(error)")
      return nil
    }
  }

  /// What daemons that were killed left behind.
  private func removeLeftovers() {
    for name in ReplaySyscalls.names(in: places.spool) {
      guard let process = name.split(separator: "-").first.flatMap({ Int32($0) }),
        process != Syscalls.processID, !ReplaySyscalls.isAlive(process)
      else { continue }
      ReplaySyscalls.removeTree("\(places.spool)/\(name)")
    }
  }
}
