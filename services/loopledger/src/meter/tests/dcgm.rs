//! The traps of what DCGM samples.

use super::{BTreeMap, Format, Read, file};

const ENGINE: &str = "DCGM_FI_PROF_GR_ENGINE_ACTIVE";
const UTIL: &str = "DCGM_FI_DEV_GPU_UTIL";
const ENERGY: &str = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION";
/// 2025-03-01T00:00:00Z.
const START: u64 = 1_740_787_200;

/// Samples of cards: metric, card, seconds after the start, value.
fn range(samples: &[(&str, &str, u64, &str)]) -> Result<Read, String> {
    let line = |(metric, card, at, value): &(&str, &str, u64, &str)| {
        format!("{value},{},{metric},{card},node-1\n", START + at)
    };
    let lines: String = samples.iter().map(line).collect();
    file(Format::DcgmCsv, &format!("value,timestamp,__name__,UUID,Hostname\n{lines}")).read()
}

fn every(
    seconds: u64,
    until: u64,
    value: &'static str,
) -> Vec<(&'static str, &'static str, u64, &'static str)> {
    (0..=until / seconds).map(|n| (ENGINE, "GPU-1", n * seconds, value)).collect()
}

#[test]
fn samples_add_up_to_a_usage_for_each_card_and_hour() {
    let read = range(&every(30, 5_400, "0.25")).expect("it can be read");
    assert_eq!(
        read.usages,
        [
            "123 al-1 2025-03-01T00:00:00Z 2025-03-01T01:00:00Z 0.25 dcgm GR_ENGINE_ACTIVE",
            "182 al-1 2025-03-01T01:00:00Z 2025-03-01T01:30:00Z 0.125 dcgm GR_ENGINE_ACTIVE",
        ]
    );
}

#[test]
fn what_lies_in_a_gap_is_unknown_and_no_usage_covers_it() {
    let mut samples = every(30, 600, "1");
    samples.extend((0..=20).map(|n| (ENGINE, "GPU-1", 1_800 + n * 30, "0.5")));
    let read = range(&samples).expect("it can be read");
    let spans: Vec<_> = read.usages.iter().map(|usage| &usage[8..60]).collect();
    assert_eq!(
        spans,
        [
            "2025-03-01T00:00:00Z 2025-03-01T00:10:00Z 0.16666666",
            "2025-03-01T00:30:00Z 2025-03-01T00:40:00Z 0.08333333",
        ]
    );
    assert_eq!(read.skipped, BTreeMap::from([("gaps", 1)]));
    assert_ne!(read.ids[0], read.ids[1]);
}

#[test]
fn so_many_intervals_are_no_gap_and_one_second_more_is_one() {
    let read = range(&[(ENGINE, "G", 0, "1"), (ENGINE, "G", 90, "1")]).expect("it can be read");
    assert_eq!(read.usages.len(), 1);
    let read = range(&[(ENGINE, "G", 0, "1"), (ENGINE, "G", 91, "1")]).expect("it can be read");
    assert!(read.usages.is_empty());
}

#[test]
fn a_card_without_engine_activity_is_metered_by_its_utilization_and_no_card_by_both() {
    let read = range(&[
        (UTIL, "A", 0, "99"),
        (UTIL, "B", 0, "50"),
        (ENGINE, "A", 0, "0.1"),
        (UTIL, "A", 36, "99"),
        (UTIL, "B", 36, "50"),
        (ENGINE, "A", 36, "0.1"),
    ]);
    assert_eq!(
        read.expect("it can be read").usages,
        [
            "7 al-1 2025-03-01T00:00:00Z 2025-03-01T00:00:36Z 0.001 dcgm GR_ENGINE_ACTIVE",
            "6 al-1 2025-03-01T00:00:00Z 2025-03-01T00:00:36Z 0.005 dcgm GPU_UTIL",
        ]
    );
}

#[test]
fn an_energy_counter_that_falls_began_again_at_nothing() {
    let read = range(&[
        (ENERGY, "A", 0, "1000"),
        (ENERGY, "A", 30, "1.5e+03"),
        (ENERGY, "A", 60, "200"),
        (ENERGY, "A", 90, "300"),
        (ENERGY, "B", 0, "7"),
        (ENERGY, "B", 30, "9"),
    ]);
    assert_eq!(read.expect("it can be read").energy, (Some("802".to_owned()), 1));
}

