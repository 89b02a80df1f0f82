// swift-tools-version: 6.2
import PackageDescription

/// Every target is held to the same rules: Swift 6 data-race safety, each unsafe touch marked, and
/// no warning left standing.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableExperimentalFeature("Lifetimes"),
  .treatAllWarnings(as: .error),
]

/// The testing macros expand to code that strict memory safety would have marked; tests go without.
let strictTests: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableExperimentalFeature("Lifetimes"),
  .treatAllWarnings(as: .error),
]

/// The system calls that the simulation takes from LMDB. Not part of any library product, so the flags
/// keep nobody from depending on this package.
let underLMDB = ["pwrite", "writev", "fdatasync", "fsync", "statvfs"]

let package = Package(
  name: "kvd",
  products: [
    .library(name: "TxnWAL", targets: ["TxnWAL"]),
    .library(name: "KVStore", targets: ["KVStore"]),
    .library(name: "KVData", targets: ["KVData"]),
    .library(name: "KVFoundation", targets: ["KVFoundation"]),
    .library(name: "KVServer", targets: ["KVServer"]),
    .executable(name: "kvd", targets: ["kvd"]),
  ],
  targets: [
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
    .systemLibrary(name: "CLua", pkgConfig: "lua5.1", providers: [.apt(["liblua5.1-0-dev"])]),
    .target(name: "Base", dependencies: ["CLinux"], swiftSettings: strict),
    .target(name: "TxnWAL", dependencies: ["Base", "CLinux"], swiftSettings: strict),
    .target(
      name: "KVStore", dependencies: ["TxnWAL", "Base", "CLMDB", "CLinux"], swiftSettings: strict),
    .target(name: "KVData", dependencies: ["KVStore", "Base"], swiftSettings: strict),
    .target(name: "KVFoundation", dependencies: ["KVStore"], swiftSettings: strict),
    .target(name: "Net", dependencies: ["Base", "CLinux"], swiftSettings: strict),
    .target(
      name: "KVServer", dependencies: ["Net", "KVData", "KVStore", "Base", "CLinux", "CLua"],
      swiftSettings: strict),
    .executableTarget(
      name: "kvd", dependencies: ["KVServer", "KVData", "KVStore", "TxnWAL", "Base"],
      swiftSettings: strict),
    .executableTarget(
      name: "kvd-drive", dependencies: ["Base", "CLinux"], path: "fuzz/driver",
      swiftSettings: strict),
    .target(
      name: "FaultDevices", dependencies: ["TxnWAL", "Base"], path: "fuzz/devices",
      swiftSettings: strictTests),
    .executableTarget(
      name: "kvd-simulate", dependencies: ["FaultDevices", "KVStore", "TxnWAL", "Base"],
      path: "fuzz/simulation", swiftSettings: strictTests,
      linkerSettings: [
        .unsafeFlags(underLMDB.flatMap { ["-Xlinker", "--export-dynamic-symbol=\($0)"] })
      ]),
    .testTarget(name: "BaseTests", dependencies: ["Base"], swiftSettings: strictTests),
    .testTarget(name: "NetTests", dependencies: ["Net", "Base"], swiftSettings: strictTests),
    .testTarget(
      name: "TxnWALTests", dependencies: ["TxnWAL", "Base", "FaultDevices"],
      swiftSettings: strictTests),
    .testTarget(
      name: "KVStoreTests", dependencies: ["KVStore", "Base", "FaultDevices"],
      exclude: ["Fixtures"], swiftSettings: strictTests),
    .testTarget(
      name: "KVDataTests", dependencies: ["KVData", "KVStore", "TxnWAL", "Base"],
      swiftSettings: strictTests),
    .testTarget(
      name: "KVFoundationTests", dependencies: ["KVFoundation", "KVStore"],
      swiftSettings: strictTests),
    .testTarget(
      name: "KVServerTests",
      dependencies: ["kvd", "KVServer", "KVData", "KVStore", "TxnWAL", "Net", "Base"],
      swiftSettings: strictTests),
    .testTarget(
      name: "DecoderTests", dependencies: ["KVServer", "KVStore", "TxnWAL", "Net", "Base"],
      path: "fuzz/decoders", exclude: ["Entry.swift", "corpus"], swiftSettings: strictTests),
    .testTarget(name: "DriveTests", dependencies: ["kvd-drive"], swiftSettings: strictTests),
    .testTarget(name: "TidyTests", swiftSettings: strictTests),
  ]
)
