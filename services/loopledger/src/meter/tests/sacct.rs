//! The traps of `sacct -P`.

use super::{BTreeMap, File, Format, file};

const HEAD: &str = "State|JobIDRaw|Start|End|ElapsedRaw|AllocTRES|Suspended|Cluster\n";

fn job(lines: &[&str]) -> File {
    file(Format::Sacct, &format!("{HEAD}{}\n", lines.join("\n"))).zone(8)
}

const DAY: &str = "2025-03-01T08:00:00|2025-03-01T09:00:00|3600";

#[test]
fn a_run_is_its_cards_for_its_time_in_the_zone_that_is_named() {
    let line = format!("COMPLETED|1041|{DAY}|billing=8,cpu=64,gres/gpu=8,mem=1T|00:00:00|c1");
    assert_eq!(
        job(&[&line]).usages(),
        ["2 al-1 2025-03-01T00:00:00Z 2025-03-01T01:00:00Z 8 sacct"]
    );
}

#[test]
fn local_times_without_a_zone_are_refused_and_others_need_none() {
    let line = format!("COMPLETED|1|{DAY}|gres/gpu=1|00:00:00|c1");
    let mut local = job(&[&line]);
    local.asked.zone = None;
    let said = local.fault();
    assert!(
        said.contains("meter line 2, column Start") && said.contains("--zone +08:00"),
        "{said}"
    );
    for times in ["1740787200|1740790800", "2025-03-01T08:00:00+08:00|2025-03-01T01:00:00Z"] {
        let mut stated = job(&[&format!("COMPLETED|1|{times}|3600|gres/gpu=1||c1")]);
        stated.asked.zone = None;
        assert_eq!(stated.usages(), ["2 al-1 2025-03-01T00:00:00Z 2025-03-01T01:00:00Z 1 sacct"]);
    }
}

#[test]
fn steps_repeat_their_job_and_are_skipped() {
    let of = |job: &str| format!("COMPLETED|{job}|{DAY}|gres/gpu=8|00:00:00|c1");
    let lines = ["7", "7.batch", "7.extern", "7.0"].map(of);
    let read = job(&lines.each_ref().map(String::as_str)).read().expect("it can be read");
    assert_eq!((read.usages.len(), read.skipped), (1, BTreeMap::from([("steps", 3)])));
}

#[test]
fn a_requeued_job_counts_once_a_run_and_a_repeated_run_is_the_same_one() {
    let first = format!("NODE_FAIL|7|{DAY}|gres/gpu=8|00:00:00|c1");
    let second = "COMPLETED|7|2025-03-01T09:30:00|2025-03-01T10:00:00|1800|gres/gpu=8|00:00:00|c1";
    let elsewhere = first.replace("|c1", "|c2");
    let read = job(&[&first, second, &first, &elsewhere]).read().expect("it can be read");
    assert_eq!(read.usages[1], "3 al-1 2025-03-01T01:30:00Z 2025-03-01T02:00:00Z 4 sacct");
    assert_eq!(read.ids[0], read.ids[2]);
    assert!(read.ids[0] != read.ids[1] && read.ids[0] != read.ids[3]);
}

#[test]
fn suspended_time_is_taken_off_once_whether_elapsed_has_it_or_not() {
    for (elapsed, suspended, hours) in [
        ("3600", "00:15:00", "6"),
        ("2700", "00:15:00", "6"),
        ("3600", "900", "6"),
        ("3600", "15:00", "6"),
        ("3600", "", "8"),
        ("3600", "01:00:00", "0"),
    ] {
        let line = format!(
            "COMPLETED|7|2025-03-01T08:00:00|2025-03-01T09:00:00|{elapsed}|gres/gpu=8|{suspended}|c1"
        );
        let told = job(&[&line]).usages();
        assert_eq!(
            told,
            [format!("2 al-1 2025-03-01T00:00:00Z 2025-03-01T01:00:00Z {hours} sacct")]
        );
    }
}

