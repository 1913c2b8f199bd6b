//! A command of any context, and what decides where it goes.
//!
//! Invariant: in JSON it looks as its context reads it.

use serde::Serialize;

use crate::context::{Context, Partition};
use crate::from_json::FromJson;
use crate::routing::{Apart, Partitions, Routed};
use crate::{allocation, fund, purchase, registry, voucher};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "the largest are among the most frequent")]
pub enum ContextCommand {
    Registry(registry::Command),
    Voucher(voucher::Command),
    Fund(fund::Command),
    Purchase(purchase::Command),
    Allocation(allocation::Command),
}

impl ContextCommand {
    /// The context's command that this JSON is.
    pub fn read(context: Context, json: &str) -> Result<Self, serde_json::Error> {
        Ok(match context {
            Context::Registry => Self::Registry(FromJson::from_json(json)?),
            Context::Voucher => Self::Voucher(FromJson::from_json(json)?),
            Context::Fund => Self::Fund(FromJson::from_json(json)?),
            Context::Purchase => Self::Purchase(FromJson::from_json(json)?),
            Context::Allocation => Self::Allocation(FromJson::from_json(json)?),
        })
    }

    pub const fn context(&self) -> Context {
        match self {
            Self::Registry(_) => Context::Registry,
            Self::Voucher(_) => Context::Voucher,
            Self::Fund(_) => Context::Fund,
            Self::Purchase(_) => Context::Purchase,
            Self::Allocation(_) => Context::Allocation,
        }
    }

    /// The partition that is asked.
    pub fn partition(&self, partitions: &Partitions) -> Partition {
        partitions.route(self.context(), self)
    }

    /// The partition that can decide it.
    pub fn place(&self, partitions: &Partitions) -> Result<Partition, Apart> {
        partitions.place(self.context(), self)
    }
}

impl Routed for ContextCommand {
    fn keys(&self) -> Vec<&str> {
        match self {
            Self::Registry(command) => command.keys(),
            Self::Voucher(command) => command.keys(),
            Self::Fund(command) => command.keys(),
            Self::Purchase(command) => command.keys(),
            Self::Allocation(command) => command.keys(),
        }
    }
}

macro_rules! commands_of {
    ($($context:ident: $commands:ty),*) => {$(
        impl From<$commands> for ContextCommand {
            fn from(command: $commands) -> Self {
                Self::$context(command)
            }
        }
    )*};
}

commands_of!(Registry: registry::Command, Voucher: voucher::Command, Fund: fund::Command,
    Purchase: purchase::Command, Allocation: allocation::Command);
