import Foundation

// deflate-driver compress IN OUT
// deflate-driver bench FILE...
func read(_ path: String) -> [UInt8] {
  guard let data = FileManager.default.contents(atPath: path) else {
    FileHandle.standardError.write(Data("cannot read \(path)\n".utf8))
    exit(1)
  }
  return [UInt8](data)
}

let arguments = CommandLine.arguments
let compressor = ZlibCompressor()
switch arguments.count > 1 ? arguments[1] : "" {
case "compress":
  var sink = ByteSink()
  read(arguments[2]).withUnsafeBytes { compressor.compress($0, into: &sink) }
  _ = FileManager.default.createFile(atPath: arguments[3], contents: Data(sink.bytes()))
case "bench":
  let inputs = arguments.dropFirst(2).map(read)
  var sink = ByteSink(capacity: inputs.map(\.count).max() ?? 0)
  for (path, input) in zip(arguments.dropFirst(2), inputs) {
    var times: [Double] = []
    for _ in 0..<(input.count > 20_000_000 ? 9 : 25) {
      sink.removeAll()
      let clock = ContinuousClock()
      let time = clock.measure {
        input.withUnsafeBytes { compressor.compress($0, into: &sink) }
      }
      times.append(Double(time.components.attoseconds) * 1e-18 + Double(time.components.seconds))
    }
    times.sort()
    let median = times[times.count / 2]
    print(
      String(
        format: "swift %7.1f MB/s (best %.1f) %9d -> %9d %@", Double(input.count) / median / 1e6,
        Double(input.count) / times[0] / 1e6, input.count, sink.count, path))
  }
default:
  FileHandle.standardError.write(Data("usage: deflate-driver compress IN OUT | bench FILE...\n".utf8))
  exit(2)
}
