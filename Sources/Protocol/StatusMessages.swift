/// The answer to `status`, part by part. Sizes are bytes, times are seconds since 1970 unless a name says otherwise.

/// One link as the daemon remembers it.
package struct LinkRecord: JSONConvertible, Equatable {
  package enum Outcome: String, JSONConvertible {
    /// Exit code 0.
    case linked
    /// The linker's own complaint: a non-zero exit code, as the real linker gives.
    case failed
    case fellBack
    case cancelled

    package init(json: JSONValue) throws(JSONShapeError) {
      guard let outcome = Outcome(rawValue: try String(json: json)) else {
        throw JSONShapeError(problem: "unknown outcome")
      }
      self = outcome
    }
    package var json: JSONValue { .string(rawValue) }
  }

  package var time: Int
  package var output: String
  package var outcome: Outcome
  /// Why it fell back or was given up.
  package var reason: String?
  package var exitCode: Int?
  package var report: LinkReport?
  /// From the request's arrival to its answer, waiting included.
  package var totalMilliseconds: Int
  package var waitedMilliseconds: Int

  package init(
    time: Int, output: String, outcome: Outcome, reason: String? = nil, exitCode: Int? = nil,
    report: LinkReport? = nil, totalMilliseconds: Int, waitedMilliseconds: Int
  ) {
    self.time = time
    self.output = output
    self.outcome = outcome
    self.reason = reason
    self.exitCode = exitCode
    self.report = report
    self.totalMilliseconds = totalMilliseconds
    self.waitedMilliseconds = waitedMilliseconds
  }

  package init(json: JSONValue) throws(JSONShapeError) {
    let fields = try JSONFields(json)
    time = try fields.required("time")
    output = try fields.required("output")
    outcome = try fields.required("outcome")
    reason = try fields.optional("reason")
    exitCode = try fields.optional("exitCode")
    report = try fields.optional("report")
    totalMilliseconds = try fields.required("totalMs")
    waitedMilliseconds = try fields.required("waitedMs")
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("time", time)
    object.set("output", output)
    object.set("outcome", outcome)
    object.set("reason", reason)
    object.set("exitCode", exitCode)
    object.set("report", report)
    object.set("totalMs", totalMilliseconds)
    object.set("waitedMs", waitedMilliseconds)
    return object.object
  }
}

/// Links since the daemon started.
package struct LinkCounts: JSONConvertible, Equatable {
  package var linked = 0
  package var failed = 0
  package var fellBack = 0
  package var cancelled = 0
  package var running = 0
  package var waiting = 0
  /// Most links that run at once.
  package var limit = 0
  /// Good links by `LinkReport.how`.
  package var byKind: [String: Int] = [:]

  package init() {}

  package init(json: JSONValue) throws(JSONShapeError) {
    let fields = try JSONFields(json)
    linked = try fields.required("linked")
    failed = try fields.required("failed")
    fellBack = try fields.required("fellBack")
    cancelled = try fields.required("cancelled")
    running = try fields.required("running")
    waiting = try fields.required("waiting")
    limit = try fields.required("limit")
    byKind = try fields.required("byKind")
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("linked", linked)
    object.set("failed", failed)
    object.set("fellBack", fellBack)
    object.set("cancelled", cancelled)
    object.set("running", running)
    object.set("waiting", waiting)
    object.set("limit", limit)
    object.set("byKind", byKind)
    return object.object
  }
}

/// The linking engine's own account.
package struct EngineStatus: JSONConvertible, Equatable {
  /// One Go release and target whose objects are resident.
  package struct Toolchain: JSONConvertible, Equatable {
    package var name: String
    package var residentBytes: Int
    package var objects: Int
    package var programs: Int

    package init(name: String, residentBytes: Int, objects: Int, programs: Int) {
      self.name = name
      self.residentBytes = residentBytes
      self.objects = objects
      self.programs = programs
    }

    package init(json: JSONValue) throws(JSONShapeError) {
      let fields = try JSONFields(json)
      name = try fields.required("name")
      residentBytes = try fields.required("residentBytes")
      objects = try fields.required("objects")
      programs = try fields.required("programs")
    }

    package var json: JSONValue {
      var object = JSONObjectBuilder()
      object.set("name", name)
      object.set("residentBytes", residentBytes)
      object.set("objects", objects)
      object.set("programs", programs)
      return object.object
    }
  }

  package var toolchains: [Toolchain]
  /// Since the daemon started, over all links.
  package var objectsParsed: Int
  package var objectsReused: Int
  package var programsResident: Int
  /// What the engine may keep; 0 when it has no limit.
  package var budgetBytes: Int

  package init(
    toolchains: [Toolchain] = [], objectsParsed: Int = 0, objectsReused: Int = 0, programsResident: Int = 0,
    budgetBytes: Int = 0
  ) {
    self.toolchains = toolchains
    self.objectsParsed = objectsParsed
    self.objectsReused = objectsReused
    self.programsResident = programsResident
    self.budgetBytes = budgetBytes
  }

  package init(json: JSONValue) throws(JSONShapeError) {
    let fields = try JSONFields(json)
    toolchains = try fields.required("toolchains")
    objectsParsed = try fields.required("objectsParsed")
    objectsReused = try fields.required("objectsReused")
    programsResident = try fields.required("programsResident")
    budgetBytes = try fields.required("budgetBytes")
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("toolchains", toolchains)
    object.set("objectsParsed", objectsParsed)
    object.set("objectsReused", objectsReused)
    object.set("programsResident", programsResident)
    object.set("budgetBytes", budgetBytes)
    return object.object
  }
}

