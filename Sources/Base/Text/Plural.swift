/// Formats counts in messages.
package enum Plural {
  /// `1 thing`, `2 things`. Pass `several` for nouns with an irregular plural.
  package static func count(_ number: Int, _ one: String, _ several: String? = nil) -> String {
    "\(number) \(number == 1 ? one : several ?? one + "s")"
  }
}
