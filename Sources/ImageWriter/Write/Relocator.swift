import LoaderCore

/// Relocation arithmetic for amd64, internal linking (cmd/link/internal/ld/data.go relocsym): S the
/// target's address, A the addend, P the address of the field, n its bytes.
///
/// Plain pointers, no references: one value serves all workers.
struct Relocator: @unchecked Sendable {
  let reader: SymbolReader
  let places: AddressView
  /// Virtual addresses of the sections.
  let sectionBases: UnsafePointer<UInt64>
  let reachable: UnsafePointer<UInt8>
  let reachableCount: Int
  let unreachableMethod: SymbolID
  /// Offset of the thread's g from its thread pointer (ld/sym.go computeTLSOffset).
  let tlsOffset: Int64
  let isPIE: Bool

  /// A relocation that cannot be done; the reader of the error list finds the words.
  struct Problem: Sendable {
    let symbol: SymbolID
    let relocation: Int
    let target: SymbolID
    let kind: Kind
    enum Kind: Sendable {
      case badRange, unresolved, unreachable, unknownType, badSize, tooBig(UInt64), missingSection
      /// A thread-local access of position-independent code, in a program that is not.
      case initialExec
    }
  }

  @inline(__always) private func isReachable(_ s: SymbolID) -> Bool {
    s.index < reachableCount && reachable[s.index] & 1 != 0
  }

  /// Applies the relocations of `s`, whose `count` data bytes have been copied to `field`, at `address`.
  @inline(__always)
  func apply(
    _ s: SymbolID, to field: UnsafeMutableRawPointer, count: Int, address: UInt64,
    problems: inout [Problem]
  ) {
    let relocs = reader.relocations(s)
    for i in 0..<relocs.count {
      let r = relocs[i]
      let size = Int(r.size)
      let offset = Int(r.offset)
      if offset < 0 || offset &+ size > count {
        problems.append(
          Problem(symbol: s, relocation: i, target: reader.target(r, in: relocs), kind: .badRange))
        continue
      }
      if size == 0 { continue }
      let target = reader.target(r, in: relocs)
      let word = places.word(target)
      if word >> 48 == 0, !target.isNone {
        if !unplaced(s, i, r, target, field + offset, &problems) { continue }
      }
      let value = word & Addresses.addressMask
      let result: Int64
      switch r.type {
      case RelocType.call, RelocType.pcrel, RelocType.gotPCRel:
        result =
          Int64(bitPattern: value) &+ r.addend
          &- Int64(bitPattern: address &+ UInt64(offset &+ size))
        if size == 4, result != Int64(Int32(truncatingIfNeeded: result)) {
          problems.append(
            Problem(symbol: s, relocation: i, target: target, kind: .tooBig(UInt64(bitPattern: result))))
        }
      case RelocType.addr:
        var base = value
        if word >> 48 == 0, r.isWeak, !isReachable(target) {
          base = places[unreachableMethod]
        }
        result = Int64(bitPattern: base) &+ r.addend
        if size == 4, Int32(truncatingIfNeeded: result) < 0 {
          problems.append(
            Problem(symbol: s, relocation: i, target: target, kind: .tooBig(UInt64(bitPattern: result))))
        }
      case RelocType.addrOff, RelocType.methodOff:
        result = Int64(bitPattern: value &- sectionBases[Int(word >> 48)]) &+ r.addend
      case RelocType.tlsLE: result = tlsOffset &+ r.addend
      case RelocType.tlsIE where isPIE:
        rewriteTLS(field, offset)
        result = tlsOffset
      case RelocType.tlsIE:
        problems.append(Problem(symbol: s, relocation: i, target: target, kind: .initialExec))
        continue
      case RelocType.size: result = reader.size(target) &+ r.addend
      case RelocType.const_: result = r.addend
      default:
        problems.append(Problem(symbol: s, relocation: i, target: target, kind: .unknownType))
        continue
      }
      store(result, field + offset, size, s, i, target, &problems)
    }
  }

  @inline(__always)
  private func store(
    _ v: Int64, _ p: UnsafeMutableRawPointer, _ size: Int, _ s: SymbolID, _ i: Int, _ target: SymbolID,
    _ problems: inout [Problem]
  ) {
    switch size {
    case 4: p.storeBytes(of: UInt32(truncatingIfNeeded: v).littleEndian, as: UInt32.self)
    case 8: p.storeBytes(of: UInt64(bitPattern: v).littleEndian, as: UInt64.self)
    case 2: p.storeBytes(of: UInt16(truncatingIfNeeded: v).littleEndian, as: UInt16.self)
    case 1: p.storeBytes(of: UInt8(truncatingIfNeeded: v), as: UInt8.self)
    default: problems.append(Problem(symbol: s, relocation: i, target: target, kind: .badSize))
    }
  }

  /// The target has no place in the image. Some relocations mean something even so; whether the ordinary
  /// arithmetic goes on.
  private func unplaced(
    _ s: SymbolID, _ i: Int, _ r: Relocation, _ target: SymbolID, _ field: UnsafeMutableRawPointer,
    _ problems: inout [Problem]
  ) -> Bool {
    let kind = reader.kind(target)
    if kind == .undefined || kind == .xref {
      problems.append(Problem(symbol: s, relocation: i, target: target, kind: .unresolved))
      return false
    }
    if r.type == RelocType.methodOff {
      // The runtime knows this value: the method is not part of the program.
      store(-1, field, Int(r.size), s, i, target, &problems)
      return false
    }
    if r.isWeak {
      // An unreached weak offset stays as it is; an address goes to a function that throws.
      return r.type != RelocType.addrOff || isReachable(target)
    }
    if kind != .tlsBss, !isReachable(target) {
      problems.append(Problem(symbol: s, relocation: i, target: target, kind: .unreachable))
    }
    if r.type == RelocType.addrOff {
      problems.append(Problem(symbol: s, relocation: i, target: target, kind: .missingSection))
      return false
    }
    return true
  }

  /// Turns the load of a thread-local offset into an immediate load (amd64/asm.go tlsIEtoLE).
  private func rewriteTLS(_ code: UnsafeMutableRawPointer, _ offset: Int) {
    guard offset >= 3 else { return }
    let prefix = code.load(fromByteOffset: offset - 3, as: UInt8.self)
    let opcode = code.load(fromByteOffset: offset - 2, as: UInt8.self)
    let register = code.load(fromByteOffset: offset - 1, as: UInt8.self) >> 3 & 7
    // The register moves from the reg field to the r/m field, and so does its extension bit.
    if prefix == 0x4c { code.storeBytes(of: 0x49, toByteOffset: offset - 3, as: UInt8.self) }
    if prefix == 0x44 { code.storeBytes(of: 0x41, toByteOffset: offset - 3, as: UInt8.self) }
    code.storeBytes(of: opcode == 0x8b ? 0xc7 : 0x81, toByteOffset: offset - 2, as: UInt8.self)
    code.storeBytes(of: 0xc0 | register, toByteOffset: offset - 1, as: UInt8.self)
  }
}
