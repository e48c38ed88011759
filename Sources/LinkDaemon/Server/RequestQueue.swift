import Protocol

/// Decides when a request may start, from the order of arrival and the `Ordering` of each. Pure bookkeeping: no
/// threads, no clock, no knowledge of what the requests do.
package struct RequestQueue {
  /// Names a request; unique while the queue lives.
  package typealias Ticket = UInt64

  private struct Entry {
    let ticket: Ticket
    let ordering: Ordering
    var started: Bool
  }

  /// Unfinished requests in order of arrival; free ones are never here.
  private var entries: [Entry] = []

  package init() {}

  package var count: Int { entries.count }

  /// Adds a request; true when it may start at once.
  package mutating func enqueue(_ ticket: Ticket, _ ordering: Ordering) -> Bool {
    if ordering == .free { return true }
    let started = !entries.contains { Self.waits(ordering, for: $0.ordering) }
    entries.append(Entry(ticket: ticket, ordering: ordering, started: started))
    return started
  }

  /// Takes out a request that is done or given up, and returns those that may start now. Unknown tickets (those of
  /// free requests) change nothing.
  package mutating func finish(_ ticket: Ticket) -> [Ticket] {
    guard let index = entries.firstIndex(where: { $0.ticket == ticket }) else { return [] }
    entries.remove(at: index)
    var startable: [Ticket] = []
    for position in entries.indices where !entries[position].started {
      let ordering = entries[position].ordering
      if !entries[..<position].contains(where: { Self.waits(ordering, for: $0.ordering) }) {
        entries[position].started = true
        startable.append(entries[position].ticket)
      }
    }
    return startable
  }

  private static func waits(_ later: Ordering, for earlier: Ordering) -> Bool {
    switch (later, earlier) {
    case (.free, _), (_, .free): false
    case (.barrier, _), (_, .barrier): true
    case (.exclusive(let one), .exclusive(let other)): one == other
    }
  }
}
