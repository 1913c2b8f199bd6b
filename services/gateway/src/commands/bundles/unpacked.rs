//! A tar that was sent, as a folder that is gone with its owner.
//!
//! Invariants: nothing is written outside the folder, nothing but plain files, and no more than is allowed.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Component, Path};

use axum::body::Body;
use futures::StreamExt as _;
use tar::Archive;
use tempfile::TempDir;

use crate::problem::Problem;

/// Of the tar, and so of what is in it.
const MOST_BYTES: u64 = 256 << 20;
/// Files of the bundle and the evidence beside them.
const MOST_FILES: usize = 10_000;

#[derive(Debug)]
pub struct Unpacked(TempDir);

impl Unpacked {
    pub async fn of(body: Body) -> Result<Self, Problem> {
        let mut tar = tempfile::tempfile().map_err(|error| no_room(&error))?;
        let (mut source, mut bytes) = (body.into_data_stream(), 0_u64);
        while let Some(part) = source.next().await {
            let part = part.map_err(|error| Problem::named("bad-body", error.to_string()))?;
            bytes += part.len() as u64;
            if bytes > MOST_BYTES {
                let detail = format!("a bundle has at most {MOST_BYTES} bytes: divide it by time");
                return Err(Problem::named("body-too-large", detail));
            }
            tar.write_all(&part).map_err(|error| no_room(&error))?;
        }
        let unpacked = tokio::task::spawn_blocking(move || unpack(tar)).await;
        unpacked.unwrap_or_else(|error| Err(no_room(&error.into())))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

fn no_room(error: &io::Error) -> Problem {
    tracing::error!(%error, "a bundle could not be kept");
    Problem::named("internal", "the failure is logged")
}

fn unpack(mut tar: File) -> Result<Unpacked, Problem> {
    let folder = TempDir::with_prefix("loopledger-bundle-").map_err(|error| no_room(&error))?;
    tar.rewind().map_err(|error| no_room(&error))?;
    let no_tar = |error: io::Error| {
        Problem::named("bad-body", format!("the body is no tar that can be read: {error}"))
    };
    let mut archive = Archive::new(io::BufReader::new(tar));
    let mut files = 0;
    for entry in archive.entries().map_err(no_tar)? {
        let mut entry = entry.map_err(no_tar)?;
        let path = entry.path().map_err(no_tar)?.into_owned();
        let place =
            |reason: &str| Problem::named("bad-body", format!("`{}` {reason}", path.display()));
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() {
            continue;
        }
        if !kind.is_file() {
            return Err(place("is no plain file: a bundle has no links or devices"));
        }
        files += 1;
        if files > MOST_FILES {
            return Err(place(&format!("is one more than the {MOST_FILES} files allowed")));
        }
        let mut to = folder.path().to_owned();
        for part in path.components() {
            match part {
                Component::Normal(name) => to.push(name),
                Component::CurDir => {}
                Component::Prefix(_) | Component::RootDir | Component::ParentDir => {
                    return Err(place("leads out of the bundle: name files below its folder"));
                }
            }
        }
        let parent = to.parent().unwrap_or(folder.path());
        std::fs::create_dir_all(parent).map_err(|error| no_room(&error))?;
        let twice = |_| place("is there twice: give each file once");
        let mut file = File::create_new(&to).map_err(twice)?;
        io::copy(&mut entry, &mut file).map_err(no_tar)?;
    }
    Ok(Unpacked(folder))
}

#[cfg(test)]
mod tests {
    use tar::{Builder, EntryType, Header};

    use super::*;

    fn tar(entries: &[(&str, EntryType)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, kind) in entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_size(2);
            // Written directly: the builder itself refuses what leads out.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            if !kind.is_file() {
                header.set_size(0);
                header.set_link_name("parties.csv").expect("a name");
            }
            header.set_cksum();
            builder.append(&header, if kind.is_file() { &b"id"[..] } else { b"" }).expect("memory");
        }
        builder.into_inner().expect("memory")
    }

    async fn unpacked(bytes: Vec<u8>) -> Result<Unpacked, (u16, String)> {
        let unpacked = Unpacked::of(bytes.into()).await;
        unpacked.map_err(|problem| (problem.status(), problem.to_value()["detail"].to_string()))
    }

    #[tokio::test]
    async fn plain_files_are_unpacked_and_everything_else_is_refused_by_name() {
        let file = EntryType::Regular;
        let good = unpacked(tar(&[("./a.csv", file), ("e/b.pdf", file)])).await.expect("a bundle");
        let text = |name| std::fs::read_to_string(good.path().join(name)).expect("it is there");
        assert_eq!((text("a.csv"), text("e/b.pdf")), ("id".to_owned(), "id".to_owned()));
        for (entries, said) in [
            (&[("../a.csv", file)][..], "leads out"),
            (&[("/a.csv", file)], "leads out"),
            (&[("e/../../a.csv", file)], "leads out"),
            (&[("a.csv", EntryType::Symlink)], "no plain file"),
            (&[("a.csv", EntryType::Link)], "no plain file"),
            (&[("a.csv", EntryType::Fifo)], "no plain file"),
            (&[("a.csv", file), ("./a.csv", file)], "twice"),
        ] {
            let (status, detail) = unpacked(tar(entries)).await.expect_err("refused");
            assert!(status == 400 && detail.contains(said), "{entries:?}: {detail}");
        }
        for bytes in [b"no tar".to_vec(), vec![b'x'; 4_096]] {
            let (status, detail) = unpacked(bytes).await.expect_err("no tar");
            assert!(status == 400 && detail.contains("no tar"), "{detail}");
        }
        let mut cut = tar(&[("a.csv", file)]);
        cut.truncate(513);
        assert_eq!(unpacked(cut).await.expect_err("it is cut off").0, 400);
    }

    #[tokio::test]
    async fn a_bundle_that_is_too_large_is_refused_before_it_is_kept_whole() {
        let part = axum::body::Bytes::from(vec![0; 1 << 20]);
        let parts = std::iter::repeat_with(move || Ok::<_, io::Error>(part.clone()));
        let endless = Body::from_stream(futures::stream::iter(parts));
        let refused = Unpacked::of(endless).await.expect_err("it is endless");
        assert_eq!(refused.status(), 413);
    }
}
