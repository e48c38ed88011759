/// The requests that look after the daemon. `LinkMessages.swift` has the one that links.

/// First message of every connection; anything else before it is refused.
package struct InitializeRequest: RequestMessage {
  package static let method = "initialize"
  package static let needsHandshake = false
  package var ordering: Ordering { .free }

  package var protocolVersion: Int
  /// Who asks, for the log: a name and a version in any form.
  package var client: String
  /// The build the client belongs to; a daemon of another build answers `versionMismatch`. Absent: any will do.
  package var build: String?

  package init(protocolVersion: Int = Release.protocolVersion, client: String, build: String? = nil) {
    self.protocolVersion = protocolVersion
    self.client = client
    self.build = build
  }

  package init(json: JSONValue) throws(JSONShapeError) {
    let fields = try JSONFields(json)
    protocolVersion = try fields.required("protocolVersion")
    client = try fields.required("client")
    build = try fields.optional("build")
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("protocolVersion", protocolVersion)
    object.set("client", client)
    object.set("build", build)
    return object.object
  }

  package struct Reply: JSONConvertible, Equatable {
    package var protocolVersion: Int
    package var version: String
    package var build: String
    package var pid: Int
    /// While a link runs, a `$/progress` comes at least this often; a client that hears nothing for several of
    /// these may take the daemon for dead.
    package var heartbeatMilliseconds: Int

    package init(protocolVersion: Int, version: String, build: String, pid: Int, heartbeatMilliseconds: Int) {
      self.protocolVersion = protocolVersion
      self.version = version
      self.build = build
      self.pid = pid
      self.heartbeatMilliseconds = heartbeatMilliseconds
    }

    package init(json: JSONValue) throws(JSONShapeError) {
      let fields = try JSONFields(json)
      protocolVersion = try fields.required("protocolVersion")
      version = try fields.required("version")
      build = try fields.required("build")
      pid = try fields.required("pid")
      heartbeatMilliseconds = try fields.required("heartbeatMilliseconds")
    }

    package var json: JSONValue {
      var object = JSONObjectBuilder()
      object.set("protocolVersion", protocolVersion)
      object.set("version", version)
      object.set("build", build)
      object.set("pid", pid)
      object.set("heartbeatMilliseconds", heartbeatMilliseconds)
      return object.object
    }
  }
}

/// Are you there? Answered at once, whatever else goes on.
package struct PingRequest: RequestMessage {
  package static let method = "ping"
  package typealias Reply = Empty
  package var ordering: Ordering { .free }

  package init() {}
  package init(json: JSONValue) throws(JSONShapeError) { _ = try JSONFields(json) }
  package var json: JSONValue { .object([]) }
}

/// Everything the daemon knows of itself; see `StatusReport`.
package struct StatusRequest: RequestMessage {
  package static let method = "status"
  package typealias Reply = StatusReport
  package var ordering: Ordering { .free }

  package init() {}
  package init(json: JSONValue) throws(JSONShapeError) { _ = try JSONFields(json) }
  package var json: JSONValue { .object([]) }
}

/// Drop all resident state; the next link of every program is a cold one.
package struct InvalidateRequest: RequestMessage {
  package static let method = "invalidate"
  package typealias Reply = Empty
  /// Links before it may still use the state, links after it must not.
  package var ordering: Ordering { .barrier }

  package init() {}
  package init(json: JSONValue) throws(JSONShapeError) { _ = try JSONFields(json) }
  package var json: JSONValue { .object([]) }
}

/// Finish what runs, refuse what comes, then end. Answered at once; the end is the closed connection.
package struct ShutdownRequest: RequestMessage {
  package static let method = "shutdown"
  /// A client that was just refused for its version must be able to clear the way for a daemon of its own.
  package static let needsHandshake = false
  package typealias Reply = Empty
  package var ordering: Ordering { .free }

  package init() {}
  package init(json: JSONValue) throws(JSONShapeError) { _ = try JSONFields(json) }
  package var json: JSONValue { .object([]) }
}

/// Give up a request of the same connection. The request is still answered: with its result when that came first,
/// else with the error `cancelled`.
package struct CancelNotification: NotificationMessage {
  package static let method = "$/cancelRequest"
  package var id: RequestID

  package init(id: RequestID) { self.id = id }

  package init(json: JSONValue) throws(JSONShapeError) {
    id = try JSONFields(json).required("id")
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("id", id)
    return object.object
  }
}

/// A sign of life from the daemon while a link waits or runs.
package struct ProgressNotification: NotificationMessage {
  package static let method = "$/progress"
  /// The link request it is about.
  package var id: RequestID
  /// `waiting`, or the name of the pass that runs.
  package var phase: String
  package var elapsedMilliseconds: Int

  package init(id: RequestID, phase: String, elapsedMilliseconds: Int) {
    self.id = id
    self.phase = phase
    self.elapsedMilliseconds = elapsedMilliseconds
  }

  package init(json: JSONValue) throws(JSONShapeError) {
    let fields = try JSONFields(json)
    id = try fields.required("id")
    phase = try fields.required("phase")
    elapsedMilliseconds = try fields.required("elapsedMilliseconds")
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("id", id)
    object.set("phase", phase)
    object.set("elapsedMilliseconds", elapsedMilliseconds)
    return object.object
  }
}

/// A client tells that it ran the real linker, for a reason the daemon may not know.
package struct FellBackNotification: NotificationMessage {
  package static let method = "linkFellBack"
  package var reason: String
  package var output: String?

  package init(reason: String, output: String? = nil) {
    self.reason = reason
    self.output = output
  }

  package init(json: JSONValue) throws(JSONShapeError) {
    let fields = try JSONFields(json)
    reason = try fields.required("reason")
    output = try fields.optional("output")
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("reason", reason)
    object.set("output", output)
    return object.object
  }
}
