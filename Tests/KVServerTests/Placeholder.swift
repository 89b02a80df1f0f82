import Testing

@testable import KVServer
