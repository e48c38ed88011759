import Dispatch
import Foundation
import Replay

/// Work that waits for everybody else, on threads whose turn comes when no other has anything to do.
///
/// Dispatch's classes of service mean nothing to Linux, and a thread of its pool that became unimportant could not be made
/// important again.
enum QuietWork {
  static func start(_ body: @escaping @Sendable () -> Void) {
    let thread = Thread {
      ReplaySyscalls.becomeUnimportant()
      body()
    }
    thread.start()
  }

  /// Does something on such a thread, and waits for it: on a thread that may wait for long.
  static func run(_ body: @escaping @Sendable () -> Void) {
    let end = DispatchSemaphore(value: 0)
    start {
      body()
      end.signal()
    }
    end.wait()
  }
}
