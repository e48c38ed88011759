import LoaderCore

/// The head of a unit's part of .debug_line: parameters of the line programs, directories and files
/// (cmd/link/internal/ld/dwarf.go writelines, writeDirFileTables). The programs themselves come from the
/// objects, one per function.
struct LineHeader {
  private var directories: [ByteView] = []
  private var files: [(base: ByteView, directory: Int)] = []
  /// Directories as objects spell them, with their numbers: a repeated one needs no second look.
  private var spellings: [(text: ByteView, directory: Int)] = []
  private var lastSpelling = 0
  /// "…/runtime/runtime-gdb.py", if the unit holds the runtime's scheduler.
  private(set) var debuggerScript: [UInt8]?

  /// The names, as the real linker splits them: file 0 is a placeholder, directory 0 the current one.
  init(_ view: ObjectView, paths: SourcePath, isRuntime: Bool, arena: Arena) {
    directories = [Self.dot]
    files.reserveCapacity(view.fileCount + 1)
    files.append((arena.intern("?"), 0))
    for i in 0..<view.fileCount {
      let raw = view.fileName(i)
      let length = Self.directoryLength(raw)
      if length > 0, let known = findSpelling(raw.slice(0, length)) {
        files.append((raw.slice(length, raw.count - length), known))
      } else {
        var name = paths.expand(raw, in: arena)
        // Files need a name to be told apart.
        if name.isEmpty { name = arena.intern("<missing>_\(i)") }
        let (directory, base) = GoPath.split(name, in: arena)
        let number = number(of: directory)
        files.append((base, number))
        if length > 0 {
          spellings.append((raw.slice(0, length), number))
          lastSpelling = spellings.count - 1
        }
      }
      if isRuntime, debuggerScript == nil {
        debuggerScript = Self.script(besides: paths.expand(raw, in: arena))
      }
    }
  }

  /// Bytes up to the last slash, when what follows is a name that stays what it is.
  private static func directoryLength(_ name: ByteView) -> Int {
    var n = name.count
    while n > 0, name.u8(n - 1) != 0x2f { n -= 1 }
    let first = name.u8(n)
    return n == name.count || first == 0x2e ? 0 : n
  }

  private mutating func findSpelling(_ text: ByteView) -> Int? {
    guard !spellings.isEmpty else { return nil }
    // Files of one directory follow one another mostly.
    if spellings[lastSpelling].text == text { return spellings[lastSpelling].directory }
    for i in spellings.indices where spellings[i].text == text {
      lastSpelling = i
      return spellings[i].directory
    }
    return nil
  }

  private static let dot: ByteView = {
    let text: StaticString = "."
    return ByteView(UnsafeRawPointer(text.utf8Start), 1)
  }()

  private mutating func number(of directory: ByteView) -> Int {
    for i in directories.indices where directories[i] == directory { return i }
    directories.append(directory)
    return directories.count - 1
  }

  private static func script(besides name: ByteView) -> [UInt8]? {
    let wanted: StaticString = "runtime/proc.go"
    let n = wanted.utf8CodeUnitCount
    guard name.count >= n else { return nil }
    for at in 0...(name.count - n) where name.slice(at, n).hasPrefix(wanted) {
      return Array(name.slice(0, at).buffer) + Array("runtime/runtime-gdb.py".utf8)
    }
    return nil
  }

  /// - Parameter programBytes: bytes of the line programs that follow.
  func write(to out: ByteSink, programBytes: Int) {
    let unit = out.count
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
    out.uleb(UInt64(directories.count))
    for d in directories { out.string(d) }
    out.u8(2)
    out.u8(DebugFormat.LineContent.path)
    out.u8(DebugFormat.Form.string)
    out.u8(DebugFormat.LineContent.directoryIndex)
    out.u8(DebugFormat.Form.udata)
    out.uleb(UInt64(files.count))
    for f in files {
      out.string(f.base)
      out.uleb(UInt64(f.directory))
    }
    out.setU32(UInt32(truncatingIfNeeded: out.count - header), at: header - 4)
    out.setU32(UInt32(truncatingIfNeeded: out.count - unit - 4 + programBytes), at: unit)
  }
}

/// Go's package path, on bytes.
enum GoPath {
  /// path.Dir and path.Base of a name that is not empty.
  static func split(_ name: ByteView, in arena: Arena) -> (directory: ByteView, base: ByteView) {
    var slash = name.count - 1
    while slash >= 0, name.u8(slash) != 0x2f { slash -= 1 }
    var directory = name.slice(0, slash + 1)
    if !isCleanDirectory(directory) {
      directory = clean(directory, in: arena)
    } else if directory.count > 1 {
      directory = directory.slice(0, directory.count - 1)
    }
    return (directory, base(name, in: arena))
  }

  private static func base(_ name: ByteView, in arena: Arena) -> ByteView {
    var end = name.count
    while end > 0, name.u8(end - 1) == 0x2f { end -= 1 }
    if end == 0 { return arena.intern(name.isEmpty ? "." : "/") }
    var start = end
    while start > 0, name.u8(start - 1) != 0x2f { start -= 1 }
    return name.slice(start, end - start)
  }

  /// Whether dropping the last slash is all there is to do: no empty, "." or ".." element, and not empty.
  private static func isCleanDirectory(_ d: ByteView) -> Bool {
    guard d.count > 0 else { return false }
    if d.count == 1 { return true }
    var length = 0
    var dots = 0
    for i in 0..<d.count {
      let c = d.u8(i)
      guard c == 0x2f else {
        length += 1
        if c == 0x2e { dots += 1 }
        continue
      }
      if (length == 0 && i > 0) || (length > 0 && length == dots && dots <= 2) { return false }
      length = 0
      dots = 0
    }
    return true
  }

  /// path.Clean.
  private static func clean(_ path: ByteView, in arena: Arena) -> ByteView {
    let isRooted = path.u8(0) == 0x2f
    var elements: [ByteView] = []
    var start = 0
    for i in 0...path.count where i == path.count || path.u8(i) == 0x2f {
      let e = path.slice(start, i - start)
      start = i + 1
      if e.isEmpty || (e.count == 1 && e.u8(0) == 0x2e) { continue }
      let isParent = e.count == 2 && e.hasPrefix("..")
      if isParent, let last = elements.last, !(last.count == 2 && last.hasPrefix("..")) {
        elements.removeLast()
      } else if !isParent || !isRooted {
        elements.append(e)
      }
    }
    var out: [UInt8] = isRooted ? [0x2f] : []
    for (i, e) in elements.enumerated() {
      if i > 0 { out.append(0x2f) }
      out.append(contentsOf: e.buffer)
    }
    if out.isEmpty { out = [0x2e] }
    return out.withUnsafeBytes { arena.copy(ByteView($0.baseAddress, $0.count)) }
  }
}
