import LoaderCore

/// How much private memory the daemon keeps between links, in bytes: what it was told, or a quarter of the machine's, and
/// an eighth while others need it.
package struct MemoryBudget: Sendable {
  package let most: Int
  /// The machine's memory, when the budget is the daemon's own choice.
  private let machine: Int?

  /// - Parameter configured: 0 for the daemon's own choice.
  package init(configured: Int, machine: Int = SystemMemory.size) {
    self.machine = configured > 0 ? nil : machine
    most = configured > 0 ? configured : max(machine / 4, Self.least)
  }

  private static let least = 256 << 20

  /// The budget at this moment.
  ///
  /// - Parameter available: what others could still take; nil when that is not known.
  package func now(available: Int? = SystemMemory.available) -> Int {
    guard let machine, let available, available < machine / 8 else { return most }
    return max(machine / 8, Self.least)
  }
}

extension MemoryBudget {
  /// The part of a budget that is for images, and the part for programs, which make the next images fast.
  static func parts(of budget: Int) -> (images: Int, programs: Int) { (budget / 3, budget / 3 * 2) }
}
