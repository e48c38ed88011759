/// Why changed objects could not be exchanged in a resident program, which was resolved anew instead.
///
/// The raw values are what `status` tells (docs/protocol.md).
package enum ExchangeRefusal: String, Error, Sendable, CaseIterable {
  /// Resolving it said something that has to be said again.
  case speaks
  /// -checklinkname or -strictdups are other than they were.
  case options
  /// Too many packages came, went, or are loaded in another order.
  case packages
  /// More than a third of all definitions are in changed objects.
  case much
  /// A definition that the compiler refers to by number is in a changed object.
  case builtins
  /// A name has two definitions now, or one that is rare.
  case names
}
