//! The seven lessons, each written three times, and the contract that all three versions implement.
//!
//! The `mod.rs` of a lesson contains the contract: the types `Input` and `Answer`, the input for a
//! run, and the one correct answer. The contract uses no runtime. The columns are `on_tokio.rs`,
//! `on_async_std.rs` and `on_smol.rs`. Each column is written in its runtime's idiom, and all three
//! have the same `// step:` comments.
#![cfg_attr(
    not(any(feature = "tokio", feature = "async-std", feature = "smol")),
    allow(dead_code, reason = "without a runtime, nothing uses the contracts")
)]

pub mod doubles;
pub mod downloads;
pub mod errors;
pub mod fetch;
pub mod guards;
pub mod hello;
#[cfg(all(feature = "smol", not(test)))]
pub mod http_on_smol;
pub mod rate_limiter;
pub mod worker_pool;
