import Protocol
import Synchronization

/// One link request on its way through the daemon.
final class LinkJob: Sendable {
  enum Result: Sendable {
    case outcome(LinkOutcome)
    case refused(RPCError)
  }

  let request: LinkRequest
  let control: LinkControl
  let estimatedBytes: Int
  let arrived = Syscalls.monotonicNanoseconds()
  private let started = Atomic<UInt64>(0)
  private let answer: Mutex<Answer?>

  /// Gets the result and the link's times.
  typealias Answer = @Sendable (Result, Times) -> Void

  struct Times: Sendable {
    var waitedNanoseconds: UInt64
    var totalNanoseconds: UInt64
  }

  /// - Parameter answer: called once, from any thread.
  init(
    request: LinkRequest, control: LinkControl, estimatedBytes: Int, answer: @escaping Answer
  ) {
    self.request = request
    self.control = control
    self.estimatedBytes = estimatedBytes
    self.answer = Mutex(answer)
  }

  func markStarted() { started.store(Syscalls.monotonicNanoseconds(), ordering: .relaxed) }

  /// Whether the request has its answer, or is about to get it.
  var isAnswered: Bool { answer.withLock { $0 == nil } }

  /// Answers the request; false when that was done before (by the stall watch, say).
  @discardableResult
  func finish(_ result: Result) -> Bool {
    let answer = self.answer.withLock { answer in
      defer { answer = nil }
      return answer
    }
    guard let answer else { return false }
    let now = Syscalls.monotonicNanoseconds()
    let start = started.load(ordering: .relaxed)
    answer(
      result,
      Times(waitedNanoseconds: (start == 0 ? now : start) &- arrived, totalNanoseconds: now &- arrived))
    return true
  }
}
