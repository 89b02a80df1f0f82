import Base
import TxnWAL

// Types of lower layers that callers of this module use.

/// Damage found on disk: where, what was expected, and what was found.
public typealias Finding = Base.Finding

/// A failed system call: which, on what, and why.
public typealias IOError = Base.IOError

/// When a write is acknowledged.
public typealias Durability = TxnWAL.Durability

/// Sixteen random bytes that distinguish one store's files from another's.
public typealias StoreID = TxnWAL.StoreID

/// The system calls on the store's own small files: manifest, locks, directories.
typealias Files = FileSystem<StoreError>
