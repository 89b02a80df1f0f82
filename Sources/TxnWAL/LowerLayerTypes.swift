import Base

// Types of the layer below that appear in this layer's API.

/// Damage found on disk: where, what was expected, and what was found.
public typealias Finding = Base.Finding

/// A system call that failed: which, on what, and why.
public typealias IOError = Base.IOError
