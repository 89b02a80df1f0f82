import Synchronization

/// A field that makes the struct around it stay where it is while it is lent.
///
/// Without it the compiler lends a struct that cannot be copied by its fields all the same: it copies all of them, and
/// counts every reference among them, for each call that borrows it. That is 200 bytes and ten references for what a
/// command works with. An atomic value has an address by which others know it, so a struct that holds one is lent by
/// its own.
package struct LentInPlace: ~Copyable, Sendable {
  private let place = Atomic<UInt8>(0)

  package init() {}
}
