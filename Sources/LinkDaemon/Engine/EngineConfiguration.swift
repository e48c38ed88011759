import Logging
import Protocol

/// What an engine is made with.
package struct EngineConfiguration: Sendable {
  /// Absent: the engine runs without a persistent cache.
  package var cache: ObjectCache?
  /// Names the build of linkd: what another one left on disk is not used.
  package var build: String
  /// Most private memory to keep between links, in bytes; 0 for the engine's own choice.
  package var memoryBudget: Int
  /// Inputs outside the build cache must be hashed to be known by content; beyond this many bytes (a cold build of a
  /// large program) that is done after the answer, unless there may be a result to be found.
  package var hashLimit = 64 << 20
  /// Bytes of an output from which on the next one's file is prepared (`SpareOutputs`), and memory found ahead
  /// (`Foresight`).
  package var spareBytes = 2 << 20
  package var logger: Logger
  /// Folders for links that are verified, and for those that differed.
  package var verificationSpool: String
  package var differences: String

  package init(
    cache: ObjectCache?, build: String, memoryBudget: Int = 0, logger: Logger, verificationSpool: String,
    differences: String
  ) {
    self.cache = cache
    self.build = build
    self.memoryBudget = memoryBudget
    self.logger = logger
    self.verificationSpool = verificationSpool
    self.differences = differences
  }
}

/// The engine of the daemon.
package func makeEngine(_ configuration: EngineConfiguration) -> any LinkEngine {
  ResidentEngine(configuration)
}
