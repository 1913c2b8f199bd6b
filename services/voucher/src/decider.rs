//! Which rule answers which command.
//!
//! Invariant: a command whose effect is there already comes to nothing, so sending it again does
//! no harm.

use loopledger_model::voucher::{Command, Event, RedeemVoucher, Refusal, Subject};
use loopledger_model::{Context, Fact, Money};
use loopledger_service::{Decider, Decision, Service};

use crate::facts::Facts;
use crate::state::State;
use crate::{
    applying, claiming, clawing, ending, issuing, locking, redeeming, related, settling, setup,
};

/// The rules of the voucher context.
pub enum Vouchers {}

pub static SERVICE: Service = Service::of::<Vouchers>();

impl Decider for Vouchers {
    const CONTEXT: Context = Context::Voucher;
    const READS: &'static [Context] =
        &[Context::Registry, Context::Fund, Context::Purchase, Context::Allocation];
    const STATE_FORMAT: u32 = 7;

    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type State = State;
    type Facts = Facts;

    fn decide(state: &State, facts: &Facts, command: &Command) -> Answer {
        match command {
            Command::DefineProgramme(programme) => setup::define(state, facts, programme),
            Command::AdmitProvider(admission) => setup::admit(state, facts, admission),
            Command::IssueVoucher(asked) => issuing::issue(state, facts, asked),
            Command::LockVoucher(asked) => locking::lock(state, facts, asked),
            Command::ReleaseLock(asked) => locking::release(state, asked),
            Command::RedeemVoucher(asked) => redeeming::redeem(state, facts, asked),
            Command::SettleRedemption(asked) => settling::settle(state, asked),
            Command::EndVoucher(asked) => ending::end(state, asked),
            Command::DraftProgramme(programme) => setup::draft(state, facts, programme),
            Command::ChangeProgramme(asked) => setup::change(state, asked),
            Command::ApplyForAdmission(asked) => setup::apply_for_admission(state, facts, asked),
            Command::ChangeAdmission(asked) => setup::change_admission(state, asked),
            Command::ApproveWaiver(asked) => related::waive(state, facts, asked),
            Command::Apply(asked) => applying::apply(state, facts, asked),
            Command::SubmitClaim(asked) => claiming::submit(state, facts, asked),
            Command::Review(asked) => match &asked.subject {
                Subject::Application(id) => applying::review(state, id, asked),
                Subject::Claim(id) => claiming::review(state, facts, id, asked),
            },
            Command::OrderPayment(asked) => settling::order(state, asked),
            Command::FailPayment(asked) => settling::fail(state, asked),
            Command::OpenClawback(asked) => clawing::open(state, asked),
            Command::AssessClawback(asked) => clawing::assess(state, asked),
            Command::RecordRecovery(asked) => clawing::recover(state, asked),
            Command::WriteOffClawback(asked) => clawing::write_off(state, asked),
        }
    }

    fn look_ahead(state: &State, facts: &Facts, commands: &[&Command]) {
        let redemptions: Vec<_> = commands.iter().copied().filter_map(redemption).collect();
        redeeming::look_ahead(state, facts, &redemptions);
    }

    fn evolve(state: &mut State, event: &Event) {
        state.apply(event);
    }

    fn learn(facts: &mut Facts, fact: &Fact) {
        facts.learn(fact);
    }
}

fn redemption(command: &Command) -> Option<&RedeemVoucher> {
    if let Command::RedeemVoucher(asked) = command { Some(asked) } else { None }
}

/// What every rule of this context answers.
pub(crate) type Answer = Result<Decision<Event>, Refusal>;

/// A thing of this name is there: nothing is left to do if it is the same thing.
pub(crate) fn there_already(same: bool, other_content: Refusal) -> Answer {
    if same { Ok(Decision::nothing()) } else { Err(other_content) }
}

pub(crate) fn positive(amount: Money) -> Result<(), Refusal> {
    if amount.is_positive() { Ok(()) } else { Err(Refusal::NotPositive { amount }) }
}
