/// What the daemon found when it made links again with Go's linker: a part of the answer to `status`.
package struct VerificationStatus: JSONConvertible, Equatable {
  /// A link of which linkd and Go's linker made different things.
  package struct Difference: JSONConvertible, Equatable {
    package var time: Int
    package var output: String
    /// One line: the first difference.
    package var headline: String
    /// All that is known of it, in lines.
    package var explanation: String
    /// The folder with the link's bundle and what both made of it; absent when it could not be saved.
    package var bundle: String?

    package init(time: Int, output: String, headline: String, explanation: String, bundle: String?) {
      self.time = time
      self.output = output
      self.headline = headline
      self.explanation = explanation
      self.bundle = bundle
    }

    package init(json: JSONValue) throws(JSONShapeError) {
      let fields = try JSONFields(json)
      time = try fields.required("time")
      output = try fields.required("output")
      headline = try fields.required("headline")
      explanation = try fields.required("explanation")
      bundle = try fields.optional("bundle")
    }

    package var json: JSONValue {
      var object = JSONObjectBuilder()
      object.set("time", time)
      object.set("output", output)
      object.set("headline", headline)
      object.set("explanation", explanation)
      object.set("bundle", bundle)
      return object.object
    }
  }

  /// Links that were compared: the sum of the next two.
  package var verified = 0
  package var identical = 0
  package var differing = 0
  /// Links that are yet to be compared.
  package var waiting = 0
  /// Links that should have been compared and were not: too many at once, or Go's linker could not be run.
  package var skipped = 0
  /// After a difference every link is left to Go's linker, until the daemon is started anew.
  package var distrusted = false
  package var lastDifference: Difference?

  package init() {}

  package init(json: JSONValue) throws(JSONShapeError) {
    let fields = try JSONFields(json)
    verified = try fields.required("verified")
    identical = try fields.required("identical")
    differing = try fields.required("differing")
    waiting = try fields.required("waiting")
    skipped = try fields.required("skipped")
    distrusted = try fields.required("distrusted")
    lastDifference = try fields.optional("lastDifference")
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("verified", verified)
    object.set("identical", identical)
    object.set("differing", differing)
    object.set("waiting", waiting)
    object.set("skipped", skipped)
    object.set("distrusted", distrusted)
    object.set("lastDifference", lastDifference)
    return object.object
  }
}
