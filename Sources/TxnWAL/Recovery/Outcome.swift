/// What the log proves about a transaction, and what recovery owes it.
///
///     outcome     the log holds       participants may hold   owed
///     inDoubt     intent              nothing                 presumed abort
///     aborted     intent, abort       nothing                 nothing
///     committed   intent, commit      none, some or all       roll forward
///     committed   batch               none or all             roll forward
///
/// Switches over it have no `default`, so a new outcome must be handled everywhere.
enum Outcome {
  case inDoubt
  case aborted
  case committed(CommitPosition)
}
