/// A section of the image.
package struct Section: Sendable {
  package var name: String
  package var segment: Segment.Kind
  package var access: Access
  /// Bytes; 0 where a section took the alignment of symbols it does not have.
  package var alignment: Int
  /// Virtual address; while sections are being filled, the offset in the segment.
  package var address: UInt64
  package var length: UInt64
  /// Whether the contents are compressed DWARF.
  package var isCompressed = false

  package struct Access: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let execute = Access(rawValue: 1)
    package static let write = Access(rawValue: 2)
    package static let read = Access(rawValue: 4)
  }
}

/// A run of sections that is loaded as one.
package struct Segment: Sendable {
  package enum Kind: Int, Sendable, CaseIterable { case text, rodata, relro, data, dwarf }
  package var address: UInt64 = 0
  package var length: UInt64 = 0
  package var fileOffset: UInt64 = 0
  package var fileLength: UInt64 = 0
  package var access: Section.Access = []
  package init() {}
}
