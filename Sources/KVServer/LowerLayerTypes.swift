import Net

// Types of the layer below that most of this module uses.

typealias BufferMemory = Net.BufferMemory
typealias ByteBuffer = Net.ByteBuffer
typealias LoopHandle = Net.LoopHandle
typealias ResponseWaits = Net.ResponseWaits
