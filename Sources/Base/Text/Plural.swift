/// Numbers of things in messages.
package enum Plural {
  /// `1 thing`, `2 things`; `several` for nouns whose plural is made otherwise.
  package static func count(_ number: Int, _ one: String, _ several: String? = nil) -> String {
    "\(number) \(number == 1 ? one : several ?? one + "s")"
  }
}
