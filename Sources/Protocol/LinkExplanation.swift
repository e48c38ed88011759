/// Why a link cost what it cost. Words are for programs; `LinkExplanation.lines` has those for people.
package struct LinkExplanation: JSONConvertible, Equatable {
  /// How something was done; and if there is a cheaper way, why it was not taken.
  package struct Step: JSONConvertible, Equatable {
    package var how: String
    package var reason: String?

    package init(_ how: String, reason: String? = nil) {
      self.how = how
      self.reason = reason
    }

    package init(json: JSONValue) throws(JSONShapeError) {
      let fields = try JSONFields(json)
      how = try fields.required("how")
      reason = try fields.optional("reason")
    }

    package var json: JSONValue {
      var object = JSONObjectBuilder()
      object.set("how", how)
      object.set("reason", reason)
      return object.object
    }
  }

  /// Numbers of symbols, the linker's own not counted.
  package struct Symbols: JSONConvertible, Equatable {
    package var all: Int
    /// Of those that there were, the ones whose definition may be another: those that a changed package has.
    package var touched: Int?
    package var new: Int?
    package var gone: Int?
    /// Whether each symbol has the place in the program's order that it had.
    package var keepNumbers: Bool?
    /// When nothing changed but what some symbols contain: how many.
    package var otherContents: Int?

    package init(
      all: Int, touched: Int? = nil, new: Int? = nil, gone: Int? = nil, keepNumbers: Bool? = nil,
      otherContents: Int? = nil
    ) {
      self.all = all
      self.touched = touched
      self.new = new
      self.gone = gone
      self.keepNumbers = keepNumbers
      self.otherContents = otherContents
    }

    package init(json: JSONValue) throws(JSONShapeError) {
      let fields = try JSONFields(json)
      all = try fields.required("all")
      touched = try fields.optional("touched")
      new = try fields.optional("new")
      gone = try fields.optional("gone")
      keepNumbers = try fields.optional("keepNumbers")
      otherContents = try fields.optional("otherContents")
    }

    package var json: JSONValue {
      var object = JSONObjectBuilder()
      object.set("all", all)
      object.set("touched", touched)
      object.set("new", new)
      object.set("gone", gone)
      object.set("keepNumbers", keepNumbers)
      object.set("otherContents", otherContents)
      return object.object
    }
  }

  package struct Image: JSONConvertible, Equatable {
    /// `patched`, `same-memory` or `new`.
    package var how: String
    /// Why it was not patched.
    package var reason: String?
    /// Symbols whose relocations were known from the last image.
    package var knownSymbols: Int?
    /// Those of them whose bytes stayed in memory, or were moved there.
    package var keptSymbols: Int?

    package init(_ how: String, reason: String? = nil, knownSymbols: Int? = nil, keptSymbols: Int? = nil) {
      self.how = how
      self.reason = reason
      self.knownSymbols = knownSymbols
      self.keptSymbols = keptSymbols
    }

    package init(json: JSONValue) throws(JSONShapeError) {
      let fields = try JSONFields(json)
      how = try fields.required("how")
      reason = try fields.optional("reason")
      knownSymbols = try fields.optional("knownSymbols")
      keptSymbols = try fields.optional("keptSymbols")
    }

    package var json: JSONValue {
      var object = JSONObjectBuilder()
      object.set("how", how)
      object.set("reason", reason)
      object.set("knownSymbols", knownSymbols)
      object.set("keptSymbols", keptSymbols)
      return object.object
    }
  }

  /// `replayed` (an earlier link's output was written again), `kept` (changed packages were exchanged) or `new`.
  package var program: Step
  /// Packages of the program.
  package var packages: Int?
  /// How many of them are others than in the link before; absent when there is none to compare with.
  package var changedCount: Int?
  /// The first of them.
  package var changed: [String]
  package var symbols: Symbols?
  /// `went-on` or `anew`; absent when it did not run.
  package var deadcode: Step?
  package var image: Image?

  package init(
    program: Step, packages: Int? = nil, changedCount: Int? = nil, changed: [String] = [],
    symbols: Symbols? = nil, deadcode: Step? = nil, image: Image? = nil
  ) {
    self.program = program
    self.packages = packages
    self.changedCount = changedCount
    self.changed = changed
    self.symbols = symbols
    self.deadcode = deadcode
    self.image = image
  }

  package init(json: JSONValue) throws(JSONShapeError) {
    let fields = try JSONFields(json)
    program = try fields.required("program")
    packages = try fields.optional("packages")
    changedCount = try fields.optional("changedCount")
    changed = try fields.optional("changed") ?? []
    symbols = try fields.optional("symbols")
    deadcode = try fields.optional("deadcode")
    image = try fields.optional("image")
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("program", program)
    object.set("packages", packages)
    object.set("changedCount", changedCount)
    if !changed.isEmpty { object.set("changed", changed) }
    object.set("symbols", symbols)
    object.set("deadcode", deadcode)
    object.set("image", image)
    return object.object
  }
}
