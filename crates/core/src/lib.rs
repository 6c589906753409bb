//! Records, features, batches, the component contract and the ports of the runtime.
