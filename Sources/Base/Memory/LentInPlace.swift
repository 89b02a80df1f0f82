import Synchronization

/// A field that forces the struct containing it to be borrowed in place.
///
/// Otherwise the compiler passes even a noncopyable struct to each borrowing call by its fields: it copies all of
/// them and retains every reference among them. For the state that a command uses, that is 200 bytes and ten
/// references per call. An atomic has an address that other threads know, so a struct that contains one is passed
/// by address.
package struct LentInPlace: ~Copyable, Sendable {
  private let place = Atomic<UInt8>(0)

  package init() {}
}
