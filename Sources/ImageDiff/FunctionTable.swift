/// .gopclntab as laid out since Go 1.20: a header, then funcnametab, cutab, filetab, pctab, functab, findfunctab
/// (runtime/symtab.go pcHeader; cmd/link/internal/ld/pcln.go generatePCHeader). It names every function even in
/// a file without symbol table.
package struct FunctionTable: Sendable {
  let bytes: FileBytes
  let section: ELFSection
  /// runtime.text: what entry offsets count from.
  let textStart: UInt64
  package let functionCount: Int
  /// Offsets from the section's start, in file order, of funcnametab, cutab, filetab, pctab, functab.
  let nameTable: Int
  let unitTable: Int
  let fileTable: Int
  let pcTable: Int
  let functionTable: Int
  /// Where go:func.* and findfunctab start in the section, as the module data says; nil when it does not.
  let funcData: Int?
  let findTable: Int?

  static let magic: UInt32 = 0xffff_fff1
  static let headerFields = [
    "magic", "nfunc", "nfiles", "unused textStart", "funcnameOffset", "cuOffset", "filetabOffset",
    "pctabOffset",
    "pclnOffset",
  ]
  static let headerSize = 72
  /// The fixed part of a _func record (runtime/runtime2.go).
  static let recordSize = 44
  static let recordFields: [(end: Int, name: String)] = [
    (4, "entryOff"), (8, "nameOff"), (12, "args"), (16, "deferreturn"), (20, "pcsp"), (24, "pcfile"),
    (28, "pcln"), (32, "npcdata"), (36, "cuOffset"), (40, "startLine"), (41, "funcID"), (42, "flag"),
    (43, "pad"),
    (44, "nfuncdata"),
  ]

  /// Nil when `image` has no such section, or one of another version, or the tables do not lie inside it.
  package init?(image: ELFImage) {
    let found = image.sections.first { $0.name == ".gopclntab" || $0.name == ".data.rel.ro.gopclntab" }
    guard let found, let text = image.section(".text") else { return nil }
    let bytes = image.bytes
    guard found.fileSize >= Self.headerSize, bytes.integer(UInt32.self, at: found.offset) == Self.magic else {
      return nil
    }
    let words = (1...8).map { Int(clamping: bytes.integer(UInt64.self, at: found.offset + 8 * $0) ?? 0) }
    let starts = words[3...7]
    guard starts.allSatisfy({ $0 >= Self.headerSize && $0 <= found.fileSize }),
      zip(starts, starts.dropFirst()).allSatisfy({ $0 <= $1 }),
      words[0] <= (found.fileSize - words[7]) / 8
    else { return nil }
    self.bytes = bytes
    section = found
    textStart = text.address
    functionCount = words[0]
    nameTable = words[3]
    unitTable = words[4]
    fileTable = words[5]
    pcTable = words[6]
    functionTable = words[7]
    let module = ModuleData(image: image)
    func offset(_ word: String) -> Int? {
      guard let address = module?.word(word), found.contains(address: address) else { return nil }
      return Int(address - found.address)
    }
    funcData = offset("gofunc")
    findTable = offset("findfunctab")
  }

  private func u32(_ offset: Int) -> Int {
    offset + 4 <= section.fileSize ? Int(bytes.integer(UInt32.self, at: section.offset + offset) ?? 0) : 0
  }

  /// Address of function `index`; the index after the last gives the end of the text.
  func entry(_ index: Int) -> UInt64 { textStart &+ UInt64(u32(functionTable + 8 * index)) }

  /// Offset of the _func record of function `index` from the section's start.
  func record(_ index: Int) -> Int { functionTable + u32(functionTable + 8 * index + 4) }

  package func name(_ index: Int) -> String {
    let at = section.offset + nameTable + u32(record(index) + 4)
    return bytes.cString(at: at, end: section.offset + unitTable) ?? "?"
  }

  /// The function whose body (or the padding behind it) holds `address`.
  func index(ofAddress address: UInt64) -> Int? {
    guard functionCount > 0, address >= entry(0), address < entry(functionCount) &+ 64 else { return nil }
    return lastIndex { entry($0) <= address }
  }

  func describe(address: UInt64) -> String? {
    guard let index = index(ofAddress: address) else { return nil }
    let offset = address - entry(index)
    return offset == 0 ? name(index) : "\(name(index))+\(hex(offset))"
  }

  /// True when a function starts at exactly `address`.
  func startsFunction(_ address: UInt64) -> Bool {
    guard let index = index(ofAddress: address) else { return false }
    return entry(index) == address
  }

  private func lastIndex(where isBefore: (Int) -> Bool) -> Int? {
    var low = 0
    var high = functionCount
    while low < high {
      let middle = (low + high) / 2
      if isBefore(middle) { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? low - 1 : nil
  }

  /// Says which table, which entry of it and whose it is, for an offset from the section's start.
  func describe(offset: Int) -> String {
    if offset < Self.headerSize {
      return offset < 8 ? "pcHeader: byte \(offset)" : "pcHeader.\(Self.headerFields[offset / 8])"
    }
    if offset < unitTable {
      return "funcnametab+\(hex(offset - nameTable)): \(stringAround(offset, from: nameTable))"
    }
    if offset < fileTable { return "cutab[\((offset - unitTable) / 4)]" }
    if offset < pcTable {
      return "filetab+\(hex(offset - fileTable)): \(stringAround(offset, from: fileTable))"
    }
    if offset < functionTable { return "pctab+\(hex(offset - pcTable))" + pcTableUser(offset - pcTable) }
    if let findTable, offset >= findTable { return describeFindTable(offset - findTable) }
    if let funcData, offset >= funcData {
      return "go:func.*+\(hex(offset - funcData))" + functionDataUser(offset - funcData)
    }
    return describeFunctionTable(offset)
  }

  private func describeFunctionTable(_ offset: Int) -> String {
    let relative = offset - functionTable
    if relative < functionCount * 8 {
      let index = relative / 8
      let half = relative % 8 < 4 ? "entryOff" : "funcOff"
      return "functab[\(index)].\(half): \(name(index))"
    }
    if relative < functionCount * 8 + 4 { return "functab: end pc" }
    guard let index = lastIndex(where: { record($0) <= offset }) else { return "functab+\(hex(relative))" }
    let field = offset - record(index)
    let pcdataCount = u32(record(index) + 28)
    let funcdataCount = Int(bytes.byte(at: section.offset + record(index) + 43) ?? 0)
    let owner = "_func of \(name(index)) (function \(index))"
    if let known = Self.recordFields.first(where: { field < $0.end }) { return "\(owner): \(known.name)" }
    let slot = (field - Self.recordSize) / 4
    if slot < pcdataCount { return "\(owner): pcdata[\(slot)]" }
    if slot < pcdataCount + funcdataCount { return "\(owner): funcdata[\(slot - pcdataCount)]" }
    return "padding behind \(owner)"
  }

  private func describeFindTable(_ offset: Int) -> String {
    let address = textStart &+ UInt64(offset / 20) * 4096
    let what = offset % 20 < 4 ? "base index" : "subbucket \(offset % 20 - 4)"
    return "findfunctab bucket \(offset / 20) (from \(hex(address))): \(what)"
  }

  private func stringAround(_ offset: Int, from start: Int) -> String {
    var begin = offset
    while begin > start, bytes.byte(at: section.offset + begin - 1) != 0 { begin -= 1 }
    let text = bytes.cString(at: section.offset + begin, end: section.offset + section.fileSize) ?? ""
    return "in \"\(text)\""
  }

  /// The function and table whose start in pctab is the last one at or before `offset`.
  private func pcTableUser(_ offset: Int) -> String {
    var best = (start: -1, function: 0, table: "")
    func consider(_ start: Int, _ function: Int, _ table: @autoclosure () -> String) {
      if start > best.start, start <= offset, start != 0 { best = (start, function, table()) }
    }
    for index in 0..<functionCount {
      let at = record(index)
      consider(u32(at + 16), index, "pcsp")
      consider(u32(at + 20), index, "pcfile")
      consider(u32(at + 24), index, "pcln")
      for k in 0..<min(u32(at + 28), 16) {
        consider(u32(at + Self.recordSize + 4 * k), index, "pcdata[\(k)]")
      }
    }
    guard best.start >= 0 else { return "" }
    return ": byte \(offset - best.start) of \(best.table) first used by \(name(best.function))"
  }

  /// The function and slot whose funcdata offset is the last one at or before `offset` in go:func.*.
  private func functionDataUser(_ offset: Int) -> String {
    var best = (start: -1, function: 0, slot: 0)
    for index in 0..<functionCount {
      let at = record(index)
      let first = at + Self.recordSize + 4 * u32(at + 28)
      let count = Int(bytes.byte(at: section.offset + at + 43) ?? 0)
      for slot in 0..<count {
        let start = u32(first + 4 * slot)
        if start <= offset, start > best.start { best = (start, index, slot) }
      }
    }
    guard best.start >= 0 else { return "" }
    return ": byte \(offset - best.start) of funcdata[\(best.slot)] first used by \(name(best.function))"
  }
}
