import Logging
import Protocol

/// What an engine is made with.
package struct EngineConfiguration: Sendable {
  /// Absent: the engine runs without a persistent cache.
  package var cache: ObjectCache?
  /// Most private memory to keep between links, in bytes; 0 for the engine's own choice.
  package var memoryBudget: Int
  package var logger: Logger

  package init(cache: ObjectCache?, memoryBudget: Int = 0, logger: Logger) {
    self.cache = cache
    self.memoryBudget = memoryBudget
    self.logger = logger
  }
}

/// The engine of the daemon.
package func makeEngine(_ configuration: EngineConfiguration) -> any LinkEngine {
  FallbackEngine()
}

/// Links nothing: every request goes to the real linker.
package struct FallbackEngine: LinkEngine {
  package init() {}

  package func link(_ request: LinkRequest, control: LinkControl) -> LinkOutcome {
    .fallback(reason: "no engine")
  }

  package func status() -> EngineStatus { EngineStatus() }

  package func invalidate() {}
}
