//! The broker itself enforces who writes which facts: each service's user is tried at what is another's.

use std::time::Duration;

use futures::StreamExt as _;
use loopledger_journal::{
    AppendError, CommitId, Config, Filter, Head, JetStreamJournal, Journal, Nats, NewCommit,
    Restoration,
};
use loopledger_model::{Context, Partition};
use loopledger_servers::{Durability, Lock, Options, Purpose, Servers, User};

use crate::program::Ledger;

const SERVICES: [(User, Context); 5] = [
    (User::Registry, Context::Registry),
    (User::Voucher, Context::Voucher),
    (User::Fund, Context::Fund),
    (User::Purchase, Context::Purchase),
    (User::Allocation, Context::Allocation),
];
const SHORT: Duration = Duration::from_millis(100);

fn of(context: Context) -> Partition {
    Partition { context, number: 0 }
}

fn commit() -> NewCommit {
    NewCommit {
        id: CommitId::new(),
        recorded_at: "2026-03-01T09:00:00Z".parse().expect("a time"),
        by: "test".to_owned(),
        traceparent: None,
        body: "[]".into(),
    }
}

struct Account {
    servers: Servers,
    owner: JetStreamJournal,
}

impl Account {
    async fn as_user(&self, user: User) -> (Nats, JetStreamJournal) {
        let url = self.servers.nats_url_of(user);
        let nats = Nats::connect(url, user.name()).await.expect("the user is known");
        let config = Config { ack_wait: SHORT, give_up_after: SHORT * 3, ..Config::default() };
        let journal = JetStreamJournal::open(nats.clone(), config).await.expect("it may read");
        (nats, journal)
    }

    /// Everybody reads; whoever may not write is told so, and nothing is stored.
    async fn may_write(&self, user: User, context: Context) -> bool {
        let (nats, journal) = self.as_user(user).await;
        let before = self.owner.last(&Filter::all()).await.expect("the journal answers");
        assert_eq!(journal.last(&Filter::all()).await, Ok(before), "{}", user.name());
        let written = journal.append(of(context), Head::none(), commit()).await;
        let after = self.owner.last(&Filter::all()).await.expect("the journal answers");
        let violations = nats.health().permission_violations;
        match written {
            Ok(_) => assert_eq!((after, violations), (before + 1, 0)),
            Err(AppendError::Unavailable { cause, .. }) => {
                assert!(violations > 0 && cause.contains("ermissions"), "{cause}");
                assert_eq!(after, before);
            }
            Err(error) => panic!("{} in {context}: {error}", user.name()),
        }
        after > before
    }
}

#[tokio::test]
async fn a_service_writes_its_own_facts_and_nobody_elses() {
    let ledger = Ledger::new();
    let lock = Lock::acquire(&ledger.data(), Purpose::Command).expect("nobody holds it");
    let options = Options { durability: Durability::Lazy, ..Options::default() };
    let servers = Servers::start(&lock, &options).await.expect("they start");
    let nats = Nats::connect(servers.nats_url(), "owner").await.expect("the owner is known");
    let owner = JetStreamJournal::open(nats, Config::default()).await.expect("a new log");
    let account = Account { servers, owner };

    for (user, own) in SERVICES {
        for (_, context) in SERVICES.iter().filter(|(_, context)| *context != own) {
            assert!(!account.may_write(user, *context).await, "{} in {context}", user.name());
        }
    }
    for user in [User::Projector, User::Gateway] {
        for (_, context) in SERVICES {
            assert!(!account.may_write(user, context).await, "{} in {context}", user.name());
        }
    }
    for (user, own) in SERVICES {
        assert!(account.may_write(user, own).await, "{}", user.name());
    }
    commands_go_from_the_gateway_to_their_service(&account).await;
    for user in User::ALL {
        let (nats, _) = account.as_user(user).await;
        let restored = tokio::time::timeout(SHORT * 5, async {
            Restoration::begin(&nats, Config::default()).await.is_ok()
        });
        assert_ne!(restored.await, Ok(true), "{} makes a stream", user.name());
        assert!(nats.health().permission_violations > 0, "{}", user.name());
    }
    drop(account.owner);
    account.servers.stop().await;
}

async fn commands_go_from_the_gateway_to_their_service(account: &Account) {
    let (fund, _) = account.as_user(User::Fund).await;
    let mut requests = fund.serve(of(Context::Fund), "1.0.0", "").await.expect("its own");
    let answering = tokio::spawn(async move {
        let request = requests.next().await.expect("a request");
        let body = request.body.clone();
        request.answer(Ok(body)).await;
        requests
    });
    let (gateway, _) = account.as_user(User::Gateway).await;
    let within = Duration::from_secs(10);
    let answer = gateway.request(of(Context::Fund), None, "hello".into(), within).await;
    assert_eq!(answer, Ok("hello".into()));
    let _serving = answering.await.expect("it has answered");
    assert_eq!(
        (gateway.health().permission_violations, fund.health().permission_violations),
        (0, 0)
    );

    let (voucher, _) = account.as_user(User::Voucher).await;
    let asked = voucher.request(of(Context::Fund), None, "hello".into(), SHORT).await;
    assert!(asked.is_err() && voucher.health().permission_violations > 0, "{asked:?}");
    let (purchase, _) = account.as_user(User::Purchase).await;
    let served = purchase.serve(of(Context::Fund), "1.0.0", "").await;
    assert!(served.is_err() || purchase.health().permission_violations > 0);
}
