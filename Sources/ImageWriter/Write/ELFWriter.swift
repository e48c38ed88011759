internal import Crypto
import LoaderCore

/// Headers, notes and the tables behind the segments (cmd/link/internal/ld/elf.go asmbElf).
package struct ELFWriter {
  package struct Options: Sendable, Equatable {
    package var textAddress: UInt64 = 0x401000
    package var rounding = 4096
    /// -buildid
    package var buildID = ""
    /// The GNU build id, empty for none.
    package var gnuBuildID: [UInt8] = []
    package var isPIE = false
    /// The dynamic linker's path; empty for a static executable.
    package var interpreter = ""
    /// Whether there are .symtab and .strtab.
    package var hasSymbols = false
    package init() {}
  }

  private let options: Options
  private let layout: ImageLayout
  private var programs: [ELF.ProgramHeader] = []
  private var sections: [ELF.SectionHeader] = [ELF.SectionHeader(name: "")]
  /// Notes and the interpreter grow down from the end of the reserved page.
  private var reserved: UInt64 = ImageLayout.headerSize
  private var notes: [(offset: UInt64, bytes: [UInt8])] = []

  /// The GNU build id that cmd/go's programs carry: from the Go build id
  /// (cmd/internal/hash Sum32: SHA-256 with the first byte inverted; ld/elf.go addbuildinfo).
  package static func gnuBuildID(from buildID: String) -> [UInt8] {
    var sum = Array(SHA256.hash(data: Array(buildID.utf8)))
    sum[0] ^= 0xff
    return Array(sum.prefix(20))
  }

  /// Plans all headers: from here on sections have numbers.
  package init(_ layout: ImageLayout, options: Options) {
    self.options = options
    self.layout = layout
    addPrograms()
    addSections()
  }

  /// The numbers of the section headers, by `SectionID`; 0 for a section without one.
  package var sectionNumbers: [UInt16] {
    var numbers = [UInt16](repeating: 0, count: layout.sections.count)
    for (i, sh) in sections.enumerated() where sh.section != .none {
      numbers[sh.section.index] = UInt16(truncatingIfNeeded: i)
    }
    return numbers
  }

  /// Writes headers and tables into `image`, which ends with the last segment; the image grows.
  ///
  /// - Parameter symbols: there when the options say so.
  package consuming func write(
    entry: UInt64, symbols: SymbolTable?, into image: OutputImage
  ) throws(LinkFailure) {
    try writeTables(symbols, into: image)
    try writeHeaders(entry: entry, into: image)
  }

  // MARK: program headers and notes

  private mutating func addPrograms() {
    let start = options.textAddress - ImageLayout.headerSize
    var phdr = ELF.ProgramHeader(type: ELF.ProgramType.phdr, flags: 4)
    phdr.offset = UInt64(ELF.headerSize)
    phdr.address = start + phdr.offset
    phdr.alignment = UInt64(options.rounding)
    programs.append(phdr)
    if !options.interpreter.isEmpty { addInterpreter(start) }
    addNotes(start)
    // The headers are part of the text segment.
    var text = layout[.text]
    let down = text.address - phdr.address
    text.address -= down
    text.length += down
    text.fileOffset -= down
    text.fileLength += down
    addLoad(text)
    for kind in [Segment.Kind.rodata, .relro] where layout[kind].length > 0 {
      addLoad(layout[kind])
      if kind == .relro {
        var p = header(of: layout[kind], type: ELF.ProgramType.gnuRelro)
        p.flags = 4
        programs.append(p)
      }
    }
    addLoad(layout[.data])
    if !options.interpreter.isEmpty { addDynamicPrograms() }
    var stack = ELF.ProgramHeader(type: ELF.ProgramType.gnuStack, flags: 6)
    stack.alignment = 8
    programs.append(stack)
    programs[0].fileSize = UInt64(programs.count * ELF.programHeaderSize)
    programs[0].memorySize = programs[0].fileSize
  }

  private func header(of segment: Segment, type: UInt32) -> ELF.ProgramHeader {
    ELF.ProgramHeader(
      type: type, flags: UInt32(segment.access.rawValue), offset: segment.fileOffset,
      address: segment.address, fileSize: segment.fileLength, memorySize: segment.length,
      alignment: UInt64(options.rounding))
  }

  private mutating func addLoad(_ segment: Segment) {
    var p = header(of: segment, type: ELF.ProgramType.load)
    p.alignLoad()
    programs.append(p)
  }

  private mutating func addInterpreter(_ start: UInt64) {
    let bytes = Array(options.interpreter.utf8) + [0]
    reserved -= UInt64(bytes.count)
    var sh = ELF.SectionHeader(name: ".interp")
    sh.type = ELF.SectionType.progbits
    sh.flags = ELF.SectionFlag.alloc
    sh.alignment = 1
    sh.address = start + reserved
    sh.offset = reserved
    sh.size = UInt64(bytes.count)
    sections.append(sh)
    notes.append((reserved, bytes))
    programs.append(
      ELF.ProgramHeader(
        type: ELF.ProgramType.interp, flags: 4, offset: sh.offset, address: sh.address, fileSize: sh.size,
        memorySize: sh.size, alignment: sh.alignment))
  }

  /// Where .dynamic is, and how much thread-local storage a thread needs.
  private mutating func addDynamicPrograms() {
    if let s = layout.sections.dropFirst().first(where: { $0.name == ".dynamic" }) {
      let segment = layout[s.segment]
      programs.append(
        ELF.ProgramHeader(
          type: ELF.ProgramType.dynamic, flags: 6,
          offset: segment.fileOffset &+ (s.address &- segment.address), address: s.address,
          fileSize: s.length, memorySize: s.length, alignment: 8))
    }
    if let s = layout.sections.dropFirst().first(where: { $0.name == ".tbss" }), s.length > 0 {
      programs.append(
        ELF.ProgramHeader(type: ELF.ProgramType.tls, flags: 4, memorySize: s.length, alignment: 8))
    }
  }

  /// Both notes share one program header, which is left describing the one made last.
  private mutating func addNotes(_ start: UInt64) {
    var program: ELF.ProgramHeader?
    func note(_ name: String, tag: UInt32, _ content: [UInt8]) -> [UInt8] {
      var b = ByteBuilder()
      b.u32(4)
      b.u32(UInt32(content.count))
      b.u32(tag)
      b.raw(Array(name.utf8))
      b.pad(to: 4)
      b.raw(content)
      b.pad(to: 4)
      return b.bytes
    }
    if !options.gnuBuildID.isEmpty {
      program = addNote(start, ".note.gnu.build-id", note("GNU\0", tag: 3, options.gnuBuildID))
    }
    if !options.buildID.isEmpty {
      program = addNote(start, ".note.go.buildid", note("Go\0\0", tag: 4, Array(options.buildID.utf8)))
    }
    if let program { programs.append(program) }
  }

  private mutating func addNote(_ start: UInt64, _ name: String, _ bytes: [UInt8]) -> ELF.ProgramHeader {
    var sh = ELF.SectionHeader(name: name)
    sh.type = ELF.SectionType.note
    sh.flags = ELF.SectionFlag.alloc
    sh.alignment = 4
    sh.size = UInt64(bytes.count)
    // The interpreter's path may end anywhere.
    reserved -= UInt64(bytes.count) + reserved % 4
    sh.address = start + reserved
    sh.offset = reserved
    sections.append(sh)
    notes.append((reserved, bytes))
    return ELF.ProgramHeader(
      type: ELF.ProgramType.note, flags: 4, offset: sh.offset, address: sh.address, fileSize: sh.size,
      memorySize: sh.size, alignment: sh.alignment)
  }

  // MARK: section headers

  private mutating func addSections() {
    for kind in Segment.Kind.allCases {
      for i in layout.sections.indices.dropFirst() where layout.sections[i].segment == kind {
        addSection(layout.sections[i], SectionID(UInt16(i)))
      }
    }
    if options.hasSymbols {
      sections.append(ELF.SectionHeader(name: ".symtab"))
      sections.append(ELF.SectionHeader(name: ".strtab"))
    }
    sections.append(ELF.SectionHeader(name: ".shstrtab"))
    // Allocated sections first, by address and size; the others stay in order (elfSortShdrs).
    let rest = sections.dropFirst()
    let allocated = rest.enumerated().filter { $0.element.flags & ELF.SectionFlag.alloc != 0 }.sorted {
      ($0.element.address, $0.element.size, $0.offset) < ($1.element.address, $1.element.size, $1.offset)
    }
    let others = rest.filter { $0.flags & ELF.SectionFlag.alloc == 0 }
    sections = [sections[0]] + allocated.map(\.element) + others
  }

  private mutating func addSection(_ s: Section, _ id: SectionID) {
    let segment = layout[s.segment]
    var sh = ELF.SectionHeader(name: s.name)
    sh.section = id
    let inFile = s.address < segment.address &+ segment.fileLength
    sh.type = inFile ? ELF.SectionType.progbits : ELF.SectionType.nobits
    sh.flags = ELF.SectionFlag.alloc
    if s.access.contains(.execute) { sh.flags |= ELF.SectionFlag.execute }
    if s.access.contains(.write) { sh.flags |= ELF.SectionFlag.write }
    sh.address = s.address
    sh.offset = segment.fileOffset &+ s.address &- segment.address
    if s.name == ".tbss" {
      sh.flags |= ELF.SectionFlag.tls
      sh.type = ELF.SectionType.nobits
      sh.offset = 0
    }
    if s.name.hasPrefix(".debug") {
      sh.flags = s.isCompressed ? ELF.SectionFlag.compressed : 0
      sh.address = 0
    }
    sh.alignment = UInt64(s.alignment)
    sh.size = s.length
    if !options.interpreter.isEmpty { sh.describeDynamicSection() }
    sections.append(sh)
  }

  // MARK: tables behind the segments

  private mutating func writeTables(_ symbols: SymbolTable?, into image: OutputImage) throws(LinkFailure) {
    image.count = (Int(layout.fileLength) + 7) & ~7
    if let symbols { try write(symbols, into: image) }
    let names = sectionNames()
    set(".shstrtab") { sh in
      sh.type = ELF.SectionType.strtab
      sh.offset = UInt64(image.count)
      sh.size = UInt64(names.count)
      sh.alignment = 1
    }
    try image.append(names)
  }

  private mutating func write(_ symbols: SymbolTable, into image: OutputImage) throws(LinkFailure) {
    let start = image.count
    set(".symtab") { sh in
      sh.type = ELF.SectionType.symtab
      sh.offset = UInt64(start)
      sh.size = UInt64(symbols.entryBytes)
      sh.alignment = 8
      sh.entrySize = UInt64(SymbolTable.entrySize)
      sh.link = ".strtab"
      sh.info = symbols.firstGlobal
    }
    set(".strtab") { sh in
      sh.type = ELF.SectionType.strtab
      sh.offset = UInt64(start + symbols.entryBytes)
      sh.size = UInt64(symbols.stringBytes)
      sh.alignment = 1
    }
    guard let entries = image.window(start, symbols.entryBytes),
      let strings = image.window(start + symbols.entryBytes, symbols.stringBytes)
    else { throw .unsupported(reason: "image outgrew its memory") }
    symbols.write(entries: entries, strings: strings)
    image.count = start + symbols.entryBytes + symbols.stringBytes
  }

  private mutating func set(_ name: String, _ change: (inout ELF.SectionHeader) -> Void) {
    for i in sections.indices where sections[i].name == name { change(&sections[i]) }
  }

  /// Relocation sections come first, so that ".plt" can point into ".rela.plt" (elfWriteShstrtab).
  private mutating func sectionNames() -> [UInt8] {
    var table: [UInt8] = [0]
    var offsets: [String: UInt32] = ["": 0]
    func add(_ name: String) {
      offsets[name] = UInt32(table.count)
      table += Array(name.utf8) + [0]
    }
    for sh in sections where sh.name.hasPrefix(".rela") {
      let suffix = String(sh.name.dropFirst(5))
      if offsets[suffix] == nil { offsets[suffix] = UInt32(table.count + 5) }
      add(sh.name)
    }
    for i in sections.indices {
      if offsets[sections[i].name] == nil { add(sections[i].name) }
      sections[i].nameOffset = offsets[sections[i].name] ?? 0
    }
    return table
  }

  // MARK: headers

  private func number(of name: String) -> UInt32 {
    name.isEmpty ? 0 : UInt32(sections.firstIndex { $0.name == name } ?? 0)
  }

  private func writeHeaders(entry: UInt64, into image: OutputImage) throws(LinkFailure) {
    var b = ByteBuilder()
    b.raw([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    b.u16(options.isPIE ? 3 : 2)
    b.u16(62)
    b.u32(1)
    b.u64(entry)
    b.u64(UInt64(ELF.headerSize))
    b.u64(UInt64(ELF.headerSize + programs.count * ELF.programHeaderSize))
    b.u32(0)
    b.u16(UInt16(ELF.headerSize))
    b.u16(UInt16(ELF.programHeaderSize))
    b.u16(UInt16(programs.count))
    b.u16(UInt16(ELF.sectionHeaderSize))
    b.u16(UInt16(sections.count))
    b.u16(UInt16(number(of: ".shstrtab")))
    for p in programs {
      b.u32(p.type)
      b.u32(p.flags)
      for v in [p.offset, p.address, p.address, p.fileSize, p.memorySize, p.alignment] { b.u64(v) }
    }
    for s in sections {
      b.u32(s.nameOffset)
      b.u32(s.type)
      for v in [s.flags, s.address, s.offset, s.size] { b.u64(v) }
      b.u32(number(of: s.link))
      b.u32(s.infoSection.isEmpty ? s.info : number(of: s.infoSection))
      b.u64(s.alignment)
      b.u64(s.entrySize)
    }
    guard b.bytes.count <= Int(reserved), let page = image.window(0, Int(ImageLayout.headerSize)) else {
      throw .failed(
        stderr: "HEADR too small: \(b.bytes.count) > \(reserved) with 1 text sections\n", exitCode: 2)
    }
    page.copyBytes(from: b.bytes)
    _ = writeNotes(into: image)
  }

  /// Writes the notes only, at the end of the reserved page.
  func writeNotes(into image: OutputImage) -> Bool {
    notes.allSatisfy { note in
      guard let window = image.window(Int(note.offset), note.bytes.count) else { return false }
      window.copyBytes(from: note.bytes)
      return true
    }
  }
}
