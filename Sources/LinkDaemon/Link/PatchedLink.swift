import ImageWriter
import LoaderCore

/// A link of the same symbols as the last one, some of which have other contents: the last image is patched.
///
/// No pass runs. Relocations, sizes, names and auxiliary symbols are what they were (`IndexChange.contents`), so all
/// that passes decide by them is; a symbol whose very bytes a pass reads is not patched
/// (`FinishedLink.writable`, `EdgeGraph.answersAreKept`).
extension Link {
  /// - Returns: nil when all passes must run.
  static func patched(
    _ resident: ResidentLink, _ plan: LinkPlan, _ images: ResultStore?, _ story: inout LinkStory
  ) throws(LinkFailure) -> LinkedImage? {
    func no(_ reason: LinkStory.NotPatched) -> LinkedImage? {
      story.notPatched(reason)
      return nil
    }
    let program = resident.program
    guard let change = program.change else { return no(.anew) }
    guard let changed = change.contents else { return no(change.keepsNumbers ? .shape : .symbols) }
    guard program.graph.answersAreKept else { return no(.deadcode) }
    guard let finished = resident.last.finished, let old = resident.last.plan else { return no(.noLast) }
    guard plan.isPatchable(from: old) else { return no(.flags) }
    guard let symbols = finished.writable(changed, program.index.reader) else { return no(.passes) }
    guard let image = try images?.imageToPatch(finished.image) else { return no(.noImage) }
    image.beginPatch()
    guard finished.write(plan.texts, into: image) else { return no(.fit) }
    guard finished.writeNotes(plan.elf, insteadOf: old.elf, into: image) else { return no(.buildID) }
    guard let module = try finished.write(symbols, program.index, into: image, memory: resident.memory)
    else { return no(.fit) }
    resident.last.note(finished, plan)
    story.patched()
    return LinkedImage(image: image, printed: Printed(), fipsModule: module)
  }
}

extension LinkPlan {
  /// Whether a link says nothing but what is in its output, and no dynamic linker has a part in that.
  var leavesPatchableImage: Bool {
    verbosity == 0 && !callGraph && benchmark == nil && !deadcode.dumpDependencies
      && !stackCheck.debugNosplit && dynamic == nil && !elf.isPIE
  }

  /// Whether the image of another link is this one's but for contents, build ids and texts of the same lengths.
  func isPatchable(from old: LinkPlan) -> Bool {
    var ids = elf
    ids.buildID = old.elf.buildID
    ids.gnuBuildID = old.elf.gnuBuildID
    return leavesPatchableImage && old.leavesPatchableImage && ids == old.elf && resolve == old.resolve
      && deadcode == old.deadcode && text == old.text && data == old.data && image == old.image
      && texts.isLike(old.texts) && goroot == old.goroot
      && strictDupsFail == old.strictDupsFail && dwarf == old.dwarf && compressDWARF == old.compressDWARF
      && stackCheck == old.stackCheck && allErrors == old.allErrors
      && load.ignorePackageData == old.load.ignorePackageData
  }
}
