import Base
import TxnWAL

// What layers below define and this one's callers meet.

/// Damage that was found on disk: where, what should be there, and what is.
public typealias Finding = Base.Finding

/// A system call that failed: which, on what, and why.
public typealias IOError = Base.IOError

/// When a write is acknowledged.
public typealias Durability = TxnWAL.Durability

/// Sixteen random bytes that tell one store's files from another's.
public typealias StoreID = TxnWAL.StoreID

/// The system calls on the store's own small files: manifest, locks, directories.
typealias Files = FileSystem<StoreError>
