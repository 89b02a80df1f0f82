/// Damage, told so that a person can look at it: which file, where, what was expected, what is there.
public struct Finding: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file's name or path.
  public var file: String
  /// The byte offset in that file.
  public var offset: UInt64
  /// What a sound file holds there.
  public var expected: String
  /// What was found instead.
  public var found: String

  /// A finding at `offset` of `file`.
  public init(file: String, offset: UInt64, expected: String, found: String) {
    self.file = file
    self.offset = offset
    self.expected = expected
    self.found = found
  }

  /// One line for a person.
  public var description: String {
    "\(file), offset \(offset): expected \(expected), found \(found)"
  }
}
