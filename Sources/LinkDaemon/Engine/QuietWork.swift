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
}
