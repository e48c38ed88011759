import LoaderCore

/// Writes the heads of units' parts of .debug_line: parameters of the line programs, directories and files
/// (cmd/link/internal/ld/dwarf.go writelines, writeDirFileTables). The programs themselves come from the
/// objects, one per function.
///
/// One writer serves many units in turn: they share most of their directories.
struct LineHeaderWriter {
  private var directories: DirectoryNames
  /// The unit's directories, by number; 0 is the current one.
  private var used: [Int] = []
  /// The numbers by directory, valid where `usedBy` names the unit at hand.
  private var numbers: [Int32] = []
  private var usedBy: [Int32] = []
  private var unit: Int32 = 0
  private var files: [File] = []

  private struct File: BitwiseCopyable {
    let base: ByteView
    let directory: Int32
  }

  init(paths: SourcePath) { directories = DirectoryNames(paths: paths) }

  /// Writes the header of the unit that `view` is the object of to an empty sink; the length is still missing.
  mutating func write(_ view: ObjectView, to out: ByteSink) {
    collect(view)
    out.u32(0)
    out.u16(DebugFormat.version)
    out.u8(DebugFormat.addressSize)
    out.u8(0)
    out.u32(0)
    let header = out.count
    // Minimum instruction length, operations per instruction, default is_stmt, line base -4, line range 10,
    // opcode base 11, and the numbers of operands of the standard opcodes: the compiler's line programs are
    // written for these (cmd/internal/obj/dwarf.go).
    for byte: UInt8 in [1, 1, 1, 0xfc, 10, 11, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0] { out.u8(byte) }
    out.u8(1)
    out.u8(DebugFormat.LineContent.path)
    out.u8(DebugFormat.Form.string)
    out.uleb(UInt64(used.count))
    for d in used { out.string(directories.name(d)) }
    out.u8(2)
    out.u8(DebugFormat.LineContent.path)
    out.u8(DebugFormat.Form.string)
    out.u8(DebugFormat.LineContent.directoryIndex)
    out.u8(DebugFormat.Form.udata)
    // File 0 stands for nothing.
    out.uleb(UInt64(files.count + 1))
    out.string("?" as StaticString)
    out.u8(0)
    for f in files {
      out.string(f.base)
      out.uleb(UInt64(f.directory))
    }
    out.setU32(UInt32(truncatingIfNeeded: out.count - header), at: header - 4)
  }

  /// - Parameter programBytes: bytes of the line programs that follow the header.
  static func setLength(programBytes: Int, in header: ByteSink) {
    header.setU32(UInt32(truncatingIfNeeded: header.count - 4 + programBytes), at: 0)
  }

  private mutating func collect(_ view: ObjectView) {
    unit += 1
    used.removeAll(keepingCapacity: true)
    files.removeAll(keepingCapacity: true)
    _ = number(of: DirectoryNames.current)
    for i in 0..<view.fileCount {
      let (directory, base) = directories.split(view.fileName(i), at: i)
      files.append(File(base: base, directory: number(of: directory)))
    }
  }

  private mutating func number(of directory: Int) -> Int32 {
    while numbers.count <= directory {
      numbers.append(0)
      usedBy.append(0)
    }
    if usedBy[directory] != unit {
      usedBy[directory] = unit
      numbers[directory] = Int32(used.count)
      used.append(directory)
    }
    return numbers[directory]
  }

  /// The script that lets gdb understand the runtime, beside whose scheduler it lies; nil when the unit does
  /// not have that file.
  static func debuggerScript(_ view: ObjectView, paths: SourcePath) -> [UInt8]? {
    let wanted: StaticString = "runtime/proc.go"
    let n = wanted.utf8CodeUnitCount
    let arena = Arena()
    for i in 0..<view.fileCount {
      let name = paths.expand(view.fileName(i), in: arena)
      guard name.count >= n else { continue }
      for at in 0...(name.count - n) where name.slice(at, n).hasPrefix(wanted) {
        return Array(name.slice(0, at).buffer) + Array("runtime/runtime-gdb.py".utf8)
      }
    }
    return nil
  }
}

/// Directories as they appear in line tables, numbered, found by how objects spell them.
private struct DirectoryNames {
  private let paths: SourcePath
  private let arena = Arena()
  private var names: [ByteView] = []
  /// What objects write, "gofile..$GOROOT/src/fmt/" -> directory.
  private var spellings = Directory()
  /// "/usr/lib/go/src/fmt" -> directory.
  private var finalNames = Directory()

  static let current = 0

  init(paths: SourcePath) {
    self.paths = paths
    _ = number(of: arena.intern("."))
  }

  func name(_ directory: Int) -> ByteView { names[directory] }

  /// The directory and the last element of a file name of an object; `i` names one that has none.
  mutating func split(_ raw: ByteView, at i: Int) -> (directory: Int, base: ByteView) {
    let length = Self.directoryLength(raw)
    guard length > 0 else {
      let (directory, base) = expand(raw, at: i)
      return (number(of: directory), base)
    }
    let spelling = raw.slice(0, length)
    let hash = NameHash.of(spelling)
    if let known = spellings.find(spelling, hash) { return (known, raw.slice(length, raw.count - length)) }
    let (directory, base) = expand(raw, at: i)
    let number = number(of: directory)
    spellings.insert(spelling, hash, number)
    return (number, base)
  }

  /// Bytes up to the last slash, when what follows is a name that no cleaning of the path changes.
  private static func directoryLength(_ name: ByteView) -> Int {
    guard let base = name.base else { return 0 }
    var n = name.count
    while n > 0, base.load(fromByteOffset: n &- 1, as: UInt8.self) != 0x2f { n &-= 1 }
    return n == name.count || name.u8(n) == 0x2e ? 0 : n
  }

  private func expand(_ raw: ByteView, at i: Int) -> (directory: ByteView, base: ByteView) {
    var name = paths.expand(raw, in: arena)
    // Files need a name to be told apart.
    if name.isEmpty { name = arena.intern("<missing>_\(i)") }
    return GoPath.split(name, in: arena)
  }

  private mutating func number(of directory: ByteView) -> Int {
    let hash = NameHash.of(directory)
    if let known = finalNames.find(directory, hash) { return known }
    finalNames.insert(directory, hash, names.count)
    names.append(directory)
    return names.count - 1
  }

  /// Names and their numbers, by open addressing.
  private struct Directory {
    private struct Slot: BitwiseCopyable {
      var name = ByteView.empty
      var hash: UInt32 = 0
      var number: Int32 = -1
    }
    private var slots = [Slot](repeating: Slot(), count: 512)
    private var count = 0

    func find(_ name: ByteView, _ hash: UInt32) -> Int? {
      var at = Int(hash) & (slots.count - 1)
      while slots[at].number >= 0 {
        if slots[at].hash == hash, slots[at].name == name { return Int(slots[at].number) }
        at = (at + 1) & (slots.count - 1)
      }
      return nil
    }

    mutating func insert(_ name: ByteView, _ hash: UInt32, _ number: Int) {
      if count * 2 >= slots.count {
        let old = slots
        slots = Array(repeating: Slot(), count: old.count * 2)
        for s in old where s.number >= 0 { place(s) }
      }
      place(Slot(name: name, hash: hash, number: Int32(number)))
      count += 1
    }

    private mutating func place(_ s: Slot) {
      var at = Int(s.hash) & (slots.count - 1)
      while slots[at].number >= 0 { at = (at + 1) & (slots.count - 1) }
      slots[at] = s
    }
  }
}
