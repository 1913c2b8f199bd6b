//! Card-hours by card and hour.

use super::{BTreeMap, Format, file};

#[test]
fn a_row_is_a_cards_share_of_an_hour() {
    let text = "state,serial,util,provider,hour\n\
        busy,SN-1,0.75,p,2025-03-01T08:00:00\n\
        unknown,SN-1,0,p,2025-03-01T09:00:00\n\
        busy,SN-2,,p,2025-03-01T08:00:00\n\
        idle,\"SN,3\",0,p,2025-03-01T08:00:00\n";
    let read = file(Format::CardHours, text).zone(8).read().expect("it can be read");
    assert_eq!(
        read.usages,
        [
            "2 al-1 2025-03-01T00:00:00Z 2025-03-01T01:00:00Z 0.75 card-hours",
            "5 al-1 2025-03-01T00:00:00Z 2025-03-01T01:00:00Z 0 card-hours",
        ]
    );
    assert_eq!(read.skipped, BTreeMap::from([("no_value", 1), ("unknown", 1)]));
}

#[test]
fn rows_that_cannot_be_are_refused() {
    for (row, words) in [
        (",2025-03-01T08:00:00Z,1", "column serial"),
        ("a,2025-03-01T08:15:00Z,1", "column hour: `2025-03-01T08:15:00Z` is not the start"),
        ("a,2025-03-01T08:00:00,1", "column hour: `2025-03-01T08:00:00` is a local time"),
        ("a,2025-03-01T08:00:00Z,1.1", "column util"),
        ("a,2025-03-01T08:00:00Z", "has 2 cells where the header has 3"),
        ("a,2025-03-01T08:00:00Z,\"1", "never closed"),
    ] {
        let said = file(Format::CardHours, &format!("serial,hour,util\n{row}\n")).fault();
        assert!(said.contains("meter line 2") && said.contains(words), "{said}");
    }
    let said = file(Format::CardHours, "serial,hour\n").fault();
    assert!(said.contains("column util") && said.contains("missing"), "{said}");
}
