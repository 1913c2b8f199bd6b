//! Journals that contradict themselves stop the context.

use super::*;

#[test]
#[should_panic(expected = "records twice")]
fn a_journal_that_registers_a_pool_twice_stops_allocation() {
    given::<Allocation>([Event::PoolRegistered(pool()), Event::PoolRegistered(pool())]);
}

#[test]
#[should_panic(expected = "changed twice")]
fn a_journal_that_changes_a_pool_twice_at_an_instant_stops_allocation() {
    given::<Allocation>([
        Event::PoolRegistered(pool()),
        changed("2025-02-01", 100, 90),
        changed("2025-02-01", 100, 90),
    ]);
}

#[test]
#[should_panic(expected = "only a registered pool")]
fn a_journal_that_allocates_from_nowhere_stops_allocation() {
    given::<Allocation>([Event::CardsAllocated(cards("a", 1, "2025-03-01", "2025-03-02"))]);
}

#[test]
#[should_panic(expected = "only a contract that is signed")]
fn a_termination_of_an_unsigned_contract_stops_allocation() {
    given::<Allocation>([]).knowing([fact(1, terminated("k", "2025-06-01"))]);
}
