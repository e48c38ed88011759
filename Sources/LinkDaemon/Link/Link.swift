import ImageWriter
import LoaderCore

/// A link from inputs to image: the table of contents of this program.
///
/// The order is the real linker's (cmd/link/internal/ld/main.go). There are two layouts with generation
/// between them: text first, then the tables that need text addresses, then the data among which those
/// tables lie. A pass takes what the passes before it returned; only symbols that the linker itself
/// makes are added to the index on the way, in the real linker's order.
package enum Link {
  package static func run(
    _ plan: LinkPlan, archives: any ArchiveSource, programs: ProgramStore? = nil,
    images: ResultStore? = nil, timer: inout PhaseTimer, story: inout LinkStory
  ) throws(LinkFailure) -> LinkedImage {
    var told = Diagnostics(allErrors: plan.allErrors)
    do throws(LinkFailure) {
      return try run(plan, archives: archives, programs, images, &timer, &told, &story)
    } catch {
      throw error.after(told.printed)
    }
  }

  private static func run(
    _ plan: LinkPlan, archives: any ArchiveSource, _ programs: ProgramStore?, _ images: ResultStore?,
    _ timer: inout PhaseTimer, _ told: inout Diagnostics, _ story: inout LinkStory
  ) throws(LinkFailure) -> LinkedImage {
    var trace = LinkTrace(plan)
    told.print(trace.heading)

    // Objects, in load order.
    let walk = try PackageLoader.walk(
      plan.load, from: archives, last: programs?.lastWalk(of: plan.packagesKey))
    let packages = walk.packages
    told.take(packages)
    try timer.end("loadlib")

    // One index; duplicates elected, references resolved.
    let resident = try load(packages, plan, programs, &told, &story)
    let (program, memory) = (resident.program, resident.memory)
    let index = program.index
    story.note(program, plan)
    try timer.end("loadsyms")

    // When no more than contents changed, the last image with them in it is this one.
    if !told.isEmpty {
      story.notPatched(.speaks)
    } else if let linked = try patched(resident, plan, images, &story) {
      try checkStandIns(program)
      try timer.end("patch")
      programs?.keep(resident, plan.packagesKey, kin: plan.mainKey, walk: walk)
      return linked
    }
    resident.last.forget()
    program.noteAttributes()
    let fips = FIPSSymbols(index)

    // The order of package initialisers.
    let initOrder = try InitOrder.schedule(index, memory: resident.initialisers)
    try timer.end("inittasks")

    // What the program needs. From here on the set only grows by the linker's own symbols.
    var live = try Deadcode.run(
      index, graph: program.graph, initOrder: initOrder, options: plan.deadcode)
    story.note(program.graph.floodStart)
    told.print(String(decoding: live.dump, as: UTF8.self))
    program.releasePages()
    try timer.end("deadcode")

    let modules = try ModuleSymbols(index, &live)
    let textOrder = try TextOrder(index, live)
    try timer.end("linksetup")

    try told.report(StringData.apply(plan.texts.strings, index, &live))
    try timer.end("dostrdata")

    if plan.callGraph { told.print(CallGraph.calls(index, textOrder.functions)) }

    // What the dynamic linker reads, when it has a part.
    let dynamic = plan.dynamic.map { DynamicSections(index, &live, options: $0) }

    // Text addresses: final. Nosplit functions must fit the stack that is left to them.
    BoundarySymbols.declareArchitecture(index, &live)
    BoundarySymbols.declareText(index, &live)
    var addresses = Addresses(symbolCount: index.count)
    let allText = fips.text + textOrder.functions
    var check: Result<StackCheck.Result, LinkFailure>?
    let text = TextLayout(
      index, live, order: textOrder, linkerText: fips.text, options: plan.text, addresses: &addresses
    ) {
      check = Result { () throws(LinkFailure) -> StackCheck.Result in
        try StackCheck.run(index, text: allText, options: plan.stackCheck, memory: memory.stack)
      }
    }
    if let stack = try check?.get() {
      told.print(stack.graph)
      for overflow in stack.overflows {
        try told.report([overflow.error + "\n"])
        told.print(overflow.paths)
      }
    }
    told.print(trace.addresses(of: text, index))
    try timer.end("textaddress")

    BuildInfo.define(plan.texts, index, &live)
    try timer.end("buildinfo")

    // Tables made from text addresses.
    var byString: TypeStrings?
    let tables = try FunctionTables(
      index, &live, text: text, goroot: plan.goroot, memory: memory
    ) { index, live in
      byString = TypeStrings(index, live, memory: memory)
    }
    guard let byString else { throw .unsupported(reason: "types were not sorted") }
    try timer.end("pclntab")

    let boundaries = BoundarySymbols(index, &live, text: text)
    let moduleData = try ModuleData(
      index, &live, module: modules.moduleData, initTasks: initOrder.mainTasks, tables: tables.symbols,
      textSectionMap: boundaries.textSectionMap)
    try timer.end("symtab")

    // Data layout, addresses and file offsets: nothing moves any more. From here on no symbol is added, so that DWARF is
    // found meanwhile: what there is, and where it goes in its sections. What lies before them in the file can be written
    // then too, if there is memory that will do.
    // (What the dynamic linker reads makes functions the linker's own while it is laid out.)
    var found = dynamic == nil ? nil : findDWARF(index, live, text, plan, memory)
    var placed = Result<DataPlacement, LinkFailure>.failure(.unsupported(reason: "data has no place"))
    var dataErrors: [String] = []
    var early: EarlyImage?
    Chunks.beside {
      if dynamic == nil { found = findDWARF(index, live, text, plan, memory) }
    } _: {
      placed = Result { () throws(LinkFailure) -> DataPlacement in
        try DataPlacement(
          index, live, text: text, types: byString, moduleData: moduleData, tables: tables, dynamic: dynamic,
          plan, memory: memory, addresses: &addresses, errors: &dataErrors)
      }
      guard plan.dwarf != nil, dynamic == nil, let placement = try? placed.get() else { return }
      early = EarlyImage(index, placement, text: text, addresses, live, plan, memory, images)
    }
    let debug = try found.take()?.get()
    try told.report(dataErrors)
    let placement = try placed.get()
    let (groups, data) = (placement.groups, placement.data)
    var layout = placement.layout
    try timer.end("dodata", at: placement.ends.data)
    try timer.end("address", at: placement.ends.addresses)

    // DWARF contents, which the compressed sizes come from; meanwhile the tables, if there is an image to put them into.
    var duplicatesFail = plan.strictDupsFail && index.strictDupCount > 0
    var debugSections: DebugSections?
    if let debug {
      try timer.end("dwarfGenerateDebugSyms")
      // Packages compiled with different flags may differ; only DWARF tells (ld/dwarf.go dwarfGenerateDebugInfo).
      if duplicatesFail, debug.hasFlagVariants { duplicatesFail = false }
      var made = Result<DebugSections, LinkFailure>.failure(.unsupported(reason: "DWARF was not made"))
      Chunks.beside {
        early?.addTables(index, placement, tables, fips: fips, addresses, live, memory)
      } _: {
        made = Result { () throws(LinkFailure) -> DebugSections in
          try DebugSections(
            debug, addresses: addresses, sectionStarts: layout.sections.map(\.address),
            compress: plan.compressDWARF, memory: memory)
        }
      }
      let sections = try made.get()
      try layout.place(sections, rounding: plan.image.rounding)
      debugSections = sections
      trace.note(debug, sections, live)
      try timer.end("dwarfcompress")
    }

    // Section numbers are known, and so is what the symbol table says.
    let headers = ELFWriter(layout, options: plan.elf)
    let symbolTable =
      plan.elf.hasSymbols
      ? try SymbolTable(
        index, live, groups: groups, text: text, addresses: addresses,
        sectionNumbers: headers.sectionNumbers, memory: memory) : nil
    if plan.elf.hasSymbols { try timer.end("Symbol table") }

    // Contents.
    let spare = (symbolTable?.entryBytes ?? 0) + (symbolTable?.stringBytes ?? 0) + 1 << 20
    let image: OutputImage
    var tableContents: TableContents?
    if let early, early.image.resize(to: Int(layout.fileLength), spare: spare) {
      image = early.image
      story.reusedMemory()
      try told.report(try early.errors.get())
      tableContents = early.tables
    } else {
      image = try memoryForImage(Int(layout.fileLength), spare: spare, plan, images, &story)
      try told.report(
        try SegmentWriter(
          index, layout, into: image, last: lastImage(memory, images, image), memory: memory.image
        ).write(
          text: text, data: data, addresses: addresses, live: live, isPIE: plan.elf.isPIE))
    }
    story.note(memory.image)
    try debugSections?.write(layout, into: image)
    try told.report(try placement.dynamicRelocations?.write(into: image, layout, addresses, index) ?? [])
    let contents =
      tableContents
      ?? TableContents(index, placement, tables, fips: fips, addresses, live, memory, into: image)
    try contents.written.get()
    try index.checkObjects()
    try told.stopIfFailed(otherwise: duplicatesFail)
    try timer.end("Asmb")
    let module = try contents.fipsModule.get()
    try timer.end("asmbfips")

    // Headers, notes and the tables behind the segments.
    let entry = EntryPoint.find(
      plan.deadcode.entry, index, addresses, textAddress: plan.image.textAddress)
    try told.report(entry.errors)
    try headers.write(entry: entry.address, symbols: symbolTable, into: image)
    if plan.callGraph { told.print(CallGraph.sizes(layout, symbolTable: symbolTable)) }
    told.print(trace.summary(index, live, tables))
    try told.stopIfFailed(otherwise: false)
    try timer.end("Asmb2")

    try checkStandIns(program)
    guard program.isReusable else {
      return LinkedImage(image: image, printed: told.printed, fipsModule: module)
    }
    var finished: FinishedLink?
    if plan.leavesPatchableImage, told.isEmpty {
      let made = FinishedLink(
        index, addresses: addresses, live: live, layout: layout, fips: fips, hasDWARF: plan.dwarf != nil,
        texts: plan.texts, image: image)
      resident.last.note(made, plan)
      finished = made
    }
    let rest = LinkRest { [finished] in
      finished?.settle()
      programs?.keep(resident, plan.packagesKey, kin: plan.mainKey, walk: walk)
    }
    return LinkedImage(image: image, printed: told.printed, fipsModule: module, rest: rest)
  }
}
