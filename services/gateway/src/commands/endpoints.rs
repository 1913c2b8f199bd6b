//! Which command is given where, and by whom: one line a command.
//!
//! Invariants: every command of the model has one endpoint. A field that the path names is not in
//! the body. Whoever is not named here may not give the command, the operator excepted.

use loopledger_model::Context;
use loopledger_views::Belonging;

use crate::auth::Role::{self, Company, FundManager, ProgrammeOffice, Provider, Reviewer};

/// `POST /v1` and `path` gives the command that is called `tag` in its context.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    pub context: Context,
    pub tag: &'static str,
    /// Below `/v1`; a part in braces is a field of the command.
    pub path: &'static str,
    pub summary: &'static str,
    pub may: &'static [May],
}

/// A role may give the command when all of these are its own.
#[derive(Debug, Clone, Copy)]
pub struct May {
    pub role: Role,
    /// Where in the command, as a JSON pointer, and what it has to be.
    pub own: &'static [(&'static str, Own)],
}

/// What makes a thing of a command the caller's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// The caller's party.
    Party,
    /// One of the programmes that it speaks for.
    Programme,
    /// One of the funds that it manages.
    Fund,
    /// The caller itself, acting for its party.
    Person,
    /// A step of a review that the one under review takes.
    ApplicantsStep,
    /// The ledger says that it is the party's.
    OfParty(Belonging),
    /// The ledger says that it is of one of the funds that it manages.
    OfFund(Belonging),
    /// The ledger says that it is of one of the programmes.
    OfProgramme(Belonging),
}

const fn may(role: Role, own: &'static [(&'static str, Own)]) -> May {
    May { role, own }
}

const BY_OFFICE: &[May] = &[may(ProgrammeOffice, &[("/programme", Own::Programme)])];
const OFFICE_ITSELF: &[May] = &[may(ProgrammeOffice, &[("/id", Own::Programme)])];
const OFFICE_OF_CLAIM: &[May] =
    &[may(ProgrammeOffice, &[("/redemption", Own::OfProgramme(Belonging::ClaimProgramme))])];
const OFFICE_OF_CLAWBACK: &[May] =
    &[may(ProgrammeOffice, &[("/clawback", Own::OfProgramme(Belonging::ClawbackProgramme))])];
const REVIEWS: &[May] = &[
    may(Company, &[("/by", Own::Person), ("/step", Own::ApplicantsStep)]),
    may(Provider, &[("/by", Own::Person), ("/step", Own::ApplicantsStep)]),
    may(
        Reviewer,
        &[("/by", Own::Person), ("/subject/claim", Own::OfProgramme(Belonging::ClaimProgramme))],
    ),
    may(
        Reviewer,
        &[
            ("/by", Own::Person),
            ("/subject/application", Own::OfProgramme(Belonging::ApplicationProgramme)),
        ],
    ),
];
const BY_MANAGER: &[May] = &[may(FundManager, &[("/fund", Own::Fund)])];
const BY_OPERATOR_OF_POOL: &[May] =
    &[may(Provider, &[("/pool", Own::OfParty(Belonging::PoolOperator))])];
const BY_OPERATOR_OF_ALLOCATION: &[May] =
    &[may(Provider, &[("/allocation", Own::OfParty(Belonging::AllocationOperator))])];
const BY_OPERATOR_OF_RESERVATION: &[May] =
    &[may(Provider, &[("/reservation", Own::OfParty(Belonging::ReservationOperator))])];
const BY_SELLER: &[May] =
    &[may(Provider, &[("/contract", Own::OfParty(Belonging::ContractSeller))])];
const NOBODY: &[May] = &[];

macro_rules! endpoints {
    ($($context:ident: $($tag:literal $path:literal $summary:literal $may:expr;)*)*) => {
        pub const ENDPOINTS: &[Endpoint] = &[$($(Endpoint {
            context: Context::$context, tag: $tag, path: $path, summary: $summary, may: $may,
        },)*)*];
    };
}

