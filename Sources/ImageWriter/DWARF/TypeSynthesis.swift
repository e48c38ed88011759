import LoaderCore

/// Makes the insides of strings, slices, maps and channels visible: they get the fields of the runtime's own
/// structures, with the element types filled in (cmd/link/internal/ld/dwarf.go synthesize…types).
///
/// Each step treats the entries that exist when it starts, newest first. What a step defines on the way is
/// left to the steps after it, or left as it is.
struct TypeSynthesis {
  /// Made-up types by what they are made from.
  private var made: [Key: UInt32] = [:]

  /// What made-up types are called before their `<`.
  private enum Base: UInt32 {
    case groupReference, table, map, sudog, waitq, hchan

    var name: StaticString {
      switch self {
      case .groupReference: "groupReference<"
      case .table: "table<"
      case .map: "map<"
      case .sudog: "sudog<"
      case .waitq: "waitq<"
      case .hchan: "hchan<"
      }
    }
  }

  private struct Key: Hashable {
    let base: Base
    let first: UInt32
    let second: UInt32
  }

  static func run(_ types: inout DebugTypes) throws(LinkFailure) {
    var pass = TypeSynthesis()
    try pass.strings(&types)
    try pass.slices(&types)
    try pass.maps(&types)
    try pass.channels(&types)
  }

  /// The entry with the fields of a runtime structure: the definition, not its typedef.
  private func prototype(_ name: String, _ types: inout DebugTypes) throws(LinkFailure) -> Int {
    let descriptor = try types.descriptor(named: "type:" + name)
    let e = Int(try types.define(descriptor))
    let definition = types.entries[e].type >= 0 ? Int(types.entries[e].type) : e
    guard types.entries[definition].abbrev == AbbrevTable.Code.structType else {
      throw types.missing(name)
    }
    return definition
  }

  private func strings(_ types: inout DebugTypes) throws(LinkFailure) {
    let count = types.entries.count
    let string = try prototype("runtime.stringStructDWARF", &types)
    for e in stride(from: count - 1, through: 0, by: -1)
    where types.entries[e].abbrev == AbbrevTable.Code.stringType {
      types.copyFields(from: string, to: e)
    }
  }

  private func slices(_ types: inout DebugTypes) throws(LinkFailure) {
    let count = types.entries.count
    let slice = try prototype("runtime.slice", &types)
    let array = try types.field("array", of: slice)
    for e in stride(from: count - 1, through: 0, by: -1)
    where types.entries[e].abbrev == AbbrevTable.Code.sliceType {
      let element = types.keepElement(of: e)
      types.copyFields(from: slice, to: e)
      let pointer = types.pointer(to: element)
      types.setField(array, of: e, to: pointer)
    }
  }

  private mutating func maps(_ types: inout DebugTypes) throws(LinkFailure) {
    let count = types.entries.count
    let map = try prototype("internal/runtime/maps.Map", &types)
    let table = try prototype("internal/runtime/maps.table", &types)
    let reference = try prototype("internal/runtime/maps.groupsReference", &types)
    let data = try types.field("data", of: reference)
    let groupsField = try types.field("groups", of: table)
    let directoryField = try types.field("dirPtr", of: map)
    for e in stride(from: count - 1, through: 0, by: -1)
    where types.entries[e].abbrev == AbbrevTable.Code.mapType {
      var fields = DescriptorFields(types.reader, types.entries[e].descriptor)
      let start = TypeDecoder.commonSize
      let key = try types.define(fields.target(at: start))
      let value = try types.define(fields.target(at: start + 8))
      let group = try types.define(fields.target(at: start + 16))
      guard key != DebugTypes.unspecified, value != DebugTypes.unspecified,
        group != DebugTypes.unspecified
      else { throw types.missing("in \(types.entries[e].name.string)") }

      let kind = TypeDecoder.Kind.structure
      let (groups, isNewGroups) = make(.groupReference, key, value, like: reference, kind, &types)
      if isNewGroups {
        let pointer = types.pointer(to: group)
        types.setField(data, of: Int(groups), to: pointer)
      }
      let (mapTable, isNewTable) = make(.table, key, value, like: table, kind, &types)
      if isNewTable { types.setField(groupsField, of: Int(mapTable), to: groups) }
      let (whole, isNew) = make(.map, key, value, like: map, kind, &types)
      if isNew {
        // A list of tables whose length is known at run time only: shown as a pointer to the first.
        let first = types.pointer(to: mapTable)
        let directory = types.pointer(to: first)
        types.setField(directoryField, of: Int(whole), to: directory)
      }
      let pointer = types.pointer(to: whole)
      types.setType(of: e, to: pointer)
    }
  }

  private mutating func channels(_ types: inout DebugTypes) throws(LinkFailure) {
    let count = types.entries.count
    let sudog = try prototype("runtime.sudog", &types)
    let waitq = try prototype("runtime.waitq", &types)
    let hchan = try prototype("runtime.hchan", &types)
    let elementField = try types.field("elem", of: sudog)
    let (first, last) = (try types.field("first", of: waitq), try types.field("last", of: waitq))
    let (receivers, senders) = (try types.field("recvq", of: hchan), try types.field("sendq", of: hchan))
    for e in stride(from: count - 1, through: 0, by: -1)
    where types.entries[e].abbrev == AbbrevTable.Code.chanType {
      var fields = DescriptorFields(types.reader, types.entries[e].descriptor)
      let descriptor = fields.target(at: TypeDecoder.commonSize)
      let element = try types.define(descriptor)
      guard element != DebugTypes.unspecified else {
        throw types.missing("in \(types.entries[e].name.string)")
      }
      let (waiter, isNewWaiter) = make(.sudog, element, nil, like: sudog, 0, &types)
      if isNewWaiter {
        let pointer = types.pointer(to: element)
        types.setField(elementField, of: Int(waiter), to: pointer)
      }
      let (queue, isNewQueue) = make(.waitq, element, nil, like: waitq, 0, &types)
      if isNewQueue {
        let pointer = types.pointer(to: waiter)
        types.setField(first, of: Int(queue), to: pointer)
        types.setField(last, of: Int(queue), to: pointer)
      }
      let (channel, isNew) = make(.hchan, element, nil, like: hchan, 0, &types)
      if isNew {
        types.setField(receivers, of: Int(channel), to: queue)
        types.setField(senders, of: Int(channel), to: queue)
      }
      let pointer = types.pointer(to: channel)
      types.setType(of: e, to: pointer)
    }
  }

  /// A structure "base<first,second>" with the fields of `prototype`; whether it was made just now
  /// (mkinternaltype).
  private mutating func make(
    _ base: Base, _ first: UInt32, _ second: UInt32?, like prototype: Int, _ kind: UInt8,
    _ types: inout DebugTypes
  ) -> (UInt32, Bool) {
    let key = Key(base: base, first: first, second: second ?? .max)
    if let known = made[key] { return (known, false) }
    let name = types.name(base.name, first, second)
    let e = types.add(
      DebugTypes.Entry(
        abbrev: AbbrevTable.Code.structType, kind: kind, name: name, size: types.entries[prototype].size))
    types.copyFields(from: prototype, to: e)
    made[key] = UInt32(e)
    return (UInt32(e), true)
  }
}
