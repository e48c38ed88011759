// What Go 1.27.3 itself makes of the inputs of GoSortTests.swift; printed by scripts/vectors/sort.

struct SortVector: Sendable {
  /// How keys follow one another, and how many different ones there are.
  let pattern: Int
  let keys: Int
  /// Of lengths 0...70, 71...1000 by 37, 1000...5000 by 487.
  let hashes: [UInt64]
}

struct AdversaryVector: Sendable {
  let count: Int
  let comparisons: Int
  let hash: UInt64
}

struct ShuffleVector: Sendable {
  let seed: Int64
  let count: Int
  let hash: UInt64
}

/// The first draws after seeding: `Int63n(1<<62+1)`, `Int63n(1000)`, `Uint64()`.
struct DrawVector: Sendable {
  let seed: Int64
  let large: Int64
  let small: Int64
  let word: UInt64
}

enum GoSortVectors {
  static let sorts: [SortVector] = [
    .init(pattern: 0, keys: 1, hashes: [0x94e63a2516cbe9b2, 0xede1bda5ab04755c, 0xb2f43df3a7e8e3c9]),
    .init(pattern: 0, keys: 2, hashes: [0x3cb97e41ea1a732e, 0x24a15ee3261ab030, 0xbc48170081d5a5d3]),
    .init(pattern: 0, keys: 7, hashes: [0x14ff772d83f7bd26, 0x3d426e9195cfbff6, 0x3497a247abe048bb]),
    .init(pattern: 0, keys: 60, hashes: [0x8544b2c783bb590e, 0x5cf8fcafae6c14d2, 0xada2495673d0a2db]),
    .init(pattern: 0, keys: 700, hashes: [0xffb2c94a2414ebb8, 0xbbb8410b14359cde, 0x2a79bfed16571823]),
    .init(pattern: 0, keys: 100000, hashes: [0x1a5f71bc9ce7b834, 0xad43d345484e21c8, 0x5a4aabb15db81413]),
    .init(pattern: 1, keys: 1, hashes: [0x94e63a2516cbe9b2, 0xede1bda5ab04755c, 0xb2f43df3a7e8e3c9]),
    .init(pattern: 1, keys: 2, hashes: [0x94e63a2516cbe9b2, 0xede1bda5ab04755c, 0xb2f43df3a7e8e3c9]),
    .init(pattern: 1, keys: 7, hashes: [0x94e63a2516cbe9b2, 0xede1bda5ab04755c, 0xb2f43df3a7e8e3c9]),
    .init(pattern: 1, keys: 60, hashes: [0x94e63a2516cbe9b2, 0xede1bda5ab04755c, 0xb2f43df3a7e8e3c9]),
    .init(pattern: 1, keys: 700, hashes: [0x94e63a2516cbe9b2, 0xede1bda5ab04755c, 0xb2f43df3a7e8e3c9]),
    .init(pattern: 1, keys: 100000, hashes: [0x94e63a2516cbe9b2, 0xede1bda5ab04755c, 0xb2f43df3a7e8e3c9]),
    .init(pattern: 2, keys: 1, hashes: [0xff8bebffc0e9e50a, 0x7cd02a64c13881d2, 0xa328547042548c01]),
    .init(pattern: 2, keys: 2, hashes: [0x85ed6b16b696dc72, 0xbbcd228839e44856, 0x0b3d3f36034cc00f]),
    .init(pattern: 2, keys: 7, hashes: [0xee2cfe513eb53f82, 0x0f64ba1f59a775ac, 0xdb9399665741d735]),
    .init(pattern: 2, keys: 60, hashes: [0x9254d7f6a5703c38, 0xb740eb1b4658f78e, 0x7a2b536e19d7fbd7]),
    .init(pattern: 2, keys: 700, hashes: [0xaed7015d6978d90a, 0xab4545fd29186042, 0x4160625c1728c5c5]),
    .init(pattern: 2, keys: 100000, hashes: [0xaed7015d6978d90a, 0x32f4c9d2e8fda41c, 0x2d97a3fca98a6bb9]),
    .init(pattern: 3, keys: 1, hashes: [0x94e63a2516cbe9b2, 0xede1bda5ab04755c, 0xb2f43df3a7e8e3c9]),
    .init(pattern: 3, keys: 2, hashes: [0xdbd9c89606962f86, 0xbb6df30d8b928ba6, 0xb16929d918077461]),
    .init(pattern: 3, keys: 7, hashes: [0x24cbe58750e9680a, 0x841de061a162872e, 0x00302736fc4f2e21]),
    .init(pattern: 3, keys: 60, hashes: [0xc17df11909c6bcd8, 0x2a908fa9af4d2bfc, 0x77a1de2fcbb6955f]),
    .init(pattern: 3, keys: 700, hashes: [0x94e63a2516cbe9b2, 0x5942032ab07e9cbc, 0xf06a42f094861c33]),
    .init(pattern: 3, keys: 100000, hashes: [0x94e63a2516cbe9b2, 0xede1bda5ab04755c, 0xb2f43df3a7e8e3c9]),
    .init(pattern: 4, keys: 1, hashes: [0x94e63a2516cbe9b2, 0xede1bda5ab04755c, 0xb2f43df3a7e8e3c9]),
    .init(pattern: 4, keys: 2, hashes: [0xc1da2964dda83a0e, 0xe867a68c6e42fcde, 0xce4ffec26e23f85d]),
    .init(pattern: 4, keys: 7, hashes: [0x5a36a09c27c48d54, 0x91a11cc06b7fa73c, 0x75ba30f6d37f76f7]),
    .init(pattern: 4, keys: 60, hashes: [0x2b12349699dcdd5c, 0xaa925c097fede8fa, 0xdf2c22b7ab5ecf53]),
    .init(pattern: 4, keys: 700, hashes: [0xaf41da4d9fd3021a, 0x5d5f045e6c2b2adc, 0x80f15064fb7ba303]),
    .init(pattern: 4, keys: 100000, hashes: [0xaf41da4d9fd3021a, 0x1b467d36233e030c, 0xf6bc08508b6f8867]),
    .init(pattern: 5, keys: 1, hashes: [0x94e63a2516cbe9b2, 0xede1bda5ab04755c, 0xb2f43df3a7e8e3c9]),
    .init(pattern: 5, keys: 2, hashes: [0xec5cbd6f34e27902, 0xbcbb529b59c85318, 0x4da2699c2f86d8e5]),
    .init(pattern: 5, keys: 7, hashes: [0x33eb3d36d41a9814, 0xda467feb26622e00, 0x670c394f88935009]),
    .init(pattern: 5, keys: 60, hashes: [0xf11f80124ec6b26e, 0x8533a4432e477a6e, 0xd01bb69706ef1505]),
    .init(pattern: 5, keys: 700, hashes: [0x01002b55100f08a4, 0xfd39bd8695fdf1fe, 0x6a5006caf1c430b9]),
    .init(pattern: 5, keys: 100000, hashes: [0x6b0bfb5ef82cd67a, 0x905a233c1273b3a0, 0x4b16b90cf1fc49d9]),
    .init(pattern: 6, keys: 1, hashes: [0x94e63a2516cbe9b2, 0xede1bda5ab04755c, 0xb2f43df3a7e8e3c9]),
    .init(pattern: 6, keys: 2, hashes: [0xeb457f7f73180742, 0xa072ef3c0731ea9e, 0xd9a873955d77a339]),
    .init(pattern: 6, keys: 7, hashes: [0xec7040626e827516, 0x5f840069865eca44, 0xe597eae1bb962337]),
    .init(pattern: 6, keys: 60, hashes: [0xea87ffddfdf7266c, 0x88b522cfde5320a0, 0xbc57b7702b4778f9]),
    .init(pattern: 6, keys: 700, hashes: [0x3c8696c8d98c1bda, 0x912af9f5f2238334, 0xc2993d2df3d935a5]),
    .init(pattern: 6, keys: 100000, hashes: [0x492a6c6f9c03193e, 0x7cddc6d3f273f260, 0x37c174f006099bfd]),
  ]

