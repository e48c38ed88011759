import ImageWriter
import Synchronization

/// Finds memory for a link's output before there is anything to write: for the image, and for the file's pages.
///
/// Parts of a link run on one core, so there is time for it on another; the thread waits for everybody else. What it
/// finds is not known to be enough, or not to be too much, and changes no byte of the output.
final class Foresight: Sendable {
  private let isOver = Atomic(false)

  /// - Parameters:
  ///   - bytes: what the output will have at least.
  ///   - memory: where the image will be made; nil when that is memory that there is.
  ///   - spares: where the file is prepared for `program`.
  init(bytes: Int, memory: OutputImage?, spares: SpareOutputs?, program: Int) {
    QuietWork.start { [self] in
      memory?.populate(bytes, while: isWanted)
      spares?.extend(program, to: bytes, while: isWanted)
    }
  }

  private func isWanted() -> Bool { !isOver.load(ordering: .relaxed) }

  /// Has it stop, soon.
  func end() { isOver.store(true, ordering: .relaxed) }

  /// Bytes that a link's output will hardly have less of. (kubelet, cmd/go and cmd/compile have a fourteenth of their
  /// inputs without symbols, a tenth with.)
  static func fewestBytes(inputs: Int, isStripped: Bool) -> Int { inputs / (isStripped ? 16 : 12) }
}
