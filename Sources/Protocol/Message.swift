/// What every request of the protocol must say of itself.

/// The release that `linkctl version` prints, shared by client and daemon.
package enum Release {
  package static let version = "0.1.0"
  /// Raised whenever a peer of the previous number would misread a message.
  package static let protocolVersion = 1
}

/// What a request waits for. Part of the request type, so that a new request cannot forget to decide.
package enum Ordering: Equatable, Sendable {
  /// Waits for nothing, and nothing waits for it.
  case free
  /// Waits for earlier requests with the same key, and for earlier barriers.
  case exclusive(String)
  /// Waits for every earlier request that is not free; every later one waits for it.
  case barrier
}

/// A request type: its name, its reply, and its place in the order.
package protocol RequestMessage: JSONConvertible, Equatable {
  associatedtype Reply: JSONConvertible & Equatable
  static var method: String { get }
  /// Whether `initialize` must have gone well before.
  static var needsHandshake: Bool { get }
  var ordering: Ordering { get }
}

/// A message without an answer.
package protocol NotificationMessage: JSONConvertible, Equatable {
  static var method: String { get }
}

extension RequestMessage {
  package static var needsHandshake: Bool { true }

  /// The request as an envelope.
  package func message(id: RequestID) -> RPCMessage {
    .request(id: id, method: Self.method, params: json)
  }
}

extension NotificationMessage {
  package var message: RPCMessage { .notification(method: Self.method, params: json) }
}

/// An empty object, where there is nothing to say.
package struct Empty: JSONConvertible, Equatable {
  package init() {}
  package init(json: JSONValue) throws(JSONShapeError) { _ = try JSONFields(json) }
  package var json: JSONValue { .object([]) }
}