#[test]
fn no_value_is_no_sample() {
    let blank = "9223372036854775794";
    let read = range(&[
        (ENGINE, "A", 0, "1"),
        (ENGINE, "A", 30, "NaN"),
        (ENGINE, "A", 60, blank),
        (ENGINE, "A", 120, "1"),
    ]);
    let read = read.expect("it can be read");
    assert!(read.usages.is_empty());
    assert_eq!(read.skipped, BTreeMap::from([("gaps", 1), ("no_value", 2)]));
}

#[test]
fn samples_that_cannot_be_are_refused() {
    for (samples, words) in [
        ([(ENGINE, "A", 30, "1"), (ENGINE, "A", 0, "1")], "column time: is before"),
        ([(ENGINE, "A", 0, "1"), (ENGINE, "A", 0, "0.5")], "column value: is another one"),
        ([(ENGINE, "A", 0, "1"), (ENGINE, "A", 30, "1.01")], "no number between 0 and 1"),
        ([(UTIL, "A", 0, "1"), (UTIL, "A", 30, "101")], "no number between 0 and 100"),
        ([(ENGINE, "A", 0, "1"), (ENGINE, "A", 30, "-0.1")], "column value"),
        ([(ENGINE, "A", 0, "1"), (ENGINE, "", 30, "1")], "column UUID"),
    ] {
        let said = range(&samples).err().expect("it cannot be read");
        assert!(said.contains("meter line 3") && said.contains(words), "{said}");
    }
}

/// Two scrapes with their times, as a text file keeps them.
const SCRAPES: &str = "\
# HELP DCGM_FI_PROF_GR_ENGINE_ACTIVE Ratio of time the graphics engine is active.
# TYPE DCGM_FI_PROF_GR_ENGINE_ACTIVE gauge
DCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu=\"0\",UUID=\"GPU-1\",modelName=\"NVIDIA \\\"H100\\\", 80}\",Hostname=\"n1\"} 5e-01 1740787200000
DCGM_FI_DEV_GPU_TEMP{gpu=\"0\",UUID=\"GPU-1\"} 61 1740787200000
DCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu=\"0\",UUID=\"GPU-1\",Hostname=\"n1\"} 0.5 1740787236000
DCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu=\"0\",UUID=\"GPU-1\",GPU_I_ID=\"3\",Hostname=\"n1\"} 1 1740787236000
DCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu=\"1\",UUID=\"GPU-2\",Hostname=\"n2\"} 1 1740787236000
";

#[test]
fn scrapes_with_times_are_read_label_by_label() {
    let read = file(Format::DcgmText, SCRAPES).map("host,allocation\nn1,al-7\n").read();
    let read = read.expect("it can be read");
    assert_eq!(
        read.usages,
        ["5 al-7 2025-03-01T00:00:00Z 2025-03-01T00:00:36Z 0.005 dcgm GR_ENGINE_ACTIVE"]
    );
    assert_eq!(read.skipped, BTreeMap::from([("not_mapped", 1), ("shares_of_cards", 1)]));
}

#[test]
fn one_scrape_stands_for_the_interval_up_to_when_it_was_made() {
    let line = "DCGM_FI_DEV_GPU_UTIL{UUID=\"GPU-1\"} 50\n";
    let scrape = file(Format::DcgmText, line);
    assert!(file(Format::DcgmText, line).fault().contains("--at 2025-03-01T08:00:00Z"));
    let mut timed = scrape;
    timed.asked.at = Some("2025-03-01T01:00:00Z".parse().expect("a time"));
    timed.asked.interval_s = 36;
    assert_eq!(
        timed.usages(),
        ["1 al-1 2025-03-01T00:59:24Z 2025-03-01T01:00:00Z 0.005 dcgm GPU_UTIL"]
    );
}

#[test]
fn text_that_is_no_sample_is_refused() {
    for (line, words) in [
        ("DCGM_FI_DEV_GPU_UTIL{UUID=\"GPU-1\" 50", "column labels"),
        ("DCGM_FI_DEV_GPU_UTIL{UUID=\"GPU-1\"}", "column value: is missing"),
        ("DCGM_FI_DEV_GPU_UTIL{UUID=\"GPU-1\"} 5 soon", "column time"),
        ("DCGM_FI_DEV_GPU_UTIL{UUID=\"GPU-1\"} 5 1740787236000 7", "goes on"),
    ] {
        let said = file(Format::DcgmText, line).fault();
        assert!(said.contains("meter line 1") && said.contains(words), "{said}");
    }
}
