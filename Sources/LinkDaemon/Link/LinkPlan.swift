import ImageWriter
import LoaderCore
import Protocol
import Synchronization

/// One link as the passes see it: everything that the command line and the environment decide, as values.
package struct LinkPlan: Sendable {
  package var output = "a.out"
  /// The same as the command line has it, for messages.
  package var shownOutput = "a.out"
  /// -e: do not stop after 20 errors.
  package var allErrors = false
  package var load: PackageLoader.Request
  /// Whether archives and objects of earlier links may stand in for new ones that are the same (`ArchiveTwin`,
  /// `StandIns`).
  package var mayStandIn = true
  package var resolve = SymbolResolver.Options()
  package var deadcode = Deadcode.Options()
  package var text = TextLayout.Options()
  /// Nil when the dynamic linker has no part in the program.
  package var dynamic: DynamicSections.Options?
  package var data = DataLayoutBuilder.Options()
  package var image = ImageLayout.Options()
  package var elf = ELFWriter.Options()
  package var texts = GivenTexts(strings: [])
  /// For paths that objects spell "$GOROOT/…"; empty leaves them alone.
  package var goroot = ""
  /// -strictdups=2: a mismatch is an error.
  package var strictDupsFail = false
  /// Nil for no DWARF (-w).
  package var dwarf: DebugInfo.Options?
  /// -compressdwarf
  package var compressDWARF = true
  /// -fipso: a second output file, as the command line has it; nil for none.
  package var fipsObject: String?
  package var stackCheck = StackCheck.Options()
  /// -c
  package var callGraph = false
  /// -benchmark: print the phases' times.
  package var benchmark: PhaseReport.Kind?
  /// -v: 0 for nothing; see `LinkTrace`.
  package var verbosity: Int64 = 0

  /// What programs of the same packages have in common: their paths, whatever the order. The same in each
  /// process.
  let packagesKey: Int
  /// What states of a program with other packages have in common: the import path of package main. Nil when that is
  /// none of the program's own.
  let mainKey: Int?

  package init(load: PackageLoader.Request) {
    self.load = load
    mainKey = load.mainPath.flatMap { path in
      if path == "command-line-arguments" || path == "main" { return nil }
      var hash = FNV1a()
      hash.add(path)
      return Int(truncatingIfNeeded: hash.value)
    }
    packagesKey = load.packageFiles.keys.reduce(load.packageFiles.count) { key, path in
      var hash = FNV1a()
      hash.add(path)
      return key ^ Int(truncatingIfNeeded: hash.value)
    }
  }
}

/// What a link gives back besides the file.
package struct LinkedImage: Sendable {
  package let image: OutputImage
  package let printed: Printed
  /// What the FIPS checksum is of: ranges of the image.
  package let fipsModule: FIPSModule
  /// What the link still does for the next one.
  let rest: LinkRest?

  package init(image: OutputImage, printed: Printed, fipsModule: FIPSModule) {
    self.init(image: image, printed: printed, fipsModule: fipsModule, rest: nil)
  }

  init(image: OutputImage, printed: Printed, fipsModule: FIPSModule, rest: LinkRest?) {
    self.image = image
    self.printed = printed
    self.fipsModule = fipsModule
    self.rest = rest
  }
}

/// What a link does for the next one when its image is made: it may be done while that is written.
final class LinkRest: Sendable {
  private let work: Mutex<(@Sendable () -> Void)?>

  init(_ work: @escaping @Sendable () -> Void) { self.work = Mutex(work) }

  /// Does it, unless that was done.
  func run() {
    let work = work.withLock { work in
      defer { work = nil }
      return work
    }
    work?()
  }
}
