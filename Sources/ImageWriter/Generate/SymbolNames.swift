import LoaderCore

/// What a symbol table took from the definition of one symbol.
struct KnownName: BitwiseCopyable {
  /// None when nothing is known.
  var symbol: UInt32 = 0
  private var shortSize: UInt32 = 0
  /// Where the name lies in its part's strings, with the NUL behind it.
  private var start: UInt32 = 0
  private var length: UInt16 = 0
  /// Twice the number of the range of positions, and 1 for global entries.
  private(set) var part: UInt8 = 0
  private var flags: UInt8 = 0

  private static let unlisted: UInt8 = 1
  private static let local: UInt8 = 2
  private static let fileLocal: UInt8 = 4

  /// Nothing.
  init() {}

  /// Of data that no table lists.
  init(unlisted s: SymbolID, isFileLocal: Bool) {
    symbol = s.raw
    flags = Self.unlisted | (isFileLocal ? Self.fileLocal : 0)
  }

  /// - Parameters:
  ///   - isLocal: by the definition; an attribute may make an entry local too.
  ///   - range: number of the range of positions, below 128.
  ///   - inLocals: whether the entry is among the local ones.
  init(
    _ s: SymbolID, size: UInt64, isLocal: Bool, isFileLocal: Bool, name: Range<Int>, in range: Int,
    inLocals: Bool
  ) {
    // What does not fit is found out again each time.
    guard let size = UInt32(exactly: size), let start = UInt32(exactly: name.lowerBound),
      let length = UInt16(exactly: name.count)
    else { return }
    (symbol, shortSize, self.start, self.length) = (s.raw, size, start, length)
    part = Self.part(range, inLocals)
    flags = (isLocal ? Self.local : 0) | (isFileLocal ? Self.fileLocal : 0)
  }

  private static func part(_ range: Int, _ inLocals: Bool) -> UInt8 {
    UInt8(truncatingIfNeeded: 2 &* range &+ (inLocals ? 0 : 1))
  }

  /// The same in another table.
  @inline(__always)
  func moved(to start: Int, in range: Int, isLocal: Bool) -> KnownName {
    // A part with 4 GiB of names is the end of the link.
    var other = self
    other.start = UInt32(truncatingIfNeeded: start)
    other.part = Self.part(range, isLocal)
    return other
  }

  @inline(__always) var isUnlisted: Bool { flags & Self.unlisted != 0 }
  @inline(__always) var isLocal: Bool { flags & Self.local != 0 }
  @inline(__always) var isFileLocal: Bool { flags & Self.fileLocal != 0 }
  /// Bytes of the symbol.
  @inline(__always) var size: UInt64 { UInt64(shortSize) }
  @inline(__always) var name: Range<Int> { Int(start)..<(Int(start) &+ Int(length)) }
}

/// The names of a program's last symbol table, in its order: most symbols keep theirs, and copying them from here is a
/// sweep, where reading them anew goes all over the objects.
final class SymbolNames: @unchecked Sendable {
  /// By position in the table, local and global entries together.
  private let known: Table<KnownName>
  /// By `KnownName.part`.
  private let strings: [ByteSink]

  init() {
    known = Table()
    strings = []
  }

  init(_ known: consuming Table<KnownName>, strings: [ByteSink]) {
    self.known = known
    self.strings = strings
  }

  /// Bytes of memory.
  var byteCount: Int { known.byteCount + strings.reduce(0) { $0 + $1.room } }

  /// Follows an exchange of objects.
  func follow(_ change: IndexChange) {
    let base = known.base
    Chunks.run(known.count, grain: 1 << 14) { range in
      for k in range where base[k].symbol != 0 {
        let old = SymbolID(base[k].symbol)
        base[k].symbol = change.isTouched(old) ? 0 : change.number(old)?.raw ?? 0
      }
    }
  }

  @inline(__always)
  func name(_ known: KnownName) -> ByteView {
    let name = known.name
    return ByteView(UnsafeRawPointer(strings[Int(known.part)].base) + name.lowerBound, name.count)
  }

  /// Looks symbols up that come in about the same order.
  struct Search {
    private let base: UnsafePointer<KnownName>
    private let count: Int
    /// Where the next one should be.
    private var next: Int
    /// Symbols that were not found, since one was or since the last far look.
    private var misses = SymbolNames.manyMisses

    fileprivate init(_ known: UnsafePointer<KnownName>, _ count: Int, next: Int) {
      (base, self.count, self.next) = (known, count, next)
    }

    /// - Parameter s: not none.
    @inline(__always)
    mutating func find(_ s: SymbolID) -> KnownName? {
      if next < count, base[next].symbol == s.raw {
        next &+= 1
        return base[next &- 1]
      }
      return findAhead(s)
    }

    private mutating func findAhead(_ s: SymbolID) -> KnownName? {
      let isFar = misses >= SymbolNames.manyMisses
      let reach = isFar ? SymbolNames.farReach : SymbolNames.nearReach
      let first = isFar ? max(0, next &- reach) : next
      for k in first..<max(first, min(next &+ reach, count)) where base[k].symbol == s.raw {
        next = k &+ 1
        misses = 0
        return base[k]
      }
      misses = isFar ? 0 : misses &+ 1
      return nil
    }
  }

  /// After so many symbols that are not where they should be, the next one is looked for farther away.
  private static let manyMisses = 256
  private static let nearReach = 32
  private static let farReach = 4096

  /// - Parameter position: of the first symbol that will be looked up.
  func search(from position: Int) -> Search {
    Search(known.base, known.count, next: min(position, known.count))
  }
}