#[test]
fn cards_of_a_type_are_among_all_the_cards() {
    for (tres, hours) in [
        ("gres/gpu=8,gres/gpu:h100=8", "8"),
        ("gres/gpu:h100=8,gres/gpu=8", "8"),
        ("gres/gpu:h100=4,gres/gpu:a100=2", "6"),
        ("gres/gpumem=80,gres/gpu=1,gres/gpuutil=3", "1"),
    ] {
        let line = format!("COMPLETED|7|{DAY}|{tres}||c1");
        assert!(job(&[&line]).usages()[0].contains(&format!("01:00:00Z {hours} ")), "{tres}");
    }
}

#[test]
fn card_hours_that_are_no_decimal_are_rounded_down() {
    let line = "FAILED|7|2025-03-01T08:00:00|2025-03-01T08:00:01|1|gres/gpu=10||c1";
    assert!(job(&[line]).usages()[0].ends_with(" 0.002777777 sacct"));
}

#[test]
fn a_cancelled_run_counts_for_as_long_as_it_ran() {
    let line = format!("CANCELLED by 1000|7|{DAY}|gres/gpu=2||c1");
    assert!(job(&[&line]).usages()[0].contains(" 2 sacct"));
}

#[test]
fn what_has_not_ended_or_begun_or_has_no_cards_is_skipped_and_counted() {
    let read = job(&[
        "RUNNING|1|2025-03-01T08:00:00|Unknown|3600|gres/gpu=8||c1",
        &format!("RUNNING|2|{DAY}|gres/gpu=8||c1"),
        "CANCELLED by 7|3|Unknown|2025-03-01T08:00:00|0|||c1",
        &format!("COMPLETED|4|{DAY}|cpu=8||c1"),
        &format!("COMPLETED|5|{DAY}|gres/gpu=0||c1"),
        "FAILED|6|2025-03-01T08:00:00|2025-03-01T08:00:00|0|gres/gpu=8||c1",
    ]);
    let read = read.read().expect("it can be read");
    assert!(read.usages.is_empty());
    let skipped = [("still_running", 2), ("never_started", 1), ("no_cards", 2), ("no_time", 1)];
    assert_eq!(read.skipped, BTreeMap::from(skipped));
}

#[test]
fn what_cannot_be_read_is_told_with_its_line_and_field() {
    for (line, words) in [
        ("COMPLETED|7|x|2025-03-01T09:00:00|3600|gres/gpu=1||c1", "column Start: `x` is no time"),
        ("COMPLETED|7|2025-03-01T09:00:00|2025-03-01T08:00:00|0|gres/gpu=1||c1", "column End"),
        (&format!("COMPLETED|7|{DAY}|gres/gpu=1.5||c1"), "column AllocTRES: `gres/gpu=1.5`"),
        (&format!("COMPLETED|7|{DAY}|gres/gpu=-1||c1"), "column AllocTRES"),
        (&format!("COMPLETED|7|{DAY}1|gres/gpu=1||c1"), "column ElapsedRaw: 36001 seconds"),
        (&format!("COMPLETED|7|{DAY}|gres/gpu=1|1-00:00:00|c1"), "column Suspended: 86400 seconds"),
        (&format!("COMPLETED|7|{DAY}|gres/gpu=1|soon|c1"), "column Suspended: `soon`"),
        (&format!("COMPLETED|7_[1-3]|{DAY}|gres/gpu=1||c1"), "column JobIDRaw"),
        (&format!("|7|{DAY}|gres/gpu=1||c1"), "column State"),
        (&format!("COMPLETED|a|b|7|{DAY}|gres/gpu=1||c1"), "has 10 fields where the header has 8"),
    ] {
        let said = job(&[line]).fault();
        assert!(said.contains("meter line 2") && said.contains(words), "{said}");
    }
}

#[test]
fn a_header_without_a_field_says_how_to_ask_for_it() {
    let said = file(Format::Sacct, "JobID|Start|End\n1|a|b\n1|a|b\n").fault();
    assert!(said.contains("column JobIDRaw") && said.contains("--format=JobIDRaw,Start"), "{said}");
    assert_eq!(said.matches("line ").count(), 1, "{said}");
}
