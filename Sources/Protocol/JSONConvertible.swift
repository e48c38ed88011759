/// A value that crosses the socket: made from JSON that nobody vouches for, and written as JSON.
package protocol JSONConvertible: Sendable {
  init(json: JSONValue) throws(JSONShapeError)
  var json: JSONValue { get }
}

/// Well-formed JSON of the wrong shape: where, and what was wanted.
package struct JSONShapeError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Path from the outermost value, as in `.argv[3]`; empty for the value itself.
  package var path: String
  package var problem: String

  package init(path: String = "", problem: String) {
    self.path = path
    self.problem = problem
  }

  package var description: String { path.isEmpty ? problem : "\(path): \(problem)" }

  func inside(_ prefix: String) -> JSONShapeError {
    JSONShapeError(path: prefix + path, problem: problem)
  }
}

/// The members of an object, read by name. Unknown members are ignored, so that a newer peer may add some.
package struct JSONFields {
  private let value: JSONValue

  package init(_ value: JSONValue) throws(JSONShapeError) {
    guard case .object = value else { throw JSONShapeError(problem: "expected an object") }
    self.value = value
  }

  package func required<Value: JSONConvertible>(
    _ key: String, as type: Value.Type = Value.self
  ) throws(JSONShapeError) -> Value {
    guard let found = try optional(key, as: type) else {
      throw JSONShapeError(path: ".\(key)", problem: "missing")
    }
    return found
  }

  /// The member, or nil when it is absent or null.
  package func optional<Value: JSONConvertible>(
    _ key: String, as type: Value.Type = Value.self
  ) throws(JSONShapeError) -> Value? {
    guard let member = value[key], member != .null else { return nil }
    do {
      return try Value(json: member)
    } catch {
      throw error.inside(".\(key)")
    }
  }
}

/// Builds an object; an absent value leaves its member out.
package struct JSONObjectBuilder {
  package private(set) var members: [JSONValue.Member] = []

  package init() {}

  package mutating func set(_ key: String, _ value: (any JSONConvertible)?) {
    guard let value else { return }
    members.append(JSONValue.Member(key, value.json))
  }

  package var object: JSONValue { .object(members) }
}

extension JSONValue: JSONConvertible {
  package init(json: JSONValue) { self = json }
  package var json: JSONValue { self }
}

extension String: JSONConvertible {
  package init(json: JSONValue) throws(JSONShapeError) {
    guard case .string(let value) = json else { throw JSONShapeError(problem: "expected a string") }
    self = value
  }
  package var json: JSONValue { .string(self) }
}

extension Bool: JSONConvertible {
  package init(json: JSONValue) throws(JSONShapeError) {
    guard case .bool(let value) = json else { throw JSONShapeError(problem: "expected true or false") }
    self = value
  }
  package var json: JSONValue { .bool(self) }
}

extension Int: JSONConvertible {
  package init(json: JSONValue) throws(JSONShapeError) {
    guard case .integer(let value) = json, let narrowed = Int(exactly: value) else {
      throw JSONShapeError(problem: "expected an integer")
    }
    self = narrowed
  }
  package var json: JSONValue { .integer(Int64(self)) }
}

extension Array: JSONConvertible where Element: JSONConvertible {
  package init(json: JSONValue) throws(JSONShapeError) {
    guard case .array(let elements) = json else { throw JSONShapeError(problem: "expected an array") }
    self = []
    reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      do {
        append(try Element(json: element))
      } catch {
        throw error.inside("[\(index)]")
      }
    }
  }
  package var json: JSONValue { .array(map(\.json)) }
}

extension Dictionary: JSONConvertible where Key == String, Value: JSONConvertible {
  package init(json: JSONValue) throws(JSONShapeError) {
    guard case .object(let members) = json else { throw JSONShapeError(problem: "expected an object") }
    self.init(minimumCapacity: members.count)
    for member in members {
      do {
        self[member.key] = try Value(json: member.value)
      } catch {
        throw error.inside(".\(member.key)")
      }
    }
  }
  /// Sorted by key: the same value is always the same bytes.
  package var json: JSONValue {
    .object(sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, $0.value.json) })
  }
}
