//! The seven lessons, each written three times, and the contract that all three keep.
//!
//! `mod.rs` of a lesson holds the contract: `Input`, `Answer`, the input of a run and the one right
//! answer to it. No runtime is in it. The columns are `on_tokio.rs`, `on_async_std.rs` and
//! `on_smol.rs`, each in the idiom of its runtime, under the same `// step:` comments.
#![cfg_attr(
    not(any(feature = "tokio", feature = "async-std", feature = "smol")),
    allow(dead_code, reason = "a build without a runtime has contracts, and nobody to keep them")
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
