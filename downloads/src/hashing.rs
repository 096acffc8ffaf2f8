//! Computes the SHA-256 of a file, if somebody asks for it.
//!
//! Hashing takes about half a second of CPU time for each gibibyte, nearly as long as writing the
//! file.

use std::fs::File;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// Hashes a file from its current position to its end.
pub(crate) fn hash_rest(file: &mut File, hash: &mut Sha256) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            bytes => hash.update(&buffer[..bytes]),
        }
    }
}

/// Returns the SHA-256 of a whole file.
pub(crate) fn hash_of(file: &mut File) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    hash_rest(file, &mut hash)?;
    Ok(hash.finalize().into())
}
