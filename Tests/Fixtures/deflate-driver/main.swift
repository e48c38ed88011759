// Does with GoDeflate what Tests/Fixtures/deflate-oracle does with Go; see there.
import Foundation

func fail(_ message: String) -> Never {
  FileHandle.standardError.write(Data((message + "\n").utf8))
  exit(1)
}

func read(_ path: String) -> [UInt8] {
  guard let data = FileManager.default.contents(atPath: path) else { fail("cannot read \(path)") }
  return [UInt8](data)
}

func number(_ text: String) -> UInt64 {
  guard let number = UInt64(text) else { fail("not a number: \(text)") }
  return number
}

// A small reach, as only gigabytes of input would try the renumbering else.
let compressor = ZlibCompressor(reach: 200_000)

func compress(_ input: [UInt8]) -> [UInt8] {
  var sink = ByteSink()
  input.withUnsafeBytes { compressor.compress($0, into: &sink) }
  return sink.bytes()
}

func sums(_ stream: [UInt8]) -> String {
  var adler = Adler32()
  stream.withUnsafeBytes { adler.add($0) }
  return String(format: "%d %08x %016llx", stream.count, adler.value, fnv1a(stream))
}

func random(_ generator: inout InputGenerator, _ count: UInt64) {
  let kinds = InputGenerator.Kind.allCases
  for _ in 0..<count {
    let kind = kinds[generator.below(kinds.count)]
    let size = generator.length()
    let seed = generator.next()
    let input = InputGenerator.bytes(kind, count: size, seed: seed)
    print(kind.rawValue, size, seed, sums(compress(input)))
  }
}

func slices(_ file: [UInt8], _ generator: inout InputGenerator, _ count: UInt64) {
  for _ in 0..<count {
    let start = generator.below(file.count)
    let size = min(generator.length(), file.count - start)
    var piece = Array(file[start..<start + size])
    for _ in 0..<generator.below(8) where size > 0 {
      let at = generator.below(size)
      piece[at] = UInt8(truncatingIfNeeded: generator.next())
    }
    print(start, size, sums(compress(piece)))
  }
}

func bench(_ path: String) {
  let input = read(path)
  let compressor = ZlibCompressor()
  var sink = ByteSink(capacity: input.count)
  let clock = ContinuousClock()
  var times: [Double] = []
  for _ in 0..<(input.count > 20_000_000 ? 9 : 25) {
    sink.removeAll()
    let time = clock.measure {
      input.withUnsafeBytes { compressor.compress($0, into: &sink) }
    }
    times.append(Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18)
  }
  times.sort()
  let size = Double(input.count) / 1e6
  print(
    String(
      format: "swift %7.1f MB/s (best %.1f) %9d -> %9d", size / times[times.count / 2], size / times[0],
      input.count, sink.count), path)
}

let arguments = Array(CommandLine.arguments.dropFirst())
switch (arguments.first ?? "", arguments.count) {
case ("random", 3):
  var generator = InputGenerator(seed: number(arguments[1]))
  random(&generator, number(arguments[2]))
case ("slices", 4):
  var generator = InputGenerator(seed: number(arguments[2]))
  slices(read(arguments[1]), &generator, number(arguments[3]))
case ("compress", 3):
  let stream = Data(compress(read(arguments[1])))
  if !FileManager.default.createFile(atPath: arguments[2], contents: stream) {
    fail("cannot write \(arguments[2])")
  }
case ("bench", 2...):
  arguments.dropFirst().forEach(bench)
default:
  fail("usage: deflate-driver random | slices | compress | bench")
}
