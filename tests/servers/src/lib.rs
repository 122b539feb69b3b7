//! Starts and stops the real servers that the tests and benchmarks talk to.
