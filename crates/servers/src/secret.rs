//! Passwords: 192 random bits from the kernel, as 48 hexadecimal digits that need no quoting
//! anywhere.
//!
//! Invariant: a password is written only to files that none but their owner may read.

use crate::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

const BYTES: usize = 24;

pub(crate) fn new() -> Result<String, Error> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; BYTES];
    File::open(source)
        .and_then(|mut random| random.read_exact(&mut bytes))
        .map_err(Error::io("read random bytes from", source))?;
    Ok(bytes.iter().fold(String::with_capacity(2 * BYTES), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    }))
}

/// The password kept in a file; made at first use.
pub(crate) fn kept(file: &Path) -> Result<String, Error> {
    match fs::read_to_string(file) {
        Ok(password) => Ok(password.trim_end().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let password = new()?;
            write_private(file, password.as_bytes())?;
            Ok(password)
        }
        Err(error) => Err(Error::io("read", file)(error)),
    }
}

/// Puts a file with mode 0600 in place whole or not at all.
pub(crate) fn write_private(file: &Path, content: &[u8]) -> Result<(), Error> {
    let folder = file.parent().unwrap_or(Path::new("."));
    tempfile::NamedTempFile::new_in(folder)
        .and_then(|mut new| {
            new.write_all(content)?;
            new.as_file().sync_all()?;
            new.persist(file).map_err(io::Error::from)
        })
        .map(drop)
        .map_err(Error::io("write", file))
}
