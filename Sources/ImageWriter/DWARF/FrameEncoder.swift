import LoaderCore

/// .debug_frame: how to find a caller's frame from every instruction
/// (cmd/link/internal/ld/dwarf.go writeframes, appendPCDeltaCFA).
///
/// One common entry, then one entry per function with metadata, in address order. Addresses of functions
/// are final already, so the bytes are too, in position-independent executables as well.
package enum FrameEncoder {
  /// DWARF numbers of the stack pointer and the return address on amd64 (amd64/l.go).
  private static let stackPointer: UInt64 = 7
  private static let returnAddress: UInt64 = 16
  private static let pointerSize: Int64 = 8
  private static let dataAlignmentFactor: Int64 = -4

  /// - Parameters:
  ///   - known: positions in the last link, as `FrameMemo.match` gives them.
  ///   - ends: gets the offset in its sink at which each function's entry ends.
  static func encode(
    _ text: TextLayout, _ facts: UnsafePointer<FunctionFact>, _ reader: SymbolReader,
    known: UnsafePointer<Int32>, memory: FrameMemo, ends: UnsafeMutablePointer<UInt32>
  ) -> [ByteSink] {
    let grain = FrameMemo.grain
    let groups = (text.functions.count + grain - 1) / grain
    let sinks = [common()] + (0..<groups).map { _ in ByteSink(capacity: grain * 56) }
    Chunks.run(groups, grain: 1) { range in
      for g in range {
        let out = sinks[g + 1]
        for i in g * grain..<min(text.functions.count, (g + 1) * grain) {
          if known[i] >= 0 {
            let start = out.count
            out.append(memory.entry(known[i]))
            if out.count > start { out.setU64(text.starts[i], at: start + 8) }
          } else if facts[i].hasMetadata, !function(facts[i], at: text.starts[i], reader, to: out) {
            reader.object(reader.unit(text.functions[i])).pointee.view.noteFault()
          }
          ends[i] = UInt32(truncatingIfNeeded: out.count)
        }
      }
    }
    return sinks
  }

  private static func common() -> ByteSink {
    let out = ByteSink()
    out.u32(16)
    out.u32(0xffff_ffff)
    out.u8(3)
    out.u8(0)
    out.uleb(UInt64(1))
    out.sleb(dataAlignmentFactor)
    out.uleb(returnAddress)
    // The frame address is the stack pointer plus the word that the call pushed; the return address is there.
    out.u8(DebugFormat.FrameInstruction.defCFA)
    out.uleb(stackPointer)
    out.uleb(pointerSize)
    out.u8(DebugFormat.FrameInstruction.offsetExtended)
    out.uleb(returnAddress)
    out.uleb(-pointerSize / dataAlignmentFactor)
    out.zeros(20 - out.count)
    return out
  }

  /// False when the function's table is broken.
  private static func function(
    _ fact: FunctionFact, at address: UInt64, _ reader: SymbolReader, to out: ByteSink
  ) -> Bool {
    let start = out.count
    out.u32(0)
    out.u32(0)
    out.u64(address)
    out.u64(UInt64(fact.size))
    let instructions = out.count
    if !fact.stackDepths.isNone {
      guard stackDeltas(reader.data(fact.stackDepths), functionSize: Int(fact.size), to: out) else {
        return false
      }
    }
    let length = out.count - instructions
    out.zeros((length + 7) & ~7 - length)
    out.setU32(UInt32(truncatingIfNeeded: out.count - start - 4), at: start)
    return true
  }

  /// One rule per stretch of constant stack depth, from the table of (depth delta, pc delta) pairs; false when
  /// the table is broken.
  package static func stackDeltas(_ table: ByteView, functionSize: Int, to out: ByteSink) -> Bool {
    var at = 0
    var pc: UInt32 = 0
    var depth: Int32 = -1
    var isFirst = true
    while at < table.count {
      guard let delta = varint(table, &at) else { return false }
      if delta == 0 && !isFirst { return true }
      isFirst = false
      let signed = Int64(bitPattern: delta >> 1) ^ -Int64(bitPattern: delta & 1)
      depth &+= Int32(truncatingIfNeeded: signed)
      guard let advance = varint(table, &at) else { return false }
      let start = pc
      pc &+= UInt32(truncatingIfNeeded: advance)
      var end = pc
      // The table goes to the function's end, the rules must stop before it.
      if Int(end) == functionSize {
        end &-= 1
        if end < start { continue }
      }
      rule(length: Int64(end) - Int64(start), frame: Int64(depth) + pointerSize, to: out)
    }
    return true
  }

  private static func rule(length: Int64, frame: Int64, to out: ByteSink) {
    typealias Instruction = DebugFormat.FrameInstruction
    out.u8(Instruction.defCFAOffsetSF)
    out.sleb(frame / dataAlignmentFactor)
    switch length {
    case ..<0x40: out.u8(UInt8(truncatingIfNeeded: Int64(Instruction.advanceLoc) + length))
    case ..<0x100:
      out.u8(Instruction.advanceLoc1)
      out.u8(UInt8(truncatingIfNeeded: length))
    case ..<0x10000:
      out.u8(Instruction.advanceLoc2)
      out.u16(UInt16(truncatingIfNeeded: length))
    default:
      out.u8(Instruction.advanceLoc4)
      out.u32(UInt32(truncatingIfNeeded: length))
    }
  }

  /// Go's binary.Uvarint; nil when the bytes end early or the number is longer than 64 bits.
  @inline(__always)
  private static func varint(_ table: ByteView, _ at: inout Int) -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while at < table.count, shift < 64 {
      let byte = table.u8(at)
      at += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }
}
