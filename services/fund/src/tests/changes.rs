//! Commitments that grow, shrink and go to others, the terms they rest on, and distributions that are called back.

use loopledger_model::fund::{CommitmentTransferred, FeeBasis, Phase, PhaseFee, Refusal};
use loopledger_testkit::{at, cny, id};

use super::*;

fn uncalled(lp: &str, uncalled: &str, asked: &str, day: &str) -> Refusal {
    Refusal::AboveUncalled {
        fund: id("fund-1"),
        lp: id(lp),
        uncalled: cny(uncalled),
        asked: cny(asked),
        at: at(day),
    }
}

#[test]
fn a_commitment_grows_and_shrinks_by_what_is_uncalled() {
    let story = accepts(funded(), &change("cc-1", "lp-a", ChangeKind::Reduce, "20", "2025-03-06"));
    let more = change("cc-2", "lp-a", ChangeKind::Reduce, "0.01", "2025-03-07");
    story.when(more).then_refused(uncalled("lp-a", "0", "0.01", "2025-03-07"));
    let grown = change("cc-2", "lp-a", ChangeKind::Increase, "5", "2025-03-07");
    let story = accepts(story, &grown);
    accepts(story, &contribute("c-2", "fund-1", "lp-a", "5", "2025-03-07"));
    funded()
        .after([change("cc-1", "lp-a", ChangeKind::Reduce, "20", "2025-03-06")])
        .when(change("cc-1", "lp-a", ChangeKind::Increase, "20", "2025-03-06"))
        .then_refused(Refusal::CommitmentChangeExists { change: id("cc-1") });
    let early = Refusal::NoCommitment { fund: id("fund-1"), lp: id("lp-a"), at: at("2025-03-01") };
    funded()
        .when(change("cc-1", "lp-a", ChangeKind::Increase, "20", "2025-03-01"))
        .then_refused(early);
}

#[test]
fn recallable_money_does_not_reduce_a_commitment_below_nothing() {
    let story = promised().after([
        contribute("c-1", "fund-1", "lp-b", "50", "2025-03-05"),
        contribute("c-2", "fund-1", "lp-a", "30", "2025-03-05"),
        recallable("d-1", "lp-b", "80", "2025-03-06"),
    ]);
    story.when(change("cc-1", "lp-b", ChangeKind::Reduce, "60", "2025-03-07")).then_refused(
        Refusal::AboveCommitted {
            fund: id("fund-1"),
            lp: id("lp-b"),
            committed: cny("50"),
            asked: cny("60"),
            at: at("2025-03-07"),
        },
    );
}

#[test]
fn a_transferred_commitment_takes_its_part_of_what_was_paid_with_it() {
    let story = funded().after([distribute("d-1", "fund-1", "lp-a", "9", "2025-03-06")]);
    let asked = hand_over("ct-1", "lp-a", "lp-b", "33.33", "2025-03-10");
    let made = CommitmentTransferred {
        transfer: asked.clone(),
        contributed: cny("26.66"),
        recallable: cny("0"),
        distributed: cny("2.99"),
    };
    let command = Command::TransferCommitment(asked);
    story.when(command.clone()).then([Event::CommitmentTransferred(made)]);
    let story = story.after([command.clone()]);
    story.when(command).then_nothing();
    let unfunded = |lp: &str| {
        let partner = &story.state.funds[&id("fund-1")].partners[&id(lp)];
        partner.unfunded(at("2025-03-10")).expect("countable")
    };
    assert_eq!((unfunded("lp-a"), unfunded("lp-b")), (cny("13.33"), cny("56.67")));
    story.when(contribute("c-2", "fund-1", "lp-b", "56.68", "2025-03-11")).then_refused(
        Refusal::AboveCommitment {
            fund: id("fund-1"),
            lp: id("lp-b"),
            committed: cny("83.33"),
            contributed: cny("26.66"),
            asked: cny("56.68"),
            at: at("2025-03-11"),
        },
    );
    accepts(story, &contribute("c-2", "fund-1", "lp-b", "56.67", "2025-03-11"));
}

