/// Where a flood began, and if at the roots, why: for whoever wonders what a link took its time for.
///
/// The raw values are what `status` tells (docs/protocol.md).
package enum FloodStart: String, Sendable, CaseIterable {
  /// At the end of the last flood.
  case wentOn = "went-on"

  /// There was no last flood.
  case first
  /// -dumpdep and -v=2 want the real linker's order.
  case inOrder = "in-order"

  // What followed an exchange of objects found that lists cannot be kept.

  /// A name means another symbol than it did.
  case namesMoved = "names-moved"
  /// A symbol that others lead to became one of another sort.
  case sorts
  /// A package definition is at another place in its object, or went, and other packages refer to it by its place.
  case places
  /// What is kept had grown beyond use.
  case grown

  // What going on from the last flood found.

  case roots
  /// What the linker itself makes needs something else.
  case ownSymbols = "own-symbols"
  /// An itab that code converts to is of another type.
  case itabs
  /// What was read of methods' names and types says something else.
  case methods
  /// Code does not use an interface, a method or a type as it did.
  case lostUse = "lost-use"
  /// Code does not need a symbol any more that needs others.
  case lostNeed = "lost-need"
  /// A symbol went that needed others.
  case gone
  case unreadable
}
