import KVStore

/// The users that kvd keeps beside a store's data.
package enum UserFileCopy {
  /// Copies the users from the store in one directory to the store in another, if there are any. Durable on
  /// return.
  package static func copy(from source: String, to target: String) throws(StoreError) {
    let path = "\(source)/\(Users.fileName)"
    guard let bytes = try SmallFile.contents(of: path, followsLinks: false) else { return }
    try SmallFile.replace("\(target)/\(Users.fileName)", with: bytes)
  }
}
