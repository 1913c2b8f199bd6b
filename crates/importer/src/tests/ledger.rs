//! A ledger in memory that keeps the services' word: ids are remembered, and a request may stop at a refusal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use loopledger_model::{
    CommandId, Context, Currency, Partition, Partitions, PartyId, Position, StatedPartitions,
};
use loopledger_service::protocol::{Answer, Refused, Request};

use crate::{Ask, ContextCommand, Failure, Lookup, Thing};

#[derive(Default)]
pub struct Ledger {
    /// What earlier imports have left.
    pub parties: BTreeSet<PartyId>,
    pub currencies: BTreeMap<(Thing, String), Currency>,
    pub stated: StatedPartitions,
    pub state: Mutex<Services>,
}

#[derive(Default)]
pub struct Services {
    /// The rows, as in `payments:pm-1`, that are refused when they are decided.
    pub refused: BTreeSet<&'static str>,
    /// What befalls the next requests, the last one first.
    pub mishaps: Vec<Mishap>,
    pub requests: Vec<Asked>,
    /// Rows in the order in which they were accepted.
    pub recorded: BTreeMap<String, (Position, String)>,
    answered: BTreeMap<CommandId, (String, Answer)>,
    position: Position,
}

#[derive(Debug, Clone, Copy)]
pub enum Mishap {
    /// The request is lost.
    Lost,
    /// The request is answered, and the answer is lost.
    AnswerLost,
    Behind,
    /// Asking again is of no use.
    Forbidden,
}

/// A request as it arrived.
pub struct Asked {
    pub context: Context,
    pub partition: Partition,
    pub ids: Vec<CommandId>,
    pub after: Position,
}

impl Ledger {
    pub fn services(&self) -> MutexGuard<'_, Services> {
        self.state.lock().expect("no test panics while it holds the lock")
    }
}

impl Lookup for Ledger {
    async fn parties(&self, ids: &BTreeSet<PartyId>) -> Result<BTreeSet<PartyId>, Failure> {
        assert!(!ids.is_empty(), "nothing was asked");
        Ok(self.parties.intersection(ids).cloned().collect())
    }

    async fn currencies(
        &self,
        of: Thing,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Currency>, Failure> {
        let known = ids
            .iter()
            .filter_map(|id| Some((id.clone(), *self.currencies.get(&(of, id.clone()))?)));
        Ok(known.collect())
    }
}

impl Ask for Ledger {
    fn partitions(&self) -> Partitions {
        self.stated.over(Partitions::default())
    }

    async fn ask(
        &self,
        partition: Partition,
        request: &Request<&ContextCommand>,
    ) -> Result<Vec<Answer>, Failure> {
        let mut services = self.services();
        let ids = request.commands.iter().map(|asked| asked.id.clone()).collect();
        let after = request.commands[0].after;
        services.requests.push(Asked { context: partition.context, partition, ids, after });
        let partitions = self.partitions();
        let lies_there = |command: &ContextCommand| command.partition(&partitions) == partition;
        assert!(request.commands.iter().all(|asked| lies_there(asked.command)));
        let mishap = services.mishaps.pop();
        match mishap {
            Some(Mishap::Lost) => return Err(Failure::Passing("nobody answers".to_owned())),
            Some(Mishap::Forbidden) => return Err(Failure::Lasting("not allowed".to_owned())),
            Some(Mishap::Behind) => {
                return Ok(vec![Answer::NotCaughtUp { after, reached: 0 }; request.commands.len()]);
            }
            Some(Mishap::AnswerLost) | None => {}
        }
        let answers = services.answer(request);
        match mishap {
            Some(_) => Err(Failure::Passing("the answer is lost".to_owned())),
            None => Ok(answers),
        }
    }
}

impl Services {
    fn answer(&mut self, request: &Request<&ContextCommand>) -> Vec<Answer> {
        let mut answers = Vec::new();
        self.position += 1;
        for asked in &request.commands {
            let answer = self.decide(&asked.id, asked.command);
            let no = matches!(answer, Answer::Refused { .. } | Answer::IdReused { .. });
            answers.push(answer);
            if no && request.stop_at_refusal {
                break;
            }
        }
        answers.resize(request.commands.len(), Answer::Skipped);
        answers
    }

    fn decide(&mut self, id: &CommandId, command: &ContextCommand) -> Answer {
        let body = serde_json::to_string(command).expect("a command is JSON");
        match self.answered.get(id) {
            Some((known, answer)) if *known == body => return again(answer.clone()),
            Some(_) => return Answer::IdReused { message: format!("{id} is used") },
            None => {}
        }
        let row = id.as_str().split_once(':').expect("`import:` begins it").1;
        let position = self.position;
        let refused = |code: &str| {
            let (code, message, fields) =
                (code.to_owned(), "the rules say no".to_owned(), ().into());
            Answer::Refused {
                position,
                refusal: Refused { code, message, fields },
                repeated: false,
            }
        };
        let answer = match self.recorded.get(row) {
            Some((_, known)) if *known == body => {
                Answer::Accepted { position, events: 0, repeated: false }
            }
            Some(_) => refused("exists"),
            None if self.refused.contains(row) => refused("against_the_rules"),
            None => {
                self.recorded.insert(row.to_owned(), (position, body.clone()));
                Answer::Accepted { position, events: 1, repeated: false }
            }
        };
        self.answered.insert(id.clone(), (body, answer.clone()));
        answer
    }
}

fn again(mut answer: Answer) -> Answer {
    match &mut answer {
        Answer::Accepted { repeated, .. } | Answer::Refused { repeated, .. } => *repeated = true,
        Answer::IdReused { .. }
        | Answer::Skipped
        | Answer::NotCaughtUp { .. }
        | Answer::WrongPartition { .. }
        | Answer::TooLarge { .. }
        | Answer::DryRun { .. } => {}
    }
    answer
}
