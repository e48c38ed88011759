import ImageWriter
import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The last images, by what decides their bytes: a request whose inputs are all unchanged is answered from
/// here. Least recently used ones go when the budget is passed.
final class ResultStore: Sendable {
  private struct State {
    var images: [ContentKey: (image: LinkedImage, use: Int)] = [:]
    var bytes = 0
    var clock = 0
  }

  private let state = Mutex(State())
  /// Bytes.
  let budget: Int

  /// - Parameter budget: bytes; 0 takes an eighth of the machine's memory.
  init(budget: Int) {
    let physical = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
    self.budget = budget > 0 ? budget : max(physical / 8, 256 << 20)
  }

  var counts: (programs: Int, bytes: Int) { state.withLock { ($0.images.count, $0.bytes) } }

  func find(_ key: ContentKey) -> LinkedImage? {
    state.withLock { s in
      guard let found = s.images[key] else { return nil }
      s.clock += 1
      s.images[key] = (found.image, s.clock)
      return found.image
    }
  }

  func keep(_ image: LinkedImage, under key: ContentKey) {
    state.withLock { s in
      s.clock += 1
      if let old = s.images[key] { s.bytes -= old.image.image.count }
      s.images[key] = (image, s.clock)
      s.bytes += image.image.count
      while s.bytes > budget, let oldest = s.images.min(by: { $0.value.use < $1.value.use }) {
        s.bytes -= oldest.value.image.image.count
        s.images[oldest.key] = nil
      }
    }
  }

  func removeAll() {
    state.withLock { s in
      s.images = [:]
      s.bytes = 0
    }
  }
}
