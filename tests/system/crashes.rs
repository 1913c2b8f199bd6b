//! The whole program is killed in the middle of an import, again and again; the end is that of an undisturbed one.

use std::path::Path;
use std::time::Duration;

use crate::program::{Ledger, poll_until, processes_on, scenario, signal, wait_until};

/// Bytes that the journal's server has on disk.
fn journal_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |entry: std::fs::DirEntry| {
        let path = entry.path();
        if path.is_dir() {
            return journal_bytes(&path);
        }
        let is_log = path.extension().is_some_and(|extension| extension == "blk");
        // A file may be gone by now: the server replaces some.
        if is_log { entry.metadata().map_or(0, |metadata| metadata.len()) } else { 0 }
    };
    entries.flatten().map(size).sum()
}

#[test]
fn an_import_killed_anywhere_and_repeated_ends_like_an_undisturbed_one() {
    let undisturbed = Ledger::new();
    undisturbed.import(&scenario("lp-loop")).succeeded();
    let expected = undisturbed.everything();
    let whole = journal_bytes(&undisturbed.data());

    let disturbed = Ledger::new();
    let bundle = scenario("lp-loop");
    let arguments = ["import", bundle.to_str().expect("a readable path")];
    for twelfth in 0..8 {
        let enough = whole * twelfth / 12;
        let mut import = disturbed.command(&arguments).spawn().expect("the program starts");
        poll_until(Duration::from_millis(1), "the journal has grown", || {
            journal_bytes(&disturbed.data()) > enough
        });
        signal(&import, rustix::process::Signal::KILL);
        let ended = import.wait().expect("our own child");
        assert_eq!(ended.code(), None, "it was killed before it had ended");
    }
    let last = disturbed.import(&bundle).succeeded();
    assert!(!last.stdout.contains(" 0 accepted"), "the kills came before the end: {}", last.stdout);
    assert!(!last.stdout.contains(" 0 unchanged"), "and after the start: {}", last.stdout);
    assert_eq!(disturbed.everything(), expected);
    let data = disturbed.data();
    wait_until("no process is left on the folder", || processes_on(&data).is_empty());
}
