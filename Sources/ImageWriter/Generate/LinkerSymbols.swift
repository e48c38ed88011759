import LoaderCore

/// Symbols that the linker itself makes. Their order of making is part of the format: it decides ties in the
/// data sorts. Each function here makes those of one step of cmd/link/internal/ld/main.go; most names
/// exist already, because the runtime refers to them, and keep their place.
package struct LinkerSymbols {
  package let index: SymbolIndex
  package init(_ index: SymbolIndex) { self.index = index }

  /// Finds or makes `name` and makes it the linker's own and live (symbolbuilder.go CreateSymForUpdate).
  package func update(_ name: String, _ live: inout LiveSet) -> SymbolID {
    let s = index.lookupOrCreate(name)
    index.makeOwned(s)
    live.insert(s)
    return s
  }

  /// A symbol whose value the layout gives, not laid out itself (lib.go defineInternal, xdefine).
  @discardableResult
  package func define(_ name: String, _ kind: SymbolKind, _ live: inout LiveSet) -> SymbolID {
    let s = update(name, &live)
    index.setKind(s, kind)
    index.insert([.special, .local], for: s)
    return s
  }
}

/// go:fipsinfo and the symbols that bracket the FIPS module in each section
/// (cmd/link/internal/ld/fips140.go loadfips). Made before deadcode and live from birth.
package struct FIPSSymbols: Sendable {
  package let info: SymbolID
  /// Start and end of the module's text, rodata, noptrdata and data.
  package let brackets: [(start: SymbolID, end: SymbolID)]
  /// The linker's functions: they come first in the text order.
  package var text: [SymbolID] { [brackets[0].start, brackets[0].end] }

  static let magic: [UInt8] = [0xff] + Array(" Go fipsinfo ".utf8) + [0xff, 0]
  static let sumSize = 32

  package init(_ index: SymbolIndex) {
    func make(_ name: String, _ kind: SymbolKind) -> SymbolID {
      let s = index.lookupOrCreate(name)
      index.makeOwned(s)
      index.setKind(s, kind)
      index.insert(.bornReachable, for: s)
      return s
    }
    info = make("go:fipsinfo", .fipsInfo)
    let header = Self.magic + [UInt8](repeating: 0, count: Self.sumSize)
    index.setData(info, header)
    index.addAddress(info, of: info)
    let kinds: [(String, SymbolKind, SymbolKind)] = [
      ("text", .textFIPSStart, .textFIPSEnd), ("rodata", .rodataFIPSStart, .rodataFIPSEnd),
      ("noptrdata", .noptrDataFIPSStart, .noptrDataFIPSEnd), ("data", .dataFIPSStart, .dataFIPSEnd),
    ]
    var brackets: [(start: SymbolID, end: SymbolID)] = []
    for (name, startKind, endKind) in kinds {
      let pair = (start: make("go:\(name)fipsstart", startKind), end: make("go:\(name)fipsend", endKind))
      for s in [pair.start, pair.end] {
        index.insert(.local, for: s)
        index.setSize(s, 1)
        index.addAddress(info, of: s)
      }
      brackets.append(pair)
    }
    self.brackets = brackets
  }
}

/// What `linksetup` prepares once the live set is known (cmd/link/internal/ld/lib.go).
package struct ModuleSymbols: Sendable {
  package let moduleData: SymbolID
  package let tlsG: SymbolID

  /// - Throws: `.unsupported` for a program without a runtime.
  package init(_ index: SymbolIndex, _ live: inout LiveSet) throws(LinkFailure) {
    tlsG = index.lookupOrCreate("runtime.tlsg")
    index.makeOwned(tlsG)
    if index.reader.kind(tlsG) == .undefined {
      index.setKind(tlsG, .tlsBss)
      index.setSize(tlsG, 8)
    } else {
      throw .failed(
        stderr: "runtime declared tlsg variable \(index.reader.kind(tlsG).goName)\n", exitCode: 2)
    }
    live.insert(tlsG)
    moduleData = index.lookupOrCreate("runtime.firstmoduledata")
    guard index.reader.kind(moduleData) != .undefined else {
      throw .unsupported(reason: "program without package runtime")
    }
    index.truncate(moduleData)
    // The runtime skips profiling bookkeeping when nothing in the program can read the profile.
    let profile = index.lookup("runtime.memProfileInternal", version: 1)
    if !profile.isNone, !live.contains(profile) {
      let flag = index.lookupOrCreate("runtime.disableMemoryProfiling")
      index.truncate(flag)
      index.setKind(flag, .noptrData)
      index.addUInt(flag, UInt8(1))
    }
    index.setKind(moduleData, .moduleData)
    live.insert(moduleData)
  }
}

/// The -X flag: initial values of string variables (cmd/link/internal/ld/data.go addstrdata).
package enum StringData {
  /// - Parameter values: name and value in order of first mention.
  /// - Returns: error lines for variables that are not strings.
  package static func apply(
    _ values: [(name: String, value: [UInt8])], _ index: SymbolIndex, _ live: inout LiveSet
  ) -> [String] {
    var errors: [String] = []
    for (name, value) in values {
      let s = index.lookup(name)
      guard !s.isNone else { continue }
      let type = index.reader.goType(s)
      guard !type.isNone else { continue }
      let typeName = index.reader.name(type).string
      guard typeName == "type:string" else {
        errors.append("\(name): cannot set with -X: not a var of type string (\(typeName))\n")
        continue
      }
      guard live.contains(s) else { continue }
      set(s, to: value, index, &live)
    }
    return errors
  }

  /// The symbol that holds a variable's text.
  static func textName(of variable: String) -> String { variable + ".str" }

  private static func set(_ s: SymbolID, to bytes: [UInt8], _ index: SymbolIndex, _ live: inout LiveSet) {
    index.makeOwned(s)
    if index.reader.kind(s) == .bss { index.setKind(s, .data) }
    let name = index.reader.name(s).string
    let text = LinkerSymbols(index).update(textName(of: name), &live)
    index.addBytes(text, bytes + [0])
    index.setKind(text, .rodata)
    // The size stays: sanitizers give the variable a red zone.
    let size = index.reader.size(s)
    index.truncate(s)
    index.addAddress(s, of: text)
    index.addUInt(s, UInt64(bytes.count))
    index.setSize(s, max(size, 16))
  }
}

/// go:buildinfo, which `go version` reads, and the reference that keeps it
/// (cmd/link/internal/ld/data.go buildinfo).
package enum BuildInfo {
  static let name = "go:buildinfo"

  package static func define(_ texts: GivenTexts, _ index: SymbolIndex, _ live: inout LiveSet) {
    let symbols = LinkerSymbols(index)
    let s = symbols.update(name, &live)
    index.setKind(s, .buildInfo)
    index.setAlignment(s, 16)
    index.setData(s, contents(texts))
    let ref = symbols.update("go:buildinfo.ref", &live)
    index.setKind(ref, .rodata)
    index.setAlignment(ref, 8)
    index.addAddress(ref, of: s)
  }

  static func contents(_ texts: GivenTexts) -> [UInt8] {
    var data: [UInt8] = [0xff] + Array(" Go buildinf:".utf8) + [8, 2]
    data += [UInt8](repeating: 0, count: 32 - data.count)
    for bytes in [texts.buildVersion, texts.moduleInfo] {
      var n = bytes.count
      while n >= 0x80 {
        data.append(UInt8(n & 0x7f | 0x80))
        n >>= 7
      }
      data.append(UInt8(n))
      data += bytes
    }
    while data.count % 16 != 0 { data.append(0) }
    return data
  }
}
