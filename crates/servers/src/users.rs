//! The users of the ledger's account, one per service, and the subjects that each may use.
//!
//! Invariant: a context's commits and commands are published by, and answered to, its own service only; projector and
//! gateway publish no commit. Only the user `ledger`, who is not in this table, makes, changes or deletes a stream.

use std::fmt::Write as _;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum User {
    Registry,
    Voucher,
    Fund,
    Purchase,
    Allocation,
    Projector,
    Gateway,
}

/// Reading the log: its name and state, one commit, and commits in order through a consumer of one's own.
const READS: &str = r#""$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.MSG.GET.*",
      "$JS.API.CONSUMER.CREATE.>", "$JS.API.CONSUMER.INFO.>", "$JS.API.CONSUMER.DELETE.>",
      "$JS.API.CONSUMER.MSG.NEXT.>", "$JS.ACK.>", "$JS.FC.>""#;

impl User {
    pub const ALL: [User; 7] = [
        User::Registry,
        User::Voucher,
        User::Fund,
        User::Purchase,
        User::Allocation,
        User::Projector,
        User::Gateway,
    ];

    /// As the server knows it; a service is named like its context.
    pub const fn name(self) -> &'static str {
        match self {
            User::Registry => "registry",
            User::Voucher => "voucher",
            User::Fund => "fund",
            User::Purchase => "purchase",
            User::Allocation => "allocation",
            User::Projector => "projector",
            User::Gateway => "gateway",
        }
    }

    /// What else it publishes, and what it hears beside its answers.
    fn subjects(self) -> (String, String) {
        let name = self.name();
        match self {
            User::Projector => (String::new(), String::new()),
            User::Gateway => (r#", "cmd.>""#.to_owned(), String::new()),
            User::Registry | User::Voucher | User::Fund | User::Purchase | User::Allocation => (
                format!(r#", "ledger.{name}.>", "$SRV.PING.{name}.>""#),
                format!(r#", "cmd.{name}.>", "$SRV.>""#),
            ),
        }
    }
}

/// The users as a nats-server's configuration has them.
pub fn block(password: impl Fn(User) -> String) -> String {
    let mut text = String::new();
    for user in User::ALL {
        let (name, password, (publishes, hears)) = (user.name(), password(user), user.subjects());
        let answers = if hears.is_empty() { "" } else { ", allow_responses: true" };
        write!(
            text,
            r#"    {{ user: {name}, password: {password}, permissions: {{
      publish: {{ allow: [{READS}{publishes}] }},
      subscribe: {{ allow: ["_INBOX_{name}.>"{hears}] }}{answers}
    }} }}
"#
        )
        .expect("writing to a string cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deployments_configuration_has_these_users() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/nats.conf");
        let text = std::fs::read_to_string(file).expect("the configuration");
        let block = block(|user| format!("$NATS_{}_PASSWORD", user.name().to_uppercase()));
        assert!(text.contains(&block), "put this between the users of LEDGER:\n{block}");
    }
}
