import Protocol

/// What links; the server knows nothing more of linking.
package protocol LinkEngine: Sendable {
  /// Links. Synchronous, called on a link thread of its own, several at a time. Does not throw: every failure is an
  /// outcome. Polls `control.isCancelled`, may call `control.progress("phase")`, and asks `control.mayCommit()`
  /// before it puts the output in place.
  func link(_ request: LinkRequest, control: LinkControl) -> LinkOutcome
  /// Key facts for `status`; quick, also while links run.
  func status() -> EngineStatus
  /// Drops all resident state. Never called while a link runs.
  func invalidate()
  /// How much private memory this link may need on top of what is resident, in bytes, for admission; 0 when unknown.
  func estimatedBytes(_ request: LinkRequest) -> Int
  /// What came of comparisons with Go's linker; while some wait, the daemon is not idle.
  var verification: VerificationStatus { get }
  /// Leaves to the next daemon what the first link of its life may use. Called when no link runs any more, while a
  /// client may wait for the end; takes well under a second.
  func keepForNextLife()
  /// Ends work that no client waits for. The last call.
  func stop()
}

extension LinkEngine {
  package var verification: VerificationStatus { VerificationStatus() }
  package func keepForNextLife() {}
  package func stop() {}
  package func estimatedBytes(_ request: LinkRequest) -> Int { 0 }
}

/// How a link ended, as the engine tells it.
package enum LinkOutcome: Sendable {
  case done(exitCode: Int32, stdout: [UInt8], stderr: [UInt8], report: LinkReport)
  case fallback(reason: String)
}
