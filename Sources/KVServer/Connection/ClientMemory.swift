import Net

/// The memory of all clients: requests received but not run, queued in MULTI or watched, and pending replies. A
/// client that queues or watches more than there is room for is refused, and a reply that does not fit becomes
/// an error.
extension BufferMemory {
  /// Redis's wording, with the name of its limit for clients.
  static let refusal: StaticString =
    "OOM command not allowed when used memory > 'maxmemory-clients'."
}
