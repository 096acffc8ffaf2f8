//! Compiles the code in the README.
#![allow(dead_code, reason = "it only has to compile")]

use std::time::Duration;

use errors::{ServiceError, greeting};

async fn safe(address: &str) -> Result<String, ServiceError> {
    match greeting(address, Duration::from_secs(2)).await {
        Err(error) if error.is_service_failure() => {
            println!("{error}");
            Ok("default".into())
        }
        answer_or_mistake => answer_or_mistake,
    }
}
