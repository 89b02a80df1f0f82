// swift-tools-version: 6.2
import PackageDescription

/// The library's benchmarks beside RocksDB and LMDB: a package of its own, so that kvd itself is built
/// without RocksDB.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableExperimentalFeature("Lifetimes"),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "kvd-library-benchmarks",
  dependencies: [.package(name: "kvd", path: "../..")],
  targets: [
    .systemLibrary(
      name: "CRocksDB", path: "Modules/CRocksDB", pkgConfig: "rocksdb",
      providers: [.apt(["librocksdb-dev"])]),
    // LMDB as a peer. The store's own module for it is not for others.
    .systemLibrary(
      name: "CPeerLMDB", path: "Modules/CPeerLMDB", pkgConfig: "lmdb",
      providers: [.apt(["liblmdb-dev"])]),
    .executableTarget(
      name: "kvd-engines",
      dependencies: ["CRocksDB", "CPeerLMDB", .product(name: "KVStore", package: "kvd")],
      path: "Sources", swiftSettings: strict),
  ]
)
