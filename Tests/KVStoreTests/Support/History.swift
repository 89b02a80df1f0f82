import Base

@testable import KVStore

/// What a store with one writer held after each of its batches, from the first on.
final class History: Sendable {
  private let models = Lock<[StoreModel]>([StoreModel()])

  /// Notes the model at `sequence`. A batch that comes to nothing has the sequence of the one before.
  func note(_ model: StoreModel, at sequence: SequenceNumber) {
    models.withLock { models in
      if models.count > Int(sequence) {
        models[Int(sequence)] = model
      } else {
        models.append(model)
      }
    }
  }

  func reaches(_ sequence: SequenceNumber) -> Bool {
    models.withLock { $0.count > Int(sequence) }
  }

  func model(at sequence: SequenceNumber) -> StoreModel? {
    models.withLock { $0.count > Int(sequence) ? $0[Int(sequence)] : nil }
  }
}
