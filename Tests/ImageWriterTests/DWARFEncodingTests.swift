import Foundation
import ImageWriter
import LoaderCore
import Testing

/// Bytes that need no program: numbers, the abbreviations, frame rules, paths.
@Suite struct DWARFEncodingTests {
  private func written(_ body: (ByteSink) -> Void) -> [UInt8] {
    let sink = ByteSink(capacity: 1)
    body(sink)
    return Array(sink.bytes)
  }

  /// Vectors of the DWARF 5 standard, figures 22 and 23, and the edges of each length.
  private static let unsigned: [(UInt64, [UInt8])] = [
    (0, [0]), (2, [2]), (127, [0x7f]), (128, [0x80, 1]), (129, [0x81, 1]), (12857, [0xb9, 0x64]),
    (16383, [0xff, 0x7f]), (16384, [0x80, 0x80, 1]),
    (.max, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
  ]
  private static let signed: [(Int64, [UInt8])] = [
    (0, [0]), (2, [2]), (-2, [0x7e]), (63, [0x3f]), (64, [0xc0, 0]), (-64, [0x40]), (-65, [0xbf, 0x7f]),
    (127, [0xff, 0]), (-127, [0x81, 0x7f]), (128, [0x80, 1]), (-128, [0x80, 0x7f]), (129, [0x81, 1]),
    (-129, [0xff, 0x7e]), (.min, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f]),
    (.max, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]),
  ]
  private static let fixed: [(UInt32, [UInt8])] = [
    (0, [0]), (1, [0x81, 0x80, 0]), (0x7f, [0x7f]), (300, [0xac, 2]), (300, [0xac, 0x82, 0x80, 0]),
    (0xfff_ffff, [0xff, 0xff, 0xff, 0x7f]),
  ]

  @Test func unsignedLEB() {
    for (value, bytes) in Self.unsigned { #expect(written { $0.uleb(value) } == bytes) }
  }

  @Test func signedLEB() {
    for (value, bytes) in Self.signed { #expect(written { $0.sleb(value) } == bytes) }
  }

  /// What was moved before its unit has a negative offset, which Go writes as 64 unsigned bits.
  @Test func negativeOffsetTakesTenBytes() {
    let bytes = written { $0.uleb(Int64(-2)) }
    #expect(bytes == [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1])
  }

  @Test func fixedLengthLEB() {
    for (value, bytes) in Self.fixed {
      var field = [UInt8](repeating: 0xee, count: bytes.count + 1)
      field.withUnsafeMutableBytes { p in
        guard let base = p.baseAddress else { return }
        DebugRelocator.storeFixedULEB(value, width: bytes.count, to: base)
      }
      #expect(field == bytes + [0xee])
    }
  }

  /// .debug_abbrev of a program that Go 1.27.3 linked; it is the same for all programs.
  @Test func abbreviations() {
    let real = """
      AREBAwgTCxAXEQFVFxsIJQiFUghzFwAAAhEBAwgTCxsIJQiFUggAAAMuAQMIERsSD0AKOgY7Dz8MAAAELgEDCBEbEg9AClYMAAAF
      LgEDCCALOw8/DAAABi4BMRARGxIPQAoAAAcuATEQERsSD0AKVgwAAAgdATEQERsSD1gGWQ8AAAkdATEQVRdYBlkPAAAKNAADCAIK
      SRA/DAAACycAAwhJEBwNAAAMCwFVFwAADQsBEQESAQAADg0AAwg4D0kQg1IMAAAPBQBJEAAAEAUASwxJEAAAERgAAAASIQBJEDcP
      AAATOwADCAAAFCQAAwg+CwsLgFILhFIBAAAVAQEDCEkQCw+AUguEUgEAABYWAAMISRCAUguEUgGCUhAAABcVAQMICw+AUguEUgEA
      ABgWAQMISRCAUguEUgEAABkWAAMISRCAUguEUgGBUhCCUhAAABoPAAMISRCAUguEUgEAABsPAAMIhFIBAAAcEwEDCAsPgFILhFIB
      glIQAAAdEwEDCAsPgFILhFIBAAAeEwEDCAsPgFILhFIBAAAfFgADCEkQAAAgFgADCEkQhlIPAAAhNAADCDsPSRAAACIFAAMISwxJ
      EAAAIzQAMRACFwAAJDQAMRACCgAAJTQAAwg7D0kQh1IPAhcAACY0AAMIOw9JEIdSDwIKAAAnNAADCDsPSRACFwAAKDQAAwg7D0kQ
      AgoAACkFADEQAhcAACoFADEQAgoAACsFAAMISww7D0kQh1IPAhcAACwFAAMISww7D0kQh1IPAgoAAC0FAAMISww7D0kQAhcAAC4F
      AAMISww7D0kQAgoAAAA=
      """
    let bytes = Data(base64Encoded: real, options: .ignoreUnknownCharacters)
    #expect(Data(AbbrevTable.bytes) == bytes)
  }

  // MARK: frames

  private func rules(_ table: [UInt8], functionSize: Int) -> [UInt8]? {
    let sink = ByteSink()
    let ok = table.withUnsafeBytes {
      FrameEncoder.stackDeltas(ByteView($0.baseAddress, $0.count), functionSize: functionSize, to: sink)
    }
    return ok ? Array(sink.bytes) : nil
  }

  /// Depth 0 for 4 bytes, 24 for 300, 0 for 5 up to the end: depths count the return address, in units of
  /// -4, and the last rule ends one byte early.
  @Test func stackDepths() {
    let table: [UInt8] = [2, 4, 48, 0xac, 2, 47, 5, 0]
    #expect(
      rules(table, functionSize: 309) == [
        0x13, 0x7e, 0x44, 0x13, 0x78, 3, 0x2c, 1, 0x13, 0x7e, 0x44,
      ])
    // Not the function's end: nothing is cut off.
    #expect(
      rules(table, functionSize: 310) == [
        0x13, 0x7e, 0x44, 0x13, 0x78, 3, 0x2c, 1, 0x13, 0x7e, 0x45,
      ])
  }

  @Test func shortAdvances() {
    #expect(rules([2, 0x3f, 0], functionSize: 1000) == [0x13, 0x7e, 0x7f])
    #expect(rules([2, 0x40, 0], functionSize: 1000) == [0x13, 0x7e, 2, 0x40])
  }

  @Test func longAdvances() {
    #expect(rules([2, 0xff, 1], functionSize: 1000) == [0x13, 0x7e, 2, 0xff])
    #expect(rules([2, 0x80, 2], functionSize: 1000) == [0x13, 0x7e, 3, 0, 1])
    #expect(rules([2, 0xff, 0xff, 3], functionSize: 1000) == [0x13, 0x7e, 3, 0xff, 0xff])
    #expect(rules([2, 0x80, 0x80, 4], functionSize: 1000) == [0x13, 0x7e, 4, 0, 0, 1, 0])
  }

  /// A first delta of zero is a depth; a later one ends the table.
  @Test func endOfTable() {
    #expect(rules([], functionSize: 1) == [])
    #expect(rules([0, 4, 0, 99, 99], functionSize: 9) == [0x13, 0x7f, 0x44])
  }

  @Test func brokenTables() {
    #expect(rules([2], functionSize: 1) == nil)
    #expect(rules([0x80], functionSize: 1) == nil)
    #expect(rules([2, 4, 0x82], functionSize: 1) == nil)
    #expect(rules([UInt8](repeating: 0xff, count: 12), functionSize: 1) == nil)
  }

  // MARK: paths

  /// What Go's path.Dir and path.Base gave for these.
  @Test(arguments: [
    ("a/b", "a", "b"), ("/a", "/", "a"), ("a", ".", "a"), ("a//b/../c", "a", "c"), ("/../x", "/", "x"),
    ("../x", "..", "x"), ("./x", ".", "x"), ("a/", "a", "a"), ("//", "/", "/"), ("/", "/", "/"),
    ("/a/./b.go", "/a", "b.go"), ("a/.../b", "a/...", "b"), ("../../x/y", "../../x", "y"),
    ("/usr/lib/go/src/fmt/print.go", "/usr/lib/go/src/fmt", "print.go"), ("a/b/..", "a/b", ".."),
    ("./..", ".", ".."), ("<autogenerated>", ".", "<autogenerated>"), ("a/..b/c", "a/..b", "c"),
    (".", ".", "."), ("..", ".", ".."), ("/.hidden/x", "/.hidden", "x"), ("a/../../b", "..", "b"),
  ])
  func directoryAndBase(path: String, directory: String, base: String) {
    let arena = Arena()
    let parts = GoPath.split(arena.intern(path), in: arena)
    #expect(parts.directory.string == directory)
    #expect(parts.base.string == base)
  }
}
