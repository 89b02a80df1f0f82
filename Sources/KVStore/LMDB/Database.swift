/// The named databases of a partition's LMDB file.
enum Database: Int, CaseIterable, Sendable {
  /// All entries of all keyspaces: stored keys and stored values.
  case data
  /// `identity` and `applied`, one entry each.
  case meta
  /// Range tombstones that are not carried out yet, by sequence.
  case tombstones

  /// The name in LMDB's main database.
  var name: String {
    switch self {
    case .data: "data"
    case .meta: "meta"
    case .tombstones: "tombstones"
    }
  }
}

/// The keys of `Database.meta`.
enum MetaKey {
  static let identity = Array("identity".utf8)
  static let applied = Array("applied".utf8)
}
