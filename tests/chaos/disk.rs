//! A small disk for the journal, which can be filled and freed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Puts a disk of memory in the place of the folder, or says why that is not possible here.
    pub fn mount(folder: &Path) -> Result<Self, String> {
        fs::create_dir_all(folder).expect("our own folder");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m,mode=700", "chaos"])
            .arg(folder)
            .output();
        match mount {
            Ok(done) if done.status.success() => Ok(Self { folder: folder.to_owned() }),
            Ok(done) => Err(String::from_utf8_lossy(&done.stderr).trim().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Leaves room for nothing.
    pub fn fill(&self) {
        let mut file = File::create(self.filler()).expect("our own disk");
        for size in [1 << 16, 1] {
            let bytes = vec![0; size];
            let full = loop {
                if let Err(error) = file.write_all(&bytes) {
                    break error;
                }
            };
            assert_eq!(full.kind(), io::ErrorKind::StorageFull, "{full}");
        }
    }

    pub fn free(&self) {
        fs::remove_file(self.filler()).expect("it was filled");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there keeps it.
        let unmounted = Command::new("umount").arg("-l").arg(&self.folder).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            println!("chaos: {} stays mounted", self.folder.display());
        }
    }
}
