//! Keeps out what another partition decides: such a command is told where its ids lie, and nothing
//! is recorded of it.
//!
//! Invariant: a decider sees only commands all of whose ids lie in its partition.

use loopledger_model::{Partition, Partitions, Routed};

use crate::protocol::{Answer, Request, Response};

/// What a request's commands are answered without being decided.
#[derive(Debug)]
pub(crate) struct Sifted {
    /// One for each command: `None` where the shell answers.
    answers: Vec<Option<Answer>>,
    stop_at_refusal: bool,
}

/// Takes the commands of other partitions out of a request; `None` where there are none.
pub(crate) fn sift<C: Routed>(
    request: &mut Request<C>,
    here: Partition,
    partitions: &Partitions,
) -> Option<Sifted> {
    let misplaced = |command: &C| misplaced(here, partitions, command);
    let first = request.commands.iter().position(|asked| misplaced(&asked.command).is_some())?;
    let Request { commands, stop_at_refusal, .. } = request;
    let mut answers: Vec<Option<Answer>> = Vec::with_capacity(commands.len());
    for (index, asked) in commands.iter().enumerate() {
        let behind = *stop_at_refusal && index > first;
        answers.push(if behind { Some(Answer::Skipped) } else { misplaced(&asked.command) });
    }
    let mut answered = answers.iter();
    commands.retain(|_| answered.next().is_some_and(Option::is_none));
    Some(Sifted { answers, stop_at_refusal: *stop_at_refusal })
}

fn misplaced(here: Partition, partitions: &Partitions, command: &impl Routed) -> Option<Answer> {
    match partitions.place(here.context, command) {
        Ok(there) if there == here => None,
        Ok(there) => {
            let message = format!("all that this compares lies in {there}, not in {here}");
            Some(Answer::WrongPartition { expected: Some(there.number), message })
        }
        Err(apart) => Some(Answer::WrongPartition { expected: None, message: apart.to_string() }),
    }
}

impl Sifted {
    /// All answers, in the order of the commands.
    pub fn join(self, decided: Response) -> Response {
        let mut decided = decided.answers.into_iter();
        let mut refused = false;
        let mut join = |answered: Option<Answer>| match answered {
            None => {
                let answer = decided.next().expect("each command has an answer");
                refused |= matches!(answer, Answer::Refused { .. } | Answer::IdReused { .. });
                answer
            }
            Some(_) if refused && self.stop_at_refusal => Answer::Skipped,
            Some(answer) => answer,
        };
        Response { answers: self.answers.into_iter().map(&mut join).collect() }
    }
}

#[cfg(test)]
mod tests {
    use loopledger_model::{Context, StatedPartitions};

    use super::*;
    use crate::protocol::{Asked, Refused};

    struct About(Vec<String>);

    impl Routed for About {
        fn keys(&self) -> Vec<&str> {
            self.0.iter().map(String::as_str).collect()
        }
    }

    fn split() -> Partitions {
        let stated: StatedPartitions = "fund=2".parse().expect("counts");
        stated.over(Partitions::default())
    }

    const HERE: Partition = Partition { context: Context::Fund, number: 1 };

    /// An id that lies in a partition.
    fn id(number: u32) -> String {
        let lies =
            |id: &String| split().route(Context::Fund, &About(vec![id.clone()])).number == number;
        (0..).map(|n| format!("k{n}:x")).find(lies).expect("some key lies there")
    }

    fn request(commands: &[&[u32]], stop_at_refusal: bool) -> Request<About> {
        let asked = |(n, ids): (usize, &&[u32])| Asked {
            id: format!("c-{n}").parse().expect("an id"),
            by: "x".parse().expect("text"),
            after: 0,
            command: About(ids.iter().map(|number| id(*number)).collect()),
        };
        let commands = commands.iter().enumerate().map(asked).collect();
        Request { commands, stop_at_refusal, dry_run: false }
    }

    fn ids(request: &Request<About>) -> Vec<&str> {
        request.commands.iter().map(|asked| asked.id.as_str()).collect()
    }

    const YES: Answer = Answer::Accepted { position: 7, events: 1, repeated: false };

    fn no() -> Answer {
        let (code, message, fields) = ("no".to_owned(), "no".to_owned(), ().into());
        let refusal = Refused { code, message, fields };
        Answer::Refused { position: 7, refusal, repeated: false }
    }

    fn shapes(response: &Response) -> String {
        let shape = |answer: &Answer| match answer {
            Answer::Accepted { .. } => 'y',
            Answer::Refused { .. } => 'n',
            Answer::Skipped => 's',
            Answer::WrongPartition { expected: Some(_), .. } => 'w',
            Answer::WrongPartition { expected: None, .. } => 'a',
            Answer::IdReused { .. }
            | Answer::NotCaughtUp { .. }
            | Answer::TooLarge { .. }
            | Answer::DryRun { .. } => '?',
        };
        response.answers.iter().map(shape).collect()
    }

    #[test]
    fn a_request_of_this_partition_is_left_as_it_is() {
        let mut request = request(&[&[1], &[1, 1]], false);
        assert!(sift(&mut request, HERE, &split()).is_none());
        assert_eq!(ids(&request), ["c-0", "c-1"]);
    }

    #[test]
    fn where_a_context_has_one_partition_everything_lies_in_it() {
        let mut request = request(&[&[0], &[1, 0]], false);
        let here = Partition::first(Context::Fund);
        assert!(sift(&mut request, here, &Partitions::default()).is_none());
    }

    #[test]
    fn commands_of_others_are_answered_in_their_places_and_not_decided() {
        let mut request = request(&[&[1], &[0], &[1, 0], &[1]], false);
        let sifted = sift(&mut request, HERE, &split()).expect("two lie elsewhere");
        assert_eq!(ids(&request), ["c-0", "c-3"]);
        assert_eq!(shapes(&sifted.join(Response { answers: vec![no(), YES] })), "nway");
    }

    #[test]
    fn an_answer_names_the_partition_to_ask_or_the_ids_that_lie_apart() {
        let mut request = request(&[&[0], &[1, 0]], false);
        let sifted = sift(&mut request, HERE, &split()).expect("both lie elsewhere");
        let answers = sifted.join(Response { answers: Vec::new() }).answers;
        let Answer::WrongPartition { expected: Some(0), message } = &answers[0] else {
            panic!("{answers:?}")
        };
        assert_eq!(message, "all that this compares lies in fund.0, not in fund.1");
        let Answer::WrongPartition { expected: None, message } = &answers[1] else {
            panic!("{answers:?}")
        };
        assert!(message.contains(&id(0)) && message.contains(&id(1)), "{message}");
    }

    #[test]
    fn a_request_that_stops_at_a_refusal_stops_at_a_command_of_another_partition_too() {
        let mut request = request(&[&[1], &[0], &[1], &[0]], true);
        let sifted = sift(&mut request, HERE, &split()).expect("two lie elsewhere");
        assert_eq!(ids(&request), ["c-0"]);
        assert_eq!(shapes(&sifted.join(Response { answers: vec![YES] })), "ywss");
    }

    #[test]
    fn behind_a_refusal_where_the_request_stops_nothing_else_is_told() {
        let mut request = request(&[&[1], &[0], &[1]], true);
        let sifted = sift(&mut request, HERE, &split()).expect("one lies elsewhere");
        assert_eq!(shapes(&sifted.join(Response { answers: vec![no()] })), "nss");
    }
}
