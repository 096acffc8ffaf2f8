//! Compiles the code in the README.
#![allow(dead_code, reason = "it only has to compile")]

use std::time::Duration;

#[tokio::main]
async fn main() {
    println!("Hello");
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("World");
}
