import LoaderCore

/// Texts that end up in an image as they are: values of string variables, some of which `go version` reads too.
package struct GivenTexts: Sendable {
  /// Variables to set, in order of first mention: the linker's own, the module info, -X.
  /// Values are bytes: module information is not UTF-8.
  package let strings: [(name: String, value: [UInt8])]
  /// What go:buildinfo says: the toolchain's version and the module information.
  package let buildVersion: [UInt8]
  package let moduleInfo: [UInt8]

  package init(strings: [(name: String, value: [UInt8])]) {
    func value(_ name: String) -> [UInt8] { strings.first { $0.name == name }?.value ?? [] }
    self.strings = strings
    buildVersion = value("runtime.buildVersion")
    moduleInfo = value("runtime.modinfo")
  }

  /// Whether an image with these texts may differ from one with the others in nothing but the texts.
  package func isLike(_ other: GivenTexts) -> Bool {
    strings.count == other.strings.count
      && zip(strings, other.strings).allSatisfy { $0.name == $1.name && $0.value.count == $1.value.count }
  }
}

/// Where the `GivenTexts` of a link are in its image.
struct TextPlaces: Sendable {
  private(set) var texts: GivenTexts
  /// By variable; nil for one that the program does not have.
  private let strings: [Int?]
  private let buildInfo: Int?

  init(_ texts: GivenTexts, _ index: SymbolIndex, _ addresses: AddressView, _ layout: ImageLayout) {
    self.texts = texts
    let owned = Set(index.ownedSymbols)
    var places: [Int?] = []
    for (name, _) in texts.strings {
      let s = index.lookup(StringData.textName(of: name))
      let isOurs = !s.isNone && (index.reader.isExternal(s) || owned.contains(s))
      places.append(isOurs ? layout.fileOffset(of: s, addresses) : nil)
    }
    strings = places
    buildInfo = layout.fileOffset(of: index.lookup(BuildInfo.name), addresses)
  }

  /// Writes other texts in the place of these.
  ///
  /// - Parameter new: `isLike` these.
  /// - Returns: false when the image has something else there.
  mutating func write(_ new: GivenTexts, into image: OutputImage) -> Bool {
    for (k, place) in strings.enumerated() {
      let (old, value) = (texts.strings[k].value, new.strings[k].value)
      guard old != value, let place else { continue }
      guard Self.replace(old + [0], with: value + [0], at: place, in: image) else { return false }
    }
    let (old, value) = (BuildInfo.contents(texts), BuildInfo.contents(new))
    if old != value {
      guard let buildInfo, Self.replace(old, with: value, at: buildInfo, in: image) else { return false }
    }
    texts = new
    return true
  }

  private static func replace(
    _ old: [UInt8], with new: [UInt8], at offset: Int, in image: OutputImage
  ) -> Bool {
    guard old.count == new.count, let window = image.window(offset, old.count), window.elementsEqual(old)
    else { return false }
    window.copyBytes(from: new)
    return true
  }
}

extension ImageLayout {
  /// Where a symbol's bytes are in the file; nil for one without a place there.
  func fileOffset(of s: SymbolID, _ addresses: AddressView) -> Int? {
    guard !s.isNone, addresses.section(of: s) != .none else { return nil }
    let section = section(addresses.section(of: s))
    let segment = self[section.segment]
    let offset = addresses[s] &- segment.address
    // Zeroed data is not in the file.
    guard !section.name.isEmpty, offset < segment.fileLength else { return nil }
    return Int(truncatingIfNeeded: segment.fileOffset &+ offset)
  }
}
