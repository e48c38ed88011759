import ImageWriter
import LoaderCore
import Synchronization

extension Link {
  /// The program of a request: a resident one with the changed objects exchanged, else resolved anew. Either
  /// way it is the same value (`IndexPatch`).
  static func load(
    _ packages: LoadedPackages, _ plan: LinkPlan, _ programs: ProgramStore?, _ told: inout Diagnostics,
    _ story: inout LinkStory
  ) throws(LinkFailure) -> ResidentLink {
    let profile = ReleaseProfile.go1_27_3
    if let known = programs?.take(plan.packagesKey, kin: plan.mainKey, for: packages) {
      // What is exchanged is compared with what it was: that must still be readable, before and after.
      let old = known.program.replacedFiles(by: packages)
      let isUpdated =
        old.areAsTheyWere
        && known.program.update(
          to: packages, profile: profile, options: plan.resolve, standIns: plan.mayStandIn,
          notesAttributes: false, follow: { known.memory.follow($0, count: $1) },
          foresee: known.foreseeInitialisers)
      if isUpdated, old.areAsTheyWere {
        story.usesStandIns = !known.program.standInFiles.isEmpty
        return known
      }
      if let refusal = known.program.refusal {
        story.resolvedAnew(refusal)
      } else {
        story.resolvedAnew(.overwritten)
      }
    } else {
      story.resolvedAnew(programs?.has(plan.packagesKey) == true ? .otherPackages : .noneResident)
    }
    let (program, warnings) = try ResidentProgram.resolve(packages, profile: profile, options: plan.resolve)
    told.warn(warnings)
    return ResidentLink(program)
  }

  /// Memory for the output: that of an image of the same program which it takes the place of, or new memory.
  static func memoryForImage(
    _ count: Int, spare: Int, _ plan: LinkPlan, _ images: ResultStore?, _ story: inout LinkStory
  ) throws(LinkFailure) -> OutputImage {
    if let old = images?.takeMemory(of: ResultStore.program(plan), count: count, spare: spare) {
      story.reusedMemory()
      return old
    }
    return try OutputImage(count: count, spare: spare)
  }

  /// Memory of an image of the same program, for a link whose DWARF will take about as much as in the last one; nil when
  /// there is none.
  static func memoryBeforeDWARF(
    _ layout: ImageLayout, _ memory: LinkMemory, _ plan: LinkPlan, _ images: ResultStore?
  ) -> OutputImage? {
    let bytes = memory.lastDebugBytes
    guard bytes > 0 else { return nil }
    return images?.takeMemory(
      of: ResultStore.program(plan), count: Int(layout.fileLength) + bytes, spare: 1 << 20)
  }

  /// The last image of a program, if it is still known and not what the next one is made in.
  static func lastImage(_ memory: LinkMemory, _ images: ResultStore?, _ next: OutputImage) -> OutputImage? {
    memory.image.contents == next.contents ? nil : images?.image(memory.image.contents)
  }

  /// What a link was made of besides its inputs must be what it was, as they must.
  static func checkStandIns(_ program: ResidentProgram) throws(LinkFailure) {
    let files = program.standInFiles
    if files.areAsTheyWere { return }
    let changed = files.first { !$0.isAsItWas }
    throw .unsupported(reason: "input changed while linking: \(changed?.path ?? "")")
  }
}

extension MappedFile {
  /// Whether the bytes under an old mapping are the ones that were mapped. `go tool compile -o x.a` writes over x.a in
  /// place; the build cache's files are never written to, only their times are renewed.
  var isAsItWas: Bool { ContentKey.named(by: path) != nil ? !isTorn : !mayBeOverwritten }
}

extension [MappedFile] {
  /// Files that are worth a turn on another core: each is one question to the system.
  private static var grain: Int { 8 }

  /// Whether all of them are.
  var areAsTheyWere: Bool {
    let isOther = Atomic(false)
    Chunks.run(count, grain: Self.grain) { range in
      if !self[range].allSatisfy(\.isAsItWas) { isOther.store(true, ordering: .relaxed) }
    }
    return !isOther.load(ordering: .relaxed)
  }
}
