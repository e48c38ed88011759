/// How a flood ended, for the next one of the same program: it starts there when what changed only adds to it.
final class FloodMemory {
  /// By node, for those that outlive a link.
  let marks: Table<UInt8>
  /// Of the linker's own symbols, in the order of their making.
  let externalMarks: [UInt8]
  let seeds: FloodSeeds
  /// Visited nodes that have no list.
  let specials: [Special]
  let initialisers: [UInt32]
  /// The next flood goes on with it.
  let state: MarkerPass.State

  /// A visited node that has no list to be kept, for being the linker's own.
  struct Special: Equatable {
    let node: UInt64
    /// Of one that this link made: what tells it from others.
    let name: String
    let header: UInt32
    let edges: [UInt64]
  }

  init(
    marks: consuming Table<UInt8>, externalMarks: [UInt8], seeds: FloodSeeds, specials: [Special],
    initialisers: [UInt32], state: MarkerPass.State
  ) {
    self.marks = marks
    self.externalMarks = externalMarks
    self.seeds = seeds
    self.specials = specials
    self.initialisers = initialisers
    self.state = state
  }

  func write(to writer: SnapshotWriter) {
    writer.table(marks)
    writer.array(externalMarks)
    for list in [seeds.roots, seeds.marked, seeds.owned] { writer.array(list) }
    writer.array(specials.map(\.node))
    writer.texts(specials.map(\.name))
    writer.array(specials.map(\.header))
    writer.array(specials.map(\.edges.count))
    writer.array(specials.flatMap(\.edges))
    writer.array(initialisers)
    state.write(to: writer)
  }

  init(_ reader: inout SnapshotReader) {
    marks = reader.table()
    externalMarks = reader.array()
    seeds = FloodSeeds(roots: reader.array(), marked: reader.array(), owned: reader.array())
    let nodes: [UInt64] = reader.array()
    let names = reader.texts()
    let headers: [UInt32] = reader.array()
    let counts: [Int] = reader.array()
    let edges: [UInt64] = reader.array()
    var all: [Special] = []
    var at = 0
    if names.count == nodes.count, headers.count == nodes.count, counts.count == nodes.count {
      for (k, n) in counts.enumerated() {
        guard n >= 0, n <= edges.count - at else {
          reader.fail()
          break
        }
        let mine = Array(edges[at..<at + n])
        all.append(Special(node: nodes[k], name: names[k], header: headers[k], edges: mine))
        at += n
      }
    } else {
      reader.fail()
    }
    specials = all
    initialisers = reader.array()
    state = MarkerPass.State(&reader)
  }

  var byteCount: Int { marks.count + externalMarks.count + specials.count * 64 + state.byteCount }
}

/// What a flood starts from. Nodes are numbers that outlive a link: `EdgeGraph.lasting`.
struct FloodSeeds: Equatable {
  let roots: [UInt64]
  /// Marks that are there from the start, over their node.
  let marked: [UInt64]
  /// Objects' symbols that are the linker's own.
  let owned: [UInt64]
}

extension EdgeGraph {
  /// A number for a node that outlives the link: the linker's own symbols are told apart by the order of their
  /// making.
  func lasting(_ node: Int) -> UInt64 {
    node < nodeCount ? UInt64(node) : 1 << 32 | UInt64(node - nodeCount)
  }
}
