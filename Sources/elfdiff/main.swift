import Foundation
import ImageDiff

var arguments = Array(CommandLine.arguments.dropFirst())
var symbols: String?
if let at = arguments.firstIndex(of: "--symbols"), at + 1 < arguments.count {
  symbols = arguments[at + 1]
  arguments.removeSubrange(at...(at + 1))
}
guard arguments.count == 2 else {
  FileHandle.standardError.write(Data("usage: elfdiff EXPECTED ACTUAL [--symbols ELF]\n".utf8))
  exit(2)
}
do {
  let report = try explainDifference(expected: arguments[0], actual: arguments[1], symbols: symbols)
  print(report)
  exit(report.identical ? 0 : 1)
} catch {
  FileHandle.standardError.write(Data("elfdiff: \(error)\n".utf8))
  exit(2)
}
