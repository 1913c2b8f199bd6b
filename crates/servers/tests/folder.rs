//! A data folder has one holder at a time, and what a holder says of itself counts while it holds.

#![expect(clippy::unwrap_used, reason = "a test fails where the world fails it")]

use loopledger_servers::{Claim, Description, Holder, Lock, LockError, Purpose, claim};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(50);

fn description(purpose: Purpose) -> Description {
    Description {
        pid: std::process::id(),
        purpose,
        nats_url: "nats://ledger:secret@127.0.0.1:4222".to_owned(),
        database_url: "postgres://loopledger:secret@127.0.0.1:5432/loopledger".to_owned(),
        http: Some("http://127.0.0.1:8080".to_owned()),
    }
}

fn acquire(data: &Path, purpose: Purpose) -> Lock {
    Lock::acquire(data, purpose).expect("nobody else holds it")
}

#[test]
fn a_lock_is_held_by_one_at_a_time_and_names_its_holder() {
    let base = tempfile::tempdir().unwrap();
    let data = base.path().join("new/data");
    let lock = acquire(&data, Purpose::Up);
    let Err(LockError::Held(held)) = Lock::acquire(&data, Purpose::Command) else {
        panic!("a second holder got the lock");
    };
    let us = std::process::id();
    assert_eq!(held.holder, Some(Holder { pid: us, purpose: Purpose::Up }));
    let text = held.to_string();
    assert!(text.contains(&format!("a running stack (process {us})")), "{text}");
    assert!(text.contains(lock.folder().to_str().unwrap()), "{text}");

    drop(lock);
    acquire(&data, Purpose::Command);
}

#[test]
fn a_description_is_read_back_and_readable_by_its_owner_only() {
    let data = tempfile::tempdir().unwrap();
    let lock = acquire(data.path(), Purpose::Up);
    assert_eq!(Description::read(data.path()).unwrap(), None);
    let written = description(Purpose::Up);
    written.write(&lock).unwrap();
    assert_eq!(Description::read(data.path()).unwrap(), Some(written));
    let mode = fs::metadata(data.path().join("stack.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    Description::remove(&lock).unwrap();
    assert_eq!(Description::read(data.path()).unwrap(), None);
    Description::remove(&lock).expect("what is not there need not be removed");
}

#[test]
fn passwords_do_not_show_in_debug_output() {
    assert!(!format!("{:?}", description(Purpose::Up)).contains("secret"));
}

#[test]
fn a_broken_description_is_an_error_that_names_the_file() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("stack.json"), "{").unwrap();
    let error = Description::read(data.path()).expect_err("half an object is no description");
    assert!(error.to_string().contains("stack.json"), "{error}");
}

#[test]
fn the_description_of_a_killed_holder_goes_with_the_next_lock() {
    let data = tempfile::tempdir().unwrap();
    let lock = acquire(data.path(), Purpose::Up);
    description(Purpose::Up).write(&lock).unwrap();
    drop(lock);
    let _lock = acquire(data.path(), Purpose::Command);
    assert_eq!(Description::read(data.path()).unwrap(), None);
}

#[tokio::test]
async fn a_free_folder_is_claimed_as_owner() {
    let data = tempfile::tempdir().unwrap();
    let claimed = claim(data.path(), Purpose::Command, SHORT).await.unwrap();
    assert!(matches!(claimed, Claim::Owner(_)));
}

#[tokio::test]
async fn a_guest_waits_for_a_starting_stack_to_describe_itself() {
    let data = tempfile::tempdir().unwrap();
    let lock = acquire(data.path(), Purpose::Up);
    let path = data.path().to_path_buf();
    let guest = tokio::spawn(async move { claim(&path, Purpose::Command, LONG).await });
    tokio::task::yield_now().await;
    assert!(!guest.is_finished());
    description(Purpose::Up).write(&lock).unwrap();
    let Claim::Guest(found) = guest.await.unwrap().unwrap() else { panic!("the lock is held") };
    assert_eq!(found, description(Purpose::Up));
}

#[tokio::test]
async fn a_command_waits_for_the_command_before_it_and_never_borrows_its_servers() {
    let data = tempfile::tempdir().unwrap();
    let lock = acquire(data.path(), Purpose::Command);
    description(Purpose::Command).write(&lock).unwrap();
    let error = claim(data.path(), Purpose::Command, SHORT).await.expect_err("it is held");
    assert!(error.to_string().contains("in use by another command"), "{error}");

    let path = data.path().to_path_buf();
    let next = tokio::spawn(async move { claim(&path, Purpose::Command, LONG).await });
    tokio::task::yield_now().await;
    assert!(!next.is_finished());
    drop(lock);
    assert!(matches!(next.await.unwrap().unwrap(), Claim::Owner(_)));
}

#[tokio::test]
async fn a_description_by_another_process_than_the_holder_does_not_count() {
    let data = tempfile::tempdir().unwrap();
    let lock = acquire(data.path(), Purpose::Up);
    Description { pid: std::process::id() + 1, ..description(Purpose::Up) }.write(&lock).unwrap();
    let error = claim(data.path(), Purpose::Command, SHORT).await.expect_err("it is held");
    assert!(matches!(error, LockError::Held(_)), "{error}");
}
