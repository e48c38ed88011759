/// runtime.firstmoduledata, the section .go.module, as laid out in Go 1.27 (runtime/symtab.go moduledata;
/// cmd/link/internal/ld/symtab.go).
package struct ModuleData: Sendable {
  let section: ELFSection
  private let bytes: FileBytes

  /// One name per 8-byte word.
  static let words: [String] =
    ["pcHeader"] + slice("funcnametab") + slice("cutab") + slice("filetab") + slice("pctab")
    + slice("pclntable")
    + slice("ftab")
    + [
      "findfunctab", "minpc", "maxpc", "text", "etext", "noptrdata", "enoptrdata", "data", "edata", "bss",
      "ebss",
      "noptrbss", "enoptrbss", "covctrs", "ecovctrs", "end", "gcdata", "gcbss", "types", "typedesclen",
      "etypes",
      "itaboffset", "itabsize", "rodata", "gofunc", "epclntab",
    ]
    + slice("textsectmap") + slice("ptab") + ["pluginpath.ptr", "pluginpath.len"] + slice("pkghashes")
    + slice("inittasks") + ["modulename.ptr", "modulename.len"] + slice("modulehashes") + ["hasmain, bad"]

  private static func slice(_ name: String) -> [String] { ["\(name).ptr", "\(name).len", "\(name).cap"] }

  package init?(image: ELFImage) {
    let found = image.sections.first { $0.name == ".go.module" || $0.name == ".data.rel.ro.go.module" }
    guard let found, found.fileSize >= 8 * Self.words.count else { return nil }
    section = found
    bytes = image.bytes
  }

  /// The value of the word of that name.
  func word(_ name: String) -> UInt64? {
    guard let index = Self.words.firstIndex(of: name) else { return nil }
    return bytes.integer(UInt64.self, at: section.offset + 8 * index)
  }

  func describe(offset: Int) -> String {
    let index = offset / 8
    return "moduledata." + (index < Self.words.count ? Self.words[index] : "word \(index) (runtime use)")
  }
}
