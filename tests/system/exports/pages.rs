//! The loop report as a PDF: the figures of the HTML file, the same bytes each time.

use std::process::Command;

use crate::program::{Ledger, built, tool};

pub(super) fn the_report_has_pages_with_its_figures(ledger: &Ledger) {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let report = |party: &str, file: &str| {
        let out = folder.path().join(file);
        let path = out.to_str().expect("a readable path");
        let told = ledger.run(&["report", "--party", party, "--out", path]);
        assert_eq!(told.code, Some(0), "{}", told.text());
        out
    };
    let [first, second] =
        ["one.pdf", "two.pdf"].map(|file| std::fs::read(report("fund-b", file)).expect("a PDF"));
    assert!(first.starts_with(b"%PDF-"), "{} bytes", first.len());
    assert!(first == second, "the same report has the same bytes");
    let text = text_of(&report("fund-b", "three.pdf"));
    let page = std::fs::read_to_string(report("fund-b", "page.html")).expect("a page");
    for figure in ["70,000,000.00", "5,032,440.00", "3,522,708.00", "1,078,380.00"] {
        assert!(text.contains(figure) && page.contains(figure), "{figure} in {text}");
    }
    let hashes = page.split("<code>").filter_map(|part| part.split('<').next());
    let hashes: Vec<&str> = hashes.filter(|part| part.len() == 64).collect();
    assert!(!hashes.is_empty());
    let whole: String = text.split_whitespace().collect();
    for hash in hashes {
        assert!(whole.contains(hash), "{hash} in {text}");
    }
    let hostile = text_of(&report("Lab:1.a_B", "lab.pdf"));
    assert!(hostile.contains("Lab <one>, \"B\""), "{hostile}");
    let source = std::fs::read_to_string(report("fund-b", "source.typ")).expect("a source");
    assert!(source.starts_with("#set document(") && source.contains("5,032,440.00"), "{source}");

    // The program looks beside itself too.
    let alone = folder.path().join("loopledger");
    std::fs::copy(built("loopledger"), &alone).expect("our own folder");
    let without = Command::new(&alone)
        .args(["report", "--party", "fund-b", "--out", "never.pdf", "--data"])
        .arg(ledger.data())
        .env("PATH", "/nowhere")
        .env("LOOPLEDGER_TOOLS", folder.path())
        .current_dir(folder.path())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&without.stderr);
    assert!(said.contains("there is no typst") && said.contains("--out FILE.typ"), "{said}");
    assert!(!folder.path().join("never.pdf").exists());
}

/// As another program reads it.
fn text_of(pdf: &std::path::Path) -> String {
    let read = "import sys, pypdf; print(*(page.extract_text() for page in pypdf.PdfReader(sys.argv[1]).pages))";
    let python = tool("typst/bin/python");
    let output = Command::new(python).args(["-c", read]).arg(pdf).output().expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
