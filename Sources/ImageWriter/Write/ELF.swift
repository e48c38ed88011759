/// ELF constants and records, 64-bit little-endian (as debug/elf names them).
enum ELF {
  static let headerSize = 64
  static let programHeaderSize = 56
  static let sectionHeaderSize = 64

  enum ProgramType {
    static let load: UInt32 = 1
    static let dynamic: UInt32 = 2
    static let interp: UInt32 = 3
    static let note: UInt32 = 4
    static let phdr: UInt32 = 6
    static let tls: UInt32 = 7
    static let gnuStack: UInt32 = 0x6474_e551
    static let gnuRelro: UInt32 = 0x6474_e552
  }

  enum SectionType {
    static let progbits: UInt32 = 1
    static let symtab: UInt32 = 2
    static let strtab: UInt32 = 3
    static let rela: UInt32 = 4
    static let hash: UInt32 = 5
    static let dynamic: UInt32 = 6
    static let note: UInt32 = 7
    static let nobits: UInt32 = 8
    static let dynsym: UInt32 = 11
  }

  enum SectionFlag {
    static let write: UInt64 = 1
    static let alloc: UInt64 = 2
    static let execute: UInt64 = 4
    static let tls: UInt64 = 0x400
    static let compressed: UInt64 = 0x800
  }

  struct ProgramHeader {
    var type: UInt32
    /// Execute 1, write 2, read 4.
    var flags: UInt32 = 0
    var offset: UInt64 = 0
    var address: UInt64 = 0
    var fileSize: UInt64 = 0
    var memorySize: UInt64 = 0
    var alignment: UInt64 = 0

    /// A loaded segment starts at a page: both ends of the mapping move down to it (ld/elf.go fixElfPhdr).
    mutating func alignLoad() {
      guard type == ProgramType.load, alignment > 1 else { return }
      let fragment = address & (alignment - 1)
      offset &-= fragment
      address &-= fragment
      fileSize &+= fragment
      memorySize &+= fragment
    }
  }

  struct SectionHeader {
    var name: String
    /// The layout's section that this describes, if any.
    var section = SectionID.none
    var nameOffset: UInt32 = 0
    var type: UInt32 = 0
    var flags: UInt64 = 0
    var address: UInt64 = 0
    var offset: UInt64 = 0
    var size: UInt64 = 0
    /// Names of the sections that the link and info fields refer to; empty for a plain number.
    var link = ""
    var infoSection = ""
    var info: UInt32 = 0
    var alignment: UInt64 = 0
    var entrySize: UInt64 = 0
  }
}

extension ELF.SectionHeader {
  /// Says of a dynamic linker's section what it is, by its name (ld/elf.go asmbElf); others stay as they are.
  mutating func describeDynamicSection() {
    func become(_ type: UInt32, entrySize: UInt64 = 0, alignment: UInt64, link: String = "") {
      self.type = type
      self.entrySize = entrySize
      self.alignment = alignment
      self.link = link
    }
    typealias Kind = ELF.SectionType
    switch name {
    case ".dynsym":
      become(Kind.dynsym, entrySize: 24, alignment: 8, link: ".dynstr")
      info = 1
    case ".dynstr": become(Kind.strtab, alignment: 1)
    case ".rela.plt":
      become(Kind.rela, entrySize: 24, alignment: 8, link: ".dynsym")
      infoSection = ".plt"
    case ".rela": become(Kind.rela, entrySize: 24, alignment: 8, link: ".dynsym")
    case ".plt": become(Kind.progbits, entrySize: 16, alignment: 16)
    case ".got", ".got.plt": become(Kind.progbits, entrySize: 8, alignment: 8)
    case ".hash": become(Kind.hash, entrySize: 4, alignment: 8, link: ".dynsym")
    case ".dynamic": become(Kind.dynamic, entrySize: 16, alignment: 8, link: ".dynstr")
    default: break
    }
  }
}

/// Little-endian bytes, appended one field after another.
struct ByteBuilder {
  private(set) var bytes: [UInt8] = []

  mutating func u8(_ v: UInt8) { bytes.append(v) }
  mutating func u16(_ v: UInt16) { fixed(v) }
  mutating func u32(_ v: UInt32) { fixed(v) }
  mutating func u64(_ v: UInt64) { fixed(v) }
  mutating func raw(_ v: [UInt8]) { bytes += v }
  mutating func pad(to multiple: Int) { while bytes.count % multiple != 0 { bytes.append(0) } }

  private mutating func fixed<T: FixedWidthInteger>(_ v: T) {
    withUnsafeBytes(of: v.littleEndian) { bytes.append(contentsOf: $0) }
  }
}
