import ImageWriter
import LoaderCore
import Testing

private func hex(_ bytes: [UInt8]) -> String {
  bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

/// The bits a program stands for.
private func expand(_ program: [UInt8]) -> [UInt8] {
  var bits: [UInt8] = []
  var at = 0
  func byte() -> Int {
    defer { at += 1 }
    return at < program.count ? Int(program[at]) : 0
  }
  func varint() -> Int {
    var (value, shift) = (0, 0)
    while true {
      let b = byte()
      value |= (b & 0x7f) << shift
      if b < 0x80 { return value }
      shift += 7
    }
  }
  while true {
    let code = byte()
    if code == 0 { return bits }
    if code < 0x80 {
      for i in 0..<code { bits.append(program[at + i / 8] >> UInt8(i % 8) & 1) }
      at += (code + 7) / 8
    } else {
      let n = code == 0x80 ? varint() : code & 0x7f
      let run = Array(bits.suffix(n))
      for _ in 0..<varint() { bits += run }
    }
  }
}

@Suite struct GCProgramWriterTests {
  private func program(
    limit: Int64, _ body: (inout GCProgramWriter) throws(GCProgramWriter.OutOfRange) -> Void
  ) throws -> String {
    var w = GCProgramWriter(limit: limit)
    try body(&w)
    w.end()
    return hex(w.bytes)
  }

  /// The bytes are those of cmd/internal/gcprog for the same calls.
  @Test func writesWhatGoWrites() throws {
    #expect(try program(limit: 0) { _ throws(GCProgramWriter.OutOfRange) in } == "00")
    #expect(
      try program(limit: 201) { w throws(GCProgramWriter.OutOfRange) in
        for i: Int64 in [0, 1, 5, 200] { try w.pointer(at: i) }
        try w.zeros(until: 201)
      } == "072381c101010100")
    // 31 zeros are literals, 32 a repetition.
    #expect(
      try program(limit: 130) { w throws(GCProgramWriter.OutOfRange) in
        try w.zeros(until: 31)
        try w.pointer(at: 31)
        try w.zeros(until: 64)
        for i: Int64 in [64, 96, 129] { try w.pointer(at: i) }
      } == "210000008000811f220100000001811f010100")
    // Literal runs end at 127 bits.
    #expect(
      try program(limit: 310) { w throws(GCProgramWriter.OutOfRange) in
        var i: Int64 = 0
        while i < 300 {
          try w.pointer(at: i)
          i += 1 + i % 3
        }
        try w.zeros(until: 310)
      } == "7fdbb66ddbb66ddbb66ddbb66ddbb66d5b7f6ddbb66ddbb66ddbb66ddbb66ddbb66d38b66ddbb66d1b0000")
    #expect(
      try program(limit: 100_000) { w throws(GCProgramWriter.OutOfRange) in
        try w.pointer(at: 2)
        try w.zeros(until: 4)
        try w.repetition(of: 4, times: 9)
        try w.pointer(at: 41)
        try w.zeros(until: 300)
        try w.repetition(of: 127, times: 1)
        try w.repetition(of: 128, times: 300)
        try w.repetition(of: 0, times: 5)
        try w.repetition(of: 5, times: 0)
        try w.zeros(until: 100_000)
      } == "040484090302818102ff01808001ac02010081f4dd0300")
  }

  @Test func refusesToGoBackOrBeyondTheRegion() throws {
    var w = GCProgramWriter(limit: 100)
    try w.pointer(at: 50)
    #expect(throws: GCProgramWriter.OutOfRange.self) { try w.pointer(at: 50) }
    #expect(throws: GCProgramWriter.OutOfRange.self) { try w.zeros(until: 12) }
    #expect(throws: GCProgramWriter.OutOfRange.self) { try w.pointer(at: 100) }
    #expect(throws: GCProgramWriter.OutOfRange.self) { try w.zeros(until: 101) }
    #expect(throws: GCProgramWriter.OutOfRange.self) { try w.repetition(of: 25, times: 2) }
    #expect(throws: GCProgramWriter.OutOfRange.self) { try w.repetition(of: .max, times: 3) }
    #expect(throws: GCProgramWriter.OutOfRange.self) { try w.repetition(of: -1, times: -1) }
    #expect(w.position == 51)
  }
}