endpoints! {
    Registry:
    "register_party" "/parties" "Register a party" NOBODY;
    "record_stake" "/stakes" "Record who holds how much of a party" NOBODY;
    "publish_card_spec" "/card-specs" "Publish what a card can do" NOBODY;
    "observe_price" "/reference-prices" "Record an observed price" NOBODY;
    "state_capability" "/card-capabilities" "Record what a source says a card can be used for" NOBODY;
    "state_control" "/card-controls" "Record how a card's export is controlled" NOBODY;

    Voucher:
    "define_programme" "/programmes" "Define a programme and open it at once" OFFICE_ITSELF;
    "draft_programme" "/programme-drafts" "Draft a programme, or a further version" OFFICE_ITSELF;
    "change_programme" "/programmes/{programme}/changes" "Publish, open, suspend, close or settle a programme" BY_OFFICE;
    "apply_for_admission" "/programmes/{programme}/admission-applications" "Apply for admission as a provider"
        &[may(Provider, &[("/provider", Own::Party)])];
    "admit_provider" "/programmes/{programme}/admissions" "Admit a provider" BY_OFFICE;
    "change_admission" "/programmes/{programme}/admission-changes" "Suspend, reinstate or remove a provider" BY_OFFICE;
    "approve_waiver" "/programmes/{programme}/waivers" "Let related parties through for one contract" BY_OFFICE;
    "apply" "/programmes/{programme}/applications" "Apply for vouchers"
        &[may(Company, &[("/applicant", Own::Party)])];
    "review" "/reviews" "Take one step in a review" REVIEWS;
    "issue_voucher" "/vouchers" "Issue a voucher" BY_OFFICE;
    "lock_voucher" "/vouchers/{voucher}/locks" "Lock an amount for a contract" &[
        may(Company, &[("/voucher", Own::OfParty(Belonging::VoucherHolder))]),
        may(Provider, &[("/contract", Own::OfParty(Belonging::ContractSeller))]),
    ];
    "release_lock" "/locks/{lock}/release" "Release what a lock still holds" NOBODY;
    "redeem_voucher" "/vouchers/{voucher}/redemptions" "Redeem part of an invoice"
        &[may(Provider, &[("/invoice", Own::OfParty(Belonging::InvoiceSeller))])];
    "end_voucher" "/vouchers/{voucher}/end" "End a voucher" &[
        may(ProgrammeOffice, &[("/voucher", Own::OfProgramme(Belonging::VoucherProgramme))]),
    ];
    "submit_claim" "/claims" "Submit a claim with its evidence" &[
        may(Provider, &[("/by", Own::Person)]),
        may(Company, &[("/by", Own::Person)]),
    ];
    "order_payment" "/redemptions/{redemption}/payment-orders" "Tell the treasury to pay" OFFICE_OF_CLAIM;
    "fail_payment" "/payment-orders/{id}/failure" "Record that an ordered payment failed" &[
        may(ProgrammeOffice, &[("/id", Own::OfProgramme(Belonging::PaymentProgramme))]),
    ];
    "settle_redemption" "/redemptions/{redemption}/settlements" "Record that a redemption was paid" OFFICE_OF_CLAIM;
    "open_clawback" "/redemptions/{redemption}/clawbacks" "Claim back what was paid" OFFICE_OF_CLAIM;
    "assess_clawback" "/clawbacks/{clawback}/assessment" "Say how much is to be recovered" OFFICE_OF_CLAWBACK;
    "record_recovery" "/clawbacks/{clawback}/recoveries" "Record money that was recovered" OFFICE_OF_CLAWBACK;
    "write_off_clawback" "/clawbacks/{clawback}/write-off" "Give up what is not recovered" OFFICE_OF_CLAWBACK;

    Fund:
    "form_fund" "/funds" "Form a fund" &[may(FundManager, &[("/id", Own::Fund)])];
    "commit" "/funds/{fund}/commitments" "Record a limited partner's commitment" BY_MANAGER;
    "contribute" "/funds/{fund}/contributions" "Record money that a limited partner paid in" BY_MANAGER;
    "invest" "/investments" "Record money that was put into a company"
        &[may(FundManager, &[("/investor", Own::Fund)])];
    "distribute" "/funds/{fund}/distributions" "Record money that was paid back to a limited partner" BY_MANAGER;
    "change_commitment" "/funds/{fund}/commitment-changes" "Record that a commitment grew or shrank" BY_MANAGER;
    "transfer_commitment" "/funds/{fund}/commitment-transfers" "Record that a commitment went over to another partner" BY_MANAGER;
    "set_terms" "/funds/{fund}/terms" "Set a version of a fund's terms" BY_MANAGER;
    "call_capital" "/funds/{fund}/calls" "Call capital from a fund's limited partners" BY_MANAGER;
    "declare_default" "/funds/{fund}/calls/{call}/defaults" "Record that a partner did not pay its share" BY_MANAGER;
    "cure_default" "/funds/{fund}/calls/{call}/cures" "Record that a partner in default has paid" BY_MANAGER;
    "return_excess" "/funds/{fund}/calls/{call}/returns" "Record that called money went back to a limited partner" BY_MANAGER;
    "recall_distribution" "/funds/{fund}/recalls" "Record what a limited partner paid back of a recallable distribution" BY_MANAGER;
    "exit_investment" "/investments/{investment}/exits" "Record that an investment, or a part of it, was sold or paid income"
        &[may(FundManager, &[("/investment", Own::OfFund(Belonging::Investor))])];
    "value_investment" "/investments/{investment}/valuations" "State what is held of an investment to be worth so much at a date"
        &[may(FundManager, &[("/investment", Own::OfFund(Belonging::Investor))])];
    "accrue_fee" "/funds/{fund}/fees" "Accrue the manager's fee of a period, as the terms say" BY_MANAGER;
    "pay_fee" "/funds/{fund}/fees/{fee}/payments" "Record that a fee was paid" BY_MANAGER;
    "reduce_fee" "/funds/{fund}/fees/{fee}/reductions" "Waive a fee, or offset it" BY_MANAGER;
    "pay_expense" "/funds/{fund}/expenses" "Record what a fund paid for anything else" BY_MANAGER;
    "pay_carry" "/funds/{fund}/carry" "Record that the manager's share of profit was paid" BY_MANAGER;
    "draw_line" "/funds/{fund}/line-draws" "Record what a fund drew on its subscription line" BY_MANAGER;
    "repay_line" "/funds/{fund}/line-payments" "Record what a fund paid its lender" BY_MANAGER;
    "dissolve_fund" "/funds/{fund}/dissolution" "Dissolve a fund" BY_MANAGER;
    "strike_nav" "/funds/{fund}/navs" "Strike or restate a fund's net asset value" BY_MANAGER;
    "recognise_reinvestment" "/funds/{fund}/recognitions" "Recognise investment in a guidance fund's place" BY_MANAGER;
    "record_transfer" "/transfers" "Record any other money that moved" NOBODY;

    Purchase:
    "sign_contract" "/contracts" "Record a signed contract" &[may(Provider, &[("/seller", Own::Party)])];
    "announce_contract" "/announcements" "Record that a contract was made known" &[
        may(Provider, &[("/seller", Own::Party)]),
        may(Company, &[("/buyer", Own::Party)]),
    ];
    "accept_delivery" "/contracts/{contract}/deliveries" "Accept what was delivered"
        &[may(Company, &[("/contract", Own::OfParty(Belonging::ContractBuyer))])];
    "issue_invoice" "/contracts/{contract}/invoices" "Issue an invoice" BY_SELLER;
    "record_payment" "/invoices/{invoice}/payments" "Record the buyer's payment"
        &[may(Provider, &[("/invoice", Own::OfParty(Belonging::InvoiceSeller))])];
    "place_order" "/contracts/{contract}/orders" "Order from a framework"
        &[may(Company, &[("/contract", Own::OfParty(Belonging::ContractBuyer))])];
    "record_advance" "/contracts/{contract}/advances" "Record money paid before there is an invoice" BY_SELLER;
    "apply_advance" "/contracts/{contract}/advance-uses" "Set an advance against an invoice or a penalty" BY_SELLER;
    "record_refund" "/contracts/{contract}/refunds" "Record money that the seller gave back" BY_SELLER;
    "grant_credit" "/invoices/{invoice}/credits" "Give up a part of an invoice"
        &[may(Provider, &[("/invoice", Own::OfParty(Belonging::InvoiceSeller))])];
    "dispute_invoice" "/invoices/{invoice}/disputes" "Dispute a part of an invoice"
        &[may(Company, &[("/invoice", Own::OfParty(Belonging::InvoiceBuyer))])];
    "resolve_dispute" "/disputes/{dispute}/resolution" "Resolve a dispute"
        &[may(Company, &[("/dispute", Own::OfParty(Belonging::DisputeBuyer))])];
    "terminate_contract" "/contracts/{contract}/termination" "Record that a contract ended early" BY_SELLER;

    Allocation:
    "register_pool" "/pools" "Register a pool of cards" &[may(Provider, &[("/operator", Own::Party)])];
    "change_pool" "/pools/{pool}/changes" "Record how many cards are installed and lit" BY_OPERATOR_OF_POOL;
    "allocate" "/pools/{pool}/allocations" "Give cards to a contract" BY_OPERATOR_OF_POOL;
    "end_allocation" "/allocations/{allocation}/end" "Take cards back early" BY_OPERATOR_OF_ALLOCATION;
    "meter_usage" "/allocations/{allocation}/usage" "Record metered card-hours" BY_OPERATOR_OF_ALLOCATION;
    "permit_oversell" "/pools/{pool}/oversells" "Permit more to be sold than is lit" &[may(
        Provider,
        &[("/pool", Own::OfParty(Belonging::PoolOperator)), ("/of", Own::Party)],
    )];
    "reserve" "/pools/{pool}/reservations" "Hold cards for somebody" BY_OPERATOR_OF_POOL;
    "confirm_reservation" "/reservations/{reservation}/confirmation" "Give reserved cards to a contract"
        BY_OPERATOR_OF_RESERVATION;
    "end_reservation" "/reservations/{reservation}/end" "Release a reservation, or let it expire"
        BY_OPERATOR_OF_RESERVATION;
    "record_stage" "/pools/{pool}/stages" "Record how far a pool's project is" BY_OPERATOR_OF_POOL;
    "place_card" "/pools/{pool}/cards" "Record that a card is in a pool" BY_OPERATOR_OF_POOL;
    "change_card" "/pools/{pool}/card-changes" "Record what became of a card" BY_OPERATOR_OF_POOL;
    "count_cards" "/pools/{pool}/card-counts" "Record how many cards are in a state" BY_OPERATOR_OF_POOL;
    "record_provenance" "/pools/{pool}/provenances" "Record where cards come from" BY_OPERATOR_OF_POOL;
    "read_electricity" "/pools/{pool}/electricity" "Record metered electricity" BY_OPERATOR_OF_POOL;
}

impl Endpoint {
    /// The fields that the path names.
    pub fn in_path(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    pub fn may_be_given_by(&self, role: Role) -> bool {
        role == Role::Operator || self.may.iter().any(|may| may.role == role)
    }
}

/// The endpoint of this path with its `/v1`.
pub fn at(path: &str) -> Option<&'static Endpoint> {
    let path = path.strip_prefix("/v1")?;
    ENDPOINTS.iter().find(|endpoint| endpoint.path == path)
}