  static let adversaries: [AdversaryVector] = [
    .init(count: 50, comparisons: 533, hash: 0x35d033b986a2eb72),
    .init(count: 200, comparisons: 3435, hash: 0xa5f204d34e580e6d),
    .init(count: 1000, comparisons: 25862, hash: 0x69958f15add22975),
    .init(count: 3000, comparisons: 94789, hash: 0x7bab4d5d0c87611d),
  ]

  static let shuffles: [ShuffleVector] = [
    .init(seed: 1, count: 0, hash: 0xcbf29ce484222325),
    .init(seed: 1, count: 1, hash: 0xaf63bd4c8601b7df),
    .init(seed: 1, count: 2, hash: 0x08328707b4eb6e3a),
    .init(seed: 1, count: 100, hash: 0x9da7e29948ab3889),
    .init(seed: 1, count: 40000, hash: 0xbab17aea30aebd89),
    .init(seed: 2, count: 0, hash: 0xcbf29ce484222325),
    .init(seed: 2, count: 1, hash: 0xaf63bd4c8601b7df),
    .init(seed: 2, count: 2, hash: 0x082f2207b4e88cc4),
    .init(seed: 2, count: 100, hash: 0x202573b96cefb5ef),
    .init(seed: 2, count: 40000, hash: 0xa9225df7a4564d5b),
    .init(seed: -7, count: 0, hash: 0xcbf29ce484222325),
    .init(seed: -7, count: 1, hash: 0xaf63bd4c8601b7df),
    .init(seed: -7, count: 2, hash: 0x082f2207b4e88cc4),
    .init(seed: -7, count: 100, hash: 0xae00c298346aa1bb),
    .init(seed: -7, count: 40000, hash: 0xba13c285cfe863d1),
    .init(seed: 0, count: 0, hash: 0xcbf29ce484222325),
    .init(seed: 0, count: 1, hash: 0xaf63bd4c8601b7df),
    .init(seed: 0, count: 2, hash: 0x08328707b4eb6e3a),
    .init(seed: 0, count: 100, hash: 0x102cfdf95c6cecbd),
    .init(seed: 0, count: 40000, hash: 0xa1c05fb93c395425),
    .init(seed: 1099511627776, count: 0, hash: 0xcbf29ce484222325),
    .init(seed: 1099511627776, count: 1, hash: 0xaf63bd4c8601b7df),
    .init(seed: 1099511627776, count: 2, hash: 0x08328707b4eb6e3a),
    .init(seed: 1099511627776, count: 100, hash: 0xb88d5787e7a323b7),
    .init(seed: 1099511627776, count: 40000, hash: 0x5c2f209b7a100db9),
    .init(seed: .min, count: 0, hash: 0xcbf29ce484222325),
    .init(seed: .min, count: 1, hash: 0xaf63bd4c8601b7df),
    .init(seed: .min, count: 2, hash: 0x08328707b4eb6e3a),
    .init(seed: .min, count: 100, hash: 0x8222432d5f689155),
    .init(seed: .min, count: 40000, hash: 0x4b37b214090a6225),
    .init(seed: 2147483647, count: 0, hash: 0xcbf29ce484222325),
    .init(seed: 2147483647, count: 1, hash: 0xaf63bd4c8601b7df),
    .init(seed: 2147483647, count: 2, hash: 0x08328707b4eb6e3a),
    .init(seed: 2147483647, count: 100, hash: 0x102cfdf95c6cecbd),
    .init(seed: 2147483647, count: 40000, hash: 0xa1c05fb93c395425),
    .init(seed: 20260101, count: 0, hash: 0xcbf29ce484222325),
    .init(seed: 20260101, count: 1, hash: 0xaf63bd4c8601b7df),
    .init(seed: 20260101, count: 2, hash: 0x08328707b4eb6e3a),
    .init(seed: 20260101, count: 100, hash: 0xd5ff3125dc730c95),
    .init(seed: 20260101, count: 40000, hash: 0x6c086f3c89ab84d1),
  ]

  static let draws: [DrawVector] = [
    .init(seed: 1, large: 4037200794235010051, small: 937, word: 0x57e9d1860d1d68d8),
    .init(seed: 2, large: 1543039099823358511, small: 231, word: 0x69728dc67d9db56),
    .init(seed: -7, large: 747107023976529931, small: 726, word: 0x6115c8521a52b428),
    .init(seed: 0, large: 2259404117704393152, small: 827, word: 0x86f4bd2ae8eea562),
    .init(seed: 1099511627776, large: 1177463506020107830, small: 662, word: 0xea8675adb12d7744),
    .init(seed: .min, large: 3557960904741939508, small: 74, word: 0x49a66afca0425d8e),
    .init(seed: 2147483647, large: 2259404117704393152, small: 827, word: 0x86f4bd2ae8eea562),
    .init(seed: 20260101, large: 199744311018424744, small: 27, word: 0x60ad64c2a27407be),
  ]
}
