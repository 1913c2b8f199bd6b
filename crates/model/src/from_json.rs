//! Commands and events as JSON has them.
//!
//! Whoever reads one reads it by way of this: what reads a type is compiled here once, and not again in every crate
//! that has JSON of it.

use crate::{allocation, fund, purchase, registry, voucher};

pub trait FromJson: Sized {
    fn from_json(json: &str) -> Result<Self, serde_json::Error>;
}

macro_rules! from_json {
    ($($type:ty),*) => {$(
        impl FromJson for $type {
            fn from_json(json: &str) -> Result<Self, serde_json::Error> {
                serde_json::from_str(json)
            }
        }
    )*};
}

from_json!(
    registry::Command,
    voucher::Command,
    fund::Command,
    purchase::Command,
    allocation::Command
);
from_json!(registry::Event, voucher::Event, fund::Event, purchase::Event, allocation::Event);
