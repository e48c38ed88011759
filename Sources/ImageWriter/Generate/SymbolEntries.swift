import LoaderCore

/// Symbols to entries. Plain pointers and values: one serves all workers.
struct EntryMaker: @unchecked Sendable {
  let index: SymbolIndex
  let reader: SymbolReader
  /// `Addresses.packed`, for symbols below `placedCount`.
  let places: UnsafePointer<UInt64>
  let placedCount: Int
  let sectionNumbers: [UInt16]
  let functions: [SymbolID]
  let data: [SymbolID]
  /// runtime.text and runtime.etext.
  let start: SymbolID
  let end: SymbolID

  /// What the last table said.
  let last: SymbolNames
  /// By position, what this one says.
  let names: UnsafeMutablePointer<KnownName>

  /// Entries of a range of positions.
  struct Output: Sendable {
    /// Of the range.
    let number: Int
    let locals: SymbolTable.Part
    let globals: SymbolTable.Part
    /// A symbol that should have a section and has none.
    var lost = SymbolID.none

    /// - Parameter room: for so many entries.
    init(number: Int, room: Int) {
      self.number = number
      locals = SymbolTable.Part(room: room)
      globals = SymbolTable.Part(room: room)
    }
  }

  /// Positions run over runtime.text, the functions, runtime.etext and data.
  func make(_ positions: Range<Int>, into output: inout Output) {
    var search = last.search(from: positions.lowerBound)
    for position in positions {
      let (s, isText) = symbol(at: position)
      names[position] = KnownName()
      guard !s.isNone else { continue }
      if let known = search.find(s), holds(known, s, isText: isText) {
        names[position] = put(s, known, isText: isText, &output)
      } else if isText || isListed(s) {
        names[position] = put(s, isText: isText, &output)
      } else if isObjects(s), !index.attributes(s).contains(.notInSymbolTable) {
        names[position] = KnownName(unlisted: s, isFileLocal: reader.isFileLocal(s))
      }
    }
  }

  /// Whether a symbol is one of an object's: what is said of the linker's own may be wrong in the next link.
  @inline(__always)
  private func isObjects(_ s: SymbolID) -> Bool { reader.place(s).object > ObjectID.external.raw }

  /// Whether what is known of a definition holds for the object that it is in.
  @inline(__always)
  private func holds(_ known: KnownName, _ s: SymbolID, isText: Bool) -> Bool {
    isObjects(s) && (isText || !known.isFileLocal || reader.isFromAssembly(s) != known.isUnlisted)
  }

  @inline(__always)
  private func symbol(at position: Int) -> (SymbolID, isText: Bool) {
    let n = functions.count
    if position == 0 { return (start, true) }
    if position <= n { return (functions[position - 1], true) }
    return position == n + 1 ? (end, true) : (data[position - n - 2], false)
  }

  /// Whether live data is for tools to see.
  private func isListed(_ s: SymbolID) -> Bool {
    if index.attributes(s).contains(.notInSymbolTable) { return false }
    let name = reader.name(s)
    guard let first = name.base?.load(as: UInt8.self), name.count > 0, first != UInt8(ascii: ".") else {
      return false
    }
    // What is local to a Go file has no name for others; assembly's statics do.
    return !reader.isFileLocal(s) || reader.isFromAssembly(s)
  }

  /// The first word of an entry but for the name, and the value; nil for a symbol without a section.
  @inline(__always)
  private func place(_ s: SymbolID, isText: Bool, isLocal: Bool, _ output: inout Output) -> (UInt64, UInt64)?
  {
    let word = s.index < placedCount ? places[s.index] : 0
    let section = Int(word >> 48)
    guard section > 0, section < sectionNumbers.count else {
      output.lost = s
      return nil
    }
    let type = (isText ? SymbolTable.Entry.function : SymbolTable.Entry.object) << 32
    let binding = isLocal ? 0 : SymbolTable.Entry.global << 32
    return (type | binding | UInt64(sectionNumbers[section]) << 48, word & Addresses.addressMask)
  }

  /// Adds the entry of a symbol whose definition says what it said.
  ///
  /// - Returns: what is known of it now.
  @inline(__always)
  private func put(_ s: SymbolID, _ known: KnownName, isText: Bool, _ output: inout Output) -> KnownName {
    if known.isUnlisted { return known }
    let attributes = index.attributes(s)
    if !isText, attributes.contains(.notInSymbolTable) { return KnownName() }
    let isLocal = known.isLocal || attributes.contains(.local)
    guard let (entry, value) = place(s, isText: isText, isLocal: isLocal, &output) else { return KnownName() }
    let part = isLocal ? output.locals : output.globals
    let start = part.strings.count
    part.entries.u64(entry | UInt64(start))
    part.entries.u64(value)
    part.entries.u64(known.size)
    part.strings.append(last.name(known))
    return known.moved(to: start, in: output.number, isLocal: isLocal)
  }

  /// Adds the entry of a symbol.
  ///
  /// - Returns: what is known of it now.
  private func put(_ s: SymbolID, isText: Bool, _ output: inout Output) -> KnownName {
    let name = reader.name(s)
    let byDefinition = isLocal(s, name, isText: isText)
    let isLocal = byDefinition || index.attributes(s).contains(.local)
    guard let (entry, value) = place(s, isText: isText, isLocal: isLocal, &output) else { return KnownName() }
    let size = UInt64(bitPattern: reader.size(s))
    let part = isLocal ? output.locals : output.globals
    let start = part.strings.count
    part.entries.u64(entry | UInt64(start))
    part.entries.u64(value)
    part.entries.u64(size)
    if name.contains(0xc2) {
      Self.appendPlain(name, to: part.strings)
    } else {
      part.strings.append(name)
    }
    let tellsABI = isText && mayHideABI(s)
    if tellsABI, let abi = hiddenABI(s, name) { part.strings.append(text: ".abi\(abi)") }
    part.strings.u8(0)
    // Whether the ABI is told is for other definitions to say.
    guard !tellsABI, isObjects(s) else { return KnownName() }
    return KnownName(
      s, size: size, isLocal: byDefinition, isFileLocal: reader.isFileLocal(s),
      name: start..<part.strings.count, in: output.number, inLocals: isLocal)
  }

  /// Whether the definition makes the entry local; an attribute may do so too.
  @inline(__always)
  private func isLocal(_ s: SymbolID, _ name: ByteView, isText: Bool) -> Bool {
    // Functions known by content may have one name several times.
    if isText, reader.isContentHashed(s) { return true }
    return reader.isFileLocal(s) && !SymbolTable.isStaticTemporary(name)
  }

  /// Whether there may be a function of the same name under the internal ABI.
  @inline(__always)
  private func mayHideABI(_ s: SymbolID) -> Bool {
    let version = reader.version(s)
    return version != 1 && version < 10
  }

  /// The ABI that the name must tell, because there is a function of the same name under the internal one
  /// (symtab.go mangleABIName).
  private func hiddenABI(_ s: SymbolID, _ name: ByteView) -> Int32? {
    let twin = index.lookup(name, version: 1)
    return !twin.isNone && reader.kind(twin).isText ? reader.version(s) : nil
  }

  /// The name with a plain dot for each middle dot, for tools that know only ASCII.
  static func appendPlain(_ name: ByteView, to out: ByteSink) {
    var i = 0
    let bytes = name.buffer
    while i < bytes.count {
      if bytes[i] == 0xc2, i + 1 < bytes.count, bytes[i + 1] == 0xb7 {
        out.u8(UInt8(ascii: "."))
        i += 2
      } else {
        out.u8(bytes[i])
        i += 1
      }
    }
  }
}
