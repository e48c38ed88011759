import LoaderCore
import Replay

/// A file that could not be read, in the words of Go's *fs.PathError.
package struct FileReadFailure: Error, Sendable {
  /// "open" or "read".
  package let operation: String
  package let error: ErrorNumber

  package init(operation: String, error: ErrorNumber) {
    self.operation = operation
    self.error = error
  }

  func text(_ path: String) -> String { "\(operation) \(path): \(error.text)" }
}

/// `@file` among the arguments: the go command writes long command lines to a file.
package enum ResponseFile {
  package typealias Reader = (String) -> Result<[UInt8], FileReadFailure>

  private static let maxDepth = 50
  private static let maxArguments = 1 << 20

  /// The arguments with every `@file` replaced by what the file says, which may name files again
  /// (objabi/flag.go expandArgs). Names are taken as they are, relative to the caller's directory also in
  /// files elsewhere.
  static func expand(_ arguments: [[UInt8]], read: Reader) throws(CommandLineStop) -> [[UInt8]] {
    var out: [[UInt8]] = []
    try expand(arguments, depth: 0, read: read, into: &out)
    return out
  }

  private static func expand(
    _ arguments: [[UInt8]], depth: Int, read: Reader, into out: inout [[UInt8]]
  ) throws(CommandLineStop) {
    for a in arguments {
      guard a.first == UInt8(ascii: "@") else {
        out.append(a)
        continue
      }
      guard depth < maxDepth, out.count < maxArguments else {
        throw .unsupported(reason: "response files without end")
      }
      let path = String(decoding: a.dropFirst(), as: UTF8.self)
      switch read(path) {
      case .failure(let e): throw .fatal(e.text(path))
      case .success(let bytes):
        guard String(validating: bytes, as: UTF8.self) != nil else {
          throw .unsupported(reason: "a response file that is not UTF-8")
        }
        try expand(split(bytes), depth: depth + 1, read: read, into: &out)
      }
    }
  }

  /// The words of a response file.
  package static func split(_ text: [UInt8]) -> [[UInt8]] { ResponseWords.split(text) }
}
