//! Commits as rows: everything that one commit comes to whatever came before it.
//!
//! Invariant: this is pure and told of one commit at a time, so many can be read at once.

use loopledger_journal::{Commit, Link};
use loopledger_model::Unreadable;
use loopledger_views::Packing;
use loopledger_views::rows::{Flow, Rows};

use crate::{archive, project};

/// Commits in order, read together.
#[derive(Default)]
pub(crate) struct Decoded {
    /// What is left to be checked in order.
    pub(crate) links: Vec<Link>,
    pub(crate) rows: Packing,
    pub(crate) flows: Vec<Flow>,
    pub(crate) facts: u64,
}

impl Decoded {
    /// Takes in a commit, whose link is known; nothing of one that cannot be read.
    pub(crate) fn add(&mut self, commit: &Commit, link: Link) -> Result<(), Unreadable> {
        let facts = project::facts_of(commit)?;
        self.facts += facts.len() as u64;
        let mut rows = Rows::default();
        project::add(facts, &mut rows);
        self.rows.add(&rows);
        self.rows.add_commit(&archive::archived(commit, link.head.hash));
        self.flows.append(&mut rows.flows);
        self.links.push(link);
        Ok(())
    }
}