/// The persistent cache's account.
package struct CacheStatus: JSONConvertible, Equatable {
  /// Absent when the daemon runs without a cache.
  package var path: String?
  /// Why there is none, or what was wrong with the one before.
  package var note: String?
  package var entries = 0
  package var bytes = 0
  package var limitBytes = 0
  package var hits = 0
  package var misses = 0
  package var stores = 0

  package init() {}

  package init(json: JSONValue) throws(JSONShapeError) {
    let fields = try JSONFields(json)
    path = try fields.optional("path")
    note = try fields.optional("note")
    entries = try fields.required("entries")
    bytes = try fields.required("bytes")
    limitBytes = try fields.required("limitBytes")
    hits = try fields.required("hits")
    misses = try fields.required("misses")
    stores = try fields.required("stores")
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("path", path)
    object.set("note", note)
    object.set("entries", entries)
    object.set("bytes", bytes)
    object.set("limitBytes", limitBytes)
    object.set("hits", hits)
    object.set("misses", misses)
    object.set("stores", stores)
    return object.object
  }
}

/// The whole answer to `status`.
package struct StatusReport: JSONConvertible, Equatable {
  /// Raised when a member changes its meaning or goes.
  package static let schemaVersion = 1

  package var pid: Int
  package var version: String
  package var build: String
  package var startedAt: Int
  package var uptimeSeconds: Int
  package var socket: String
  package var log: String
  package var residentBytes: Int
  /// Of those, what is not backed by a file.
  package var privateBytes: Int
  package var clients: Int
  /// 0 means never.
  package var idleTimeoutSeconds: Int
  /// Absent while a link runs, or when the daemon never stops by itself.
  package var idleDeadline: Int?
  package var stopping: Bool
  package var links: LinkCounts
  /// Newest first.
  package var recentLinks: [LinkRecord]
  package var lastFallback: LinkRecord?
  package var engine: EngineStatus
  package var cache: CacheStatus
  package var verification: VerificationStatus

  package init(
    pid: Int, version: String, build: String, startedAt: Int, uptimeSeconds: Int, socket: String, log: String,
    residentBytes: Int, privateBytes: Int, clients: Int, idleTimeoutSeconds: Int, idleDeadline: Int?,
    stopping: Bool, links: LinkCounts, recentLinks: [LinkRecord], lastFallback: LinkRecord?,
    engine: EngineStatus, cache: CacheStatus, verification: VerificationStatus = VerificationStatus()
  ) {
    self.pid = pid
    self.version = version
    self.build = build
    self.startedAt = startedAt
    self.uptimeSeconds = uptimeSeconds
    self.socket = socket
    self.log = log
    self.residentBytes = residentBytes
    self.privateBytes = privateBytes
    self.clients = clients
    self.idleTimeoutSeconds = idleTimeoutSeconds
    self.idleDeadline = idleDeadline
    self.stopping = stopping
    self.links = links
    self.recentLinks = recentLinks
    self.lastFallback = lastFallback
    self.engine = engine
    self.cache = cache
    self.verification = verification
  }

  package init(json: JSONValue) throws(JSONShapeError) {
    let fields = try JSONFields(json)
    pid = try fields.required("pid")
    version = try fields.required("version")
    build = try fields.required("build")
    startedAt = try fields.required("startedAt")
    uptimeSeconds = try fields.required("uptimeSeconds")
    socket = try fields.required("socket")
    log = try fields.required("log")
    residentBytes = try fields.required("residentBytes")
    privateBytes = try fields.required("privateBytes")
    clients = try fields.required("clients")
    idleTimeoutSeconds = try fields.required("idleTimeoutSeconds")
    idleDeadline = try fields.optional("idleDeadline")
    stopping = try fields.required("stopping")
    links = try fields.required("links")
    recentLinks = try fields.required("recentLinks")
    lastFallback = try fields.optional("lastFallback")
    engine = try fields.required("engine")
    cache = try fields.required("cache")
    verification = try fields.optional("verification") ?? VerificationStatus()
  }

  package var json: JSONValue {
    var object = JSONObjectBuilder()
    object.set("schema", Self.schemaVersion)
    object.set("running", true)
    object.set("pid", pid)
    object.set("version", version)
    object.set("build", build)
    object.set("startedAt", startedAt)
    object.set("uptimeSeconds", uptimeSeconds)
    object.set("socket", socket)
    object.set("log", log)
    object.set("residentBytes", residentBytes)
    object.set("privateBytes", privateBytes)
    object.set("clients", clients)
    object.set("idleTimeoutSeconds", idleTimeoutSeconds)
    object.set("idleDeadline", idleDeadline)
    object.set("stopping", stopping)
    object.set("links", links)
    object.set("recentLinks", recentLinks)
    object.set("lastFallback", lastFallback)
    object.set("engine", engine)
    object.set("cache", cache)
    object.set("verification", verification)
    return object.object
  }
}