/// Type descriptors made for a test, in an index of their own.
private struct Types {
  let index: SymbolIndex

  init() throws { index = try EmptyProgram().index }

  func descriptor(_ name: String, kind: UInt8, size: Int, pointerBytes: Int, length: Int) -> SymbolID {
    let s = index.createUnlisted(name)
    index.setData(s, Array(repeating: 0, count: length))
    index.setUInt(s, at: 0, UInt64(size))
    index.setUInt(s, at: 8, UInt64(pointerBytes))
    index.setUInt(s, at: 23, kind)
    return s
  }

  /// A type with a mask of its own, one bit a word.
  func scalar(_ name: String, kind: UInt8, size: Int, mask: [UInt8], words: Int) -> SymbolID {
    let s = descriptor(name, kind: kind, size: size, pointerBytes: 8 * words, length: 56)
    let m = index.createUnlisted("mask of " + name)
    index.setData(m, mask)
    index.addRelocation(s, offset: 32, size: 8, type: RelocType.addr, addend: 0, target: m)
    return s
  }

  func array(of element: SymbolID, count: Int, size: Int, pointerBytes: Int) -> SymbolID {
    let s = descriptor("array", kind: 17, size: size, pointerBytes: pointerBytes, length: 72)
    index.addRelocation(s, offset: 48, size: 8, type: RelocType.addr, addend: 0, target: element)
    index.setUInt(s, at: 64, UInt64(count))
    return s
  }

  func structure(
    _ fields: [(SymbolID, offset: Int)], size: Int, pointerBytes: Int, uncommon: Bool = false
  ) -> SymbolID {
    let start = 80 + (uncommon ? 16 : 0)
    let s = descriptor(
      "struct", kind: 25, size: size, pointerBytes: pointerBytes, length: start + 24 * fields.count)
    if uncommon { index.setUInt(s, at: 20, UInt8(1)) }
    index.setUInt(s, at: 64, UInt64(fields.count))
    for (i, f) in fields.enumerated() {
      index.addRelocation(
        s, offset: Int32(start + 24 * i + 8), size: 8, type: RelocType.addr, addend: 0, target: f.0)
      index.setUInt(s, at: start + 24 * i + 16, UInt64(f.offset))
    }
    return s
  }

  func program(words: Int, _ types: [(SymbolID, offset: Int64)]) throws -> GCProgram {
    var b = GCProgramBuilder(name: "runtime.gcdata", reader: index.reader, words: Int64(words))
    for t in types { try b.add(type: t.0, at: t.offset) }
    return try b.finish()
  }
}

