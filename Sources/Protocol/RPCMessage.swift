/// JSON-RPC 2.0 envelopes. Batches are not part of this protocol (as in the Language Server Protocol).

/// A request's name in its connection: chosen by the sender, repeated in the answer.
package enum RequestID: Hashable, Sendable, JSONConvertible {
  case integer(Int64)
  case string(String)

  package init(json: JSONValue) throws(JSONShapeError) {
    switch json {
    case .integer(let value): self = .integer(value)
    case .string(let value): self = .string(value)
    default: throw JSONShapeError(problem: "expected an integer or a string")
    }
  }

  package var json: JSONValue {
    switch self {
    case .integer(let value): .integer(value)
    case .string(let value): .string(value)
    }
  }
}

/// A typed failure, as it crosses the socket.
package struct RPCError: Error, Equatable, Sendable, JSONConvertible, CustomStringConvertible {
  package struct Code: Hashable, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    // JSON-RPC 2.0, section 5.1.
    package static let parseError = Code(rawValue: -32700)
    package static let invalidRequest = Code(rawValue: -32600)
    package static let methodNotFound = Code(rawValue: -32601)
    package static let invalidParams = Code(rawValue: -32602)
    package static let internalError = Code(rawValue: -32603)
    // The Language Server Protocol's numbers for the same things.
    package static let notInitialized = Code(rawValue: -32002)
    package static let cancelled = Code(rawValue: -32800)
    // linkd's own.
    /// The client was built for another daemon; it should restart the daemon and try once more.
    package static let versionMismatch = Code(rawValue: -32010)
    /// The daemon is stopping and takes no new work.
    package static let shuttingDown = Code(rawValue: -32011)
    /// Too much is waiting already.
    package static let overloaded = Code(rawValue: -32012)
  }

  package var code: Code
  package var message: String
  package var data: JSONValue?

  package init(_ code: Code, _ message: String, data: JSONValue? = nil) {
    self.code = code
    self.message = message
    self.data = data
  }

  package init(json: JSONValue) throws(JSONShapeError) {
    let fields = try JSONFields(json)
    code = Code(rawValue: try fields.required("code"))
    message = try fields.required("message")
    data = try fields.optional("data")
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("code", code.rawValue)
    object.set("message", message)
    object.set("data", data)
    return object.object
  }

  package var description: String { "\(message) (\(code.rawValue))" }
}

package enum RPCMessage: Equatable, Sendable {
  case request(id: RequestID, method: String, params: JSONValue)
  case notification(method: String, params: JSONValue)
  case response(id: RequestID, result: JSONValue)
  /// The id is missing when the request's own could not be read.
  case failure(id: RequestID?, error: RPCError)

  /// Reads one body. What is wrong comes as the error to answer with, and the id to answer to if there was one.
  package init(body: [UInt8]) throws(RPCMessageError) {
    let json: JSONValue
    do {
      json = try JSONValue(parsing: body)
    } catch {
      throw RPCMessageError(id: nil, error: RPCError(.parseError, "\(error)"))
    }
    let id = json["id"].flatMap { try? RequestID(json: $0) }
    do {
      try self.init(envelope: json, id: id)
    } catch {
      throw RPCMessageError(id: id, error: RPCError(.invalidRequest, "\(error)"))
    }
  }

  private init(envelope: JSONValue, id: RequestID?) throws(JSONShapeError) {
    let fields = try JSONFields(envelope)
    guard try fields.required("jsonrpc", as: String.self) == "2.0" else {
      throw JSONShapeError(path: ".jsonrpc", problem: "expected \"2.0\"")
    }
    if let method = try fields.optional("method", as: String.self) {
      let params: JSONValue = try fields.optional("params") ?? .object([])
      if let id {
        self = .request(id: id, method: method, params: params)
      } else if envelope["id"] == nil {
        self = .notification(method: method, params: params)
      } else {
        throw JSONShapeError(path: ".id", problem: "expected an integer or a string")
      }
    } else if let error = try fields.optional("error", as: RPCError.self) {
      self = .failure(id: id, error: error)
    } else if let result = envelope["result"] {
      guard let id else { throw JSONShapeError(path: ".id", problem: "missing") }
      self = .response(id: id, result: result)
    } else {
      throw JSONShapeError(problem: "neither a request nor an answer")
    }
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("jsonrpc", "2.0")
    switch self {
    case .request(let id, let method, let params):
      object.set("id", id)
      object.set("method", method)
      object.set("params", params)
    case .notification(let method, let params):
      object.set("method", method)
      object.set("params", params)
    case .response(let id, let result):
      object.set("id", id)
      object.set("result", result)
    case .failure(let id, let error):
      object.set("id", id?.json ?? .null)
      object.set("error", error)
    }
    return object.object
  }

  /// The message as it is sent.
  package var frame: [UInt8] { framed(json.serialized()) }
}

/// A body that is no message.
package struct RPCMessageError: Error, Equatable, Sendable {
  package var id: RequestID?
  package var error: RPCError
}
