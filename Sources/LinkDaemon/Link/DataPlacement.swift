import ImageWriter
import LoaderCore

/// Where everything behind the text is: sections, addresses and file offsets, after which nothing moves any more but
/// DWARF.
///
/// DWARF is found meanwhile, which looks at symbols too. So none is added here, and contents change only of symbols that
/// are the linker's own already: DWARF asks for none of these. (But `DynamicRelocations` makes more of them its own.)
struct DataPlacement: Sendable {
  let groups: SymbolGroups
  let dynamicRelocations: DynamicRelocations?
  let data: DataLayout
  let layout: ImageLayout
  /// When the sections were known and when all addresses were (`PhaseTimer.end`).
  let ends: (data: UInt64, addresses: UInt64)

  /// - Parameter errors: gets those after which the link goes on, in the real linker's words and order.
  init(
    _ index: SymbolIndex, _ live: borrowing LiveSet, text: TextLayout, types: TypeStrings,
    moduleData: ModuleData,
    tables: borrowing FunctionTables, dynamic: DynamicSections?, _ plan: LinkPlan, memory: LinkMemory,
    addresses: inout Addresses, errors: inout [String]
  ) throws(LinkFailure) {
    var groups = SymbolGroups(index, live, memory: memory)
    dynamicRelocations = try dynamic.map { dynamic throws(LinkFailure) in
      try DynamicRelocations(dynamic, index, live, text: text, groups: groups)
    }
    if plan.data.useRelro { groups.separateRelocated(index.reader) }
    self.groups = groups
    var order = DataOrder(groups, index, types, memory: memory)
    dynamic?.arrange(&order)
    errors = order.errors
    moduleData.setTypes(order.types, index)
    data = try DataLayoutBuilder.run(
      index, order, text: text, addresses: &addresses, options: plan.data,
      pclntab: (tables.size, tables.alignment),
      gcPrograms: { regions throws(LinkFailure) in
        try GCProgram.define(regions, index, memory: memory)
      })
    errors += data.errors
    let dataEnd = PhaseTimer.now
    layout = try ImageLayout(data, options: plan.image, addresses: &addresses)
    BoundarySymbols.place(index, text: text, data: data, image: layout, addresses: &addresses)
    tables.place(section: data.bounds.pclntab, layout, &addresses)
    ends = (dataEnd, PhaseTimer.now)
  }
}

extension Link {
  /// What DWARF there is; nil for none.
  static func findDWARF(
    _ index: SymbolIndex, _ live: borrowing LiveSet, _ text: TextLayout, _ plan: LinkPlan,
    _ memory: LinkMemory
  ) -> Result<DebugInfo, LinkFailure>? {
    guard let options = plan.dwarf else { return nil }
    do throws(LinkFailure) {
      return .success(try DebugInfo.generate(index, live, text: text, options: options, memory: memory))
    } catch {
      return .failure(error)
    }
  }
}