@Suite struct GCProgramTests {
  @Test func takesArraysAndStructsApart() throws {
    let t = try Types()
    let string = t.scalar("string", kind: 24, size: 16, mask: [1], words: 1)
    let int = t.descriptor("int", kind: 2, size: 8, pointerBytes: 0, length: 48)
    let pair = t.structure([(int, 0), (string, 8)], size: 24, pointerBytes: 16, uncommon: true)
    let table = t.array(of: pair, count: 5, size: 120, pointerBytes: 112)
    let single = t.array(of: string, count: 1, size: 16, pointerBytes: 8)
    let outer = t.structure([(single, 0), (int, 16), (table, 24)], size: 144, pointerBytes: 136)
    let p = try t.program(words: 30, [(string, 0), (outer, 16), (single, 200)])
    var want = Array(repeating: UInt8(0), count: 30)
    for i in [0, 2, 6, 9, 12, 15, 18, 25] { want[i] = 1 }
    #expect(expand(p.bytes) == want)
    #expect(p.errors.isEmpty)
    // The table is written once and repeated four times.
    #expect(hex(p.bytes).contains("8304"))
    // All that could make it another program, also the field that has no pointers so far.
    #expect(
      p.read.map { t.index.reader.name($0).string }.sorted() == [
        "array", "array", "int", "mask of string", "string", "struct", "struct",
      ])
  }

  @Test func readsMasksLongerThanAByte() throws {
    let t = try Types()
    let big = t.scalar("big", kind: 21, size: 160, mask: [0b1000_0001, 0xff, 0b1], words: 17)
    let p = try t.program(words: 20, [(big, 0)])
    #expect(expand(p.bytes) == [1, 0, 0, 0, 0, 0, 0, 1] + Array(repeating: 1, count: 9) + [0, 0, 0])
  }

  @Test func saysWhatTheRealLinkerSays() throws {
    let t = try Types()
    let int = t.descriptor("int", kind: 2, size: 8, pointerBytes: 0, length: 48)
    let onDemand = t.scalar("odd", kind: 22, size: 8, mask: [1], words: 1)
    t.index.setUInt(onDemand, at: 20, UInt8(1 << 4))
    #expect(
      try t.program(words: 4, [(int, 0), (onDemand, 8)]).errors == [
        "runtime.gcdata: has no pointers but in data section", "runtime.gcdata: GC mask not available",
      ])
    let loose = t.index.createUnlisted("main.loose")
    t.index.setSize(loose, 24)
    let special = t.index.createUnlisted("runtime.edata")
    let p = try GCProgram.build(
      name: "runtime.gcbss", symbols: [special, loose], addresses: [0x1000, 0x1008], start: 0x1000,
      end: 0x1020, reader: t.index.reader)
    #expect(
      p.errors == ["runtime.gcbss: missing Go type information for global symbol main.loose: size 24"])
    #expect(expand(p.bytes) == [0, 0, 0, 0])
  }

  @Test func refusesTypesThatCannotBe() throws {
    let t = try Types()
    let string = t.scalar("string", kind: 24, size: 16, mask: [1], words: 1)
    let int = t.descriptor("int", kind: 2, size: 8, pointerBytes: 0, length: 48)
    let loop = t.array(of: string, count: 1, size: 16, pointerBytes: 8)
    t.index.setRelocationTarget(loop, 0, loop)
    let huge = t.array(of: string, count: .max, size: 16, pointerBytes: 8)
    let manyFields = t.structure([(string, 0)], size: 16, pointerBytes: 8)
    t.index.setUInt(manyFields, at: 64, UInt64.max)
    let far = t.structure([(string, Int.max)], size: 16, pointerBytes: 8)
    let maskless = t.descriptor("maskless", kind: 24, size: 16, pointerBytes: 8, length: 56)
    let hollow = t.structure([(SymbolID.none, 0)], size: 16, pointerBytes: 8)
    let short = t.descriptor("short", kind: 24, size: 16, pointerBytes: 8, length: 47)
    // Doubles the number of its leaves with every level, none of which has a pointer.
    var wide = t.structure([(int, 0)], size: 8, pointerBytes: 8)
    t.index.setUInt(int, at: 8, UInt64(7))
    for _ in 0..<60 { wide = t.structure([(wide, 0), (wide, 0)], size: 8, pointerBytes: 8) }
    for bad in [loop, huge, manyFields, far, maskless, hollow, short, wide] {
      #expect(throws: LinkFailure.self) { try t.program(words: 8, [(bad, 0)]) }
    }
    // Overlapping, beyond the end, before the start.
    #expect(throws: LinkFailure.self) { try t.program(words: 8, [(string, 8), (string, 8)]) }
    #expect(throws: LinkFailure.self) { try t.program(words: 8, [(string, 64)]) }
    #expect(throws: LinkFailure.self) { try t.program(words: 8, [(string, -8)]) }
  }
}
