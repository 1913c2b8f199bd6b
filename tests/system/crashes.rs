//! The whole program is killed in the middle of an import, again and again; the end is that of an undisturbed one.

use std::time::Duration;

use crate::program::{Ledger, processes_on, scenario, signal, wait_until};

#[test]
fn an_import_killed_anywhere_and_repeated_ends_like_an_undisturbed_one() {
    let undisturbed = Ledger::new();
    undisturbed.import(&scenario("lp-loop")).succeeded();
    let expected = undisturbed.everything();

    let disturbed = Ledger::new();
    let bundle = scenario("lp-loop");
    let arguments = ["import", bundle.to_str().expect("a readable path")];
    // The start takes most of a run, so later kills are closer together; some come after the end.
    for after_ms in [150, 600, 900, 1_100, 1_200, 1_300, 1_400, 1_500, 1_700, 2_000] {
        let mut import = disturbed.command(&arguments).spawn().expect("the program starts");
        std::thread::sleep(Duration::from_millis(after_ms));
        signal(&import, rustix::process::Signal::KILL);
        import.wait().expect("our own child");
    }
    disturbed.import(&bundle).succeeded();
    assert_eq!(disturbed.everything(), expected);
    let data = disturbed.data();
    wait_until("no process is left on the folder", || processes_on(&data).is_empty());
}
