// swift-tools-version: 6.2
import PackageDescription

/// One style for every target: Swift 6 language mode, and a warning is an error.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// For the rooms with the inner loops: their tables hang on classes, and checking every access at run time for
/// overlap costs several percent of a link. The compiler still rejects overlaps that it can see.
///
/// The second group lets one room's `package` functions be inlined and specialised in another: without it every
/// table access across rooms is an unspecialised call, which costs a sixth of a link's CPU time. It asks for
/// library evolution, hence `internal import` of modules built without; the separate module job does not know
/// these flags.
let hot: [SwiftSetting] =
  strict + [
    .unsafeFlags(["-enforce-exclusivity=unchecked"]),
    .unsafeFlags(
      [
        "-enable-library-evolution", "-Xfrontend", "-package-cmo",
        "-Xfrontend", "-allow-non-resilient-access", "-no-emit-module-separately-wmo",
      ], .when(configuration: .release)),
  ]

let package = Package(
  name: "linkd",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "linkctl", targets: ["linkctl"]),
    .executable(name: "linkd", targets: ["linkd"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    // What crosses the socket; knows nothing of linking.
    .target(name: "Protocol", swiftSettings: strict),
    .testTarget(name: "ProtocolTests", dependencies: ["Protocol"], swiftSettings: strict),

    // Hashes that stand for bytes.
    .target(name: "Hashing", swiftSettings: hot),

    // Bytes -> objects -> one symbol index -> the live set.
    .target(name: "CCores"),
    .target(name: "CMalloc"),
    .target(name: "CPrefetch"),
    .target(
      name: "LoaderCore", dependencies: ["CCores", "CMalloc", "CPrefetch", "Hashing"], swiftSettings: hot),
    .testTarget(
      name: "LoaderCoreTests", dependencies: ["LoaderCore", "TestSupport"], swiftSettings: strict),

    // The level-1 deflate stream of Go's compress/flate, bit for bit.
    .target(name: "GoDeflate", dependencies: ["Hashing"], swiftSettings: hot),
    .testTarget(name: "GoDeflateTests", dependencies: ["GoDeflate", "Hashing"], swiftSettings: strict),

    // Live set -> addresses -> generated tables -> file.
    .target(
      name: "ImageWriter",
      dependencies: ["LoaderCore", "GoDeflate", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: hot),
    .testTarget(
      name: "ImageWriterTests", dependencies: ["ImageWriter", "TestSupport"], swiftSettings: strict),

    // The server, the resident state, the SQLite cache and the pass list.
    .target(name: "CAttributes"),
    .target(
      name: "LinkDaemon",
      dependencies: [
        "Protocol", "LoaderCore", "ImageWriter", "Replay", "CAttributes",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "LinkDaemonTests",
      dependencies: [
        "LinkDaemon", "Protocol", "LoaderCore", "ImageWriter", "Replay", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),

    // Two linked files -> where they differ, in words. Knows nothing of linking.
    .target(name: "ImageDiff", swiftSettings: strict),
    .testTarget(name: "ImageDiffTests", dependencies: ["ImageDiff"], swiftSettings: strict),

    // A link request on disk, its replay by Go's linker, and the comparison of two links.
    .target(name: "CSpawn"),
    .target(name: "Replay", dependencies: ["Protocol", "ImageDiff", "CSpawn"], swiftSettings: strict),
    .testTarget(name: "ReplayTests", dependencies: ["Replay", "Protocol"], swiftSettings: strict),

    // The first link waits for the daemon's start, most of which went into binding Swift's libraries: they are linked in.
    // Static Foundation does not say what it needs to a package whose modules were compiled for the shared one.
    .executableTarget(
      name: "linkd",
      dependencies: [
        "LinkDaemon", "Protocol", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict,
      linkerSettings: [
        .unsafeFlags(["-static-stdlib", "-use-ld=lld"], .when(platforms: [.linux])),
        .linkedLibrary("CoreFoundation", .when(platforms: [.linux])),
        .linkedLibrary("_FoundationICU", .when(platforms: [.linux])),
        .linkedLibrary("_FoundationCShims", .when(platforms: [.linux])),
        .linkedLibrary("_FoundationCollections", .when(platforms: [.linux])),
      ]),
    // Every tool call of a build starts this program: it is linked statically, so that its start costs no search for
    // libraries, and it uses neither Foundation nor an argument parsing library. (The toolchain's own lld: other
    // linkers warn of a dlopen in the Swift runtime that is never called.)
    .executableTarget(
      name: "linkctl",
      dependencies: ["Protocol", "ImageDiff", "Replay"],
      swiftSettings: strict,
      linkerSettings: [.unsafeFlags(["-static-executable", "-use-ld=lld"], .when(platforms: [.linux]))]),

    // What tests of several rooms need: objects made by hand, and Go's own tools to compare with.
    .target(
      name: "TestSupport", dependencies: ["LoaderCore"], path: "Tests/TestSupport", swiftSettings: strict),

    // Rules about the repository itself: who imports whom, file lengths, no traps, documents that are true.
    .testTarget(name: "TidyTests", swiftSettings: strict),
  ]
)