#[test]
fn a_transfer_that_cannot_be_is_refused() {
    let plain = || hand_over("ct-1", "lp-a", "company-c", "10", "2025-03-10");
    let story = funded();
    for (wrong, refusal) in [
        (
            TransferCommitment { to: id("nobody"), ..plain() },
            Refusal::UnknownParty { party: id("nobody") },
        ),
        (
            TransferCommitment { to: id("lp-a"), ..plain() },
            Refusal::SameParty { party: id("lp-a") },
        ),
        (
            TransferCommitment { to: id("fund-1"), ..plain() },
            Refusal::SameParty { party: id("fund-1") },
        ),
        (
            TransferCommitment { from: id("gp"), ..plain() },
            Refusal::NoCommitment { fund: id("fund-1"), lp: id("gp"), at: at("2025-03-10") },
        ),
        (
            TransferCommitment { at: at("2025-03-04"), ..plain() },
            Refusal::TransferTooEarly {
                fund: id("fund-1"),
                lp: id("lp-a"),
                moved_at: at("2025-03-05"),
                at: at("2025-03-04"),
            },
        ),
        (
            TransferCommitment { amount: cny("100.01"), ..plain() },
            Refusal::AboveCommitted {
                fund: id("fund-1"),
                lp: id("lp-a"),
                committed: cny("100"),
                asked: cny("100.01"),
                at: at("2025-03-10"),
            },
        ),
    ] {
        story.when(Command::TransferCommitment(wrong)).then_refused(refusal);
    }
    let other = TransferCommitment { amount: cny("11"), ..plain() };
    story
        .after([Command::TransferCommitment(plain())])
        .when(Command::TransferCommitment(other))
        .then_refused(Refusal::CommitmentTransferExists { transfer: id("ct-1") });
    // What is called stays to be paid by whom it was called of.
    let called = promised().after([Command::CallCapital(call("ca-1", "60", "2025-03-05"))]);
    called
        .when(Command::TransferCommitment(TransferCommitment { amount: cny("100"), ..plain() }))
        .then_refused(uncalled("lp-a", "60", "100", "2025-03-10"));
}

#[test]
fn terms_come_version_by_version() {
    let set = |terms: SetTerms| Command::SetTerms(terms);
    let story = accepts(promised(), &set(terms()));
    let second = SetTerms { version: 2, at: at("2026-03-01"), ..terms() };
    let fee = |phase, basis| PhaseFee { phase, percent_a_year: id("2"), basis };
    for (wrong, refusal) in [
        (
            SetTerms { exit_ends: at("2032-03-01"), ..terms() },
            Refusal::TermsExists { fund: id("fund-1"), version: 1 },
        ),
        (
            SetTerms { version: 3, ..second.clone() },
            Refusal::TermsVersion { fund: id("fund-1"), version: 3, expected: 2 },
        ),
        (
            SetTerms { exit_ends: at("2028-03-01"), ..second.clone() },
            Refusal::PhasesOutOfOrder {
                fund: id("fund-1"),
                before: at("2028-03-01"),
                ends: at("2028-03-01"),
            },
        ),
        (
            SetTerms {
                fees: vec![
                    fee(Phase::Exit, FeeBasis::InvestedCost),
                    fee(Phase::Exit, FeeBasis::Contributions),
                ],
                ..second.clone()
            },
            Refusal::FeeStatedTwice { fund: id("fund-1") },
        ),
        (
            SetTerms { fees: vec![fee(Phase::Exit, FeeBasis::Commitments)], ..second.clone() },
            Refusal::FeeOnCommitments { fund: id("fund-1") },
        ),
    ] {
        story.when(set(wrong)).then_refused(refusal);
    }
    let story = accepts(story, &set(second));
    let third = SetTerms { version: 3, at: at("2025-12-01"), ..terms() };
    story.when(set(third)).then_refused(Refusal::TermsBackdated {
        fund: id("fund-1"),
        version: 2,
        before: at("2026-03-01"),
        at: at("2025-12-01"),
    });
}

#[test]
fn a_recallable_distribution_adds_to_the_unfunded_and_a_recall_takes_from_it() {
    let story = funded().after([distribute("d-0", "fund-1", "lp-a", "1", "2025-03-06")]);
    let story = accepts(story, &recallable("d-1", "lp-a", "30", "2025-03-07"));
    let recalled = |amount| recall("r-1", "d-1", "lp-a", amount, "2025-03-08");
    let after =
        accepts(funded().after([recallable("d-1", "lp-a", "30", "2025-03-07")]), &recalled("30"));
    after.when(recall("r-2", "d-1", "lp-a", "1", "2025-03-09")).then_refused(
        Refusal::AboveRecallable {
            distribution: id("d-1"),
            left: cny("0"),
            asked: cny("1"),
            at: at("2025-03-09"),
        },
    );
    after.when(recalled("29")).then_refused(Refusal::RecallExists { recall: id("r-1") });
    story
        .when(recall("r-1", "d-0", "lp-a", "1", "2025-03-08"))
        .then_refused(Refusal::NotRecallable { distribution: id("d-0") });
    story.when(recall("r-1", "d-1", "lp-b", "1", "2025-03-08")).then_refused(
        Refusal::UnknownDistribution {
            fund: id("fund-1"),
            lp: id("lp-b"),
            distribution: id("d-1"),
        },
    );
    // 20 were never called, and 30 came back: 50 in all, called or recalled.
    let story = story.after([contribute("c-2", "fund-1", "lp-a", "45", "2025-03-08")]);
    story.when(recall("r-1", "d-1", "lp-a", "6", "2025-03-09")).then_refused(uncalled(
        "lp-a",
        "5",
        "6",
        "2025-03-09",
    ));
    accepts(story, &recall("r-1", "d-1", "lp-a", "5", "2025-03-09"));
}
