//! What each event changes of what fund knows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::fund::{
    AccrueFee, CapitalCalled, ChangeCommitment, ChangeKind, CommitmentTransferred, Contribution,
    Distribution, DistributionKind, Event, ExitInvestment, Investment, InvestmentExited, LinePart,
    RecallDistribution, ReturnExcess,
};
use loopledger_model::{FeeId, InvestmentId, Money, MoneyError, PartyId};

use crate::account::{Account, Call, Fee, Partner, Share};
use crate::stakes::Stakes;
use crate::state::{COUNTED, Holding, State};
use crate::timeline::{Side, Timeline};

const CALLED: &str = "what a call says of a partner was found before it was recorded";

impl State {
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::FundFormed(fund) => {
                self.funds.insert(fund.id.clone(), Account::new(fund.clone()));
            }
            Event::CommitmentMade(commitment) => {
                let partner = self.partner(&commitment.fund, &commitment.lp);
                partner.promise(commitment.at, commitment.amount).expect(COUNTED);
                self.commitments.insert(commitment.id.clone(), commitment.clone());
            }
            Event::ContributionReceived(contribution) => self.pay_in(contribution),
            Event::InvestmentFunded(investment) => {
                self.post(&investment.into());
                self.put_to_work(&investment.investor, investment.at, investment.amount);
                self.hold(investment);
            }
            Event::DistributionPaid(distribution) => self.pay_back(distribution),
            Event::TransferRecorded(transfer) => {
                self.post(&transfer.into());
                self.transfers.insert(transfer.id.clone(), transfer.clone());
            }
            Event::ReinvestmentRecognised(made) => {
                if let Some(payment) = &made.payment {
                    self.recognised.insert((made.fund.clone(), payment.clone()), made.id.clone());
                }
                self.recognitions.insert(made.id.clone(), made.clone());
            }
            Event::NavStruck(nav) => {
                self.standing.insert((nav.fund.clone(), nav.as_of), nav.id.clone());
                self.navs.insert(nav.id.clone(), nav.clone());
            }
            Event::CommitmentChanged(change) => self.change(change),
            Event::CommitmentTransferred(made) => self.hand_over(made),
            Event::TermsSet(terms) => self.account(&terms.fund).terms.push(terms.clone()),
            Event::CapitalCalled(made) => self.call(made),
            Event::PartnerDefaulted(made) => {
                let default = &made.default;
                let account = self.account(&default.fund);
                share(account, &default.call, &default.lp).default = Some(made.clone());
            }
            Event::DefaultCured(cure) => {
                let account = self.account(&cure.fund);
                share(account, &cure.call, &cure.lp).cure = Some(cure.clone());
            }
            Event::ExcessReturned(returned) => self.give_back(returned),
            Event::DistributionRecalled(recall) => self.take_back(recall),
            Event::InvestmentExited(made) => self.give_up(made),
            Event::InvestmentValued(made) => {
                let valuation = &made.valuation;
                let holding = self.holding(&valuation.investment);
                holding.valued.insert(valuation.as_of, valuation.id.clone());
                self.valuations.insert(valuation.id.clone(), valuation.clone());
            }
            Event::FeeAccrued(_)
            | Event::FeePaid(_)
            | Event::FeeReduced(_)
            | Event::ExpensePaid(_)
            | Event::CarryPaid(_)
            | Event::LineDrawn(_)
            | Event::LineRepaid(_)
            | Event::FundDissolved(_) => self.run(event),
        }
    }

    /// What running a fund costs, what it borrows, and its end.
    fn run(&mut self, event: &Event) {
        if let Event::FeeAccrued(made) = event {
            let AccrueFee { id, fund, at, .. } = &made.accrual;
            let mut due = Timeline::new(made.amount.currency());
            due.put(*at, made.amount).expect(COUNTED);
            self.account(fund).fees.insert(id.clone(), Fee { accrued: made.clone(), due });
        } else if let Event::FeePaid(paid) = event {
            fee(self.account(&paid.fund), &paid.fee).draw(paid.at, paid.amount).expect(COUNTED);
            self.post(&paid.into());
            self.fee_payments.insert(paid.id.clone(), paid.clone());
        } else if let Event::FeeReduced(by) = event {
            fee(self.account(&by.fund), &by.fee).draw(by.at, by.amount).expect(COUNTED);
            self.fee_reductions.insert(by.id.clone(), by.clone());
        } else if let Event::ExpensePaid(paid) = event {
            self.post(&paid.into());
            self.expenses.insert(paid.id.clone(), paid.clone());
        } else if let Event::CarryPaid(paid) = event {
            self.account(&paid.fund).carry.put(paid.at, paid.amount).expect(COUNTED);
            self.post(&paid.into());
            self.carries.insert(paid.id.clone(), paid.clone());
        } else if let Event::LineDrawn(drawn) = event {
            line(self.account(&drawn.fund), &drawn.lender)
                .put(drawn.at, drawn.amount)
                .expect(COUNTED);
            self.post(&drawn.into());
            self.draws.insert(drawn.id.clone(), drawn.clone());
        } else if let Event::LineRepaid(paid) = event {
            if paid.part == LinePart::Principal {
                line(self.account(&paid.fund), &paid.lender)
                    .draw(paid.at, paid.amount)
                    .expect(COUNTED);
            }
            self.post(&paid.into());
            self.line_payments.insert(paid.id.clone(), paid.clone());
        } else if let Event::FundDissolved(end) = event {
            self.account(&end.fund).dissolved = Some(end.clone());
        }
    }

    fn hold(&mut self, investment: &Investment) {
        let Investment { id, company, amount, stake_percent, at, .. } = investment;
        let mut cost = Timeline::new(amount.currency());
        cost.put(*at, *amount).expect(COUNTED);
        let mut stake = Stakes::default();
        if let Some(percent) = stake_percent {
            stake.add(*at, *percent);
            self.stakes.entry(company.clone()).or_default().add(*at, *percent);
        }
        let (investment, valued) = (investment.clone(), BTreeMap::new());
        self.holdings.insert(id.clone(), Holding { investment, cost, stake, valued });
    }

    fn holding(&mut self, investment: &InvestmentId) -> &mut Holding {
        self.holdings.get_mut(investment).expect("only what was funded is sold or valued")
    }

    fn put_to_work(&mut self, payer: &PartyId, at: Timestamp, amount: Money) {
        if let Some(account) = self.funds.get_mut(payer) {
            account.put_to_work.put(at, amount).expect(COUNTED);
        }
    }

    fn give_up(&mut self, made: &InvestmentExited) {
        let ExitInvestment { id, investment, cost, stake_percent, at, .. } = &made.exit;
        let holding = self.holding(investment);
        holding.cost.draw(*at, *cost).expect(COUNTED);
        if let Some(percent) = stake_percent {
            holding.stake.take(*at, *percent);
            self.stakes.entry(made.company.clone()).or_default().take(*at, *percent);
        }
        self.post(&made.into());
        self.exits.insert(id.clone(), made.exit.clone());
    }

    fn account(&mut self, fund: &PartyId) -> &mut Account {
        self.funds.get_mut(fund).expect("capital is recorded of formed funds only")
    }

    fn partner(&mut self, fund: &PartyId, lp: &PartyId) -> &mut Partner {
        self.account(fund).partner(lp)
    }

    fn pay_in(&mut self, contribution: &Contribution) {
        let Contribution { fund, lp, amount, at, call, .. } = contribution;
        let account = self.account(fund);
        let partner = account.partner(lp);
        partner.contributed.put(*at, *amount).expect(COUNTED);
        match call {
            None => partner.uncalled.draw(*at, *amount).expect(COUNTED),
            Some(call) => share(account, call, lp).paid.put(*at, *amount).expect(COUNTED),
        }
        self.post(&contribution.into());
        self.put_to_work(lp, *at, *amount);
        self.contributions.insert(contribution.id.clone(), contribution.clone());
    }

    fn pay_back(&mut self, distribution: &Distribution) {
        let Distribution { id, fund, lp, amount, at, kind } = distribution;
        let partner = self.partner(fund, lp);
        partner.distributed.put(*at, *amount).expect(COUNTED);
        if *kind == Some(DistributionKind::Recallable) {
            partner.recallable.put(*at, *amount).expect(COUNTED);
            partner.uncalled.put(*at, *amount).expect(COUNTED);
            let mut recallable = Timeline::new(amount.currency());
            recallable.put(*at, *amount).expect(COUNTED);
            self.recallable.insert(id.clone(), recallable);
        }
        self.post(&distribution.into());
        self.distributions.insert(distribution.id.clone(), distribution.clone());
    }

    fn change(&mut self, change: &ChangeCommitment) {
        let (at, amount) = (change.at, change.amount);
        let partner = self.partner(&change.fund, &change.lp);
        match change.change {
            ChangeKind::Increase => partner.promise(at, amount).expect(COUNTED),
            ChangeKind::Reduce => {
                partner.committed.draw(at, amount).expect(COUNTED);
                partner.uncalled.draw(at, amount).expect(COUNTED);
            }
        }
        self.commitment_changes.insert(change.id.clone(), change.clone());
    }

    fn hand_over(&mut self, made: &CommitmentTransferred) {
        let (transfer, at) = (&made.transfer, made.transfer.at);
        let uncalled = unfunded_of(made).expect(COUNTED);
        let parts =
            [transfer.amount, uncalled, made.contributed, made.recallable, made.distributed];
        let account = self.account(&transfer.fund);
        for (timeline, part) in timelines(account.partner(&transfer.from)).into_iter().zip(parts) {
            timeline.draw(at, part).expect(COUNTED);
        }
        for (timeline, part) in timelines(account.partner(&transfer.to)).into_iter().zip(parts) {
            timeline.put(at, part).expect(COUNTED);
        }
        self.commitment_transfers.insert(transfer.id.clone(), transfer.clone());
    }

    fn call(&mut self, made: &CapitalCalled) {
        let account = self.account(&made.call.fund);
        let mut shares = BTreeMap::new();
        for borne in &made.shares {
            let partner = account.partner(&borne.lp);
            partner.uncalled.draw(made.call.at, borne.amount).expect(COUNTED);
            shares.insert(borne.lp.clone(), Share::new(borne.amount));
        }
        let call = Call { call: made.call.clone(), shares };
        account.calls.insert(made.call.id.clone(), call);
    }

    fn give_back(&mut self, returned: &ReturnExcess) {
        let ReturnExcess { id, fund, call, lp, amount, at } = returned;
        let account = self.account(fund);
        share(account, call, lp).paid.draw(*at, *amount).expect(COUNTED);
        let partner = account.partner(lp);
        partner.contributed.draw(*at, *amount).expect(COUNTED);
        partner.uncalled.put(*at, *amount).expect(COUNTED);
        self.post(&returned.into());
        self.excess_returns.insert(id.clone(), returned.clone());
    }

    fn take_back(&mut self, recall: &RecallDistribution) {
        let RecallDistribution { id, fund, lp, distribution, amount, at } = recall;
        let partner = self.partner(fund, lp);
        partner.contributed.put(*at, *amount).expect(COUNTED);
        partner.uncalled.draw(*at, *amount).expect(COUNTED);
        let recallable = self.recallable.get_mut(distribution);
        let recallable = recallable.expect("only what is recallable is recalled");
        recallable.draw(*at, *amount).expect(COUNTED);
        self.post(&recall.into());
        self.put_to_work(lp, *at, *amount);
        self.recalls.insert(id.clone(), recall.clone());
    }
}

fn share<'a>(
    account: &'a mut Account,
    call: &loopledger_model::CallId,
    lp: &PartyId,
) -> &'a mut Share {
    account.calls.get_mut(call).and_then(|call| call.shares.get_mut(lp)).expect(CALLED)
}

fn fee<'a>(account: &'a mut Account, fee: &FeeId) -> &'a mut Timeline<Side> {
    let accrued = account.fees.get_mut(fee);
    &mut accrued.expect("only what was accrued is paid or reduced").due
}

fn line<'a>(account: &'a mut Account, lender: &PartyId) -> &'a mut Timeline<Side> {
    let currency = account.fund.currency;
    account.lines.entry(lender.clone()).or_insert_with(|| Timeline::new(currency))
}

fn timelines(partner: &mut Partner) -> [&mut Timeline<Side>; 5] {
    let Partner { committed, uncalled, contributed, recallable, distributed } = partner;
    [committed, uncalled, contributed, recallable, distributed]
}

/// What goes over with a commitment and is not paid in.
pub fn unfunded_of(made: &CommitmentTransferred) -> Result<Money, MoneyError> {
    made.transfer.amount.checked_sub(made.contributed)?.checked_add(made.recallable)
}
